//! What an examination gives: the findings, and what follows from them.

use crate::db::Stats;
use serde::Serialize;
use std::fmt;

/// What [`examine`](super::examine) found. Its JSON form is described in `docs/doctor.md`; fields are only ever added to it
/// without [`Checkup::format`] changing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Checkup {
    /// The version of this shape: 1.
    pub format: u32,
    /// True when the database is ready for use: its state is [`State::Ready`] and no error is left unfixed.
    pub ok: bool,
    /// What can be said of the database as a whole.
    pub state: State,
    /// Which database: its path, without a password.
    pub database: String,
    /// The engine and its version: `SQLite 3.54.1`.
    pub engine: Option<String>,
    /// The version of the schema: the number of the newest migration that was applied.
    pub schema_version: Option<i64>,
    /// The id of the newest migration that the program has.
    pub newest: Option<String>,
    /// What was found, the most severe first.
    pub findings: Vec<Finding>,
    /// What the handle was used for, where one was examined with [`examine_open`](super::examine_open).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stats: Option<Stats>,
    /// The checks that were made. One that needs a readable database is not made without one.
    pub checked: Vec<&'static str>,
}

impl Checkup {
    /// The most severe of the findings that were not fixed.
    pub fn worst(&self) -> Option<Severity> {
        self.findings.iter().filter(|finding| !finding.fixed).map(|finding| finding.severity).max()
    }
}

/// What can be said of a database as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum State {
    /// It is there, readable and at the version of the newest migration.
    Ready,
    /// Migrations wait to be applied.
    Pending,
    /// It is not there yet, or is there and was never migrated. Nothing is wrong: migrate it.
    Uninitialized,
    /// It has tables and was not made by Larder.
    Unmanaged,
    /// It was migrated by a newer program than this one.
    Newer,
    /// It could not be read; the findings say why.
    Unreadable,
    /// What is there is no SQLite database.
    NotADatabase,
    /// Its file is damaged.
    Damaged,
}

impl State {
    /// The word that stands for it in JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Pending => "pending",
            Self::Uninitialized => "uninitialized",
            Self::Unmanaged => "unmanaged",
            Self::Newer => "newer",
            Self::Unreadable => "unreadable",
            Self::NotADatabase => "not_a_database",
            Self::Damaged => "damaged",
        }
    }

    /// Of two states that are both true, the graver counts.
    pub(super) fn rank(self) -> u8 {
        match self {
            Self::Ready => 0,
            Self::Pending => 1,
            Self::Uninitialized => 2,
            Self::Unmanaged => 3,
            Self::Newer => 4,
            Self::Unreadable => 5,
            Self::NotADatabase => 6,
            Self::Damaged => 7,
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// How much a finding matters, the least first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Severity {
    /// Good to know; nothing needs to be done.
    Info,
    /// It works, and something should be done before it does not.
    Warning,
    /// It does not work, or data is lost or in danger.
    Error,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
        })
    }
}

/// One thing that was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Finding {
    /// The check that found it.
    pub check: &'static str,
    /// How much it matters.
    pub severity: Severity,
    /// What was found, in a plain sentence without a full stop at its end.
    pub message: String,
    /// What to do about it.
    pub fix: Option<String>,
    /// True when it was put right during this examination.
    pub fixed: bool,
}
