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

#[cfg(test)]
mod tests {
    use super::super::{Limits, Pool};
    use crate::db::{Seat, inside};
    use crate::driver::sqlite::{Place, Settings, Sqlite};
    use crate::driver::{Access, Connection, Dialect, Driver};
    use crate::error::Result;
    use std::fmt;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::{Duration, Instant};

    /// Counts the connections that it makes.
    #[derive(Debug)]
    struct Counting {
        inner: Sqlite,
        made: AtomicUsize,
    }

    impl fmt::Display for Counting {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            self.inner.fmt(f)
        }
    }

    impl Driver for Counting {
        fn dialect(&self) -> Dialect {
            self.inner.dialect()
        }

        fn connect(&self, access: Access) -> Result<Box<dyn Connection>> {
            self.made.fetch_add(1, Ordering::SeqCst);
            self.inner.connect(access)
        }
    }

    fn pool(folder: &tempfile::TempDir, idle: Duration, lifetime: Duration) -> (Arc<Counting>, Arc<Pool>) {
        let place = Place::File(folder.path().join("app.db"));
        let driver = Arc::new(Counting {
            inner: Sqlite { place, settings: Settings::default() },
            made: AtomicUsize::new(0),
        });
        let patience = Duration::from_secs(30);
        let limits = Limits { most: 1, patience, retry_for: patience, idle, lifetime };
        let dynamic: Arc<dyn Driver> = Arc::<Counting>::clone(&driver);
        (driver, Pool::new(dynamic, Access::Write, limits, inside::number(), Arc::default()))
    }

    const LONG: Duration = Duration::from_secs(3600);

    #[test]
    fn one_that_nobody_uses_is_closed() {
        let folder = tempfile::tempdir().unwrap();
        let (driver, pool) = pool(&folder, Duration::from_millis(20), LONG);
        pool.open_one().unwrap();
        let until = Instant::now() + Duration::from_secs(30);
        while pool.open() > 0 {
            assert!(Instant::now() < until, "it was not closed");
            std::thread::sleep(Duration::from_millis(2));
        }
        pool.read(Seat::Slot, |_| Ok(())).unwrap();
        assert_eq!(driver.made.load(Ordering::SeqCst), 2);
    }

    #[test]
    fn one_that_is_too_old_is_not_used_again() {
        let folder = tempfile::tempdir().unwrap();
        let (driver, pool) = pool(&folder, LONG, Duration::from_millis(5));
        for _ in 0..3 {
            pool.read(Seat::Slot, |_| Ok(())).unwrap();
            std::thread::sleep(Duration::from_millis(6));
        }
        assert_eq!(driver.made.load(Ordering::SeqCst), 3);
        assert!(pool.open() <= 1);
    }

    #[test]
    fn one_beyond_the_limit_is_closed_when_it_is_given_back() {
        let folder = tempfile::tempdir().unwrap();
        let (driver, pool) = pool(&folder, LONG, LONG);
        pool.read(Seat::Slot, |_| {
            pool.read(Seat::Slot, |_| Ok(()))?;
            assert_eq!(pool.read(Seat::AtOnce, |_| Ok(pool.open())).unwrap(), 2);
            Ok(())
        })
        .unwrap();
        assert_eq!(pool.open(), 1);
        pool.read(Seat::Slot, |_| Ok(())).unwrap();
        assert_eq!(driver.made.load(Ordering::SeqCst), 3);
    }

    #[test]
    fn a_panic_costs_the_connection_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let (driver, pool) = pool(&folder, LONG, LONG);
        let panicking = || pool.read(Seat::Slot, |_| -> Result<()> { std::panic::panic_any(1) });
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(panicking)).unwrap_err();
        assert_eq!(pool.open(), 0);
        pool.read(Seat::Slot, |_| Ok(())).unwrap();
        assert_eq!((pool.open(), driver.made.load(Ordering::SeqCst)), (1, 2));
    }
}
