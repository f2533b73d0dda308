//! The doctor: what is wrong with a database, in words, and what to do about it.
//!
//! [`examine`] makes every check that can be made, from the file and its folder to the rows and the history of
//! migrations, and gives a [`Checkup`]. It never writes unless [`Settings::fix`] asks for it. `docs/doctor.md` lists the
//! checks, what each means and what to do. An application's own checks are [`Inspection`]s, made by [`examine_with`]
//! and [`examine_open_with`].
//!
//! ```
//! use larder::{Database, doctor};
//!
//! # fn main() -> larder::Result<()> {
//! # let folder = tempfile::tempdir().unwrap();
//! # let path = folder.path().join("app.db").display().to_string();
//! let checkup = doctor::examine(&Database::options(path), &[], &doctor::Settings::default())?;
//! assert_eq!(checkup.state, doctor::State::Uninitialized);
//! assert!(!checkup.ok);
//! # Ok(())
//! # }
//! ```

mod checkup;
mod exam;

mod backup;
mod drift;
mod engine;
mod file;
mod foreign_key;
mod fragmentation;
mod header;
mod history;
mod inspection;
mod integrity;
mod journal;
mod leftover;
mod link;
mod moved;
mod neighbour;
mod open;
#[cfg(unix)]
mod permission;
mod postgres;
mod pragma;
#[cfg(unix)]
mod space;
mod statistics;
#[cfg(target_os = "linux")]
mod storage;
mod version;
mod wal;

pub use checkup::{Checkup, Finding, Severity, State};
pub use inspection::{Findings, Inspection};

use crate::db::{Database, Options};
use crate::driver::Dialect;
use crate::error::Result;
use crate::migrate::{MigrationSet, history_id};
use exam::{Check, Exam};
use std::path::PathBuf;
use std::sync::Arc;

/// How an examination is made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// Put right what can be put right without risk: move the log into the file, roll back a transaction that a crash
    /// interrupted, remove what a broken-off backup left, close the files to other users, gather statistics.
    pub fix: bool,
    /// Read every page and every index entry, and not only the pages: several times slower.
    pub thorough: bool,
    /// The folder of the backups; `backups` beside the database unless set.
    pub backups: Option<PathBuf>,
}

/// What can be looked at without opening the database, in this order.
const OUTSIDE: &[(&str, Check)] = &[
    ("file", file::check),
    ("link", link::check),
    #[cfg(unix)]
    ("permission", permission::check),
    #[cfg(unix)]
    ("space", space::check),
    #[cfg(target_os = "linux")]
    ("storage", storage::check),
    ("wal", wal::check),
    ("neighbour", neighbour::check),
    ("leftover", leftover::check),
    ("backup", backup::check),
    ("moved", moved::check),
];

/// What is asked of the open database, in this order.
const INSIDE: &[(&str, Check)] = &[
    ("engine", engine::check),
    ("pragma", pragma::check),
    ("integrity", integrity::check),
    ("foreign_key", foreign_key::check),
    ("history", history::check),
    ("version", version::check),
    ("drift", drift::check),
    ("fragmentation", fragmentation::check),
    ("statistics", statistics::check),
];

/// Examines the database that `options` name, against the migrations of `sets`.
///
/// A missing, locked or damaged database is not an error of this call: the [`Checkup`] says so. It works beside programs
/// that use the database. Without [`Settings::fix`] not one byte of the database changes; as every reader of a database
/// in WAL mode does, it may make the empty `-wal` and the `-shm` beside it.
///
/// # Errors
/// [`ErrorKind::Config`](crate::ErrorKind::Config) and [`ErrorKind::Unsupported`](crate::ErrorKind::Unsupported) for
/// options that name no database that can be examined.
pub fn examine(options: &Options, sets: &[&MigrationSet], settings: &Settings) -> Result<Checkup> {
    examine_with(options, sets, settings, &[])
}

/// Examines as [`examine`] does, and makes checks besides that only the owners of the tables can make. They come last, in
/// this order, and are not made on a database that can't be opened.
///
/// # Errors
/// As [`examine`].
pub fn examine_with(
    options: &Options,
    sets: &[&MigrationSet],
    settings: &Settings,
    inspections: &[&dyn Inspection],
) -> Result<Checkup> {
    let mut exam = Exam::new(options, sets, settings)?;
    exam.run("migrations", migrations);
    let (outside, (open, check), inside): (&[_], (_, Check), _) = match exam.dialect {
        Dialect::Sqlite => (OUTSIDE, ("open", open::check), INSIDE),
        Dialect::Postgres => (&[], postgres::OPEN, postgres::INSIDE),
    };
    for (name, check) in outside {
        exam.run(name, *check);
    }
    if exam.state() == State::Ready {
        exam.run(open, check);
    }
    if exam.database.is_some() {
        for (name, check) in inside {
            exam.run(name, *check);
        }
        for inspection in inspections {
            inspection::make(&mut exam, *inspection);
        }
    }
    Ok(exam.finish())
}

/// Examines a database that this program has open, as [`examine`] does, and shows what its handle was used for
/// ([`Checkup::stats`]): what only the program itself can know.
///
/// # Errors
/// As [`examine`]; [`ErrorKind::Closed`](crate::ErrorKind::Closed) for a handle that was closed.
pub fn examine_open(database: &Database, sets: &[&MigrationSet], settings: &Settings) -> Result<Checkup> {
    examine_open_with(database, sets, settings, &[])
}

/// Examines as [`examine_open`] does, and makes checks besides, as [`examine_with`] does.
///
/// # Errors
/// As [`examine_open`].
pub fn examine_open_with(
    database: &Database,
    sets: &[&MigrationSet],
    settings: &Settings,
    inspections: &[&dyn Inspection],
) -> Result<Checkup> {
    database.check_open()?;
    let options = Options::driver(Arc::clone(database.driver())).read_only(database.is_read_only());
    let stats = database.stats();
    let mut checkup = examine_with(&options, sets, settings, inspections)?;
    checkup.stats = Some(stats);
    Ok(checkup)
}

/// Can the program's own migrations be read? What is wrong with them shows also where there is no database yet.
fn migrations(exam: &mut Exam<'_>) -> Result<()> {
    for set in exam.sets {
        if let Err(error) = set.load(exam.dialect) {
            exam.error(error.message(), error.help().unwrap_or("correct the files of the migrations"));
            // Nothing can be held against them.
            exam.sets = &[];
            return Ok(());
        }
    }
    if let Some(set) = exam.sets.first() {
        let newest = set.newest_id()?;
        exam.checkup().newest = newest.map(|id| history_id(set.name(), &id));
    }
    Ok(())
}
