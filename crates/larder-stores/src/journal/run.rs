//! Runs: one for each time the tool did something.

use super::status::{Ending, Status, refusal};
use crate::canonical_hash;
use crate::engine::PerEngine;
use crate::redact::{Redaction, STANDARD};
use jiff::Timestamp;
use larder::{Json, ReadTx, Result, WriteTx, params};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A run that begins. Everything in it is stored without its secrets.
#[derive(Clone, Copy, Debug)]
pub struct NewRun<'a> {
    /// Its id; a ULID is made where there is none.
    pub run_id: Option<&'a str>,
    /// The arguments with which the tool was called, as [`Redaction::args`] leaves them.
    pub args: &'a [String],
    /// The configuration. Only its hash is stored, taken over what [`Redaction::value`] leaves, so that nothing stored is
    /// derived from a secret: two configurations that differ by a secret alone have one hash.
    pub config: Option<&'a Value>,
    /// The commit of the tool's own folder or of the one it works on, as [`git_commit`](crate::git_commit) finds it.
    pub git_sha: Option<&'a str>,
    /// Who ran it, as `ada@laptop`.
    pub actor: Option<&'a str>,
    /// When it began, for a run that is recorded afterwards; else it is now.
    pub created_at: Option<Timestamp>,
    /// What is a secret.
    pub redaction: &'a Redaction,
}

impl Default for NewRun<'_> {
    fn default() -> Self {
        Self {
            run_id: None,
            args: &[],
            config: None,
            git_sha: None,
            actor: None,
            created_at: None,
            redaction: &STANDARD,
        }
    }
}

/// A run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Run {
    /// Its id.
    pub run_id: String,
    /// When it began.
    pub created_at: Timestamp,
    /// The arguments, without secrets.
    pub args: Json<Vec<String>>,
    /// The commit.
    pub git_sha: Option<String>,
    /// The SHA-256 of the configuration without secrets as canonical JSON (RFC 8785), in hexadecimal digits.
    pub config_hash: Option<String>,
    /// Who ran it.
    pub actor: Option<String>,
    /// How it stands.
    pub status: Status,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// Why it failed.
    pub error: Option<String>,
}

/// Which runs to list.
#[derive(Clone, Copy, Debug)]
pub struct Filter {
    /// Only those that stand so.
    pub status: Option<Status>,
    /// Only those that began before this; the `created_at` of the last run of a page gives the next page.
    pub before: Timestamp,
    /// At most so many.
    pub limit: u32,
}

impl Default for Filter {
    fn default() -> Self {
        Self { status: None, before: Timestamp::MAX, limit: 20 }
    }
}

pub(super) const START: &str = "INSERT INTO runs (run_id, created_at, args_json, git_sha, config_hash, actor, status)
     VALUES (:run_id, :now, :args, :git_sha, :config_hash, :actor, 'running')
     RETURNING run_id, created_at, args_json AS args, git_sha, config_hash, actor, status, finished_at, error";
/// A clock that was set back makes no run end before it began.
pub(super) const FINISH: &str = "UPDATE runs SET status = :status, error = :error,
       finished_at = CASE WHEN created_at > :now THEN created_at ELSE :now END
     WHERE run_id = :run_id AND status = 'running'
     RETURNING run_id, created_at, args_json AS args, git_sha, config_hash, actor, status, finished_at, error";
pub(super) const CLOSE_STEPS: &str = "UPDATE run_steps SET status = 'failed', error = :error,
       finished_at = CASE WHEN started_at > :now THEN started_at ELSE :now END
     WHERE run_id = :run_id AND status = 'running'";
pub(super) const BY_ID: &str =
    "SELECT run_id, created_at, args_json AS args, git_sha, config_hash, actor, status, finished_at, error
     FROM runs WHERE run_id = :run_id";
pub(super) const LIST: &str =
    "SELECT run_id, created_at, args_json AS args, git_sha, config_hash, actor, status, finished_at, error
     FROM runs WHERE created_at < :before ORDER BY created_at DESC, run_id DESC LIMIT :limit";
pub(super) const LIST_BY_STATUS: &str =
    "SELECT run_id, created_at, args_json AS args, git_sha, config_hash, actor, status, finished_at, error
     FROM runs WHERE status = :status AND created_at < :before ORDER BY created_at DESC, run_id DESC LIMIT :limit";
/// Where writers run side by side the rows are held, so that each is still running when it is ended.
pub(super) const LEFT: PerEngine = PerEngine {
    sqlite: "SELECT run_id FROM runs WHERE status = 'running' AND created_at < :before ORDER BY created_at, run_id",
    postgres:
        "SELECT run_id FROM runs WHERE status = 'running' AND created_at < :before ORDER BY created_at, run_id
     FOR NO KEY UPDATE",
};

/// Begins a run.
///
/// # Errors
/// A constraint when the id is taken, or what the engine says.
pub fn start_run(tx: &mut WriteTx<'_>, new: NewRun<'_>) -> Result<Run> {
    let text = |text: &str| new.redaction.text(text);
    tx.query_one(
        START,
        params! {
            run_id: new.run_id.map_or_else(super::new_id, text),
            now: new.created_at.unwrap_or_else(Timestamp::now),
            args: Json(new.redaction.args(new.args)),
            git_sha: new.git_sha.map(text),
            config_hash: new.config.map(|config| canonical_hash(&new.redaction.value(config))),
            actor: new.actor.map(text),
        },
    )
}

/// Ends a run. Steps of it that are still running end with it, as failed.
///
/// # Errors
/// [`NotFound`](larder::ErrorKind::NotFound) when there is none of that id;
/// [`Refused`](larder::ErrorKind::Refused) with an [`IllegalMove`](super::IllegalMove) when it has ended already.
pub fn finish_run(tx: &mut WriteTx<'_>, run_id: &str, ending: Ending<'_>) -> Result<Run> {
    let now = ending.at.unwrap_or_else(Timestamp::now);
    let error = ending.said();
    let run: Option<Run> = tx.query_opt(FINISH, params! { run_id, status: ending.status, error, now })?;
    let Some(run) = run else {
        let there = super::run(tx, run_id)?;
        return Err(refusal("run", run_id, there.map(|run| run.status), ending.status));
    };
    tx.execute(CLOSE_STEPS, params! { run_id, now, error: "the run ended before the step" })?;
    Ok(run)
}

/// The run of that id.
///
/// # Errors
/// What the engine says.
pub fn run(tx: &mut ReadTx<'_>, run_id: &str) -> Result<Option<Run>> {
    tx.query_opt(BY_ID, params! { run_id })
}

/// The runs, the newest first.
///
/// # Errors
/// What the engine says.
pub fn list_runs(tx: &mut ReadTx<'_>, filter: &Filter) -> Result<Vec<Run>> {
    let Filter { status, before, limit } = *filter;
    match status {
        Some(status) => tx.query_all(LIST_BY_STATUS, params! { status, before, limit }),
        None => tx.query_all(LIST, params! { before, limit }),
    }
}

/// Ends the runs that began before that time and are still running, as failed, for their processes died; gives them.
/// Which time that is only the caller knows: choose one before which no run that lives can have begun.
///
/// # Errors
/// What the engine says.
pub fn recover(tx: &mut WriteTx<'_>, before: Timestamp) -> Result<Vec<Run>> {
    let sql = LEFT.on(tx);
    let left: Vec<String> = tx.query_all(sql, params! { before })?;
    let ending = Ending::failed("its process ended without saying so");
    left.iter().map(|run_id| finish_run(tx, run_id, ending)).collect()
}
