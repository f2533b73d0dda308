//! What comes after the rows: numbers that count on where the source's do, and the references looked at once more.

use super::live::{Live, all};
use super::pair::Pair;
use super::report::LeftOut;
use crate::driver::load::quoted;
use crate::driver::{Access, Connection};
use crate::error::{Error, ErrorKind, Result};
use crate::params;
use crate::sql::text::{Dialect, tokens};
use std::collections::BTreeMap;
use std::ops::ControlFlow;

const LAST: &str = "SELECT last_value FROM pg_catalog.pg_sequences
    WHERE format('%I.%I', schemaname, sequencename) = pg_get_serial_sequence(:name, :column)";

/// Up to where the tables of the source have counted, which is further than their rows where the last were deleted.
pub(super) fn counters(source: &mut dyn Connection, from: &Live) -> Result<BTreeMap<String, i64>> {
    let mut found = BTreeMap::new();
    if from.dialect == Dialect::Sqlite {
        const THERE: &str = "SELECT name FROM sqlite_schema WHERE name = 'sqlite_sequence'";
        if !all::<String>(source, THERE)?.is_empty() {
            let rows: Vec<(String, i64)> =
                all(source, "SELECT name, seq FROM sqlite_sequence WHERE seq IS NOT NULL")?;
            found.extend(rows.into_iter().map(|(name, last)| (name.to_ascii_lowercase(), last)));
        }
        return Ok(found);
    }
    for (key, table) in &from.tables {
        for column in table.columns.iter().filter(|column| column.counts) {
            let (name, column) = (quoted(&table.name), &column.name);
            source.query(LAST, params! { name, column }, &mut |row| {
                if let Some(last) = row.get::<Option<i64>>(0)? {
                    found.insert(key.clone(), last);
                }
                Ok(ControlFlow::Break(()))
            })?;
        }
    }
    Ok(found)
}

/// Has the target count on from there.
pub(super) fn count_on(
    target: &mut dyn Connection,
    to: &Live,
    pair: &Pair,
    counters: &BTreeMap<String, i64>,
) -> Result<()> {
    let last = counters.get(&pair.from.name.to_ascii_lowercase()).copied();
    if to.dialect == Dialect::Postgres {
        for column in pair.to.columns.iter().filter(|column| column.counts) {
            let greatest =
                format!("greatest(coalesce(max({}), 0), {})", quoted(&column.name), last.unwrap_or(0));
            let sql = format!(
                "SELECT setval(pg_get_serial_sequence(:name, :column), {greatest}) FROM {} HAVING {greatest} > 0",
                quoted(&pair.to.name)
            );
            let (name, column) = (quoted(&pair.to.name), &column.name);
            target.query(&sql, params! { name, column }, &mut |_| Ok(ControlFlow::Continue(())))?;
        }
        return Ok(());
    }
    let sql = to.catalogue.table(&pair.to.name).map(|table| table.sql.as_str()).unwrap_or_default();
    if let Some(last) = last
        && tokens(sql, Dialect::Sqlite).any(|token| token.is("AUTOINCREMENT"))
    {
        let name = &pair.to.name;
        let there = target.execute(
            "UPDATE sqlite_sequence SET seq = max(seq, :last) WHERE name = :name",
            params! { name, last },
        )?;
        if there == 0 {
            target.execute(
                "INSERT INTO sqlite_sequence (name, seq) VALUES (:name, :last)",
                params! { name, last },
            )?;
        }
    }
    Ok(())
}

/// Virtual tables of SQLite have no rows of their own to copy. An index of words over another table is made anew from that;
/// any other is emptied of what a migration may have put there, and told of.
pub(super) fn virtual_tables(
    target: &mut dyn Connection,
    to: &Live,
    left_out: &mut Vec<LeftOut>,
) -> Result<()> {
    for table in to.catalogue.tables.values().filter(|table| table.virtual_) {
        let name = quoted(&table.name);
        let of_other = tokens(&table.sql, Dialect::Sqlite).skip_while(|token| !token.is("content")).nth(2);
        let rebuild = format!("INSERT INTO {name} ({name}) VALUES ('rebuild')");
        if of_other.is_some_and(|token| !token.name().is_empty()) && attempt(target, &rebuild)? {
            continue;
        }
        attempt(target, &format!("DELETE FROM {name}"))?;
        left_out.push(LeftOut {
            object: format!("virtual table {}", table.name),
            reason: "is there and empty: what it holds has to be put in again".to_owned(),
        });
    }
    Ok(())
}

fn attempt(target: &mut dyn Connection, sql: &str) -> Result<bool> {
    target.begin(Access::Write)?;
    match target.execute(sql, &[]) {
        Ok(_) => target.commit().map(|()| true),
        Err(error) if error.kind() == ErrorKind::Statement => target.rollback().map(|()| false),
        Err(error) => Err(error),
    }
}

/// SQLite looks at no reference while foreign keys are switched off.
pub(super) fn check_references(target: &mut dyn Connection) -> Result<()> {
    const DANGLING: &str = r#"SELECT "table", count(*) FROM pragma_foreign_key_check GROUP BY 1 ORDER BY 1"#;
    let found: Vec<(String, i64)> = all(target, DANGLING)?;
    match found.first() {
        None => Ok(()),
        Some((table, rows)) => {
            let message = format!("{rows} of the rows of {table} point at rows that are not there");
            Err(Error::new(ErrorKind::Constraint, message)
                .with_help("`larder doctor` at the source shows them"))
        }
    }
}

/// Statistics for the planner, which has never seen the tables.
pub(super) fn analyze(target: &mut dyn Connection, pairs: &[Pair]) -> Result<()> {
    match target.dialect() {
        Dialect::Postgres => {
            for pair in pairs {
                target.execute(&format!("ANALYZE {}", quoted(&pair.to.name)), &[])?;
            }
        }
        // A sample, which keeps the detailed statistics out that make the planner look at every value.
        Dialect::Sqlite => {
            target.execute("PRAGMA analysis_limit = 400", &[])?;
            target.execute("ANALYZE", &[])?;
        }
    }
    Ok(())
}
