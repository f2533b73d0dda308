//! Changing the history knowingly: what a person has looked at and decided.

use super::history;
use super::loaded::LoadedSet;
use super::migrator::Migrator;
use super::plan::{Request, Step, plan};
use super::record::{Applied, State, history_id};
use super::report::{Done, Effects, Report};
use super::run::commit_alone;
use super::{Migration, Way};
use crate::db::Database;
use crate::driver::Connection;
use crate::error::{Error, ErrorKind, Result};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// What is done with a row of the history that does not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Repair {
    /// The migration was edited, or its file renamed, after it was applied: the history takes over its text and its name as
    /// they are now. Nothing runs.
    AcceptEdited,
    /// It runs outside a transaction and did not finish: goes on after the statements that are done.
    Resume,
    /// It runs outside a transaction and did not finish: what it was to do is done.
    MarkApplied,
    /// It runs outside a transaction and did not finish: nothing of what it did is there, and it is pending again.
    Forget,
}

impl Migrator<'_> {
    /// Repairs the row of `id`, an id as the history knows it.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] when there is no such row, or the repair does not fit it; with [`Repair::Resume`] as
    /// [`Migrator::up`].
    pub fn repair(mut self, database: &Database, id: &str, how: Repair) -> Result<Report> {
        let sets = self.load(database)?;
        if how == Repair::Resume {
            database.with_writer(|connection| started(&history::rows(connection)?, id).map(|_| ()))?;
            self.resume = true;
            return self.up(database);
        }
        let program = self.settings.program.clone();
        in_maintenance(database, |connection| {
            let rows = history::rows(connection)?;
            match how {
                Repair::AcceptEdited => accept(connection, &sets, &rows, id)?,
                Repair::MarkApplied => {
                    let mut row = started(&rows, id)?.clone();
                    row.state = State::Applied;
                    row.approval = Some("marked as applied by hand".into());
                    history::update(connection, id, &row)?;
                }
                Repair::Forget => {
                    started(&rows, id)?;
                    history::delete(connection, id)?;
                }
                Repair::Resume => {}
            }
            note(connection, &sets, &program)
        })
    }

    /// Takes over a database that was made by other means: writes into the history that every migration up to `id` is
    /// applied, and runs none of them.
    ///
    /// Whether the schema really is what these migrations make, [`Migrator::verify`] tells.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] when there is no such migration, when nothing is left to write, or when a migration of the set
    /// is in the history already: then Larder made the database, and what is pending has to run. The kinds of a plan that
    /// can't be.
    pub fn baseline(self, database: &Database, id: &str) -> Result<Report> {
        let sets = self.load(database)?;
        let program = self.settings.program.clone();
        let mut done = Vec::new();
        let mut report = in_maintenance(database, |connection| {
            history::create(connection)?;
            let rows = history::rows(connection)?;
            let plan = plan(&sets, &rows, &Request::up_to(id))?;
            if plan.steps.is_empty() {
                return Err(Error::new(
                    ErrorKind::Config,
                    format!("everything up to {id} is applied already"),
                )
                .with_help("look at `larder status`"));
            }
            for step in &plan.steps {
                refuse_begun(step.find(&sets)?.0, &rows)?;
            }
            for step in &plan.steps {
                done.push(write_down(connection, &sets, step, &program)?);
            }
            note(connection, &sets, &program)
        })?;
        report.done = done;
        Ok(report)
    }
}

/// A set with a row in the history was not made by other means.
fn refuse_begun(set: &LoadedSet, rows: &[Applied]) -> Result<()> {
    let Some(row) = rows.iter().find(|row| row.set == set.name()) else { return Ok(()) };
    Err(Error::new(
        ErrorKind::Config,
        format!(
            "the history has {} already: a baseline is for a database that was made without Larder",
            row.id
        ),
    )
    .with_help("apply what is pending with `larder migrate`; `larder status` lists it"))
}

fn write_down(
    connection: &mut dyn Connection,
    sets: &[Arc<LoadedSet>],
    step: &Step,
    program: &str,
) -> Result<Done> {
    let (set, migration) = step.find(sets)?;
    let effects =
        Effects { changes: vec!["recorded without running: baseline".into()], ..Effects::default() };
    let mut row = Applied::new(set.name(), migration, jiff::Timestamp::now());
    row.program = program.to_owned();
    row.effects = serde_json::to_value(&effects)
        .map_err(|error| Error::new(ErrorKind::Internal, "effects are no JSON").with_cause(error))?;
    row.approval = Some("baseline".into());
    history::insert(connection, &row)?;
    Ok(Done {
        id: step.id.clone(),
        set: set.name().to_owned(),
        way: Way::Up,
        duration: Duration::ZERO,
        effects,
        approval: row.approval.as_ref().and_then(|value| value.as_str()).map(str::to_owned),
        backup: None,
        rehearsed: true,
        warnings: Vec::new(),
    })
}

/// Takes over the text and the name that a migration has now.
fn accept(
    connection: &mut dyn Connection,
    sets: &[Arc<LoadedSet>],
    rows: &[Applied],
    id: &str,
) -> Result<()> {
    let Some(set) =
        sets.iter().find(|set| rows.iter().any(|row| row.set == set.name() && fits(set, row, id)))
    else {
        return Err(no_row(id));
    };
    let Some((row, now)) = rows.iter().filter(|row| fits(set, row, id)).find_map(|row| {
        let now = set.migrations().iter().find(|migration| migration.version() == row.version)?;
        Some((row, now))
    }) else {
        return Err(Error::new(
            ErrorKind::Config,
            format!("the program has no migration with the number of {id:?}"),
        )
        .with_help("bring its file back"));
    };
    if row.state == State::Started {
        let message =
            format!("{:?} is not finished, so that nobody can say what its new text would stand for", row.id);
        return Err(Error::new(ErrorKind::Config, message)
            .with_help("finish it first with --resume, --mark-applied or --forget"));
    }
    let new_id = set.history_id(now);
    if row.checksum == now.checksum() && row.id == new_id {
        return Err(Error::new(ErrorKind::Config, format!("{id:?} is as it was when it was applied"))
            .with_help("there is nothing to repair"));
    }
    let mut changed = row.clone();
    changed.checksum = now.checksum().to_owned();
    changed.name = now.name().to_owned();
    changed.id = new_id;
    history::update(connection, &row.id, &changed)
}

/// A row is found by the id that it has, or by the one that its migration has now.
fn fits(set: &LoadedSet, row: &Applied, id: &str) -> bool {
    let now = |migration: &Migration| {
        migration.version() == row.version && history_id(set.name(), migration.id()) == id
    };
    row.set == set.name() && (row.id == id || set.migrations().iter().any(now))
}

fn started<'r>(rows: &'r [Applied], id: &str) -> Result<&'r Applied> {
    let row = rows.iter().find(|row| row.id == id).ok_or_else(|| no_row(id))?;
    if row.state == State::Started {
        return Ok(row);
    }
    Err(Error::new(ErrorKind::Config, format!("{id:?} is finished")).with_help("there is nothing to repair"))
}

fn no_row(id: &str) -> Error {
    Error::new(ErrorKind::Config, format!("the history has no row of {id:?}"))
        .with_help("`larder status` lists what is applied")
}

/// Runs `f` in a transaction of its own, on a connection that may set what belongs to Larder.
fn in_maintenance(
    database: &Database,
    f: impl FnOnce(&mut dyn Connection) -> Result<Report>,
) -> Result<Report> {
    database.with_writer(|connection| {
        connection.watch(true)?;
        let result = commit_alone(connection, f);
        connection.watch(false)?;
        result
    })
}

/// Writes down where the database stands now. The fingerprints of the sets go: the next run looks at every row.
fn note(connection: &mut dyn Connection, sets: &[Arc<LoadedSet>], program: &str) -> Result<Report> {
    let mut fingerprints: BTreeMap<String, String> =
        history::meta(connection)?.map(|meta| meta.fingerprints()).unwrap_or_default();
    fingerprints.retain(|name, _| sets.iter().all(|set| set.name() != name));
    let standings = history::standings(connection)?;
    let schema_version = super::run::newest(&standings);
    history::put_meta(connection, schema_version.unwrap_or(0), program, &fingerprints)?;
    let already = standings.values().map(|(count, _)| count).sum();
    Ok(Report { already, schema_version, ..Report::default() })
}
