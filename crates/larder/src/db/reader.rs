//! The connections that read.

use super::write::{RollbackFailed, closed};
use crate::driver::{Access, Connection, Driver};
use crate::error::Result;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

/// Reading connections that are not in use. One is opened when none is free, so that a read inside a read never waits for
/// itself; as many as the machine has cores are kept.
pub(super) struct Readers {
    driver: Arc<dyn Driver>,
    /// None: closed for good.
    free: Mutex<Option<Vec<Box<dyn Connection>>>>,
}

impl Readers {
    pub(super) fn new(driver: Arc<dyn Driver>) -> Self {
        Self { driver, free: Mutex::new(Some(Vec::new())) }
    }

    pub(super) fn with<T>(&self, f: impl FnOnce(&mut dyn Connection) -> Result<T>) -> Result<T> {
        let free = self.free().as_mut().map(Vec::pop).ok_or_else(closed)?;
        let mut connection = match free {
            Some(connection) => connection,
            None => self.driver.connect(Access::Read)?,
        };
        // A panic in `f` drops the connection, and with it whatever was open on it.
        let result = f(connection.as_mut());
        // One whose rollback failed may still stand in its transaction, and would see that state for ever.
        if !result.as_ref().is_err_and(RollbackFailed::is_in) {
            self.give_back(connection);
        }
        result
    }

    pub(super) fn give_back(&self, connection: Box<dyn Connection>) {
        if let Some(free) = self.free().as_mut()
            && free.len() < cores()
        {
            free.push(connection);
        }
    }

    pub(super) fn close(&self) {
        *self.free() = None;
    }

    fn free(&self) -> MutexGuard<'_, Option<Vec<Box<dyn Connection>>>> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How many cores there are: asked once, for it takes longer than opening a database.
fn cores() -> usize {
    static CORES: OnceLock<usize> = OnceLock::new();
    *CORES.get_or_init(|| std::thread::available_parallelism().map_or(4, usize::from))
}
