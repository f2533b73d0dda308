//! Units of runs: created, moved, found.

use super::refused::{IllegalMove, RunNotReady, Subject};
use super::{Status, event, run};
use jiff::Timestamp;
use larder::sql::text::Dialect;
use larder::sql::timestamp_text;
use larder::{Error, ErrorKind, ReadTx, Result, WriteTx, params};
use serde::{Deserialize, Serialize};
use ulid::Ulid;

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT units.id, units.run_id, units.unit_id, units.status, units.branch, units.worktree_path, ",
            "units.started_at, units.completed_at, units.error FROM units ",
            "JOIN runs ON runs.id = units.run_id WHERE runs.pruned_at IS NULL AND ",
            $rest
        )
    };
}

pub(super) const CREATE: &str = "INSERT INTO units (id, run_id, unit_id, status, branch, worktree_path) \
     VALUES (:id, :run_id, :unit_id, 'pending', :branch, :worktree_path)";
pub(super) const BY_ID: &str = select!("units.id = :id");
pub(super) const BY_NAME: &str = select!("units.run_id = :run_id AND units.unit_id = :unit_id");
pub(super) const OF_RUN: &str = select!("units.run_id = :run_id ORDER BY units.unit_id");
pub(super) const OF_RUN_BY_STATUS: &str =
    select!("units.run_id = :run_id AND units.status = :status ORDER BY units.unit_id");
pub(super) const BY_STATUS: &str = select!("units.status = :status ORDER BY units.id DESC LIMIT :limit");
/// As `run::HOLD`, for the run of a unit.
pub(super) const HOLD_RUN: &str =
    "SELECT 1 FROM runs WHERE id = (SELECT run_id FROM units WHERE id = :id) FOR NO KEY UPDATE";
pub(super) const PLACE: &str = "UPDATE units SET branch = :branch, worktree_path = :worktree_path WHERE id = :id AND EXISTS (SELECT 1 \
     FROM runs WHERE runs.id = units.run_id AND runs.pruned_at IS NULL)";

// The statuses that each of these takes are those of `Status::may_become`; a test tries all.
pub(super) const START: &str = "UPDATE units SET status = 'running', started_at = COALESCE(started_at, :at), \
     error = NULL WHERE id = :id AND status IN ('pending', 'interrupted') AND EXISTS (SELECT 1 FROM runs \
     WHERE runs.id = units.run_id AND runs.status = 'running') RETURNING run_id, unit_id";
pub(super) const COMPLETE: &str = "UPDATE units SET status = 'completed', completed_at = :at \
     WHERE id = :id AND status = 'running' RETURNING run_id, unit_id";
pub(super) const END: &str = "UPDATE units SET status = :status, completed_at = :at, error = :error \
     WHERE id = :id AND status IN ('pending', 'running', 'interrupted') RETURNING run_id, unit_id";
pub(super) const INTERRUPT: &str = "UPDATE units SET status = 'interrupted', error = :error \
     WHERE id = :id AND status = 'running' RETURNING run_id, unit_id";
pub(super) const CANCEL_OPEN: &str = "UPDATE units SET status = 'cancelled', completed_at = :at, error = NULL \
     WHERE run_id = :run_id AND status IN ('pending', 'running', 'interrupted') RETURNING unit_id";
pub(super) const INTERRUPT_RUNNING: &str = "UPDATE units SET status = 'interrupted', error = :error \
     WHERE run_id = :run_id AND status = 'running' RETURNING unit_id";
pub(super) const STATUS: &str = "SELECT units.status, units.run_id, runs.status FROM units \
     JOIN runs ON runs.id = units.run_id WHERE units.id = :id AND runs.pruned_at IS NULL";

/// A unit of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Unit {
    /// Its id, the only one of its kind in the database.
    pub id: String,
    /// Its run.
    pub run_id: String,
    /// Its name within the run.
    pub unit_id: String,
    /// How far it has come.
    pub status: Status,
    /// The branch that it is worked on.
    pub branch: Option<String>,
    /// The folder that it is worked on in.
    pub worktree_path: Option<String>,
    /// When it was started for the first time.
    pub started_at: Option<Timestamp>,
    /// When it was completed, failed or cancelled.
    pub completed_at: Option<Timestamp>,
    /// Why it failed, or was interrupted.
    pub error: Option<String>,
}

/// A unit to be created.
#[derive(Clone, Copy, Debug, Default)]
pub struct NewUnit<'a> {
    /// Its id; a new ULID unless given.
    pub id: Option<&'a str>,
    /// Its name within the run, where it is the only one.
    pub unit_id: &'a str,
    /// The branch that it is worked on.
    pub branch: Option<&'a str>,
    /// The folder that it is worked on in.
    pub worktree_path: Option<&'a str>,
}

/// Creates a unit of a run that is not finished, pending; gives its id.
///
/// # Errors
/// [`ErrorKind::NotFound`] when there is no such run, [`ErrorKind::Refused`] with [`RunNotReady`] when it is finished,
/// [`ErrorKind::Constraint`] when the run has a unit of that name.
pub fn create_unit(tx: &mut WriteTx<'_>, run_id: &str, new: &NewUnit<'_>) -> Result<String> {
    let ids = create_units(tx, run_id, std::slice::from_ref(new))?;
    ids.into_iter().next().ok_or_else(|| Error::new(ErrorKind::Internal, "a unit was created without an id"))
}

/// Creates many units of a run; gives their ids, in order.
///
/// # Errors
/// As [`create_unit`]: either all are created or none.
pub fn create_units(tx: &mut WriteTx<'_>, run_id: &str, new: &[NewUnit<'_>]) -> Result<Vec<String>> {
    let at = timestamp_text(Timestamp::now());
    let id = |unit: &NewUnit<'_>| unit.id.map_or_else(|| Ulid::generate().to_string(), str::to_owned);
    let ids: Vec<String> = new.iter().map(id).collect();
    tx.savepoint(|tx| {
        run::hold(tx, run_id)?;
        run::check_open(tx, run_id)?;
        tx.insert_many(CREATE, |rows| {
            ids.iter().zip(new).try_for_each(|(id, unit)| {
                let NewUnit { unit_id, branch, worktree_path, .. } = *unit;
                rows.push(params! { id, run_id, unit_id, branch, worktree_path })
            })
        })?;
        let events: Vec<_> = new
            .iter()
            .map(|unit| event::of_move(Subject::Unit, Status::Pending, Some(unit.unit_id), None))
            .collect();
        event::insert(tx, run_id, &at, &events)
    })?;
    Ok(ids)
}

/// Starts a pending or an interrupted unit of a run that is running.
///
/// # Errors
/// [`ErrorKind::NotFound`], or [`ErrorKind::Refused`] with [`IllegalMove`], or with [`RunNotReady`] when its run is not
/// running; nothing was changed.
pub fn start_unit(tx: &mut WriteTx<'_>, id: &str) -> Result<()> {
    move_to(tx, id, Status::Running, None, |tx, at| tx.query_opt(START, params! { id, at }))
}

/// Completes a running unit.
///
/// # Errors
/// [`ErrorKind::NotFound`], or [`ErrorKind::Refused`] with [`IllegalMove`]; nothing was changed.
pub fn complete_unit(tx: &mut WriteTx<'_>, id: &str) -> Result<()> {
    move_to(tx, id, Status::Completed, None, |tx, at| tx.query_opt(COMPLETE, params! { id, at }))
}

/// Fails a unit that is not finished, for the reason `error`. Its run goes on; whether it fails too is its owner's decision.
///
/// # Errors
/// As [`complete_unit`].
pub fn fail_unit(tx: &mut WriteTx<'_>, id: &str, error: &str) -> Result<()> {
    let (status, error) = (Status::Failed, Some(error));
    move_to(tx, id, status, error, |tx, at| tx.query_opt(END, params! { id, at, status, error }))
}

/// Cancels a unit that is not finished.
///
/// # Errors
/// As [`complete_unit`].
pub fn cancel_unit(tx: &mut WriteTx<'_>, id: &str) -> Result<()> {
    let (status, error) = (Status::Cancelled, None::<&str>);
    move_to(tx, id, status, error, |tx, at| tx.query_opt(END, params! { id, at, status, error }))
}

/// Lets go of a running unit, for the reason `why`. It can be started again.
///
/// # Errors
/// As [`complete_unit`].
pub fn interrupt_unit(tx: &mut WriteTx<'_>, id: &str, why: &str) -> Result<()> {
    move_to(tx, id, Status::Interrupted, Some(why), |tx, _| {
        tx.query_opt(INTERRUPT, params! { id, error: why })
    })
}

/// Makes a move whole or not at all. `f` gives the run and the name of the unit when it was made; where not, the reason is
/// looked for.
fn move_to(
    tx: &mut WriteTx<'_>,
    id: &str,
    to: Status,
    why: Option<&str>,
    f: impl FnOnce(&mut WriteTx<'_>, &str) -> Result<Option<(String, String)>>,
) -> Result<()> {
    let at = timestamp_text(Timestamp::now());
    tx.savepoint(|tx| {
        hold_run(tx, id)?;
        if let Some((run_id, unit_id)) = f(tx, &at)? {
            let event = event::of_move(Subject::Unit, to, Some(&unit_id), why);
            return event::insert(tx, &run_id, &at, &[event]).map(drop);
        }
        let found: Option<(Status, String, Status)> = tx.query_opt(STATUS, params! { id })?;
        let (from, run_id, run) = found.ok_or_else(|| Subject::Unit.missing(id))?;
        if to == Status::Running && from.may_become(to) {
            return Err(RunNotReady::for_starting(&run_id, run));
        }
        Err(IllegalMove::of(Subject::Unit, id, from, to))
    })
}

/// Keeps others from the run of a unit until the commit.
fn hold_run(tx: &mut WriteTx<'_>, id: &str) -> Result<()> {
    if tx.dialect() == Dialect::Postgres {
        tx.query_opt::<i64>(HOLD_RUN, params! { id })?;
    }
    Ok(())
}

/// Cancels the units of a run that are open; gives their names.
pub(super) fn cancel_open(tx: &mut WriteTx<'_>, run_id: &str, at: &str) -> Result<Vec<String>> {
    sorted(tx.query_all(CANCEL_OPEN, params! { run_id, at })?)
}

/// Interrupts the units of a run that are running; gives their names.
pub(super) fn interrupt_running(tx: &mut WriteTx<'_>, run_id: &str, why: &str) -> Result<Vec<String>> {
    sorted(tx.query_all(INTERRUPT_RUNNING, params! { run_id, error: why })?)
}

fn sorted(mut names: Vec<String>) -> Result<Vec<String>> {
    names.sort_unstable();
    Ok(names)
}

/// Notes where a unit is worked on.
///
/// # Errors
/// [`ErrorKind::NotFound`] when there is no such unit.
pub fn place_unit(
    tx: &mut WriteTx<'_>,
    id: &str,
    branch: Option<&str>,
    worktree_path: Option<&str>,
) -> Result<()> {
    match tx.execute(PLACE, params! { id, branch, worktree_path })? {
        0 => Err(Subject::Unit.missing(id)),
        _ => Ok(()),
    }
}

/// The unit with that id.
///
/// # Errors
/// [`ErrorKind::NotFound`] when there is none, or what the engine says.
pub fn unit(tx: &mut ReadTx<'_>, id: &str) -> Result<Unit> {
    tx.query_opt(BY_ID, params! { id })?.ok_or_else(|| Subject::Unit.missing(id))
}

/// The unit of that name in a run, if there is one.
///
/// # Errors
/// What the engine says.
pub fn find_unit(tx: &mut ReadTx<'_>, run_id: &str, unit_id: &str) -> Result<Option<Unit>> {
    tx.query_opt(BY_NAME, params! { run_id, unit_id })
}

/// The units of a run by their names; only those of `status`, where one is given.
///
/// # Errors
/// What the engine says. A run that is not there has no units.
pub fn list_units(tx: &mut ReadTx<'_>, run_id: &str, status: Option<Status>) -> Result<Vec<Unit>> {
    match status {
        None => tx.query_all(OF_RUN, params! { run_id }),
        Some(status) => tx.query_all(OF_RUN_BY_STATUS, params! { run_id, status }),
    }
}

/// The units of a status in all runs, at most `limit`.
///
/// # Errors
/// What the engine says.
pub fn list_units_by_status(tx: &mut ReadTx<'_>, status: Status, limit: u32) -> Result<Vec<Unit>> {
    tx.query_all(BY_STATUS, params! { status, limit })
}
