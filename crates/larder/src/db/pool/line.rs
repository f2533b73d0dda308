//! Waiting in the order in which they came, and being given something.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::Thread;
use std::time::Instant;

/// Those who wait. It lies under a lock of its owner.
pub(super) struct Line<G>(VecDeque<Arc<Spot<G>>>);

/// The place of one thread in the line.
pub(super) struct Spot<G> {
    given: Mutex<Option<G>>,
    thread: Thread,
}

impl<G> Default for Line<G> {
    fn default() -> Self {
        Self(VecDeque::new())
    }
}

impl<G> Line<G> {
    /// Goes to the end of the line.
    pub(super) fn join(&mut self) -> Arc<Spot<G>> {
        let spot = Arc::new(Spot { given: Mutex::new(None), thread: std::thread::current() });
        self.0.push_back(Arc::clone(&spot));
        spot
    }

    /// Gives to the first, who is to be unparked when the lock is let go; gives it back where nobody waits.
    pub(super) fn call(&mut self, given: G) -> Result<Thread, G> {
        let Some(spot) = self.0.pop_front() else { return Err(given) };
        *spot.given.lock().unwrap_or_else(PoisonError::into_inner) = Some(given);
        Ok(spot.thread.clone())
    }

    /// Leaves the line; false for who is not in it any more, and has been given something.
    pub(super) fn leave(&mut self, spot: &Arc<Spot<G>>) -> bool {
        let at = self.0.iter().position(|other| Arc::ptr_eq(other, spot));
        at.and_then(|at| self.0.remove(at)).is_some()
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

impl<G> Spot<G> {
    /// What was given, if something was.
    pub(super) fn take(&self) -> Option<G> {
        self.given.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Waits on its own thread until something is given, or the time is up.
    pub(super) fn wait(&self, until: Instant) -> Option<G> {
        loop {
            if let Some(given) = self.take() {
                return Some(given);
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return None;
            }
            std::thread::park_timeout(left);
        }
    }
}
