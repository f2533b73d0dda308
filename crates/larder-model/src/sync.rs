//! What the line needs of threads, made of loom. It stands in the place of the file of the same name beside the line.

pub(crate) use loom::sync::atomic::{AtomicU8, AtomicU64, Ordering};
pub(crate) use loom::sync::{Arc, Mutex, MutexGuard};

use loom::sync::Notify;
use std::time::Duration;

loom::thread_local! {
    static CURRENT: Thread = Thread(std::sync::Arc::new(Notify::new()));
}

/// A thread that can be woken.
#[derive(Clone)]
pub(crate) struct Thread(std::sync::Arc<Notify>);

impl Thread {
    pub(crate) fn unpark(&self) {
        self.0.notify();
    }

    /// Sleeps until this thread, which is the one that runs, is woken, or for no reason.
    pub(crate) fn park(&self) {
        self.0.wait();
    }
}

pub(crate) fn current() -> Thread {
    CURRENT.with(Clone::clone)
}

/// Sleeps until the thread is woken, or for no reason. Of time there is none: the seconds of the patience are how often it is
/// up, at the first moments that loom chooses; then never again.
pub(crate) struct Sleep {
    times: std::cell::Cell<u64>,
}

impl Sleep {
    pub(crate) fn new(patience: Duration) -> Self {
        Self { times: std::cell::Cell::new(patience.as_secs()) }
    }

    pub(crate) fn sleep(&self) -> bool {
        if let Some(left) = self.times.get().checked_sub(1) {
            self.times.set(left);
            return false;
        }
        current().park();
        true
    }

    #[allow(clippy::unused_self, clippy::needless_pass_by_ref_mut, reason = "it is how the line calls it")]
    pub(crate) fn again(&mut self) {}
}
