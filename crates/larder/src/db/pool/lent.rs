//! A connection that one thread has.

use super::Pool;
use crate::db::write::RollbackFailed;
use crate::driver::{Access, Connection, Durability};
use crate::error::{Error, ErrorKind, Result};
use std::time::{Duration, Instant};

/// A connection, and what the pool knows of it.
pub(super) struct Pooled {
    pub(super) connection: Box<dyn Connection>,
    pub(super) opened: Instant,
    pub(super) used: Instant,
    /// How long it may be used.
    pub(super) lifetime: Duration,
    /// How many others had been found broken when it was last known to be sound.
    pub(super) checked: u64,
    /// What was last asked of it.
    durability: Durability,
}

impl Pooled {
    pub(super) fn new(connection: Box<dyn Connection>, checked: u64, lifetime: Duration) -> Self {
        let now = Instant::now();
        // Not all that were opened together are to be opened anew together.
        let lifetime = lifetime.mul_f64(0.9 + fastrand::f64() / 10.0);
        Self { connection, opened: now, used: now, lifetime, checked, durability: Durability::Normal }
    }
}

/// What becomes of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It serves the next.
    Sound,
    /// Nobody knows its state: it is closed.
    Spoilt,
    /// The server went away under it. The others may be broken too.
    Lost,
    /// Its server takes no writes any more: another one is the primary now. So it is with all the others.
    Demoted,
}

/// A connection until it is dropped, which gives it back to the pool.
pub(super) struct Lent<'p> {
    pool: &'p Pool,
    pooled: Option<Pooled>,
    /// It was opened for this use.
    is_fresh: bool,
    fate: Fate,
    committing: Duration,
}

impl<'p> Lent<'p> {
    pub(super) fn new(pool: &'p Pool, pooled: Pooled, is_fresh: bool) -> Self {
        Self { pool, pooled: Some(pooled), is_fresh, fate: Fate::Sound, committing: Duration::ZERO }
    }

    /// What becomes of the connection, as far as is known.
    pub(super) fn fate(&self) -> Fate {
        self.fate
    }

    /// How long the commit took.
    pub(super) fn committing(&self) -> Duration {
        self.committing
    }

    /// Runs `f` on the connection, outside any transaction.
    pub(super) fn run<T>(&mut self, f: impl FnOnce(&mut dyn Connection) -> Result<T>) -> Result<T> {
        let result = self.guarded(f);
        if let Err(error) = &result {
            self.note(error);
        }
        result
    }

    /// Runs `f` between begin and commit, or begin and rollback.
    pub(super) fn transact<T>(
        &mut self,
        access: Access,
        f: impl FnOnce(&mut dyn Connection) -> Result<T>,
    ) -> Result<T> {
        let mut committing = Duration::ZERO;
        let result = self.guarded(|connection| {
            connection.begin(access)?;
            let value = f(connection)?;
            let start = Instant::now();
            connection.commit()?;
            committing = start.elapsed();
            Ok(value)
        });
        self.committing = committing;
        if let Err(error) = &result {
            self.note(error);
            // Should the rollback fail too, the connection is closed, with which the server rolls back: so there is nothing
            // to add to the error.
            if let Some(pooled) = &mut self.pooled
                && pooled.connection.rollback().is_err()
                && self.fate == Fate::Sound
            {
                self.fate = Fate::Spoilt;
            }
        }
        result
    }

    /// Makes what is committed from here on as durable as asked.
    pub(super) fn set_durability(&mut self, durability: Durability) -> Result<()> {
        match &mut self.pooled {
            Some(pooled) if pooled.durability != durability => pooled.durability = durability,
            _ => return Ok(()),
        }
        self.run(|connection| connection.set_durability(durability)).inspect_err(|_| {
            if self.fate == Fate::Sound {
                self.fate = Fate::Spoilt;
            }
        })
    }

    /// Learns from an error what it says of the connection.
    fn note(&mut self, error: &Error) {
        let Some(pooled) = &mut self.pooled else { return };
        let lost = matches!(error.kind(), ErrorKind::Unavailable | ErrorKind::UnknownOutcome)
            || pooled.connection.is_broken();
        if lost {
            self.fate = Fate::Lost;
        } else if RollbackFailed::is_in(error) {
            self.fate = Fate::Spoilt;
        } else if error.kind() == ErrorKind::ReadOnly && !self.is_fresh && self.pool.access == Access::Write {
            self.fate = Fate::Demoted;
        }
    }

    /// Runs `f`. When it panics, nobody knows how far it came, and the connection is closed, with which the server rolls back.
    fn guarded<T>(&mut self, f: impl FnOnce(&mut dyn Connection) -> Result<T>) -> Result<T> {
        let Some(pooled) = &mut self.pooled else {
            return Err(Error::new(ErrorKind::Internal, "the connection was given back already"));
        };
        let before = std::mem::replace(&mut self.fate, Fate::Spoilt);
        let result = f(pooled.connection.as_mut());
        self.fate = before;
        result
    }
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        let pooled = self.pooled.take().map(|mut pooled| {
            pooled.used = Instant::now();
            if self.fate == Fate::Sound && pooled.connection.leaves_traces() {
                self.fate = Fate::Spoilt;
            }
            pooled
        });
        self.pool.give_back(pooled, self.fate);
    }
}
