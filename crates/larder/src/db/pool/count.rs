//! What was done on the connections of a pool.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

#[derive(Default)]
pub(in crate::db) struct Count {
    reads: AtomicU64,
    writes: AtomicU64,
    committing: AtomicU64,
    reruns: AtomicU64,
}

impl Count {
    pub(super) fn read(&self) {
        self.reads.fetch_add(1, Ordering::Relaxed);
    }

    /// A write was committed.
    pub(super) fn committed(&self, took: Duration) {
        self.writes.fetch_add(1, Ordering::Relaxed);
        self.committing.fetch_add(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// A write is run again.
    pub(super) fn rerun(&self) {
        self.reruns.fetch_add(1, Ordering::Relaxed);
    }

    pub(in crate::db) fn reads(&self) -> u64 {
        self.reads.load(Ordering::Relaxed)
    }

    pub(in crate::db) fn writes(&self) -> u64 {
        self.writes.load(Ordering::Relaxed)
    }

    pub(in crate::db) fn committing(&self) -> Duration {
        Duration::from_nanos(self.committing.load(Ordering::Relaxed))
    }

    pub(in crate::db) fn reruns(&self) -> u64 {
        self.reruns.load(Ordering::Relaxed)
    }
}
