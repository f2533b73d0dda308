//! The one connection that writes, and whose turn it is. Group commit will live here.

use crate::driver::{Access, Connection, Driver};
use crate::error::{Error, ErrorKind, Result};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

pub(super) struct Writer {
    driver: Arc<dyn Driver>,
    slot: Mutex<Slot>,
    /// The thread that has the connection now; 0 for none.
    holder: AtomicU64,
}

struct Slot {
    connection: Option<Box<dyn Connection>>,
    /// Nobody opens it again.
    closed: bool,
}

impl Writer {
    pub(super) fn new(driver: Arc<dyn Driver>, first: Option<Box<dyn Connection>>) -> Self {
        Self {
            driver,
            slot: Mutex::new(Slot { connection: first, closed: false }),
            holder: AtomicU64::new(0),
        }
    }

    /// Waits for the connection and runs `f` on it.
    pub(super) fn with<T>(&self, f: impl FnOnce(&mut dyn Connection) -> Result<T>) -> Result<T> {
        self.check_free()?;
        let mut slot = self.slot.lock().unwrap_or_else(PoisonError::into_inner);
        let _turn = Turn::take(&self.holder);
        if slot.closed {
            return Err(closed());
        }
        let connection = match slot.connection.as_mut() {
            Some(connection) => connection,
            None => slot.connection.insert(self.driver.connect(Access::Write)?),
        };
        let result = catch_unwind(AssertUnwindSafe(|| f(connection.as_mut())));
        // A rollback that failed leaves the connection in a state that nobody knows. It is tried once more, which does
        // nothing where nothing is open; and then the next to write gets a new one, unless the database would be gone
        // with it.
        let unknown = match &result {
            Ok(result) => result.as_ref().is_err_and(RollbackFailed::is_in),
            // In a panic nobody heard whether it failed.
            Err(_) => connection.rollback().is_err(),
        };
        if unknown && (connection.rollback().is_err() || !self.driver.is_single()) {
            slot.connection = None;
        }
        result.unwrap_or_else(|panic| resume_unwind(panic))
    }

    /// Refuses to wait for what the same thread holds.
    pub(super) fn check_free(&self) -> Result<()> {
        if self.holder.load(Ordering::Relaxed) != this_thread() {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::Nested,
            "the database was asked for inside a transaction of the same thread",
        )
        .with_help("use the transaction that is open, or its `savepoint`"))
    }

    /// Runs `last` on the connection, if there is one, and closes it for good.
    pub(super) fn close(&self, last: impl FnOnce(&mut dyn Connection) -> Result<()>) -> Result<()> {
        let mut slot = self.slot.lock().unwrap_or_else(PoisonError::into_inner);
        slot.closed = true;
        slot.connection.take().map_or(Ok(()), |mut connection| last(connection.as_mut()))
    }
}

/// Somebody else closed the handle in the meantime.
pub(super) fn closed() -> Error {
    Error::new(ErrorKind::Closed, "the database was closed")
}

/// Marks the thread as the holder as long as it lives, also through a panic.
struct Turn<'a>(&'a AtomicU64);

impl<'a> Turn<'a> {
    fn take(holder: &'a AtomicU64) -> Self {
        holder.store(this_thread(), Ordering::Relaxed);
        Self(holder)
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.store(0, Ordering::Relaxed);
    }
}

fn this_thread() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    thread_local!(static ME: u64 = NEXT.fetch_add(1, Ordering::Relaxed));
    ME.with(|me| *me)
}

/// In the chain of an error after which the transaction could not even be rolled back.
#[derive(Debug)]
pub(super) struct RollbackFailed {
    pub(super) because: Error,
    pub(super) rollback: Error,
}

/// The error of work on the writer that left the connection in a state in which nobody may use it: the next to write gets a
/// new one. `result` is how the work itself ended, `failure` what kept the connection from being put in order again.
pub(crate) fn unusable(result: Result<()>, failure: Error) -> Error {
    let because = match result {
        Ok(()) => failure,
        Err(error) => {
            return Error::new(error.kind(), error.message().to_owned())
                .with_cause(RollbackFailed { because: error, rollback: failure });
        }
    };
    let message = format!("all was done, but the connection can't be used any more: {}", because.message());
    let rollback = Error::new(because.kind(), "its settings could not be put back");
    Error::new(because.kind(), message).with_cause(RollbackFailed { because, rollback })
}

impl RollbackFailed {
    pub(super) fn is_in(error: &Error) -> bool {
        error.find::<Self>().is_some()
    }
}

impl std::fmt::Display for RollbackFailed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "and then the rollback failed: {}", self.rollback)
    }
}

impl std::error::Error for RollbackFailed {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.because)
    }
}
