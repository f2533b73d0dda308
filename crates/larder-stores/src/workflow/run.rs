//! Runs: created, moved, found.

use super::event::{self, NewEvent};
use super::refused::{IllegalMove, RunExists, RunNotReady, Subject, UnitsOpen};
use super::{Owner, Status, json, kind, unit};
use jiff::Timestamp;
use larder::sql::text::Dialect;
use larder::sql::timestamp_text;
use larder::{Json, ReadTx, Result, WriteTx, params};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use ulid::Ulid;

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, feature_branch, repo_path, target_branch, tasks_dir, parallelism, status, started_at, ",
            "completed_at, error, config_json, created_at, owner, last_sequence FROM runs ",
            $rest
        )
    };
}

pub(super) const CREATE: &str = "INSERT INTO runs (id, feature_branch, repo_path, target_branch, tasks_dir, parallelism, \
     status, config_json, created_at) VALUES (:id, :feature_branch, :repo_path, :target_branch, :tasks_dir, \
     :parallelism, 'pending', :config_json, :created_at) ON CONFLICT (feature_branch, repo_path) DO NOTHING";
pub(super) const BY_ID: &str = select!("WHERE id = :id AND pruned_at IS NULL");
pub(super) const BY_BRANCH: &str =
    select!("WHERE feature_branch = :feature_branch AND repo_path = :repo_path AND pruned_at IS NULL");
pub(super) const ALL: &str = select!("WHERE pruned_at IS NULL ORDER BY id DESC LIMIT :limit");
pub(super) const BY_STATUS: &str =
    select!("WHERE status = :status AND pruned_at IS NULL ORDER BY id DESC LIMIT :limit");
pub(super) const BY_REPO: &str =
    select!("WHERE repo_path = :repo_path AND pruned_at IS NULL ORDER BY id DESC LIMIT :limit");
pub(super) const BY_STATUS_AND_REPO: &str = select!(
    "WHERE status = :status AND repo_path = :repo_path AND pruned_at IS NULL ORDER BY id DESC LIMIT :limit"
);
/// Only for PostgreSQL, where writers run side by side: takes the row of a run before what is done in it, as each event does
/// in the end. So the events of a run are one transaction's after the other's, whatever is decided by a look at its units is
/// still so when it is done, and nobody waits for the run while another waits for one of its units.
pub(super) const HOLD: &str = "SELECT 1 FROM runs WHERE id = :id FOR NO KEY UPDATE";
pub(super) const STATUS: &str = "SELECT status FROM runs WHERE id = :id AND pruned_at IS NULL";

// The statuses that each of these takes are those of `Status::may_become`; a test tries all.
pub(super) const START: &str = "UPDATE runs SET status = 'running', started_at = COALESCE(started_at, :at), \
     error = NULL, owner = :owner \
     WHERE id = :id AND pruned_at IS NULL AND status IN ('pending', 'interrupted')";
pub(super) const COMPLETE: &str = "UPDATE runs SET status = 'completed', completed_at = :at \
     WHERE id = :id AND pruned_at IS NULL AND status = 'running' AND NOT EXISTS (SELECT 1 FROM units \
     WHERE units.run_id = runs.id AND units.status IN ('pending', 'running', 'interrupted'))";
pub(super) const END: &str = "UPDATE runs SET status = :status, completed_at = :at, error = :error \
     WHERE id = :id AND pruned_at IS NULL AND status IN ('pending', 'running', 'interrupted')";
pub(super) const INTERRUPT: &str = "UPDATE runs SET status = 'interrupted', error = :error \
     WHERE id = :id AND pruned_at IS NULL AND status = 'running'";
pub(super) const OPEN_UNITS: &str = "SELECT count(*) FROM units WHERE run_id = :id \
     AND status IN ('pending', 'running', 'interrupted')";

/// A run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Run {
    /// Its id.
    pub id: String,
    /// The branch that it works on.
    pub feature_branch: String,
    /// The repository.
    pub repo_path: String,
    /// The branch that the work is to go to.
    pub target_branch: String,
    /// The folder of its tasks.
    pub tasks_dir: String,
    /// How many units are worked on at the same time.
    pub parallelism: u32,
    /// How far it has come.
    pub status: Status,
    /// When it was started for the first time.
    pub started_at: Option<Timestamp>,
    /// When it was completed, failed or cancelled.
    pub completed_at: Option<Timestamp>,
    /// Why it failed, or was interrupted.
    pub error: Option<String>,
    /// Its configuration.
    pub config_json: Option<Json<serde_json::Value>>,
    /// When it was created.
    pub created_at: Timestamp,
    /// The process that runs it, or ran it last.
    pub owner: Option<Json<Owner>>,
    /// The number of its newest event.
    pub last_sequence: i64,
}

/// A run to be created.
#[derive(Clone, Debug)]
pub struct NewRun<'a> {
    /// Its id; a new ULID unless given.
    pub id: Option<&'a str>,
    /// The branch that it works on.
    pub feature_branch: &'a str,
    /// The repository.
    pub repo_path: &'a str,
    /// The branch that the work is to go to: `main` unless set.
    pub target_branch: &'a str,
    /// The folder of its tasks: `tasks` unless set.
    pub tasks_dir: &'a str,
    /// How many units are worked on at the same time, at least 1, which is the default.
    pub parallelism: u32,
    /// Its configuration.
    pub config: Option<&'a serde_json::Value>,
}

impl Default for NewRun<'_> {
    fn default() -> Self {
        Self {
            id: None,
            feature_branch: "",
            repo_path: "",
            target_branch: "main",
            tasks_dir: "tasks",
            parallelism: 1,
            config: None,
        }
    }
}

/// Which runs to list.
#[derive(Clone, Copy, Debug)]
pub struct RunFilter<'a> {
    /// Only those of this status.
    pub status: Option<Status>,
    /// Only those of this repository.
    pub repo_path: Option<&'a str>,
    /// At most so many: 1,000 unless set.
    pub limit: u32,
}

impl Default for RunFilter<'_> {
    fn default() -> Self {
        Self { status: None, repo_path: None, limit: 1000 }
    }
}

/// Creates a run, pending; gives its id.
///
/// # Errors
/// [`larder::ErrorKind::Refused`] with [`RunExists`] when there is one for that branch of that repository,
/// [`larder::ErrorKind::Constraint`] for an id that is there, a parallelism of 0, or a configuration that is nested more than
/// 127 levels deep, which could not be read again.
pub fn create_run(tx: &mut WriteTx<'_>, new: &NewRun<'_>) -> Result<String> {
    let NewRun { feature_branch, repo_path, target_branch, tasks_dir, parallelism, config, .. } = *new;
    let id = new.id.map_or_else(|| Ulid::generate().to_string(), str::to_owned);
    let created_at = timestamp_text(Timestamp::now());
    if let Some(config) = config {
        json::check(&config.to_string(), || "the configuration of a run".to_owned())?;
    }
    tx.savepoint(|tx| {
        let created = tx.execute(
            CREATE,
            params! { id, feature_branch, repo_path, target_branch, tasks_dir, parallelism, config_json: config, created_at },
        )?;
        if created == 0 {
            let there: Run = tx.query_one(BY_BRANCH, params! { feature_branch, repo_path })?;
            return Err(RunExists::of(there.id, there.status, feature_branch, repo_path));
        }
        event::insert(tx, &id, &created_at, &[event::of_move(Subject::Run, Status::Pending, None, None)])
    })?;
    Ok(id)
}

/// Starts a pending or an interrupted run; this process is its owner from now on.
///
/// # Errors
/// [`larder::ErrorKind::NotFound`], or [`larder::ErrorKind::Refused`] with [`IllegalMove`]; nothing was changed.
pub fn start_run(tx: &mut WriteTx<'_>, id: &str) -> Result<()> {
    start_run_as(tx, id, &Owner::this_process())
}

/// As [`start_run`], for the owner that is given.
///
/// # Errors
/// As [`start_run`].
pub fn start_run_as(tx: &mut WriteTx<'_>, id: &str, owner: &Owner) -> Result<()> {
    let payload_json = Some(Cow::Owned(serde_json::json!({ "owner": owner }).to_string()));
    let event =
        NewEvent { event_type: kind::of_move(Subject::Run, Status::Running), unit_id: None, payload_json };
    move_to(tx, id, Status::Running, |tx, at| {
        let changed = tx.execute(START, params! { id, at, owner: Json(owner) })?;
        if changed > 0 {
            event::insert(tx, id, at, &[event])?;
        }
        Ok(changed)
    })
}

/// Completes a running run, of which no unit is open any more.
///
/// # Errors
/// As [`start_run`]; with [`UnitsOpen`] when units are pending, running or interrupted.
pub fn complete_run(tx: &mut WriteTx<'_>, id: &str) -> Result<()> {
    move_to(tx, id, Status::Completed, |tx, at| {
        let changed = tx.execute(COMPLETE, params! { id, at })?;
        if changed > 0 {
            event::insert(tx, id, at, &[event::of_move(Subject::Run, Status::Completed, None, None)])?;
        }
        Ok(changed)
    })
}

/// Fails a run that is not finished, for the reason `error`. Its open units are cancelled, each with its event, before the
/// run's own, which is the last.
///
/// # Errors
/// As [`start_run`].
pub fn fail_run(tx: &mut WriteTx<'_>, id: &str, error: &str) -> Result<()> {
    end(tx, id, Status::Failed, Some(error))
}

/// Cancels a run that is not finished. Its open units are cancelled, as by [`fail_run`].
///
/// # Errors
/// As [`start_run`].
pub fn cancel_run(tx: &mut WriteTx<'_>, id: &str) -> Result<()> {
    end(tx, id, Status::Cancelled, None)
}

fn end(tx: &mut WriteTx<'_>, id: &str, to: Status, error: Option<&str>) -> Result<()> {
    move_to(tx, id, to, |tx, at| {
        let changed = tx.execute(END, params! { id, at, status: to, error })?;
        if changed > 0 {
            let units = unit::cancel_open(tx, id, at)?;
            with_units(tx, id, at, (Status::Cancelled, &units, None), (to, error))?;
        }
        Ok(changed)
    })
}

/// Lets go of a running run, for the reason `why`: it and its running units are interrupted, and can be started again. For a
/// daemon that is told to stop; [`recover`](super::recover) does it for one that could not.
///
/// # Errors
/// As [`start_run`].
pub fn interrupt_run(tx: &mut WriteTx<'_>, id: &str, why: &str) -> Result<()> {
    interrupt(tx, id, why).map(drop)
}

/// Interrupts a run; gives the units that were interrupted with it.
pub(super) fn interrupt(tx: &mut WriteTx<'_>, id: &str, why: &str) -> Result<Vec<String>> {
    let mut units = Vec::new();
    move_to(tx, id, Status::Interrupted, |tx, at| {
        let changed = tx.execute(INTERRUPT, params! { id, error: why })?;
        if changed > 0 {
            units = unit::interrupt_running(tx, id, why)?;
            with_units(
                tx,
                id,
                at,
                (Status::Interrupted, &units, Some(why)),
                (Status::Interrupted, Some(why)),
            )?;
        }
        Ok(changed)
    })?;
    Ok(units)
}

/// Writes the events of the units that a run took along, and then that of the run.
fn with_units(
    tx: &mut WriteTx<'_>,
    id: &str,
    at: &str,
    (unit_to, units, unit_why): (Status, &[String], Option<&str>),
    (to, why): (Status, Option<&str>),
) -> Result<()> {
    let mut events: Vec<_> =
        units.iter().map(|unit| event::of_move(Subject::Unit, unit_to, Some(unit), unit_why)).collect();
    events.push(event::of_move(Subject::Run, to, None, why));
    event::insert(tx, id, at, &events).map(drop)
}

/// Makes a move whole or not at all. `f` gives how many rows it changed; where none, the reason is looked for.
fn move_to(
    tx: &mut WriteTx<'_>,
    id: &str,
    to: Status,
    f: impl FnOnce(&mut WriteTx<'_>, &str) -> Result<u64>,
) -> Result<()> {
    tx.savepoint(|tx| {
        hold(tx, id)?;
        if f(tx, &timestamp_text(Timestamp::now()))? > 0 {
            return Ok(());
        }
        let from = status(tx, id)?;
        if to == Status::Completed && from.may_become(to) {
            return Err(UnitsOpen::of(id, tx.query_one(OPEN_UNITS, params! { id })?));
        }
        Err(IllegalMove::of(Subject::Run, id, from, to))
    })
}

/// Keeps others from the run until the commit.
pub(super) fn hold(tx: &mut WriteTx<'_>, id: &str) -> Result<()> {
    if tx.dialect() == Dialect::Postgres {
        tx.query_opt::<i64>(HOLD, params! { id })?;
    }
    Ok(())
}

pub(super) fn status(tx: &mut ReadTx<'_>, id: &str) -> Result<Status> {
    tx.query_opt(STATUS, params! { id })?.ok_or_else(|| Subject::Run.missing(id))
}

/// The run with that id.
///
/// # Errors
/// [`larder::ErrorKind::NotFound`] when there is none, or what the engine says.
pub fn run(tx: &mut ReadTx<'_>, id: &str) -> Result<Run> {
    tx.query_opt(BY_ID, params! { id })?.ok_or_else(|| Subject::Run.missing(id))
}

/// The run for that branch of that repository, if there is one.
///
/// # Errors
/// What the engine says.
pub fn find_run(tx: &mut ReadTx<'_>, feature_branch: &str, repo_path: &str) -> Result<Option<Run>> {
    tx.query_opt(BY_BRANCH, params! { feature_branch, repo_path })
}

/// The runs that a filter lets through, by their ids from the last to the first: the newest first, where the ids are ULIDs.
///
/// # Errors
/// What the engine says.
pub fn list_runs(tx: &mut ReadTx<'_>, filter: &RunFilter<'_>) -> Result<Vec<Run>> {
    let limit = filter.limit;
    match (filter.status, filter.repo_path) {
        (None, None) => tx.query_all(ALL, params! { limit }),
        (Some(status), None) => tx.query_all(BY_STATUS, params! { status, limit }),
        (None, Some(repo_path)) => tx.query_all(BY_REPO, params! { repo_path, limit }),
        (Some(status), Some(repo_path)) => {
            tx.query_all(BY_STATUS_AND_REPO, params! { status, repo_path, limit })
        }
    }
}

/// Refuses where no unit may be added.
pub(super) fn check_open(tx: &mut ReadTx<'_>, id: &str) -> Result<()> {
    let status = status(tx, id)?;
    if status.is_finished() { Err(RunNotReady::for_adding(id, status)) } else { Ok(()) }
}
