//! What is in a database of PostgreSQL: what lies in the schema that names without one mean, and belongs to no extension.

use super::live::{Live, LiveColumn, LiveForeignKey, LiveTable, all};
use crate::driver::Connection;
use crate::error::{Error, ErrorKind, Result};
use crate::migrate::is_bookkeeping;
use crate::sql::text::Dialect;

const RELATIONS: &str =
    "SELECT CAST(c.relname AS text), CAST(c.relkind AS text) FROM pg_catalog.pg_class AS c
    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace AND n.nspname = current_schema()
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT c.relispartition AND NOT EXISTS (
        SELECT 1 FROM pg_catalog.pg_depend AS d WHERE d.objid = c.oid AND d.deptype = 'e')
    ORDER BY 1";

// A domain is what lies under it.
const COLUMNS: &str = "SELECT CAST(c.relname AS text), CAST(a.attname AS text), (
            WITH RECURSIVE under AS (SELECT a.atttypid AS oid, a.atttypmod AS length UNION ALL
                SELECT t.typbasetype, t.typtypmod FROM under JOIN pg_catalog.pg_type AS t USING (oid) WHERE t.typtype = 'd')
            SELECT format_type(under.oid, under.length) FROM under JOIN pg_catalog.pg_type AS t USING (oid)
            WHERE t.typtype <> 'd'),
        a.attnotnull, CASE WHEN a.attgenerated = '' THEN pg_get_expr(d.adbin, d.adrelid) END,
        a.attgenerated <> '', a.attidentity <> '' OR coalesce(pg_get_expr(d.adbin, d.adrelid) LIKE 'nextval(%', false)
    FROM pg_catalog.pg_attribute AS a JOIN pg_catalog.pg_class AS c ON c.oid = a.attrelid
    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace AND n.nspname = current_schema()
    LEFT JOIN pg_catalog.pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    WHERE c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped ORDER BY c.relname, a.attnum";

// A key of several columns has a row each.
const CONSTRAINTS: &str = "SELECT CAST(c.relname AS text), CAST(con.oid AS bigint), CAST(con.contype AS text),
        CAST(a.attname AS text), CAST(t.relname AS text), CAST(b.attname AS text), CAST(con.confupdtype AS text),
        CAST(con.confdeltype AS text), pg_get_constraintdef(con.oid)
    FROM pg_catalog.pg_constraint AS con JOIN pg_catalog.pg_class AS c ON c.oid = con.conrelid
    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace AND n.nspname = current_schema()
    CROSS JOIN LATERAL unnest(coalesce(con.conkey, '{0}')) WITH ORDINALITY AS k (number, at)
    LEFT JOIN pg_catalog.pg_attribute AS a ON a.attrelid = con.conrelid AND a.attnum = k.number
    LEFT JOIN pg_catalog.pg_class AS t ON t.oid = con.confrelid
    LEFT JOIN pg_catalog.pg_attribute AS b ON b.attrelid = con.confrelid AND b.attnum = con.confkey[k.at]
    WHERE con.contype IN ('p', 'u', 'f', 'c') AND con.conparentid = 0 ORDER BY c.relname, con.oid, k.at";

/// Indexes that stand behind no constraint.
pub(super) const INDEXES: &str =
    "SELECT CAST(t.relname AS text), CAST(c.relname AS text), pg_get_indexdef(i.indexrelid)
    FROM pg_catalog.pg_index AS i JOIN pg_catalog.pg_class AS c ON c.oid = i.indexrelid
    JOIN pg_catalog.pg_class AS t ON t.oid = i.indrelid
    JOIN pg_catalog.pg_namespace AS n ON n.oid = t.relnamespace AND n.nspname = current_schema()
    WHERE t.relkind = 'r' AND NOT t.relispartition AND NOT i.indisclustered AND NOT i.indisreplident
        AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_constraint AS con WHERE con.conindid = i.indexrelid
            AND con.contype <> 'f')
    ORDER BY 1, 2";

/// What lies beside the tables of this schema: those of others, what no table owns, policies, tables that inherit.
const BESIDE: &str = "SELECT 'schema ' || n.nspname, 'its ' || count(*) || ' tables are not copied: name it in the search_path'
    FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p') AND n.nspname <> current_schema() AND n.nspname <> 'information_schema'
        AND n.nspname !~ '^pg_' AND NOT EXISTS (
            SELECT 1 FROM pg_catalog.pg_depend AS d WHERE d.objid = c.oid AND d.deptype = 'e')
    GROUP BY n.nspname
    UNION ALL SELECT 'sequence ' || c.relname, 'belongs to no column, and is not translated'
    FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    WHERE c.relkind = 'S' AND n.nspname = current_schema() AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_depend AS d
        WHERE d.objid = c.oid AND d.classid = 'pg_class'::regclass AND d.deptype IN ('a', 'i', 'e'))
    UNION ALL SELECT 'policy ' || policyname || ' of ' || tablename, 'is not translated'
    FROM pg_catalog.pg_policies WHERE schemaname = current_schema()
    UNION ALL SELECT 'function ' || p.proname, 'is not translated'
    FROM pg_catalog.pg_proc AS p JOIN pg_catalog.pg_namespace AS n ON n.oid = p.pronamespace
    WHERE n.nspname = current_schema() AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_depend AS d
        WHERE d.objid = p.oid AND d.classid = 'pg_proc'::regclass AND d.deptype = 'e')
    UNION ALL SELECT 'inheritance of ' || c.relname, 'is a table of its own there'
    FROM pg_catalog.pg_inherits AS i JOIN pg_catalog.pg_class AS c ON c.oid = i.inhrelid AND NOT c.relispartition
    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace AND n.nspname = current_schema()
    WHERE c.relkind = 'r' ORDER BY 1";

/// Tables of which this role may see some rows only.
const HIDDEN: &str = "SELECT CAST(c.relname AS text) FROM pg_catalog.pg_class AS c
    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace AND n.nspname = current_schema()
    WHERE c.relkind IN ('r', 'p') AND c.relrowsecurity AND row_security_active(c.oid) ORDER BY 1";

const TRIGGERS: &str =
    "SELECT CAST(c.relname AS text), CAST(t.tgname AS text) FROM pg_catalog.pg_trigger AS t
    JOIN pg_catalog.pg_class AS c ON c.oid = t.tgrelid
    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace AND n.nspname = current_schema()
    WHERE NOT t.tgisinternal ORDER BY 1, 2";

type ColumnRow = (String, String, String, bool, Option<String>, bool, bool);
type ConstraintRow =
    (String, i64, String, Option<String>, Option<String>, Option<String>, String, String, String);

pub(super) fn read(connection: &mut dyn Connection) -> Result<Live> {
    let mut live = Live::new(Dialect::Postgres);
    for (name, kind) in all::<(String, String)>(connection, RELATIONS)? {
        if is_bookkeeping(&name) {
            continue;
        }
        let word = match kind.as_str() {
            "v" => "view",
            "m" => "materialized view",
            "f" => "foreign table",
            _ => {
                let row_name = (kind == "r").then_some("ctid");
                let table = LiveTable { name: name.clone(), row_name, ..LiveTable::default() };
                if let Some(other) = live.tables.insert(name.to_ascii_lowercase(), table) {
                    return Err(alike("tables", &other.name, &name));
                }
                continue;
            }
        };
        live.others.push((format!("{word} {name}"), "is not translated".to_owned()));
    }
    for (table, name, declared, not_null, default, generated, counts) in
        all::<ColumnRow>(connection, COLUMNS)?
    {
        let Some(table) = live.tables.get_mut(&table.to_ascii_lowercase()) else { continue };
        let default = default.filter(|_| !counts);
        if let Some(other) = table.column(&name) {
            let whose = format!("columns of {}", table.name);
            return Err(alike(&whose, &other.name, &name));
        }
        table.columns.push(LiveColumn { name, declared, not_null, default, generated, counts });
    }
    let bare: Vec<String> = live
        .tables
        .iter()
        .filter(|(_, table)| table.columns.is_empty())
        .map(|(key, _)| key.clone())
        .collect();
    for key in bare {
        live.tables.remove(&key);
        live.others.push((format!("table {key}"), "has no columns".to_owned()));
    }
    live.beside = all(connection, BESIDE)?;
    constraints(connection, &mut live)?;
    for (table, name, sql) in all::<(String, String, String)>(connection, INDEXES)? {
        if let Some(table) = live.tables.get_mut(&table.to_ascii_lowercase()) {
            table.indexes.push((name, sql));
        }
    }
    for (table, name) in all::<(String, String)>(connection, TRIGGERS)? {
        if live.table(&table).is_some() {
            live.others.push((format!("trigger {name} of {table}"), "is not translated".to_owned()));
        }
    }
    Ok(live)
}

/// Names are told apart here without regard to case, as SQLite does.
fn alike(what: &str, one: &str, other: &str) -> Error {
    Error::new(
        ErrorKind::Unsupported,
        format!("the {what} {one} and {other} differ only in the case of letters"),
    )
    .with_help("rename one of them before it is copied: SQLite knows no difference")
}

/// Refuses a source that hides rows from this role: a copy without them would pass for the whole.
pub(super) fn check_visible(connection: &mut dyn Connection, shown: &str) -> Result<()> {
    let hidden = all::<String>(connection, HIDDEN)?;
    if hidden.is_empty() {
        return Ok(());
    }
    let message =
        format!("row level security of {shown} may hide rows of {} from this role", hidden.join(", "));
    Err(Error::new(ErrorKind::Unsupported, message)
        .with_help("copy as a role that sees every row: the owner of the tables, or one with BYPASSRLS"))
}

fn constraints(connection: &mut dyn Connection, live: &mut Live) -> Result<()> {
    let mut last = 0;
    for (table, oid, kind, column, to_table, to_column, update, delete, sql) in
        all::<ConstraintRow>(connection, CONSTRAINTS)?
    {
        let Some(table) = live.tables.get_mut(&table.to_ascii_lowercase()) else { continue };
        let first = std::mem::replace(&mut last, oid) != oid;
        let column = column.unwrap_or_default();
        match kind.as_str() {
            "p" => table.primary_key.push(column),
            "u" => {
                if first {
                    table.uniques.push(Vec::new());
                }
                table.uniques.last_mut().into_iter().for_each(|unique| unique.push(column.clone()));
            }
            "c" if first => table.checks.push(sql),
            "f" => {
                if first {
                    table.foreign_keys.push(LiveForeignKey {
                        to_table: to_table.unwrap_or_default(),
                        on_update: action(&update),
                        on_delete: action(&delete),
                        ..LiveForeignKey::default()
                    });
                }
                if let Some(key) = table.foreign_keys.last_mut() {
                    key.columns.push(column);
                    key.to_columns.extend(to_column);
                }
            }
            _ => {}
        }
    }
    Ok(())
}

fn action(letter: &str) -> String {
    match letter {
        "r" => "RESTRICT",
        "c" => "CASCADE",
        "n" => "SET NULL",
        "d" => "SET DEFAULT",
        _ => "NO ACTION",
    }
    .to_owned()
}
