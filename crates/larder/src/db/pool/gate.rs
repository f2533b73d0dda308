//! Where new writes wait while one that others came in between of again and again is run.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// New writes are kept for so long at most, so that one that is slow, or has nothing to do with them, does not stop them.
const LONGEST: Duration = Duration::from_millis(100);

/// Mostly open. Of those that write the same row, one that comes anew has the row as soon as it is free, and one that was run
/// again would find it taken for as long as others come.
#[derive(Default)]
pub(super) struct Gate {
    is_closed: Mutex<bool>,
    opened: Condvar,
}

/// The gate is closed, as long as this lives.
pub(super) struct Closed<'g>(&'g Gate);

impl Gate {
    /// Waits until it is open, or it has been long enough.
    pub(super) fn pass(&self) {
        let is_closed = self.is_closed();
        if *is_closed {
            drop(self.opened.wait_timeout_while(is_closed, LONGEST, |is_closed| *is_closed));
        }
    }

    /// Closes it. Only who has the turn of those that are run again does.
    pub(super) fn close(&self) -> Closed<'_> {
        *self.is_closed() = true;
        Closed(self)
    }

    fn is_closed(&self) -> MutexGuard<'_, bool> {
        self.is_closed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Closed<'_> {
    fn drop(&mut self) {
        *self.0.is_closed() = false;
        self.0.opened.notify_all();
    }
}
