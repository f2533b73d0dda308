//! A step that can't be forgotten.

use super::status::{Ending, IllegalMove};
use super::step::{NewStep, RunStep, finish_step, start_step};
use crate::redact::Redaction;
use larder::{Database, Result};
use serde_json::Value;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// A step that runs. Dropped before it was finished, by an early return or a panic, it is recorded as failed.
///
/// Each of its writes is a transaction of its own, so it is for the code around transactions. It can't write inside a
/// `write` or a `read` of the same database on the same thread: there [`finish`](Self::finish) gives
/// [`Nested`](larder::ErrorKind::Nested), and a drop can't be recorded: it is told as a warning (`tracing`), nothing waits, and the step
/// stays running until its run ends or [`recover`](super::recover) finds it. Inside a transaction use
/// [`finish_step`] with [`id`](Self::id): the guard then finds the step finished and leaves it, and should the transaction be rolled
/// back, it records the failure.
///
/// ```
/// use larder_stores::journal;
///
/// # fn main() -> larder::Result<()> {
/// let db = larder::Database::options(":memory:").migrations(&journal::MIGRATIONS).open()?;
/// let run = db.write(|tx| journal::start_run(tx, journal::NewRun::default()))?;
///
/// let load = || -> Result<(), Box<dyn std::error::Error>> {
///     let step = journal::step(&db, &run.run_id, "load")?;
///     let rows: u32 = "many".parse()?; // leaves early
///     step.finish(&serde_json::json!({ "rows": rows }))?;
///     Ok(())
/// };
/// assert!(load().is_err());
///
/// let steps = db.read(|tx| journal::steps(tx, &run.run_id))?;
/// assert_eq!(steps[0].status, journal::Status::Failed);
/// # Ok(())
/// # }
/// ```
#[must_use = "a step that is dropped at once is recorded as failed"]
pub struct Step<'a> {
    db: &'a Database,
    step: RunStep,
    redaction: &'a Redaction,
    ended: bool,
}

/// Begins a step of the run.
///
/// # Errors
/// As [`start_step`], or what the transaction gives.
pub fn step<'a>(db: &'a Database, run_id: &'a str, name: &'a str) -> Result<Step<'a>> {
    step_with(db, NewStep { run_id, name, ..NewStep::default() })
}

/// Begins a step, with all that can be said of one.
///
/// # Errors
/// As [`start_step`], or what the transaction gives.
pub fn step_with<'a>(db: &'a Database, new: NewStep<'a>) -> Result<Step<'a>> {
    let step = db.write(|tx| start_step(tx, new))?;
    Ok(Step { db, step, redaction: new.redaction, ended: false })
}

impl Step<'_> {
    /// Its id.
    pub fn id(&self) -> &str {
        &self.step.step_id
    }

    /// Ends it well.
    ///
    /// # Errors
    /// As [`finish_step`], or what the transaction gives. The step is then recorded as failed if that can be done.
    pub fn finish(self, stats: &Value) -> Result<RunStep> {
        self.end(Ending::completed(), stats)
    }

    /// Ends it as failed, and says why.
    ///
    /// # Errors
    /// As [`finish_step`], or what the transaction gives.
    pub fn fail(self, error: &str, stats: &Value) -> Result<RunStep> {
        self.end(Ending::failed(error), stats)
    }

    fn end(mut self, ending: Ending<'_>, stats: &Value) -> Result<RunStep> {
        let ending = ending.redacted_by(self.redaction);
        let step = self.db.write(|tx| finish_step(tx, &self.step.step_id, ending, stats))?;
        self.ended = true;
        Ok(step)
    }
}

impl Drop for Step<'_> {
    fn drop(&mut self) {
        if self.ended {
            return;
        }
        let because =
            if std::thread::panicking() { "a panic ended it" } else { "it was left before its end" };
        let (db, id) = (self.db, self.step.step_id.as_str());
        // A second panic while one is on its way would end the process.
        let recorded = catch_unwind(AssertUnwindSafe(|| {
            db.write(|tx| finish_step(tx, id, Ending::failed(because), &Value::Null))
        }));
        match recorded {
            Ok(Ok(_)) => {}
            Ok(Err(error)) if error.find::<IllegalMove>().is_some() => {}
            Ok(Err(error)) => {
                tracing::warn!(step = id, %error, "a step was left and stays recorded as running")
            }
            Err(_) => tracing::warn!(step = id, "a step was left and stays recorded as running"),
        }
    }
}
