//! The thread that closes connections nobody uses any more.

use super::Pool;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::thread::Builder;
use std::time::{Duration, Instant};

#[derive(Default)]
pub(super) struct Keeper {
    over: Mutex<bool>,
    bell: Condvar,
}

impl Keeper {
    /// Begins to look. Where there is no thread to be had, connections are closed when they are too old and asked for.
    pub(super) fn begin(self: &Arc<Self>, pool: &Arc<Pool>) {
        let (keeper, weak) = (Arc::clone(self), Arc::downgrade(pool));
        let pause = (pool.limits.idle.min(pool.limits.lifetime) / 4).max(Duration::from_millis(1));
        let _ = Builder::new().name("larder-pool".into()).spawn(move || keeper.keep(&weak, pause));
    }

    pub(super) fn end(&self) {
        *self.over() = true;
        self.bell.notify_all();
    }

    /// Somebody may be waiting for what has happened now.
    pub(super) fn nudge(&self) {
        drop(self.over());
        self.bell.notify_all();
    }

    /// Waits until `is_so`, or until the time is up.
    pub(super) fn wait(&self, time: Duration, is_so: impl Fn() -> bool) {
        let until = Instant::now() + time;
        let mut over = self.over();
        while !is_so() {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            over = self.bell.wait_timeout(over, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn keep(&self, pool: &Weak<Pool>, pause: Duration) {
        loop {
            let woken = self.bell.wait_timeout_while(self.over(), pause, |over| !*over);
            if *woken.unwrap_or_else(PoisonError::into_inner).0 {
                return;
            }
            let Some(pool) = pool.upgrade() else { return };
            pool.tidy();
        }
    }

    fn over(&self) -> MutexGuard<'_, bool> {
        self.over.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
