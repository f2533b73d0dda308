//! A caller's piece of work for the connection that writes, which another caller's thread may do.

use super::rollback::RollbackFailed;
use crate::db::WriteTx;
use crate::driver::Connection;
use crate::error::{Error, ErrorKind, Result};
use crate::sql::Param;
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::Instant;
use tracing::Span;

/// What is done inside a transaction, and told how that ended.
pub(super) trait Work: Send {
    /// Does it, in the transaction that is open; true when it is to be committed. May be called again when what it wrote
    /// is known to be rolled back; what panicked or was interrupted is then not done again.
    fn run(&mut self, connection: &mut dyn Connection) -> bool;

    /// One statement, of which the engine itself undoes all when it fails: it needs no savepoint.
    fn is_one_statement(&self) -> bool;

    /// It did not come to anything, for this reason, unless it has one that is final.
    fn fail(&mut self, error: Error);

    /// It failed by itself, and then could not be rolled back either.
    fn spoil(&mut self, rollback: Error);
}

/// How a piece of work ended.
pub(super) struct Outcome<T>(Ended<T>);

enum Ended<T> {
    /// It was not begun, or is to be done again.
    Not,
    Returned(Result<T>),
    Panicked(Box<dyn Any + Send>),
}

impl<T> Outcome<T> {
    pub(super) const NOT: Self = Self(Ended::Not);

    /// A panic may have left the closure in pieces, and who interrupted it wants no second try.
    fn is_final(&self) -> bool {
        match &self.0 {
            Ended::Not | Ended::Returned(Ok(_)) => false,
            Ended::Returned(Err(error)) => error.kind() == ErrorKind::Interrupted,
            Ended::Panicked(_) => true,
        }
    }

    fn note(&mut self, f: impl FnOnce() -> Result<T>) -> bool {
        if self.is_final() {
            return false;
        }
        self.set(match catch_unwind(AssertUnwindSafe(f)) {
            Ok(result) => Ended::Returned(result),
            Err(panic) => Ended::Panicked(panic),
        });
        matches!(self.0, Ended::Returned(Ok(_)))
    }

    fn fail(&mut self, error: Error) {
        if !self.is_final() {
            self.set(Ended::Returned(Err(error)));
        }
    }

    fn set(&mut self, ended: Ended<T>) {
        let before = std::mem::replace(&mut self.0, ended);
        // The value is its owner's: should dropping it panic, that is not for the thread that leads.
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| drop(before))) {
            self.0 = Ended::Panicked(panic);
        }
    }

    fn spoil(&mut self, rollback: Error) {
        // A panic goes on as it is; what is left of its transaction the writer looks after.
        self.0 = match std::mem::replace(&mut self.0, Ended::Not) {
            Ended::Returned(Err(because)) => Ended::Returned(Err(RollbackFailed::after(because, rollback))),
            other => other,
        };
    }

    /// What the caller gets: the value, the error, or its own panic.
    pub(super) fn into_result(self) -> Result<T> {
        match self.0 {
            Ended::Returned(result) => result,
            Ended::Panicked(panic) => resume_unwind(panic),
            Ended::Not => Err(Error::new(
                ErrorKind::Internal,
                "the thread that was to write died before it did; nothing was written",
            )),
        }
    }
}

/// A closure of `write`.
pub(super) struct Closure<F, T> {
    f: F,
    /// Of the caller; what is traced in the closure belongs there, whichever thread runs it.
    span: Span,
    /// Since when it waits, where somebody wants to know.
    since: Option<Instant>,
    pub(super) outcome: Outcome<T>,
}

impl<F, T> Closure<F, T> {
    pub(super) fn new(f: F, span: Span) -> Self {
        let since = (!span.is_disabled()).then(Instant::now);
        Self { f, span, since, outcome: Outcome::NOT }
    }
}

impl<T: Send, F: FnMut(&mut WriteTx<'_>) -> Result<T> + Send> Work for Closure<F, T> {
    fn run(&mut self, connection: &mut dyn Connection) -> bool {
        if let Some(since) = self.since.take() {
            let waited = u64::try_from(since.elapsed().as_micros()).unwrap_or(u64::MAX);
            self.span.record("waited_us", waited);
        }
        let _entered = self.span.enter();
        self.outcome.note(|| (self.f)(&mut WriteTx::new(connection)))
    }

    fn is_one_statement(&self) -> bool {
        false
    }

    fn fail(&mut self, error: Error) {
        self.outcome.fail(error);
    }

    fn spoil(&mut self, rollback: Error) {
        self.outcome.spoil(rollback);
    }
}

#[cfg(feature = "tokio")]
impl<F, T> Closure<F, T> {
    /// Lets go of the closure, and gives how it ended. What the closure holds may panic when it is dropped; that is its
    /// caller's panic.
    pub(super) fn into_outcome(self) -> Outcome<T> {
        let Self { f, mut outcome, .. } = self;
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| drop(f))) {
            outcome.set(Ended::Panicked(panic));
        }
        outcome
    }
}

/// One statement that changes rows.
pub(super) struct Statement<'a> {
    sql: &'a str,
    params: &'a [Param<'a>],
    pub(super) outcome: Outcome<u64>,
}

impl<'a> Statement<'a> {
    pub(super) fn new(sql: &'a str, params: &'a [Param<'a>]) -> Self {
        Self { sql, params, outcome: Outcome::NOT }
    }
}

impl Work for Statement<'_> {
    fn run(&mut self, connection: &mut dyn Connection) -> bool {
        self.outcome.note(|| connection.execute(self.sql, self.params))
    }

    fn is_one_statement(&self) -> bool {
        true
    }

    fn fail(&mut self, error: Error) {
        self.outcome.fail(error);
    }

    fn spoil(&mut self, rollback: Error) {
        self.outcome.spoil(rollback);
    }
}

/// Work that was lent for as long as its owner waits.
pub(super) struct Lent<'w>(pub(super) &'w mut dyn Work);

impl Work for Lent<'_> {
    fn run(&mut self, connection: &mut dyn Connection) -> bool {
        self.0.run(connection)
    }

    fn is_one_statement(&self) -> bool {
        self.0.is_one_statement()
    }

    fn fail(&mut self, error: Error) {
        self.0.fail(error);
    }

    fn spoil(&mut self, rollback: Error) {
        self.0.spoil(rollback);
    }
}
