//! How a set stands to the history: what is applied, what is pending, and what does not fit.

use super::obstacle::Obstacles;
use crate::error::ErrorKind;
use crate::migrate::{Applied, LoadedSet, Migration, State};
use std::collections::HashMap;

/// How a set stands: its migrations beside its rows of the history.
pub(super) struct SetStanding<'a> {
    pub(super) set: &'a LoadedSet,
    /// Its rows in the order of application: where each stands in the history, and its migration if the program has it.
    pub(super) rows: Vec<(usize, &'a Applied, Option<usize>)>,
    /// The migrations that are not applied, by position.
    pub(super) pending: Vec<usize>,
    /// Those that were begun and not finished, by position, with the number of statements that are done.
    pub(super) started: Vec<(usize, u64)>,
}

impl<'a> SetStanding<'a> {
    pub(super) fn new(set: &'a LoadedSet, history: &'a [Applied]) -> Self {
        let known: HashMap<&str, usize> =
            set.migrations().iter().enumerate().map(|(at, migration)| (migration.id(), at)).collect();
        let rows: Vec<(usize, &Applied, Option<usize>)> = history
            .iter()
            .enumerate()
            .filter(|(_, row)| row.set == set.name())
            .map(|(place, row)| (place, row, known.get(own_id(row)).copied()))
            .collect();
        let mut pending = vec![true; set.migrations().len()];
        let mut started = Vec::new();
        for (_, row, migration) in &rows {
            if let Some(slot) = migration.and_then(|at| pending.get_mut(at)) {
                *slot = false;
            }
            if let (State::Started, Some(at)) = (row.state, *migration) {
                started.push((at, row.statements_done));
            }
        }
        let pending = pending.into_iter().enumerate().filter_map(|(at, is)| is.then_some(at)).collect();
        Self { set, rows, pending, started }
    }

    /// Everything in the history that does not fit the program.
    pub(super) fn check(&self, resume: bool, obstacles: &mut Obstacles) {
        let newest = self.set.newest();
        let mut newer = Vec::new();
        for (_, row, known) in &self.rows {
            match known.and_then(|at| self.set.get(at)) {
                Some(migration) => check_known(row, migration, resume, obstacles),
                None if newest.is_none_or(|newest| row.version > newest.version()) => newer.push(*row),
                None => self.check_unknown(row, obstacles),
            }
        }
        if let Some(last) = newer.iter().max_by_key(|row| row.version) {
            let count = match newer.len() {
                1 => String::new(),
                more => format!(" and {} more", more - 1),
            };
            let by =
                if last.program.is_empty() { "a newer program".to_owned() } else { last.program.clone() };
            let own = match newest {
                Some(newest) => {
                    format!("the newest migration of this program is {:?}", self.set.history_id(newest))
                }
                None => format!("this program has no migration of the set {:?}", self.set.name()),
            };
            obstacles.add(
                ErrorKind::SchemaNewer,
                format!(
                    "the database is newer than this program: {by} applied {:?}{count}, and {own}",
                    last.id
                ),
                "use a program at least as new as that one, or restore a backup from before",
            );
        }
    }

    fn check_unknown(&self, row: &Applied, obstacles: &mut Obstacles) {
        let successor = self.set.migrations().iter().find(|one| one.version() == row.version);
        match successor {
            Some(now) if now.checksum() == row.checksum => obstacles.add(
                ErrorKind::MigrationEdited,
                format!("{:?} was applied and is now called {:?}", row.id, self.set.history_id(now)),
                format!(
                    "give it its old name again, or accept the new one: larder repair {} --accept-edited",
                    row.id
                ),
            ),
            Some(now) => obstacles.add(
                ErrorKind::MigrationMissing,
                format!("{:?} was applied, and {:?} has taken its number", row.id, self.set.history_id(now)),
                format!("bring {:?} back, and give {:?} the next free number", row.id, now.id()),
            ),
            None => obstacles.add(
                ErrorKind::MigrationMissing,
                format!("{:?} was applied, and this program does not have it", row.id),
                "bring its file back; a migration that was applied stays",
            ),
        }
    }

    /// What is pending before one that is applied.
    pub(super) fn check_order(&self, obstacles: &mut Obstacles) {
        let known = self.rows.iter().filter_map(|(_, _, at)| at.and_then(|at| self.set.get(at)));
        let Some(last) = known.max_by_key(|migration| migration.version()) else { return };
        // A number that an applied migration of another name has is told by that one.
        let taken = |version| self.rows.iter().any(|(_, row, at)| at.is_none() && row.version == version);
        for migration in self.pending.iter().filter_map(|at| self.set.get(*at)) {
            if migration.version() < last.version() && !taken(migration.version()) {
                obstacles.add(
                    ErrorKind::MigrationOutOfOrder,
                    format!(
                        "{:?} is pending, but {:?} after it is already applied",
                        self.set.history_id(migration),
                        self.set.history_id(last)
                    ),
                    "give it a number after that one, or allow it with: --allow-out-of-order",
                );
            }
        }
    }
}

fn check_known(row: &Applied, migration: &Migration, resume: bool, obstacles: &mut Obstacles) {
    if row.state == State::Started && !resume {
        let done = row.statements_done;
        obstacles.add(
            ErrorKind::MigrationUnfinished,
            format!(
                "{:?} runs outside a transaction, was begun at {} and did not finish; {done} of its statements are done",
                row.id, row.applied_at
            ),
            format!(
                "look at what it did; then `larder repair {}` with --resume goes on after those, with --mark-applied takes it \
                 as done, with --forget as never begun",
                row.id
            ),
        );
    }
    if row.checksum != migration.checksum() {
        obstacles.add(
            ErrorKind::MigrationEdited,
            format!("{:?} was edited after it was applied at {}", row.id, row.applied_at),
            format!(
                "restore its text and write the change as a new migration, or accept the text as it is now: \
                 larder repair {} --accept-edited",
                row.id
            ),
        );
    }
}

/// The id in a row without the set's name before it.
fn own_id(row: &Applied) -> &str {
    row.id.strip_prefix(row.set.as_str()).and_then(|rest| rest.strip_prefix('/')).unwrap_or(&row.id)
}
