//! The connections that read.

use crate::driver::{Access, Connection, Driver};
use crate::error::Result;
use std::sync::{Arc, Mutex, PoisonError};

/// Reading connections that are not in use. One is opened when none is free, so that a read inside a read never waits for
/// itself; as many as the machine has cores are kept.
pub(super) struct Readers {
    driver: Arc<dyn Driver>,
    free: Mutex<Vec<Box<dyn Connection>>>,
    keep: usize,
}

impl Readers {
    pub(super) fn new(driver: Arc<dyn Driver>) -> Self {
        let keep = std::thread::available_parallelism().map_or(4, usize::from);
        Self { driver, free: Mutex::new(Vec::new()), keep }
    }

    pub(super) fn with<T>(&self, f: impl FnOnce(&mut dyn Connection) -> Result<T>) -> Result<T> {
        let connection = self.free.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut connection = match connection {
            Some(connection) => connection,
            None => self.driver.connect(Access::Read)?,
        };
        // A panic in `f` drops the connection, and with it whatever was open on it.
        let result = f(connection.as_mut());
        self.give_back(connection);
        result
    }

    pub(super) fn give_back(&self, connection: Box<dyn Connection>) {
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        if free.len() < self.keep {
            free.push(connection);
        }
    }

    pub(super) fn close(&self) {
        self.free.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}
