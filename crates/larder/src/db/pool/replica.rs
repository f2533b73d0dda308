//! Copies of the database that are only read.

use super::{Limits, Pool, Wait};
use crate::db::bell::Bell;
use crate::db::inside::{self, Inside};
use crate::db::{ReadTx, Seat};
use crate::driver::{Access, Counts, Driver};
use crate::error::{Error, ErrorKind, Result};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// One that can't be reached is left alone for so long, and for twice as long each time.
const SHORTEST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(30);

/// The replicas, which take turns.
#[derive(Default)]
pub(in crate::db) struct Replicas {
    all: Vec<Replica>,
    next: AtomicUsize,
}

struct Replica {
    pool: Arc<Pool>,
    rest: Mutex<Rest>,
}

/// Since when and for how long nobody asks it.
#[derive(Clone, Copy)]
struct Rest {
    until: Option<Instant>,
    next: Duration,
}

impl Replicas {
    /// Nothing is opened yet: a replica that is down keeps nobody from opening the database.
    pub(in crate::db) fn new(drivers: Vec<Arc<dyn Driver>>, limits: Limits, id: usize) -> Self {
        let replica = |driver| Replica {
            pool: Pool::new(driver, Access::Read, limits, id, Arc::new(Bell::default())),
            rest: Mutex::new(Rest { until: None, next: SHORTEST }),
        };
        Self { all: drivers.into_iter().map(replica).collect(), next: AtomicUsize::new(0) }
    }

    /// True where there is none, or where the thread is inside a transaction of the database, whose reader expects what it
    /// saw there.
    fn are_passed_over(&self, id: usize) -> bool {
        self.all.is_empty() || inside::depth(id) > 0
    }

    /// Those that may be asked, beginning with another one each time.
    fn awake(&self) -> impl Iterator<Item = &Replica> {
        let first = self.next.fetch_add(1, Ordering::Relaxed) % self.all.len().max(1);
        let (before, from) = self.all.split_at(first.min(self.all.len()));
        from.iter().chain(before).filter(|replica| replica.may_be_asked())
    }

    pub(in crate::db) fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        self.all.iter().for_each(|replica| counts += replica.pool.counts());
        counts
    }

    pub(in crate::db) fn reads(&self) -> u64 {
        self.all.iter().map(|replica| replica.pool.count().reads()).sum()
    }

    pub(in crate::db) fn open(&self) -> usize {
        self.all.iter().map(|replica| replica.pool.open()).sum()
    }

    pub(in crate::db) fn close(&self) {
        self.all.iter().for_each(|replica| replica.pool.close());
    }
}

impl Replica {
    /// Where its rest is over, one caller finds out whether it is there again, and the others pass by until then.
    fn may_be_asked(&self) -> bool {
        let mut rest = self.rest();
        let now = Instant::now();
        match rest.until {
            None => true,
            Some(until) if now < until => false,
            Some(_) => {
                rest.until = Some(now + rest.next);
                true
            }
        }
    }

    fn is_there(&self) {
        let mut rest = self.rest();
        if rest.until.is_some() {
            *rest = Rest { until: None, next: SHORTEST };
        }
    }

    fn is_down(&self, error: &Error) {
        let mut rest = self.rest();
        tracing::warn!(replica = %self.pool.driver, %error, "a replica is passed over");
        *rest = Rest { until: Some(Instant::now() + rest.next), next: (rest.next * 2).min(LONGEST) };
    }

    fn rest(&self) -> MutexGuard<'_, Rest> {
        self.rest.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pool {
    /// [`read`](Self::read) on a replica, or here where none can be reached.
    pub(in crate::db) fn read_by<T>(
        &self,
        replicas: &Replicas,
        seat: Seat,
        f: impl FnOnce(&mut ReadTx<'_>) -> Result<T>,
    ) -> Result<T> {
        if replicas.are_passed_over(self.id) {
            return self.read(seat, f);
        }
        for replica in replicas.awake() {
            let pool = &replica.pool;
            let mut lent = match pool.acquire(Wait { insist: false, ..pool.wait_for(seat) }) {
                Ok(lent) => lent,
                Err(error) if error.kind() == ErrorKind::Busy => return Err(error),
                Err(error) => {
                    replica.is_down(&error);
                    continue;
                }
            };
            replica.is_there();
            pool.count.read();
            let _inside = Inside::enter(self.id, Access::Read);
            return lent.transact(Access::Read, |connection| f(&mut ReadTx::new(connection)));
        }
        self.read(seat, f)
    }

    /// [`straight`](Self::straight) on a replica, or here where none can be reached.
    pub(in crate::db) fn straight_by<T>(
        &self,
        replicas: &Replicas,
        sql: &str,
        mut f: impl FnMut(&mut ReadTx<'_>) -> Result<T>,
    ) -> Result<T> {
        if replicas.are_passed_over(self.id) {
            return self.straight(sql, f);
        }
        for replica in replicas.awake() {
            let pool = &replica.pool;
            let tried = pool.acquire(Wait { insist: false, ..pool.wait() }).and_then(|mut lent| {
                pool.count.read();
                lent.run(|connection| f(&mut ReadTx::new(connection)))
            });
            match tried {
                // It may have gone away in the middle; nothing but reading was done.
                Err(error) if is_away(&error) => replica.is_down(&error),
                other => {
                    replica.is_there();
                    return other;
                }
            }
        }
        self.straight(sql, f)
    }
}

/// Whether the fault is the replica's.
fn is_away(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Unavailable | ErrorKind::CannotOpen | ErrorKind::UnknownOutcome)
}
