//! What holds up everybody else on a big table, and how to do it without: for engines that are servers.

mod rule;
mod statement;

use super::migration::{Migration, Script, Way};
use crate::driver::Connection;
use crate::error::{ErrorKind, Location, Result};
use crate::params;
use crate::sql::text::{Dialect, split};
use serde::{Deserialize, Serialize};
use statement::Words;
use std::ops::ControlFlow;

/// A statement of a migration that is fine on a small table, and on a big one keeps others waiting or breaks programs that
/// are running. It is told, and refused by nobody.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Warning {
    /// Its name: `index-without-concurrently`.
    pub rule: String,
    /// The table, as the statement names it; an index where it is about one.
    pub table: String,
    /// What it holds up, and how.
    pub message: String,
    /// How to do it without.
    pub remedy: String,
    /// The line of the file, counted from 1.
    pub line: usize,
}

/// A table is big from so many rows on.
const MANY: i64 = 10_000;

// A table that nobody has analyzed yet has no number of rows; a megabyte is about that many.
const IS_BIG: &str = "SELECT reltuples >= :many OR (reltuples <= 0 AND pg_relation_size(oid) >= 1048576) \
                      FROM pg_class WHERE oid = to_regclass(:name)";

/// All that the text of a migration warns of, whatever the size of its tables.
fn of(migration: &Migration, way: Way, dialect: Dialect) -> Vec<Warning> {
    let (Some(Script::Sql(sql)), Dialect::Postgres) = (migration.script(way), dialect) else {
        return Vec::new();
    };
    let mut warnings = Vec::new();
    for statement in split(sql.text(), dialect).unwrap_or_default() {
        let line = Location::new(sql.file(), sql.text(), statement.offset, 0).line();
        for found in rule::all(&Words::of(statement.text)) {
            warnings.push(Warning {
                rule: found.rule.into(),
                message: found.message.replace("{table}", &found.table),
                remedy: found.remedy.into(),
                table: found.table,
                line,
            });
        }
    }
    warnings
}

/// What the text of a migration warns of, of the tables that are there now and have many rows.
pub(super) fn warnings(
    connection: &mut dyn Connection,
    migration: &Migration,
    way: Way,
) -> Result<Vec<Warning>> {
    let mut kept = Vec::new();
    for warning in of(migration, way, connection.dialect()) {
        let mut big = false;
        let asked = connection.query(IS_BIG, params! { many: MANY, name: warning.table }, &mut |row| {
            big = row.get(0)?;
            Ok(ControlFlow::Break(()))
        });
        match asked {
            // What is no name is no table.
            Err(error) if error.kind() == ErrorKind::Statement => {}
            asked => asked?,
        }
        if big {
            kept.push(warning);
        }
    }
    Ok(kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(sql: &'static str) -> Vec<(String, String)> {
        let found = of(&Migration::sql("1_m", sql), Way::Up, Dialect::Postgres);
        found.into_iter().map(|warning| (warning.rule, warning.table)).collect()
    }

    #[test]
    fn what_holds_up_others_is_told_with_its_table() {
        for (sql, rule, table) in [
            ("CREATE INDEX i ON s.t (a)", "index-without-concurrently", "s.t"),
            ("CREATE UNIQUE INDEX IF NOT EXISTS i ON ONLY \"T\" (a)", "index-without-concurrently", "\"T\""),
            ("DROP INDEX IF EXISTS i", "drop-index-without-concurrently", "i"),
            ("REINDEX TABLE t", "reindex-without-concurrently", "t"),
            ("ALTER TABLE t ADD COLUMN id uuid DEFAULT gen_random_uuid()", "volatile-default", "t"),
            ("ALTER TABLE IF EXISTS ONLY t ADD n bigserial", "volatile-default", "t"),
            ("ALTER TABLE t ADD n int GENERATED ALWAYS AS (a + 1) STORED", "volatile-default", "t"),
            ("ALTER TABLE t ALTER COLUMN a TYPE bigint", "column-type", "t"),
            ("ALTER TABLE t ALTER a SET DATA TYPE bigint USING a::bigint", "column-type", "t"),
            ("ALTER TABLE t ALTER COLUMN a SET NOT NULL", "set-not-null", "t"),
            (
                "ALTER TABLE t ADD CONSTRAINT f FOREIGN KEY (a) REFERENCES u (a)",
                "foreign-key-without-not-valid",
                "t",
            ),
            ("ALTER TABLE t ADD CHECK (a > 0)", "check-without-not-valid", "t"),
            ("ALTER TABLE t ADD CONSTRAINT p PRIMARY KEY (a)", "unique-without-index", "t"),
            ("ALTER TABLE t ADD COLUMN a int UNIQUE", "unique-without-index", "t"),
            ("ALTER TABLE t RENAME COLUMN a TO b", "rename", "t"),
            ("ALTER TABLE t RENAME TO u", "rename", "t"),
            ("ALTER TABLE t DROP COLUMN a", "drop-column", "t"),
            ("ALTER TABLE t SET TABLESPACE x", "rewrite", "t"),
            ("VACUUM (FULL, ANALYZE) t", "rewrite", "t"),
            ("VACUUM FULL t", "rewrite", "t"),
            ("CLUSTER t USING i", "rewrite", "t"),
            ("LOCK TABLE t IN EXCLUSIVE MODE", "lock-table", "t"),
            ("ALTER TABLE t ATTACH PARTITION p FOR VALUES IN (1)", "attach-partition", "t"),
            ("REFRESH MATERIALIZED VIEW v", "refresh-without-concurrently", "v"),
            ("UPDATE t SET a = 1", "all-rows", "t"),
        ] {
            assert_eq!(rules(sql), [(rule.to_owned(), table.to_owned())], "{sql}");
        }
    }

    #[test]
    fn what_is_quick_is_not() {
        for sql in [
            "CREATE INDEX CONCURRENTLY i ON t (a)",
            "DROP INDEX CONCURRENTLY i",
            "CREATE TABLE t (id bigserial PRIMARY KEY, a int NOT NULL UNIQUE)",
            "ALTER TABLE t ADD COLUMN a int NOT NULL DEFAULT 0",
            "ALTER TABLE t ADD COLUMN at timestamptz DEFAULT now()",
            "ALTER TABLE t ADD COLUMN at timestamptz DEFAULT CURRENT_TIMESTAMP",
            "ALTER TABLE t ADD COLUMN a varchar(10) DEFAULT ('x' || 'y')",
            "ALTER TABLE t ADD COLUMN a numeric(10, 2)",
            "ALTER TABLE t ALTER COLUMN a DROP NOT NULL",
            "ALTER TABLE t ALTER COLUMN a SET DEFAULT random()",
            "ALTER TABLE t ADD CONSTRAINT f FOREIGN KEY (a) REFERENCES u (a) NOT VALID",
            "ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0) NOT VALID",
            "ALTER TABLE t VALIDATE CONSTRAINT c",
            "ALTER TABLE t ADD CONSTRAINT p PRIMARY KEY USING INDEX i",
            "ALTER TABLE t DROP CONSTRAINT c",
            "VACUUM t",
            "UPDATE t SET a = 1 WHERE id < 1000",
            "INSERT INTO t SELECT 1",
        ] {
            assert_eq!(rules(sql), [], "{sql}");
        }
    }

    #[test]
    fn each_action_of_one_statement_is_told_and_the_line_it_begins_in() {
        let sql = "SELECT 1;\n\nALTER TABLE t ADD COLUMN a int, ALTER b SET NOT NULL, DROP c";
        let found = of(&Migration::sql("1_m", sql), Way::Up, Dialect::Postgres);
        let all: Vec<(&str, usize)> = found.iter().map(|one| (one.rule.as_str(), one.line)).collect();
        assert_eq!(all, [("set-not-null", 3), ("drop-column", 3)]);
        assert!(of(&Migration::sql("1_m", sql), Way::Up, Dialect::Sqlite).is_empty());
    }
}
