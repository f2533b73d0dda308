//! What a copy tells: while it goes on, and when it is done.

use serde::Serialize;
use std::fmt;
use std::time::Duration;

/// What a copy did.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Report {
    /// Each table, in the order in which they were loaded.
    pub tables: Vec<CopiedTable>,
    /// What the source has and the target has not, or has otherwise. None of it is a row.
    pub left_out: Vec<LeftOut>,
    /// How many rows of the history were copied.
    pub migrations: usize,
    /// The schema version of both.
    pub schema_version: Option<i64>,
    /// All rows.
    pub rows: u64,
    /// The bytes of all their values, in the form in which they were compared.
    pub bytes: u64,
    /// Nothing was kept: it was a check.
    pub dry_run: bool,
    /// How long all of it took.
    pub duration: Duration,
}

/// A table that was copied, and compared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct CopiedTable {
    /// Its name in the source.
    pub name: String,
    /// How many rows it has, on both sides.
    pub rows: u64,
    /// The bytes of their values, in the form in which they were compared.
    pub bytes: u64,
    /// The hash of its content, the same on both sides: the sum of the SHA-256 of every row, in hexadecimal. It does not
    /// depend on the order of the rows.
    pub hash: String,
    /// What made it in the target.
    pub origin: Origin,
}

impl fmt::Display for CopiedTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = if self.rows == 1 { "row" } else { "rows" };
        write!(f, "{}: {} {word}", self.name, self.rows)
    }
}

/// What made a table in the target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// The migrations of a set.
    Set,
    /// The statement that made it in the source.
    Same,
    /// A translation of that.
    Translated,
}

/// Something of the source's schema that the target does not have, or has in another form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct LeftOut {
    /// What: `view recent`, `default of notes.created_at`.
    pub object: String,
    /// Why, and what stands there instead.
    pub reason: String,
}

impl fmt::Display for LeftOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.object, self.reason)
    }
}

/// How far a copy is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// What happens now.
    pub phase: Phase,
    /// The table that it happens to, where it is one.
    pub table: String,
    /// Its place among all, counted from 1.
    pub at: usize,
    /// How many tables there are.
    pub tables: usize,
    /// The rows of all tables that this phase has done.
    pub rows: u64,
    /// How many it will be; 0 while they are counted, which the check does.
    pub of_rows: u64,
    /// The bytes of their values.
    pub bytes: u64,
}

/// What happens during a copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Phase {
    /// The schema is built in the target.
    Building,
    /// Every value of the source is checked.
    Checking,
    /// The rows are loaded.
    Loading,
    /// Indexes, foreign keys, numbers that count on, statistics.
    Finishing,
    /// The rows are read back and compared.
    Verifying,
    /// It is committed.
    Committing,
}
