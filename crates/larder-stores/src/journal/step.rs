//! Steps of a run.

use super::status::{Ending, Status, refusal};
use crate::engine::PerEngine;
use crate::redact::{Redaction, STANDARD};
use jiff::Timestamp;
use larder::{Json, ReadTx, Result, WriteTx, params};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::time::Duration;

/// A step that begins.
#[derive(Clone, Copy, Debug)]
pub struct NewStep<'a> {
    /// Its id; a ULID is made where there is none.
    pub step_id: Option<&'a str>,
    /// The run it is a step of.
    pub run_id: &'a str,
    /// What it does: `load`.
    pub name: &'a str,
    /// When it began, for a step that is recorded afterwards; else it is now.
    pub started_at: Option<Timestamp>,
    /// What is a secret.
    pub redaction: &'a Redaction,
}

impl Default for NewStep<'_> {
    fn default() -> Self {
        Self { step_id: None, run_id: "", name: "", started_at: None, redaction: &STANDARD }
    }
}

/// A step of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RunStep {
    /// Its id.
    pub step_id: String,
    /// The run it is a step of.
    pub run_id: String,
    /// What it does.
    pub name: String,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// How it stands.
    pub status: Status,
    /// What it did, in figures of the tool's own choice.
    pub stats: Option<Json<Value>>,
    /// Why it failed.
    pub error: Option<String>,
}

impl RunStep {
    /// How long it took, when it has ended.
    pub fn duration(&self) -> Option<Duration> {
        self.finished_at.and_then(|end| Duration::try_from(end.duration_since(self.started_at)).ok())
    }
}

macro_rules! start {
    ($hold:literal) => {
        concat!(
            "INSERT INTO run_steps (step_id, run_id, name, started_at, status)
     SELECT :step_id, run_id, :name, :now, 'running' FROM runs WHERE run_id = :run_id AND status = 'running'",
            $hold,
            "
     RETURNING step_id, run_id, name, started_at, finished_at, status, stats_json AS stats, error"
        )
    };
}

/// Only into a run that is running: one statement, so that no run can end in between. Where writers run side by side it holds
/// the run's row too: who ends the run waits, and then closes this step as well.
pub(super) const START: PerEngine = PerEngine { sqlite: start!(""), postgres: start!(" FOR SHARE") };
pub(super) const FINISH: &str = "UPDATE run_steps SET status = :status, stats_json = :stats, error = :error,
       finished_at = CASE WHEN started_at > :now THEN started_at ELSE :now END
     WHERE step_id = :step_id AND status = 'running'
     RETURNING step_id, run_id, name, started_at, finished_at, status, stats_json AS stats, error";
pub(super) const STATUS: &str = "SELECT status FROM run_steps WHERE step_id = :step_id";
pub(super) const OF_RUN: &str =
    "SELECT step_id, run_id, name, started_at, finished_at, status, stats_json AS stats, error
     FROM run_steps WHERE run_id = :run_id ORDER BY started_at, step_id";

/// Begins a step of a run that is running.
///
/// # Errors
/// [`NotFound`](larder::ErrorKind::NotFound) when there is no such run; [`Refused`](larder::ErrorKind::Refused) with an
/// [`IllegalMove`](super::IllegalMove) when the run has ended.
pub fn start_step(tx: &mut WriteTx<'_>, new: NewStep<'_>) -> Result<RunStep> {
    let NewStep { run_id, redaction, .. } = new;
    let step_id = new.step_id.map_or_else(super::new_id, |id| redaction.text(id));
    let name = redaction.text(new.name);
    let now = new.started_at.unwrap_or_else(Timestamp::now);
    let sql = START.on(tx);
    let step = tx.query_opt(sql, params! { step_id, run_id, name, now })?;
    match step {
        Some(step) => Ok(step),
        None => {
            let there = super::run(tx, run_id)?;
            Err(refusal("run", run_id, there.map(|run| run.status), Status::Running))
        }
    }
}

/// Ends a step. `stats` is what it did in figures of the tool's own choice; `Value::Null` is nothing.
///
/// # Errors
/// [`NotFound`](larder::ErrorKind::NotFound) when there is none of that id; [`Refused`](larder::ErrorKind::Refused) with an
/// [`IllegalMove`](super::IllegalMove) when it has ended already.
pub fn finish_step(
    tx: &mut WriteTx<'_>,
    step_id: &str,
    ending: Ending<'_>,
    stats: &Value,
) -> Result<RunStep> {
    let stored = (!stats.is_null()).then(|| ending.redaction.value(stats));
    let now = ending.at.unwrap_or_else(Timestamp::now);
    let values = params! { step_id, status: ending.status, stats: stored, error: ending.said(), now };
    match tx.query_opt(FINISH, values)? {
        Some(step) => Ok(step),
        None => {
            let there = tx.query_opt(STATUS, params! { step_id })?;
            Err(refusal("step", step_id, there, ending.status))
        }
    }
}

/// The steps of a run, in the order in which they began.
///
/// # Errors
/// What the engine says.
pub fn steps(tx: &mut ReadTx<'_>, run_id: &str) -> Result<Vec<RunStep>> {
    tx.query_all(OF_RUN, params! { run_id })
}
