//! Stopping what another thread is reading.

use crate::db::ReadTx;
use crate::driver::Interrupter;
use crate::error::{Error, ErrorKind, Result};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Whether a read is still wanted, and how to stop the statement that it is running. A connection serves others
/// afterwards, and what they run must not be stopped: so it is stopped under the same lock under which the read ends.
#[derive(Default)]
pub(super) struct Stop(Mutex<State>);

#[derive(Default)]
struct State {
    asked: bool,
    running: Option<Interrupter>,
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
                self.0.state().running = None;
            }
        }
        {
            let mut state = self.state();
            if state.asked {
                return Err(unwanted());
            }
            state.running = Some(tx.connection().interrupter());
        }
        let _running = Running(self);
        f(tx)
    }

    /// Nobody wants it any more.
    pub(super) fn stop(&self) {
        let mut state = self.state();
        state.asked = true;
        if let Some(running) = &state.running {
            running.interrupt();
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn unwanted() -> Error {
    Error::new(ErrorKind::Interrupted, "who asked for the read went away before it began")
}
