//! Stopping what another thread is reading.

use crate::db::ReadTx;
use crate::driver::Interrupter;
use crate::error::{Error, ErrorKind, Result};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Whether a read is still wanted, and how to stop the statement that it is running. A connection serves others
/// afterwards, and what they run must not be stopped: so it is stopped under the same lock under which the read ends.
#[derive(Default)]
pub(super) struct Stop {
    running: Mutex<Option<Interrupter>>,
    /// Also seen between two statements, when there is none to stop.
    asked: Arc<AtomicBool>,
}

impl Stop {
    /// Runs `f`, which may be stopped while it runs.
    pub(super) fn within<T>(
        &self,
        tx: &mut ReadTx<'_>,
        f: impl FnOnce(&mut ReadTx<'_>) -> Result<T>,
    ) -> Result<T> {
        struct Running<'s>(&'s Stop);
        impl Drop for Running<'_> {
            fn drop(&mut self) {
                *self.0.running() = None;
            }
        }
        {
            let mut running = self.running();
            if self.asked.load(Ordering::Relaxed) {
                return Err(unwanted());
            }
            *running = Some(tx.connection().interrupter());
        }
        tx.until(Arc::clone(&self.asked));
        let _running = Running(self);
        f(tx)
    }

    /// Nobody wants it any more.
    pub(super) fn stop(&self) {
        let running = self.running();
        self.asked.store(true, Ordering::Relaxed);
        if let Some(running) = &*running {
            running.interrupt();
        }
    }

    fn running(&self) -> MutexGuard<'_, Option<Interrupter>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn unwanted() -> Error {
    Error::new(ErrorKind::Interrupted, "who asked for the read went away before it began")
}
