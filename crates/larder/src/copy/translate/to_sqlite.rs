//! PostgreSQL's tables for SQLite.

use super::expression::{Scope, expression};
use super::index::index;
use super::{Translation, default};
use crate::copy::kind::Kind;
use crate::copy::live::{Live, LiveTable};
use crate::driver::Connection;
use crate::driver::load::quoted;
use crate::error::Result;
use crate::sql::text::Dialect;
use std::collections::BTreeSet;

pub(super) fn tables(
    from: &Live,
    target: &mut dyn Connection,
    missing: &BTreeSet<String>,
    translation: &mut Translation,
) -> Result<()> {
    let tables: Vec<&LiveTable> = missing.iter().filter_map(|key| from.tables.get(key)).collect();
    for table in &tables {
        let columns: Vec<_> = table.columns.iter().map(|one| (one.name.clone(), one.name.clone())).collect();
        let exact: Vec<String> = table
            .columns
            .iter()
            .filter(|column| matches!(Kind::of_postgres(&column.declared), Kind::Numeric(_)))
            .map(|column| column.name.clone())
            .collect();
        let scope =
            Scope { columns: &columns, booleans: &[], folded: &[], exact: &exact, from: Dialect::Postgres };
        let mut checks = Vec::new();
        for check in &table.checks {
            match check
                .strip_prefix("CHECK ")
                .ok_or_else(String::new)
                .and_then(|text| expression(text, &scope))
            {
                Ok(text) => checks.push(text),
                Err(why) => translation.leave_out(format!("{check} of {}", table.name), why),
            }
        }
        let lines = lines(from, table, translation);
        let sql = |checks: &[String]| {
            let checks = checks.iter().map(|check| format!("CHECK {check}"));
            let lines: Vec<String> = lines.iter().cloned().chain(checks).collect();
            format!("CREATE TABLE {} ({})", quoted(&table.name), lines.join(", "))
        };
        // With a CHECK that it can't read SQLite refuses the table as a whole.
        let object = format!("the {} of {}", if checks.len() == 1 { "CHECK" } else { "CHECKs" }, table.name);
        if checks.is_empty() || !translation.attempt(target, &object, &sql(&checks))? {
            target.execute(&sql(&[]), &[])?;
        }
        for (name, text) in &table.indexes {
            let object = format!("index {name}");
            match index(text, name, &table.name, &[], &scope) {
                Ok(sql) => drop(translation.attempt(target, &object, &sql)?),
                Err(why) => translation.leave_out(object, why),
            }
        }
    }
    Ok(())
}

fn lines(from: &Live, table: &LiveTable, translation: &mut Translation) -> Vec<String> {
    let list = |columns: &[String]| columns.iter().map(|name| quoted(name)).collect::<Vec<_>>().join(", ");
    let key = match table.primary_key.as_slice() {
        [only] => {
            table.column(only).filter(|column| matches!(Kind::of_postgres(&column.declared), Kind::Int(_)))
        }
        _ => None,
    };
    let mut lines = Vec::new();
    for column in &table.columns {
        let is_key = key.is_some_and(|key| key.name == column.name);
        let kind = Kind::of_postgres(&column.declared);
        let declared = match &kind {
            Kind::Bool => "BOOLEAN",
            Kind::Int(_) => "INTEGER",
            Kind::Float4 | Kind::Float8 => "REAL",
            Kind::Numeric(_) => "NUMERIC",
            Kind::Bytes => "BLOB",
            _ => "TEXT",
        };
        if declared == "TEXT" && !matches!(kind, Kind::Text(_)) {
            let object = format!("type of {}.{}", table.name, column.name);
            translation.leave_out(object, format!("{} is TEXT there", column.declared));
        }
        let mut line = format!("{} {declared}", quoted(&column.name));
        if is_key {
            line.push_str(if column.counts { " PRIMARY KEY AUTOINCREMENT" } else { " PRIMARY KEY" });
        }
        if column.generated {
            let object = format!("computed column {}.{}", table.name, column.name);
            translation.leave_out(object, "is not translated: it has the values of now, and stays so");
        } else if column.not_null && !is_key {
            line.push_str(" NOT NULL");
        }
        match column.default.as_deref().map(default::to_sqlite) {
            Some(Ok(text)) => line.push_str(&format!(" DEFAULT {text}")),
            Some(Err(why)) => {
                translation.leave_out(format!("default of {}.{}", table.name, column.name), why)
            }
            None => {}
        }
        lines.push(line);
    }
    if key.is_none() && !table.primary_key.is_empty() {
        lines.push(format!("PRIMARY KEY ({})", list(&table.primary_key)));
    }
    lines.extend(table.uniques.iter().map(|columns| format!("UNIQUE ({})", list(columns))));
    for key in &table.foreign_keys {
        if from.table(&key.to_table).is_none() {
            translation.leave_out(
                format!("foreign key ({}) of {}", key.columns.join(", "), table.name),
                format!("the table {} lies in another schema", key.to_table),
            );
            continue;
        }
        lines.push(format!(
            "FOREIGN KEY ({}) REFERENCES {} ({}) ON UPDATE {} ON DELETE {}",
            list(&key.columns),
            quoted(&key.to_table),
            list(&key.to_columns),
            key.on_update,
            key.on_delete
        ));
    }
    lines
}
