//! Writing: each caller in a transaction of its own, run again where it must.

use super::Pool;
use super::effort::Effort;
use crate::db::WriteTx;
use crate::db::inside::{self, Inside};
use crate::driver::{Access, Connection, Durability};
use crate::error::{Error, ErrorKind, Result};
use crate::sql::Param;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

impl Pool {
    /// Does `f` in a transaction.
    pub(in crate::db) fn write<T>(
        &self,
        durability: Durability,
        mut f: impl FnMut(&mut WriteTx<'_>) -> Result<T>,
    ) -> Result<T> {
        inside::refuse_write(self.id)?;
        let span = tracing::trace_span!("write", database = %self.driver, waited_us = tracing::field::Empty);
        let since = (!span.is_disabled()).then(Instant::now);
        let _entered = span.enter();
        self.gate.pass();
        let mut effort = Effort::new(self);
        loop {
            let writing = Writing::begin(self);
            let mut lent = self.acquire(self.wait())?;
            if let Some(since) = since {
                span.record("waited_us", u64::try_from(since.elapsed().as_micros()).unwrap_or(u64::MAX));
            }
            let inside = Inside::enter(self.id, Access::Write);
            let result = lent
                .set_durability(durability)
                .and_then(|()| lent.transact(Access::Write, |connection| f(&mut WriteTx::new(connection))));
            drop(inside);
            let (fate, took) = (lent.fate(), lent.committing());
            drop(lent);
            drop(writing);
            match result {
                Ok(value) => {
                    self.committed(took);
                    return Ok(value);
                }
                Err(error) => effort.again(error, fate)?,
            }
        }
    }

    /// Runs one statement by itself.
    pub(in crate::db) fn execute(&self, sql: &str, params: &[Param<'_>]) -> Result<u64> {
        inside::refuse_write(self.id)?;
        self.gate.pass();
        let mut effort = Effort::new(self);
        loop {
            let writing = Writing::begin(self);
            let mut lent = self.acquire(self.wait())?;
            let inside = Inside::enter(self.id, Access::Write);
            let start = Instant::now();
            let result = lent.run(|connection| connection.execute(sql, params));
            drop(inside);
            let fate = lent.fate();
            drop(lent);
            drop(writing);
            match result {
                Ok(changed) => {
                    self.committed(start.elapsed());
                    return Ok(changed);
                }
                Err(error) => effort.again(error, fate)?,
            }
        }
    }

    /// Runs `f` with a connection outside any transaction, which no other thread of this process does meanwhile.
    pub(in crate::db) fn with<T>(&self, f: impl FnOnce(&mut dyn Connection) -> Result<T>) -> Result<T> {
        inside::refuse_waiting(self.id)?;
        let Some(_turn) = self.apart.take(self.wait().until) else {
            let message = format!(
                "a migration, or what is like one, was under way on {} for more than {} ms",
                self.driver,
                self.limits.patience.as_millis()
            );
            return Err(Error::new(ErrorKind::Busy, message).with_help("try again when it is done"));
        };
        let _writing = Writing::begin(self);
        let mut lent = self.acquire(self.wait())?;
        let _inside = Inside::enter(self.id, Access::Write);
        lent.run(f)
    }

    /// Lets nobody have a connection from now on, and waits until all are given back. Those that read are waited for and no
    /// more; where somebody writes even then, nothing is closed.
    pub(in crate::db) fn end(&self) -> Result<()> {
        inside::refuse_waiting(self.id)?;
        self.close();
        if self.writing.load(Ordering::Acquire) == 0 {
            return Ok(());
        }
        self.reopen();
        Err(Error::new(
            ErrorKind::Busy,
            format!("{} was in use for {} ms", self.driver, self.limits.patience.as_millis()),
        )
        .with_help("close it when what is done with it has returned, or set a longer busy_timeout"))
    }

    fn committed(&self, took: Duration) {
        self.count.committed(took);
        self.bell.ring();
    }
}

/// Somebody writes, as long as this lives.
struct Writing<'p>(&'p Pool);

impl<'p> Writing<'p> {
    fn begin(pool: &'p Pool) -> Self {
        pool.writing.fetch_add(1, Ordering::AcqRel);
        Self(pool)
    }
}

impl Drop for Writing<'_> {
    fn drop(&mut self) {
        self.0.writing.fetch_sub(1, Ordering::AcqRel);
    }
}
