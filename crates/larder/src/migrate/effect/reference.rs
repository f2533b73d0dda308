//! Rows that point at rows which are not there.
//!
//! While a migration runs, foreign keys are off: with them on, the DROP of a rebuild would empty the tables that point at
//! the old one. So nothing stops a migration from leaving orphans, and this looks for them before it is committed.

use super::baseline::{Baseline, orphans};
use crate::driver::Connection;
use crate::error::Result;
use crate::migrate::loss::{Loss, LossKind};
use crate::params;
use serde::Deserialize;
use std::collections::BTreeSet;
use std::ops::ControlFlow;

const EXISTS: &str = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = :table COLLATE NOCASE";
const POINTING: &str = "SELECT DISTINCT child.name AS child, reference.\"table\" AS parent \
                        FROM sqlite_schema AS child, pragma_foreign_key_list(child.name) AS reference \
                        WHERE child.type = 'table'";

/// Adds what is new among the orphans. `whole` are the tables whose rows or shape changed, `inserted` those that got rows.
pub(super) fn check(
    connection: &mut dyn Connection,
    baseline: &mut Baseline,
    whole: &BTreeSet<&String>,
    inserted: &BTreeSet<String>,
    losses: &mut Vec<Loss>,
) -> Result<()> {
    if whole.is_empty() && inserted.is_empty() {
        return Ok(());
    }
    let exists = |connection: &mut dyn Connection, table: &str| -> Result<bool> {
        let mut found = false;
        connection.query(EXISTS, params! { table }, &mut |_| {
            found = true;
            Ok(ControlFlow::Break(()))
        })?;
        Ok(found)
    };
    let mut tables = BTreeSet::new();
    // One that got rows and has another name by now: under which, only a look at all tables tells.
    let mut all = false;
    for table in inserted {
        if exists(connection, table)? {
            tables.insert(table.clone());
        } else {
            all = true;
        }
    }
    if all || !whole.is_empty() {
        connection.query(POINTING, &[], &mut |row| {
            let Pointing { child, parent } = row.to()?;
            let child = child.to_ascii_lowercase();
            if all || whole.contains(&parent.to_ascii_lowercase()) || whole.contains(&child) {
                tables.insert(child);
            }
            Ok(ControlFlow::Continue(()))
        })?;
    }
    for table in tables {
        // Costs nothing for a table that points nowhere.
        for (parent, count) in orphans(connection, &table)? {
            let before = if baseline.catalogue.tables.contains_key(&table) {
                baseline.orphans(&table, &parent)?
            } else {
                0
            };
            if count > before {
                losses.push(Loss::new(LossKind::ForeignKey, format!("{table} → {parent}"), count - before));
            }
        }
    }
    Ok(())
}

#[derive(Deserialize)]
struct Pointing {
    child: String,
    parent: String,
}
