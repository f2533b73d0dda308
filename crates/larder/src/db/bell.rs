//! Wakes who waits for the next commit of this handle.

use std::sync::atomic::{AtomicUsize, Ordering, fence};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Rung after each commit. As long as nobody listens that is a fence and one load.
#[derive(Default)]
pub(super) struct Bell {
    listeners: AtomicUsize,
    /// How often it was rung while somebody listened.
    rung: Mutex<u64>,
    ringing: Condvar,
}

impl Bell {
    /// To be called when something has been committed.
    pub(super) fn ring(&self) {
        // Either the listener is seen here, or the listener, who looks at the database after it is counted, sees the commit.
        fence(Ordering::SeqCst);
        if self.listeners.load(Ordering::Relaxed) == 0 {
            return;
        }
        *self.rung() += 1;
        self.ringing.notify_all();
    }

    /// One more listens; gives how often it was rung, for [`wait`](Self::wait).
    pub(super) fn listen(&self) -> u64 {
        self.listeners.fetch_add(1, Ordering::Relaxed);
        fence(Ordering::SeqCst);
        *self.rung()
    }

    /// One fewer listens.
    pub(super) fn leave(&self) {
        self.listeners.fetch_sub(1, Ordering::Relaxed);
    }

    /// Waits until it was rung more often than `seen`, which is then set, or for as long as `timeout`; without one, until it is
    /// rung. True when it was rung.
    pub(super) fn wait(&self, seen: &mut u64, timeout: Option<Duration>) -> bool {
        let silent = |rung: &mut u64| *rung == *seen;
        let rung = match timeout {
            Some(timeout) => {
                let waited = self.ringing.wait_timeout_while(self.rung(), timeout, silent);
                waited.unwrap_or_else(PoisonError::into_inner).0
            }
            None => self.ringing.wait_while(self.rung(), silent).unwrap_or_else(PoisonError::into_inner),
        };
        let is_new = *rung != *seen;
        *seen = *rung;
        is_new
    }

    fn rung(&self) -> MutexGuard<'_, u64> {
        self.rung.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_counts_only_while_somebody_listens() {
        let bell = Bell::default();
        bell.ring();
        let mut seen = bell.listen();
        assert_eq!(seen, 0);
        assert!(!bell.wait(&mut seen, Some(Duration::ZERO)));
        bell.ring();
        bell.ring();
        assert!(bell.wait(&mut seen, Some(Duration::ZERO)));
        assert!(!bell.wait(&mut seen, Some(Duration::ZERO)), "one ring woke twice");
        bell.leave();
        bell.ring();
        assert_eq!(bell.listen(), seen);
    }
}
