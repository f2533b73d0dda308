//! The store `workflow`: a daemon's runs and units, with an event for every change.
//!
//! A run is work on a feature branch of a repository, done in units, several at a time. Its rows say how far each has come
//! ([`Status`]); its events say how it came to that, gap-free and in order, beside whatever the application adds. Each move
//! of a row writes its event in the same transaction, so that [`replay`] of the events gives the rows.
//!
//! ```
//! use larder::Database;
//! use larder_stores::workflow::{self, NewEvent, NewRun, NewUnit, Recovery};
//!
//! # fn main() -> larder::Result<()> {
//! let db = Database::open(":memory:")?;
//! db.migrate(&[&workflow::MIGRATIONS])?;
//!
//! // When the daemon starts: what an earlier one left running is marked as interrupted.
//! db.write(|tx| workflow::recover(tx, Recovery::Dead))?;
//!
//! let (run, unit) = db.write(|tx| {
//!     let new = NewRun { feature_branch: "parser", repo_path: "/src/app", parallelism: 4, ..NewRun::default() };
//!     let run = workflow::create_run(tx, &new)?;
//!     let unit = workflow::create_unit(tx, &run, &NewUnit { unit_id: "lexer", ..NewUnit::default() })?;
//!     workflow::start_run(tx, &run)?;
//!     Ok((run, unit))
//! })?;
//!
//! db.write(|tx| workflow::start_unit(tx, &unit))?;
//! db.write(|tx| {
//!     workflow::append(tx, &run, &NewEvent::new("tests_passed").in_unit("lexer"))?;
//!     workflow::complete_unit(tx, &unit)?;
//!     workflow::complete_run(tx, &run)
//! })?;
//!
//! assert!(db.read(|tx| workflow::check(tx, &run))?.is_empty());
//! let refused = db.write(|tx| workflow::start_run(tx, &run)).unwrap_err();
//! assert!(refused.find::<workflow::IllegalMove>().is_some());
//! # Ok(())
//! # }
//! ```

mod event;
mod follow;
mod json;
mod kind;
mod owner;
mod prune;
mod recover;
mod refused;
mod replay;
mod run;
mod status;
mod unit;

pub use event::{Event, NewEvent, append, append_many, events_from, last_events};
pub use follow::{Follow, FollowStop, follow};
pub use owner::{Liveness, Owner};
pub use prune::{Pruned, discard_run, prune};
pub use recover::{Recovered, Recovery, recover};
pub use refused::{IllegalMove, ReservedEvent, RunExists, RunNotReady, Subject, UnitsOpen};
pub use replay::{Difference, Replay, State, check, differences, replay};
pub use run::{
    NewRun, Run, RunFilter, cancel_run, complete_run, create_run, fail_run, find_run, interrupt_run,
    list_runs, run, start_run, start_run_as,
};
pub use status::Status;
pub use unit::{
    NewUnit, Unit, cancel_unit, complete_unit, create_unit, create_units, fail_unit, find_unit,
    interrupt_unit, list_units, list_units_by_status, place_unit, start_unit, unit,
};

use larder::MigrationSet;

/// The migrations of this store.
pub static MIGRATIONS: MigrationSet = larder::migrations!("migrations/workflow", name = "workflow");

/// Every statement of this store, by name.
#[doc(hidden)]
pub const QUERIES: &[(&str, &str)] = &[
    ("event::ADVANCE", event::ADVANCE),
    ("event::INSERT", event::INSERT),
    ("event::FROM", event::FROM),
    ("event::LAST", event::LAST),
    ("prune::MARK", prune::MARK),
    ("prune::MARK_OLD", prune::MARK_OLD),
    ("prune::NEXT", prune::NEXT),
    ("prune::DELETE_EVENTS", prune::DELETE_EVENTS),
    ("prune::DELETE_UNITS", prune::DELETE_UNITS),
    ("prune::DELETE_RUN", prune::DELETE_RUN),
    ("recover::RUNNING (sqlite)", recover::RUNNING.sqlite),
    ("recover::RUNNING (postgres)", recover::RUNNING.postgres),
    ("replay::MOVES", replay::MOVES),
    ("replay::NUMBERS", replay::NUMBERS),
    ("replay::RUN", replay::RUN),
    ("replay::UNITS", replay::UNITS),
    ("run::CREATE", run::CREATE),
    ("run::BY_ID", run::BY_ID),
    ("run::BY_BRANCH", run::BY_BRANCH),
    ("run::ALL", run::ALL),
    ("run::BY_STATUS", run::BY_STATUS),
    ("run::BY_REPO", run::BY_REPO),
    ("run::BY_STATUS_AND_REPO", run::BY_STATUS_AND_REPO),
    ("run::HOLD (postgres)", run::HOLD),
    ("run::STATUS", run::STATUS),
    ("run::START", run::START),
    ("run::COMPLETE", run::COMPLETE),
    ("run::END", run::END),
    ("run::INTERRUPT", run::INTERRUPT),
    ("run::OPEN_UNITS", run::OPEN_UNITS),
    ("unit::CREATE", unit::CREATE),
    ("unit::BY_ID", unit::BY_ID),
    ("unit::BY_NAME", unit::BY_NAME),
    ("unit::OF_RUN", unit::OF_RUN),
    ("unit::OF_RUN_BY_STATUS", unit::OF_RUN_BY_STATUS),
    ("unit::BY_STATUS", unit::BY_STATUS),
    ("unit::HOLD_RUN (postgres)", unit::HOLD_RUN),
    ("unit::PLACE", unit::PLACE),
    ("unit::START", unit::START),
    ("unit::COMPLETE", unit::COMPLETE),
    ("unit::END", unit::END),
    ("unit::INTERRUPT", unit::INTERRUPT),
    ("unit::CANCEL_OPEN", unit::CANCEL_OPEN),
    ("unit::INTERRUPT_RUNNING", unit::INTERRUPT_RUNNING),
    ("unit::STATUS", unit::STATUS),
];
