//! Waiting for a slot.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering, fence};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long is waited: longer than reads of a sound program hold a slot, and short beside what a person notices.
const LONGEST: Duration = Duration::from_millis(50);

/// Those who wait until a slot is free.
#[derive(Default)]
pub(super) struct Turns {
    waiting: AtomicUsize,
    /// Somebody was called and has not looked yet. So a busy program does not call for each slot that is left.
    called: AtomicBool,
    /// How many were called.
    calls: Mutex<u64>,
    bell: Condvar,
}

impl Turns {
    /// Waits until `take` gives something; nothing after a while in which it did not.
    pub(super) fn wait<T>(&self, take: impl Fn() -> Option<T>) -> Option<T> {
        let until = Instant::now() + LONGEST;
        self.waiting.fetch_add(1, Ordering::SeqCst);
        let _waits = Waits(self);
        loop {
            let seen = *self.calls();
            self.called.store(false, Ordering::SeqCst);
            // Before it looks: whoever leaves a slot from here on sees that somebody waits.
            fence(Ordering::SeqCst);
            if let Some(taken) = take() {
                return Some(taken);
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return None;
            }
            let calls = self.calls();
            if *calls == seen {
                drop(self.bell.wait_timeout(calls, left));
            }
        }
    }

    /// A slot was left; a fence came before.
    pub(super) fn call(&self) {
        if self.waiting.load(Ordering::Relaxed) > 0 && !self.called.swap(true, Ordering::SeqCst) {
            *self.calls() += 1;
            self.bell.notify_one();
        }
    }

    fn calls(&self) -> MutexGuard<'_, u64> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Waits<'t>(&'t Turns);

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::SeqCst);
        self.0.called.store(false, Ordering::SeqCst);
    }
}
