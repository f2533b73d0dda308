//! What a connection has done, counted.

use std::ops::{Add, AddAssign};
use std::sync::atomic::{AtomicU64, Ordering};

/// The counters of one connection. Only the connection itself writes them, from whatever thread it is on; anybody may look
/// at any time. So counting costs an addition and no lock.
#[derive(Debug, Default)]
pub struct Tally {
    statements: AtomicU64,
    prepared: AtomicU64,
    prepared_again: AtomicU64,
    busy_retries: AtomicU64,
}

/// What tallies showed at one moment, of one connection or of several together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Counts {
    /// Statements that were run, without those that open and end transactions.
    pub statements: u64,
    /// Of these, the ones that had to be prepared, because they were not at hand.
    pub prepared: u64,
    /// Statements at hand that the engine itself prepared anew: when the schema has changed, or to plan for other values.
    pub prepared_again: u64,
    /// How often a lock that somebody else held was asked for again.
    pub busy_retries: u64,
}

impl Tally {
    /// A statement is run.
    pub fn note_statement(&self) {
        add_to(&self.statements, 1);
    }

    /// A statement was prepared.
    pub fn note_prepared(&self) {
        add_to(&self.prepared, 1);
    }

    /// The engine prepared a statement anew, so many times.
    pub fn note_prepared_again(&self, times: u64) {
        add_to(&self.prepared_again, times);
    }

    /// A lock is asked for once more.
    pub fn note_busy_retry(&self) {
        add_to(&self.busy_retries, 1);
    }

    /// What was counted until now. Each number is right by itself; they are not of one moment.
    pub fn counts(&self) -> Counts {
        Counts {
            statements: self.statements.load(Ordering::Relaxed),
            prepared: self.prepared.load(Ordering::Relaxed),
            prepared_again: self.prepared_again.load(Ordering::Relaxed),
            busy_retries: self.busy_retries.load(Ordering::Relaxed),
        }
    }
}

impl AddAssign for Counts {
    fn add_assign(&mut self, more: Self) {
        self.statements += more.statements;
        self.prepared += more.prepared;
        self.prepared_again += more.prepared_again;
        self.busy_retries += more.busy_retries;
    }
}

impl Add for Counts {
    type Output = Self;
    fn add(mut self, more: Self) -> Self {
        self += more;
        self
    }
}

/// There is one writer, so nothing is lost between the load and the store.
fn add_to(counter: &AtomicU64, more: u64) {
    counter.store(counter.load(Ordering::Relaxed).wrapping_add(more), Ordering::Relaxed);
}
