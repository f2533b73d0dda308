//! The audit log: what the tool did, entry after entry, chained by hashes.

use super::trail::TRAIL;
use crate::audit::{self, Head};
use crate::redact::{Redaction, STANDARD};
use crate::word::words;
use jiff::Timestamp;
use larder::{Json, ReadTx, Result, WriteTx, params};
use serde::{Deserialize, Serialize};
use serde_json::Value;

words! {
    /// How much an entry matters.
    #[derive(Default)]
    #[non_exhaustive]
    Level("level of an audit entry") {
        /// For who looks for a fault.
        Debug = "debug",
        /// What happened.
        #[default]
        Info = "info",
        /// What should not have happened and did no harm.
        Warn = "warn",
        /// What failed.
        Error = "error",
    }
}

/// An entry to add. Everything in it is stored without its secrets.
#[derive(Clone, Copy, Debug)]
pub struct NewEntry<'a> {
    /// How much it matters.
    pub level: Level,
    /// The run that it tells of.
    pub run_id: Option<&'a str>,
    /// The part of the tool that it comes from: `import`.
    pub scope: &'a str,
    /// What happened, as a program looks for it: `file_skipped`.
    pub event: &'a str,
    /// The same for a person.
    pub message: Option<&'a str>,
    /// Its details.
    pub data: Option<&'a Value>,
    /// What is a secret.
    pub redaction: &'a Redaction,
}

impl Default for NewEntry<'_> {
    fn default() -> Self {
        Self {
            level: Level::Info,
            run_id: None,
            scope: "",
            event: "",
            message: None,
            data: None,
            redaction: &STANDARD,
        }
    }
}

/// An entry of the audit log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Entry {
    /// Its number, from 1 without a gap.
    pub seq: i64,
    /// When it was added.
    pub ts: Timestamp,
    /// How much it matters.
    pub level: Level,
    /// The run that it tells of.
    pub run_id: Option<String>,
    /// The part of the tool that it comes from.
    pub scope: String,
    /// What happened.
    pub event: String,
    /// The same for a person.
    pub message: Option<String>,
    /// Its details.
    pub data: Option<Json<Value>>,
    /// Its hash, which covers the entry and the hash before it.
    pub hash: String,
}

/// In the order of the number, which is the table's own within one run.
pub(super) const OF_RUN: &str =
    "SELECT seq, ts, level, run_id, scope, event, message, data_json AS data, hash
     FROM audit_log WHERE run_id = :run_id ORDER BY seq";

/// Adds an entry to the audit log; gives its number and hash.
///
/// # Errors
/// As [`audit::append`].
pub fn log(tx: &mut WriteTx<'_>, new: NewEntry<'_>) -> Result<Head> {
    stored(&new, |entry| audit::append(tx, &TRAIL, entry))
}

/// Adds many entries, all or none; gives the number and hash of the last.
///
/// # Errors
/// As [`audit::append_many`].
pub fn log_many<'a>(tx: &mut WriteTx<'_>, new: impl IntoIterator<Item = NewEntry<'a>>) -> Result<Head> {
    audit::append_many(tx, &TRAIL, |entries| {
        new.into_iter().try_for_each(|new| stored(&new, |entry| entries.push(entry)).map(drop))
    })
}

/// The entries that tell of a run, in their order.
///
/// # Errors
/// What the engine says.
pub fn entries(tx: &mut ReadTx<'_>, run_id: &str) -> Result<Vec<Entry>> {
    tx.query_all(OF_RUN, params! { run_id })
}

fn stored<T>(new: &NewEntry<'_>, write: impl FnOnce(&[larder::Param<'_>]) -> Result<T>) -> Result<T> {
    let text = |text: &str| new.redaction.text(text);
    write(params! {
        ts: Timestamp::now(),
        level: new.level,
        run_id: new.run_id.map(text),
        scope: text(new.scope),
        event: text(new.event),
        message: new.message.map(text),
        data_json: new.data.map(|data| new.redaction.value(data)),
    })
}
