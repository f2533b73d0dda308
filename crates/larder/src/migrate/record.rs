//! A row of the history: which migration was applied, when, and what it did.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The name of the application's own set, the one whose ids stand in the history as they are.
pub const APP: &str = "app";

/// A migration that was applied, or begun: a row of the table `schema_migrations`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Applied {
    /// The id by which the history knows it: `0001_init`, or `journal/0001_init` in a set other than `app`.
    pub id: String,
    /// The set it belongs to.
    pub set: String,
    /// Its number.
    pub version: u64,
    /// Its id without set and number: `init`.
    pub name: String,
    /// The checksum of the text that was run; see [`Migration::checksum`](crate::Migration::checksum).
    pub checksum: String,
    /// When it was applied, or begun.
    pub applied_at: Timestamp,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
    /// The program that applied it, with its version.
    pub program: String,
    /// What it did, as it was measured.
    pub effects: serde_json::Value,
    /// Who approved which loss, where it lost something.
    pub approval: Option<serde_json::Value>,
    /// Whether it is done.
    pub state: State,
    /// How many of its statements are done, for one that runs outside a transaction.
    pub statements_done: u64,
}

/// How far a migration of the history came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// It is done.
    Applied,
    /// It runs outside a transaction, was begun, and did not come to its end.
    Started,
}

impl Applied {
    /// A row for a migration of `set` that is applied at `applied_at`; what is not given here is empty.
    ///
    /// ```
    /// use larder::{Migration, migrate::Applied};
    ///
    /// let init = Migration::sql("0001_init", "CREATE TABLE t(x)");
    /// assert_eq!(Applied::new("journal", &init, jiff::Timestamp::UNIX_EPOCH).id, "journal/0001_init");
    /// ```
    pub fn new(set: &str, migration: &crate::Migration, applied_at: Timestamp) -> Self {
        Self {
            id: history_id(set, migration.id()),
            set: set.to_owned(),
            version: migration.version(),
            name: migration.name().to_owned(),
            checksum: migration.checksum().to_owned(),
            applied_at,
            duration_ms: 0,
            program: String::new(),
            effects: serde_json::Value::Null,
            approval: None,
            state: State::Applied,
            statements_done: 0,
        }
    }
}

/// A migration's id as the history knows it: with its set's name before it, unless the set is the application's own.
pub fn history_id(set: &str, id: &str) -> String {
    if set == APP { id.to_owned() } else { format!("{set}/{id}") }
}
