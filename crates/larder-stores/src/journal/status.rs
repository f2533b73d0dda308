//! How a run or a step stands, how it may end, and the move that is refused.

use crate::redact::{Redaction, STANDARD};
use crate::word::words;
use jiff::Timestamp;
use larder::{Error, ErrorKind};
use std::fmt;

words! {
    /// How a run or a step stands. From `Running` it moves once, to one of the others.
    #[non_exhaustive]
    Status("status of a run") {
        /// It was started and has not ended, or its process died.
        Running = "running",
        /// It ended well.
        Completed = "completed",
        /// It ended otherwise.
        Failed = "failed",
    }
}

/// How a run or a step ended.
#[derive(Clone, Copy, Debug)]
pub struct Ending<'a> {
    pub(super) status: Status,
    pub(super) error: Option<&'a str>,
    pub(super) at: Option<Timestamp>,
    pub(super) redaction: &'a Redaction,
}

impl<'a> Ending<'a> {
    /// It ended well.
    pub fn completed() -> Self {
        Self { status: Status::Completed, error: None, at: None, redaction: &STANDARD }
    }

    /// It failed, and why.
    pub fn failed(error: &'a str) -> Self {
        Self { status: Status::Failed, error: Some(error), at: None, redaction: &STANDARD }
    }

    /// It ended then, and is recorded afterwards; else it is now.
    #[must_use]
    pub fn at(mut self, at: Timestamp) -> Self {
        self.at = Some(at);
        self
    }

    /// Redacts by `redaction` instead of by the known keys alone.
    #[must_use]
    pub fn redacted_by(mut self, redaction: &'a Redaction) -> Self {
        self.redaction = redaction;
        self
    }

    /// The error without its secrets.
    pub(super) fn said(&self) -> Option<String> {
        self.error.map(|error| self.redaction.text(error))
    }
}

/// A run or a step can't move so: it has ended already. Nothing was changed. Found in an error of kind
/// [`ErrorKind::Refused`] by [`Error::find`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct IllegalMove {
    /// `run` or `step`.
    pub what: &'static str,
    /// Its id.
    pub id: String,
    /// How it stands.
    pub from: Status,
    /// How it was to stand; for a run to which a step was to be added, `Running`.
    pub to: Status,
}

impl fmt::Display for IllegalMove {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, id, from, to } = self;
        match to {
            Status::Running => write!(f, "the {what} {id} is {from}, so no step can begin in it"),
            _ => write!(f, "the {what} {id} is {from} and can't become {to}"),
        }
    }
}

impl std::error::Error for IllegalMove {}

/// Why nothing was changed: it is not there, or it has ended.
pub(super) fn refusal(what: &'static str, id: &str, from: Option<Status>, to: Status) -> Error {
    match from {
        Some(from) => crate::refusal::refuse(
            IllegalMove { what, id: id.to_owned(), from, to },
            "what has ended stays as it is; start a new one",
        ),
        None => Error::new(ErrorKind::NotFound, format!("there is no {what} {id}"))
            .with_help("`larder run list` shows the runs that there are"),
    }
}
