//! What was written so far, and who wants to hear of it. Only who leads counts, so nothing here needs to be one step.

use crate::db::bell::Bell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

#[derive(Default)]
pub(in crate::db) struct Count {
    writes: AtomicU64,
    commits: AtomicU64,
    largest: AtomicU64,
    committing: AtomicU64,
    last: AtomicU64,
    /// Told of each commit.
    pub(in crate::db) bell: Arc<Bell>,
}

/// The counts at one moment.
pub(in crate::db) struct Counted {
    /// Pieces of work that were committed.
    pub(in crate::db) writes: u64,
    /// Commits that they took.
    pub(in crate::db) commits: u64,
    /// The most that shared a commit.
    pub(in crate::db) largest: u64,
    /// How long all commits took together.
    pub(in crate::db) committing: Duration,
}

impl Count {
    /// One commit for as many pieces of work.
    pub(super) fn committed(&self, works: u64, took: Duration) {
        let took = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        let add =
            |to: &AtomicU64, more| to.store(to.load(Ordering::Relaxed).wrapping_add(more), Ordering::Relaxed);
        add(&self.writes, works);
        add(&self.commits, 1);
        add(&self.committing, took);
        self.largest.store(self.largest.load(Ordering::Relaxed).max(works), Ordering::Relaxed);
        self.last.store(took, Ordering::Relaxed);
        self.bell.ring();
    }

    /// How long the last commit took.
    pub(super) fn last(&self) -> Duration {
        Duration::from_nanos(self.last.load(Ordering::Relaxed))
    }

    pub(in crate::db) fn now(&self) -> Counted {
        Counted {
            writes: self.writes.load(Ordering::Relaxed),
            commits: self.commits.load(Ordering::Relaxed),
            largest: self.largest.load(Ordering::Relaxed),
            committing: Duration::from_nanos(self.committing.load(Ordering::Relaxed)),
        }
    }
}
