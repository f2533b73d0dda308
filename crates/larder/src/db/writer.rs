//! The one connection that writes, and whose turn it is. Group commit will live here.

use crate::driver::{Access, Connection, Driver};
use crate::error::{Error, ErrorKind, Result};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

pub(super) struct Writer {
    driver: Arc<dyn Driver>,
    connection: Mutex<Option<Box<dyn Connection>>>,
    /// The thread that has the connection now; 0 for none.
    holder: AtomicU64,
}

impl Writer {
    pub(super) fn new(driver: Arc<dyn Driver>, first: Option<Box<dyn Connection>>) -> Self {
        Self { driver, connection: Mutex::new(first), holder: AtomicU64::new(0) }
    }

    /// Waits for the connection and runs `f` on it.
    pub(super) fn with<T>(&self, f: impl FnOnce(&mut dyn Connection) -> Result<T>) -> Result<T> {
        let me = this_thread();
        if self.holder.load(Ordering::Relaxed) == me {
            return Err(Error::new(
                ErrorKind::Nested,
                "a transaction was asked for inside another of the same thread",
            )
            .with_help("use the transaction that is open, or its `savepoint`"));
        }
        let mut slot = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        let _turn = Turn::take(&self.holder, me);
        let connection = match slot.as_mut() {
            Some(connection) => connection,
            None => slot.insert(self.driver.connect(Access::Write)?),
        };
        let result = f(connection.as_mut());
        // A rollback that failed leaves the connection in a state that nobody knows: the next to write gets a new one.
        if result.as_ref().is_err_and(|error| error.find::<RollbackFailed>().is_some()) {
            *slot = None;
        }
        result
    }

    /// Runs `last` on the connection, if there is one, and closes it.
    pub(super) fn close(&self, last: impl FnOnce(&mut dyn Connection) -> Result<()>) -> Result<()> {
        if self.holder.load(Ordering::Relaxed) == this_thread() {
            return Err(Error::new(ErrorKind::Nested, "the database can't be closed inside a transaction"));
        }
        let slot = self.connection.lock().unwrap_or_else(PoisonError::into_inner).take();
        slot.map_or(Ok(()), |mut connection| last(connection.as_mut()))
    }
}

/// Marks the thread as the holder as long as it lives, also through a panic.
struct Turn<'a>(&'a AtomicU64);

impl<'a> Turn<'a> {
    fn take(holder: &'a AtomicU64, me: u64) -> Self {
        holder.store(me, Ordering::Relaxed);
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
