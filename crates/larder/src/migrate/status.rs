//! What is applied, what is pending, and what does not fit.

use super::claim;
use super::history;
use super::migration::Way;
use super::migrator::{Migrator, look, rows};
use super::plan::{Request, plan};
use super::record::{Applied, State as Recorded};
use crate::db::Database;
use crate::error::{Error, ErrorKind, Result};
use jiff::Timestamp;
use serde::Serialize;
use std::time::Duration;

/// Where a database stands against the program's sets.
#[derive(Debug)]
#[non_exhaustive]
pub struct Status {
    /// The database has been migrated at least once.
    pub initialized: bool,
    /// The number of the newest migration that is applied.
    pub schema_version: Option<i64>,
    /// The id of the newest migration that the program has, of the first set.
    pub newest: Option<String>,
    /// Each migration of the sets, and each row of the history that belongs to them, in order.
    pub rows: Vec<StatusRow>,
    /// What keeps a run from being planned: an edited migration, a newer database.
    pub problem: Option<Error>,
}

impl Status {
    /// How many migrations are pending.
    pub fn pending(&self) -> usize {
        self.rows.iter().filter(|row| matches!(row.state, Standing::Pending | Standing::OutOfOrder)).count()
    }
}

/// One line of a [`Status`].
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct StatusRow {
    /// As the history knows it.
    pub id: String,
    /// The set it belongs to.
    pub set: String,
    /// How it stands.
    pub state: Standing,
    /// When it was applied.
    pub applied_at: Option<Timestamp>,
    /// How long it took.
    pub duration: Option<Duration>,
    /// Who applied it.
    pub program: Option<String>,
    /// What approved its losses.
    pub approval: Option<String>,
    /// What it did, as the history has it.
    pub effects: Option<serde_json::Value>,
    /// It has a way down.
    pub reversible: bool,
}

/// How a migration stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Standing {
    /// Applied, and as it was then.
    Applied,
    /// Not applied yet.
    Pending,
    /// Not applied, and one after it is.
    OutOfOrder,
    /// Applied, and edited or renamed since.
    Edited,
    /// Applied, and not among the program's.
    Missing,
    /// Applied, and newer than all that the program has.
    Newer,
    /// Begun outside a transaction, and not finished.
    Unfinished,
}

impl Migrator<'_> {
    /// Where the database stands. What is wrong with it is part of the answer, not an error.
    ///
    /// # Errors
    /// When the history can't be read, or a set can't be loaded.
    pub fn status(&self, database: &Database) -> Result<Status> {
        let sets = self.load(database)?;
        let history = rows(database)?;
        let meta = look(database, history::meta)?;
        let claims = || {
            let owners = claim::owners(&sets, &history);
            // It reads every text; one set alone in a database can't be in anybody's way.
            if sets.len() > 1 || !owners.is_empty() { claim::check_claims(&sets, &owners) } else { Ok(()) }
        };
        let problem = match plan(&sets, &history, &Request::up()) {
            Ok(plan) if plan.up_to_date => None,
            Ok(_) => claims().err(),
            Err(error) if error.kind() == ErrorKind::Internal => return Err(error),
            Err(error) => Some(error),
        };
        let mut all = Vec::new();
        for set in &sets {
            let own: Vec<&Applied> = history.iter().filter(|row| row.set == set.name()).collect();
            let last = own.iter().map(|row| row.version).max().unwrap_or(0);
            let newest = set.newest().map_or(0, |migration| migration.version());
            let mut rows: Vec<(u64, StatusRow)> = Vec::new();
            for migration in set.migrations() {
                let id = set.history_id(migration);
                let row = own.iter().find(|row| row.id == id);
                let state = match row {
                    None if migration.version() < last => Standing::OutOfOrder,
                    None => Standing::Pending,
                    Some(row) if row.state == Recorded::Started => Standing::Unfinished,
                    Some(row) if row.checksum != migration.checksum() => Standing::Edited,
                    Some(_) => Standing::Applied,
                };
                let reversible = migration.script(Way::Down).is_some();
                rows.push((migration.version(), line(&id, set.name(), state, row.copied(), reversible)));
            }
            for row in own {
                if rows.iter().any(|(_, known)| known.id == row.id) {
                    continue;
                }
                let renamed = set.migrations().iter().any(|migration| {
                    migration.version() == row.version && migration.checksum() == row.checksum
                });
                let state = match row {
                    _ if renamed => Standing::Edited,
                    row if row.version > newest => Standing::Newer,
                    _ => Standing::Missing,
                };
                rows.push((row.version, line(&row.id, set.name(), state, Some(row), false)));
            }
            rows.sort_by_key(|(version, _)| *version);
            all.extend(rows.into_iter().map(|(_, row)| row));
        }
        Ok(Status {
            initialized: meta.is_some(),
            schema_version: meta.map(|meta| meta.schema_version),
            newest: sets.first().and_then(|set| Some(set.history_id(set.newest()?))),
            rows: all,
            problem,
        })
    }
}

fn line(id: &str, set: &str, state: Standing, row: Option<&Applied>, reversible: bool) -> StatusRow {
    StatusRow {
        id: id.to_owned(),
        set: set.to_owned(),
        state,
        applied_at: row.map(|row| row.applied_at),
        duration: row.map(|row| Duration::from_millis(row.duration_ms)),
        program: row.map(|row| row.program.clone()).filter(|program| !program.is_empty()),
        approval: row.and_then(|row| row.approval.as_ref()).map(|approval| match approval {
            serde_json::Value::String(text) => text.clone(),
            other => other.to_string(),
        }),
        effects: row.map(|row| row.effects.clone()),
        reversible,
    }
}
