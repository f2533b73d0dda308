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
use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

const EXISTS: &str = "SELECT 1 FROM main.sqlite_schema WHERE type = 'table' AND name = :table COLLATE NOCASE";
const POINTING: &str = "SELECT DISTINCT child.name AS child, reference.\"table\" AS parent \
                        FROM main.sqlite_schema AS child, pragma_foreign_key_list(child.name, 'main') AS reference \
                        WHERE child.type = 'table'";
const PARENTS: &str =
    "SELECT DISTINCT \"table\" FROM pragma_foreign_key_list(:table, 'main') ORDER BY \"table\"";

/// Tables to look into.
#[derive(Clone, Debug, Default)]
pub(crate) struct Unchecked {
    /// Those whose rows or shape changed.
    pub(super) changed: BTreeSet<String>,
    /// Those that got rows.
    pub(super) inserted: BTreeSet<String>,
}

impl Unchecked {
    /// What is new among the orphans of these tables, which then count as looked into.
    pub(crate) fn check(
        &mut self,
        connection: &mut dyn Connection,
        baseline: &mut Baseline,
    ) -> Result<Vec<Loss>> {
        let Self { changed, inserted } = std::mem::take(self);
        let mut losses = Vec::new();
        if changed.is_empty() && inserted.is_empty() {
            return Ok(losses);
        }
        for table in pointing(connection, &changed, &inserted)? {
            // Costs nothing for a table that points nowhere.
            let now = orphans(connection, &table)?;
            if now.as_ref().is_some_and(BTreeMap::is_empty) {
                continue;
            }
            let mut add = |parent: &str, count| {
                losses.push(Loss::new(LossKind::ForeignKey, format!("{table} → {parent}"), count));
            };
            let known = baseline.catalogue.tables.contains_key(&table);
            match (now, if known { Some(baseline.orphans(&table)?) } else { None }) {
                (Some(now), Some(Some(then))) => {
                    for (parent, count) in now {
                        let before = then.get(&parent).copied().unwrap_or(0);
                        if count > before {
                            add(&parent, count - before);
                        }
                    }
                }
                (Some(now), None) => now.iter().for_each(|(parent, count)| add(parent, *count)),
                // It could be checked before, and now what it points at is no key any more.
                (None, Some(Some(_))) => {
                    parents(connection, &table)?.iter().for_each(|parent| add(parent, 0))
                }
                // It never could be, so nothing of it is new.
                (_, Some(None)) | (None, None) => {}
            }
        }
        Ok(losses)
    }
}

/// The tables of whose rows some may point nowhere now.
fn pointing(
    connection: &mut dyn Connection,
    changed: &BTreeSet<String>,
    inserted: &BTreeSet<String>,
) -> Result<BTreeSet<String>> {
    let mut tables = BTreeSet::new();
    // One that got rows and has another name by now: under which, only a look at all tables tells.
    let mut all = false;
    for table in inserted {
        let mut exists = false;
        connection.query(EXISTS, params! { table }, &mut |_| {
            exists = true;
            Ok(ControlFlow::Break(()))
        })?;
        if exists {
            tables.insert(table.clone());
        } else {
            all = true;
        }
    }
    if all || !changed.is_empty() {
        connection.query(POINTING, &[], &mut |row| {
            let Pointing { child, parent } = row.to()?;
            let child = child.to_ascii_lowercase();
            if all || changed.contains(&parent.to_ascii_lowercase()) || changed.contains(&child) {
                tables.insert(child);
            }
            Ok(ControlFlow::Continue(()))
        })?;
    }
    Ok(tables)
}

/// The tables that a table points at.
fn parents(connection: &mut dyn Connection, table: &str) -> Result<Vec<String>> {
    let mut found = Vec::new();
    connection.query(PARENTS, params! { table }, &mut |row| {
        found.push(row.to()?);
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(found)
}

#[derive(Deserialize)]
struct Pointing {
    child: String,
    parent: String,
}
