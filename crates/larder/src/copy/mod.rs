//! A whole database into an empty one, of the same engine or the other.
//!
//! A [`Copier`] reads one snapshot of the source. It builds the schema in the target: what a set of migrations made, by that
//! set's own texts for the target's engine, up to exactly what is applied at the source; everything else translated from
//! the source's catalogue. It checks every value before the first row is written, loads the rows, and reads them back to
//! compare them with the source. All of that is one transaction of the target: a copy that fails, is stopped or is killed
//! leaves the target as it was, and can be begun again.
//!
//! ```
//! use larder::{Database, Migration, MigrationSet, copy::Copier};
//! # fn main() -> larder::Result<()> {
//! # let folder = tempfile::tempdir().unwrap();
//! let set = MigrationSet::list("app", vec![Migration::sql("0001_init", "CREATE TABLE notes (body TEXT)")]);
//! let from = Database::open(folder.path().join("one.db"))?;
//! from.migrate(&[&set])?;
//! from.execute("INSERT INTO notes VALUES ('milk')", &[])?;
//!
//! let to = Database::open(folder.path().join("two.db"))?; // or postgres://…
//! let report = Copier::new(&[&set]).copy(&from, &to)?;
//! assert_eq!(report.tables[0].to_string(), "notes: 1 row");
//! # Ok(())
//! # }
//! ```

// From the face down: `run` is the order of events; `live` reads what is in a database; `build` makes the schema by sets and
// `translate` without them; `pair` says which column goes into which; `canonical` is what both sides are held to, for the
// check before and the comparison after; `rows` moves them; `finish` is what comes after the rows; `bookkeeping` the history.
mod bookkeeping;
mod build;
mod canonical;
mod check;
mod finish;
mod json;
mod kind;
mod live;
mod live_postgres;
mod misfit;
mod pair;
mod report;
mod rows;
mod run;
mod target;
mod translate;
mod verify;

pub use misfit::{Misfit, Misfits, Reason};
pub use report::{CopiedTable, LeftOut, Origin, Phase, Progress, Report};

use crate::db::Database;
use crate::error::Result;
use crate::migrate::{MigrationSet, Stop};

/// Copies a database into an empty one. See the [module](self).
pub struct Copier<'a> {
    sets: Vec<&'a MigrationSet>,
    limit: usize,
    program: String,
    stop: Stop,
    on_progress: rows::Told<'a>,
}

impl<'a> Copier<'a> {
    /// A copy of a database whose schema these sets made. Tables of other sets, and of none, are translated.
    pub fn new(sets: &[&'a MigrationSet]) -> Self {
        Self { sets: sets.to_vec(), limit: 100, program: String::new(), stop: Stop::new(), on_progress: None }
    }

    /// How many of the values that do not fit are listed one by one: 100 unless set. All are counted.
    #[must_use]
    pub fn list(mut self, limit: usize) -> Self {
        self.limit = limit;
        self
    }

    /// Who copies, with a version: it stands in the target's `meta`.
    #[must_use]
    pub fn program(mut self, name: impl Into<String>) -> Self {
        self.program = name.into();
        self
    }

    /// Is told how far it is, some times a second at most.
    #[must_use]
    pub fn on_progress(mut self, told: impl FnMut(&Progress) + 'a) -> Self {
        self.on_progress = Some(Box::new(told));
        self
    }

    /// Lets the copy be stopped from elsewhere.
    #[must_use]
    pub fn stop(mut self, stop: &Stop) -> Self {
        self.stop = stop.clone();
        self
    }

    /// Copies `from` into `to`, all of it or nothing.
    ///
    /// # Errors
    /// [`ErrorKind::NotEmpty`](crate::ErrorKind::NotEmpty) where the target is not empty,
    /// [`ErrorKind::Conversion`](crate::ErrorKind::Conversion) with [`Misfits`] in its chain where values do not fit,
    /// [`ErrorKind::MigrationEdited`](crate::ErrorKind::MigrationEdited) and
    /// [`ErrorKind::MigrationUnfinished`](crate::ErrorKind::MigrationUnfinished) for a source whose history is not in order,
    /// [`ErrorKind::NotInitialized`](crate::ErrorKind::NotInitialized) for one without tables,
    /// [`ErrorKind::Corrupt`](crate::ErrorKind::Corrupt) where the target's rows were not what was read from the source,
    /// [`ErrorKind::Interrupted`](crate::ErrorKind::Interrupted) when it was stopped, or what the engines say. In each of
    /// these cases the target is as it was. [`ErrorKind::UnknownOutcome`](crate::ErrorKind::UnknownOutcome) is the one that
    /// leaves open whether everything is there or nothing.
    pub fn copy(self, from: &Database, to: &Database) -> Result<Report> {
        run::run(self, from, to, false)
    }

    /// Does all that comes before the first row, and rolls it back: builds the schema and checks every value.
    ///
    /// # Errors
    /// As [`Copier::copy`].
    pub fn check(self, from: &Database, to: &Database) -> Result<Report> {
        run::run(self, from, to, true)
    }
}

impl std::fmt::Debug for Copier<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Copier").field("sets", &self.sets.len()).finish_non_exhaustive()
    }
}
