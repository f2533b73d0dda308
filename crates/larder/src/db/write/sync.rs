//! What [`queue`](super::queue) needs of threads. The model of the queue puts a scheduler of its own in this place.

pub(super) use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
pub(super) use std::sync::{Arc, Mutex, MutexGuard};
pub(super) use std::thread::Thread;

use std::time::{Duration, Instant};

/// The thread that runs.
pub(super) fn current() -> Thread {
    std::thread::current()
}

/// Sleeps until the thread is woken, or until `patience` is over since it was made.
pub(super) struct Sleep {
    patience: Duration,
    until: Option<Instant>,
}

impl Sleep {
    pub(super) fn new(patience: Duration) -> Self {
        Self { patience, until: Instant::now().checked_add(patience) }
    }

    /// Sleeps; false when the time is up. It may return early for no reason.
    pub(super) fn sleep(&self) -> bool {
        let Some(until) = self.until else {
            std::thread::park();
            return true;
        };
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return false;
        }
        std::thread::park_timeout(left);
        true
    }

    /// Begins to count anew.
    pub(super) fn again(&mut self) {
        *self = Self::new(self.patience);
    }
}
