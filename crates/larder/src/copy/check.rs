//! Whether everything in the source fits, before the first row is written: each value, and the rows among each other.

use super::live::{Live, LiveTable};
use super::misfit::{Misfit, Misfits, Reason};
use super::pair::Pair;
use super::rows::{Sum, Teller};
use super::translate::Translation;
use crate::driver::Connection;
use crate::driver::load::quoted;
use crate::error::{ErrorKind, Result};
use crate::params;
use crate::sql::text::Dialect;
use crate::sql::{Row, ValueRef};
use std::ops::ControlFlow;

/// Reads every value of a table; gives what the content comes to.
pub(super) fn values(
    source: &mut dyn Connection,
    pair: &Pair,
    misfits: &mut Misfits,
    teller: &mut Teller<'_>,
) -> Result<Sum> {
    let mut names = pair.from_columns.clone();
    let skip = usize::from(pair.from.row_name.is_some());
    if let Some(name) = pair.from.row_name {
        names.insert(0, name.to_owned());
    }
    let mut sum = Sum::default();
    let mut bytes = Vec::new();
    Pair::columns(&pair.from, &names, false, |columns| {
        source.unload(columns, &mut |row| {
            bytes.clear();
            for (index, measure) in pair.measures.iter().enumerate() {
                let fits = match row.value(index + skip) {
                    Ok(value) => measure.source(value, &mut bytes),
                    Err(error) if error.kind() == ErrorKind::Conversion => Err(Reason::NotUtf8),
                    Err(error) => return Err(error),
                };
                if let Err(reason) = fits {
                    misfits.add(&pair.from.name, || Misfit {
                        table: pair.from.name.clone(),
                        row: row_name(&pair.from, row, sum.rows + 1),
                        column: pair.from_columns.get(index).cloned(),
                        reason,
                    });
                }
            }
            sum.add(&bytes);
            teller.row(bytes.len())?;
            Ok(ControlFlow::Continue(()))
        })
    })?;
    Ok(sum)
}

/// How a row is named to people. `at` is its place, counted from 1, for a table whose rows have no number of their own.
pub(super) fn row_name(table: &LiveTable, row: Row<'_>, at: u64) -> String {
    match (table.row_name, row.value(0)) {
        (Some(name), Ok(ValueRef::Integer(number))) => format!("{name} {number}"),
        (Some(name), Ok(ValueRef::Text(place))) => format!("{name} {place}"),
        _ => format!("row {at}"),
    }
}

/// What no single value shows: rows that point at nothing, that break a CHECK which the target has now too, or that are there
/// more than once where the target allows one. PostgreSQL as the source has seen to that itself.
pub(super) fn rows(
    source: &mut dyn Connection,
    from: &Live,
    pairs: &[Pair],
    translation: &Translation,
    misfits: &mut Misfits,
    teller: &Teller<'_>,
) -> Result<()> {
    if from.dialect != Dialect::Sqlite {
        return Ok(());
    }
    for pair in pairs {
        teller.check()?;
        orphans(source, pair, misfits)?;
        duplicates(source, pair, misfits)?;
    }
    for (table, check) in &translation.checks {
        let Some(of) = from.table(table) else { continue };
        let reason = Reason::Check { expression: check.clone() };
        let condition = format!("NOT ({check})");
        each(source, of, &condition, misfits, &reason)?;
    }
    Ok(())
}

fn orphans(source: &mut dyn Connection, pair: &Pair, misfits: &mut Misfits) -> Result<()> {
    const ORPHANS: &str = "SELECT rowid, parent FROM pragma_foreign_key_check(:name)";
    if pair.to.foreign_keys.is_empty() || pair.from.foreign_keys.is_empty() {
        return Ok(());
    }
    let name = &pair.from.name;
    let mut at = 0;
    source.query(ORPHANS, params! { name }, &mut |row| {
        at += 1;
        let (rowid, parent): (Option<i64>, String) = row.to()?;
        misfits.add(name, || Misfit {
            table: name.clone(),
            row: rowid.map_or_else(|| format!("row {at} of those"), |rowid| format!("rowid {rowid}")),
            column: None,
            reason: Reason::Orphan { table: parent },
        });
        Ok(ControlFlow::Continue(()))
    })
}

/// Where the target has a unique constraint that the source has not.
fn duplicates(source: &mut dyn Connection, pair: &Pair, misfits: &mut Misfits) -> Result<()> {
    let lower = |columns: &[String]| {
        let mut columns: Vec<String> = columns.iter().map(|name| name.to_ascii_lowercase()).collect();
        columns.sort();
        columns
    };
    let known: Vec<_> =
        pair.from.uniques.iter().chain([&pair.from.primary_key]).map(|columns| lower(columns)).collect();
    for columns in pair.to.uniques.iter().chain([&pair.to.primary_key]) {
        if columns.is_empty() || known.contains(&lower(columns)) {
            continue;
        }
        let list = columns.iter().map(|name| quoted(name)).collect::<Vec<_>>().join(", ");
        let some = columns.iter().map(|name| format!("{} IS NOT NULL", quoted(name))).collect::<Vec<_>>();
        let condition = format!(
            "({list}) IN (SELECT {list} FROM {} WHERE {} GROUP BY {list} HAVING count(*) > 1)",
            quoted(&pair.from.name),
            some.join(" AND ")
        );
        let reason = Reason::Duplicate { columns: columns.clone() };
        each(source, &pair.from, &condition, misfits, &reason)?;
    }
    Ok(())
}

fn each(
    source: &mut dyn Connection,
    table: &LiveTable,
    condition: &str,
    misfits: &mut Misfits,
    reason: &Reason,
) -> Result<()> {
    let name = table.row_name.map_or_else(|| "NULL".to_owned(), quoted);
    let mut at = 0;
    let sql = format!("SELECT {name} FROM {} WHERE {condition}", quoted(&table.name));
    source.query(&sql, &[], &mut |row| {
        at += 1;
        misfits.add(&table.name, || Misfit {
            table: table.name.clone(),
            row: row_name(table, row, at),
            column: None,
            reason: reason.clone(),
        });
        Ok(ControlFlow::Continue(()))
    })
}
