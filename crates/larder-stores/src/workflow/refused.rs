//! What this store refuses, each with its typed reason, which [`larder::Error::find`] gives back.

use super::Status;
use crate::refusal::refuse;
use larder::{Error, ErrorKind};
use std::fmt;

/// A run, or a unit of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A run.
    Run,
    /// A unit.
    Unit,
}

/// A move that the table of moves ([`Status::may_become`]) does not have. Nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct IllegalMove {
    /// What was to be moved.
    pub subject: Subject,
    /// Its id.
    pub id: String,
    /// What it is.
    pub from: Status,
    /// What it was to become.
    pub to: Status,
}

/// There is a run for that branch of that repository already.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RunExists {
    /// The id of the run that is there.
    pub id: String,
    /// How far it has come.
    pub status: Status,
    /// The branch.
    pub feature_branch: String,
    /// The repository.
    pub repo_path: String,
}

/// The run is in no state for what was asked: no unit is started in a run that is not running, none is added to one that
/// is finished, and only a finished one is discarded.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RunNotReady {
    /// The id of the run.
    pub id: String,
    /// How far it has come.
    pub status: Status,
    /// What can't be done, as it goes on after "so".
    what: &'static str,
}

/// A run was to be completed while units of it are still open.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct UnitsOpen {
    /// The id of the run.
    pub id: String,
    /// How many units are pending, running or interrupted.
    pub open: u64,
}

/// An event of the application's own has the name of one that a move writes.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReservedEvent {
    /// The name.
    pub event_type: String,
}

impl Subject {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Run => "run",
            Self::Unit => "unit",
        }
    }

    /// There is none of that id.
    pub(super) fn missing(self, id: &str) -> Error {
        let word = self.as_str();
        Error::new(ErrorKind::NotFound, format!("there is no {word} {id}")).with_help(match self {
            Self::Run => "`larder workflow list` shows the runs that there are",
            Self::Unit => "`larder workflow show` shows the units of a run",
        })
    }
}

impl IllegalMove {
    pub(super) fn of(subject: Subject, id: &str, from: Status, to: Status) -> Error {
        let help = match from {
            Status::Completed | Status::Failed | Status::Cancelled => {
                "what is finished stays as it is; create another one"
            }
            Status::Running => "it is running: complete, fail, cancel or interrupt it",
            Status::Pending | Status::Interrupted => "it is not running: start, fail or cancel it",
        };
        refuse(Self { subject, id: id.to_owned(), from, to }, help)
    }
}

impl RunExists {
    pub(super) fn of(id: String, status: Status, feature_branch: &str, repo_path: &str) -> Error {
        let help = match status {
            Status::Pending | Status::Interrupted => format!("start {id} and go on with it, or cancel it"),
            Status::Running => {
                format!("wait for {id}; if nobody works on it any more, `recover` interrupts it")
            }
            _ => format!(
                "it is finished: make room with `discard_run` or `prune`, or choose another branch than {id}'s"
            ),
        };
        let reason =
            Self { id, status, feature_branch: feature_branch.to_owned(), repo_path: repo_path.to_owned() };
        refuse(reason, &help)
    }
}

impl RunNotReady {
    pub(super) fn for_starting(id: &str, status: Status) -> Error {
        Self::of(id, status, "no unit of it can be started", "start the run first")
    }

    pub(super) fn for_adding(id: &str, status: Status) -> Error {
        Self::of(id, status, "no unit can be added to it", "create another run")
    }

    pub(super) fn for_discarding(id: &str, status: Status) -> Error {
        Self::of(id, status, "it can't be discarded", "cancel it first")
    }

    fn of(id: &str, status: Status, what: &'static str, help: &str) -> Error {
        refuse(Self { id: id.to_owned(), status, what }, help)
    }
}

impl UnitsOpen {
    pub(super) fn of(id: &str, open: u64) -> Error {
        refuse(Self { id: id.to_owned(), open }, "complete, fail or cancel each of its units first")
    }
}

impl ReservedEvent {
    pub(super) fn of(event_type: &str) -> Error {
        let reason = Self { event_type: event_type.to_owned() };
        refuse(reason, "give the event another name: those of moves are written by the moves themselves")
    }
}

impl fmt::Display for IllegalMove {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { subject, id, from, to } = self;
        write!(f, "the {} {id} is {from} and can't become {to}", subject.as_str())
    }
}

impl fmt::Display for RunExists {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, status, feature_branch, repo_path } = self;
        write!(
            f,
            "there is a run for the branch {feature_branch} of {repo_path} already: {id}, which is {status}"
        )
    }
}

impl fmt::Display for RunNotReady {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the run {} is {}, so {}", self.id, self.status, self.what)
    }
}

impl fmt::Display for UnitsOpen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let units = if self.open == 1 { "unit is" } else { "units are" };
        write!(f, "the run {} can't be completed: {} {units} still open", self.id, self.open)
    }
}

impl fmt::Display for ReservedEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is the name of an event that a move of a run or of a unit writes", self.event_type)
    }
}

impl std::error::Error for IllegalMove {}
impl std::error::Error for RunExists {}
impl std::error::Error for RunNotReady {}
impl std::error::Error for UnitsOpen {}
impl std::error::Error for ReservedEvent {}
