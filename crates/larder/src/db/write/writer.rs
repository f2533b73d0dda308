//! The one connection that writes, and whose turn it is.

#[cfg(test)]
mod panicking;

use super::batch::{Batch, Member};
use super::count::Count;
use super::lend::{Served, stand};
use super::queue::{Lead, Queue, Ticket, Waited};
use super::rollback::RollbackFailed;
use super::work::{Closure, Statement, Work};
use crate::db::WriteTx;
use crate::db::checkpoint::{Checkpointer, LogStats};
use crate::db::inside::{self, Inside};
use crate::db::reader::Readers;
use crate::db::tallies::Tallies;
use crate::driver::{Access, Connection, Counts, Driver, Durability};
use crate::error::{Error, ErrorKind, Result};
use crate::sql::Param;
use crate::sql::text::Verb;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// A commit that takes less than this is quicker than waking a thread.
const QUICK: Duration = Duration::from_micros(100);
/// A commit that takes at least this is one that many should share.
const SLOW: Duration = Duration::from_micros(500);
/// How long one leads at most for others after its own work is done.
const ENOUGH: Duration = Duration::from_millis(1);

/// Work in the line.
pub(super) type Job = Box<dyn Work>;

/// The connection that writes, and the line before it.
///
/// Who comes when nobody is there leads: begins a transaction, does its own work, then that of all who have come in the
/// meantime, each in a savepoint, commits once for all, hands over to the first who waits, and tells the others. Work of
/// others is done on the thread that leads: waking each thread for its turn was measured to cost more than the writing
/// (ARCHITECTURE.md). What is more than a transaction has the connection for itself, on its own thread.
pub(in crate::db) struct Writer {
    /// The first to be dropped: its thread's connection must not be the last one, which empties the log.
    pub(super) checkpointer: Checkpointer,
    pub(super) driver: Arc<dyn Driver>,
    pub(super) queue: Queue<Job>,
    slot: Mutex<Slot>,
    /// Tells databases apart on a thread that is inside transactions of several.
    id: usize,
    pub(super) patience: Duration,
    pub(super) count: Count,
    tallies: Tallies,
    /// Who leads for tasks, and looks at the clock for them.
    #[cfg(feature = "tokio")]
    pub(super) stand_in: super::stand_in::StandIn,
}

#[derive(Default)]
struct Slot {
    connection: Option<Box<dyn Connection>>,
    /// What was last asked of the connection.
    durability: Durability,
    /// Nobody opens it again.
    closed: bool,
}

impl Writer {
    pub(in crate::db) fn new(
        driver: Arc<dyn Driver>,
        mut first: Option<Box<dyn Connection>>,
        long_read: Duration,
    ) -> Result<Self> {
        // Not even who wants no waiting for other processes wants an error because another thread is writing just now.
        const LEAST: Duration = Duration::from_millis(100);
        let tallies = Tallies::default();
        let checkpointer = Checkpointer::new(Arc::clone(&driver), long_read);
        if let Some(connection) = &mut first {
            checkpointer.adopt(connection.as_mut())?;
            tallies.add(connection.as_ref());
        }
        Ok(Self {
            tallies,
            patience: driver.patience().max(LEAST),
            driver,
            checkpointer,
            queue: Queue::new(),
            slot: Mutex::new(Slot { connection: first, ..Slot::default() }),
            count: Count::default(),
            #[cfg(feature = "tokio")]
            stand_in: super::stand_in::StandIn::default(),
            id: inside::number(),
        })
    }

    /// What was written so far.
    pub(in crate::db) fn count(&self) -> &Count {
        &self.count
    }

    /// What the connections that wrote have counted.
    pub(in crate::db) fn counts(&self) -> Counts {
        self.tallies.counts()
    }

    /// How many wait for their turn.
    pub(in crate::db) fn waiting(&self) -> usize {
        self.queue.waiting()
    }

    /// Tells this database from others within the process.
    pub(in crate::db) fn id(&self) -> usize {
        self.id
    }

    /// Does `f` in a transaction, together with the work of others.
    pub(in crate::db) fn write<T: Send>(
        &self,
        durability: Durability,
        f: impl FnMut(&mut WriteTx<'_>) -> Result<T> + Send,
    ) -> Result<T> {
        inside::refuse_write(self.id)?;
        let mut work = Closure::new(f, self.span());
        let lead = match self.queue.try_lead() {
            Some(lead) => Some(lead),
            // On another thread it would not be known what this one is inside of.
            None if inside::is_any() => Some(self.turn()?),
            None => self.stand(&mut work, durability)?,
        };
        if let Some(lead) = lead {
            self.lead(lead, &mut work, durability);
        }
        work.outcome.into_result()
    }

    /// The span of one write.
    pub(super) fn span(&self) -> tracing::Span {
        tracing::trace_span!("write", database = %self.driver, waited_us = tracing::field::Empty)
    }

    /// Runs one statement by itself.
    pub(in crate::db) fn execute(&self, sql: &str, params: &[Param<'_>]) -> Result<u64> {
        inside::refuse_write(self.id)?;
        let by_itself = |connection: &mut dyn Connection| {
            let start = Instant::now();
            let changed = connection.execute(sql, params)?;
            self.count.committed(1, start.elapsed());
            Ok(changed)
        };
        if let Some(lead) = self.queue.try_lead() {
            let changed = self.alone(&lead, by_itself)?;
            self.care();
            return Ok(changed);
        }
        // Others are writing. What changes rows can be done with their work; the rest may be what no transaction takes.
        if !Verb::of(sql, self.driver.dialect()).writes_rows() {
            return self.with(by_itself);
        }
        let mut work = Statement::new(sql, params);
        if let Some(lead) = self.stand(&mut work, Durability::Normal)? {
            self.lead(lead, &mut work, Durability::Normal);
        }
        work.outcome.into_result()
    }

    /// Waits for the connection and runs `f` on it, on this thread, while nobody else has it.
    pub(in crate::db) fn with<T>(&self, f: impl FnOnce(&mut dyn Connection) -> Result<T>) -> Result<T> {
        inside::refuse_waiting(self.id)?;
        let lead = self.turn()?;
        let rest = self.checkpointer.rest();
        let result = self.alone(&lead, f);
        drop(rest);
        self.care();
        result
    }

    /// Refuses to wait for what the same thread is inside of.
    pub(in crate::db) fn check_free(&self) -> Result<()> {
        inside::refuse_waiting(self.id)
    }

    /// Waits until nobody writes, and lets nobody write from then on.
    pub(in crate::db) fn close(&self) -> Result<Closing<'_>> {
        let lead = self.turn()?;
        self.checkpointer.stop();
        self.slot().closed = true;
        Ok(Closing { writer: self, _lead: lead })
    }

    /// Stands in the line with work; the lead, where it falls to its owner.
    fn stand(&self, work: &mut dyn Work, durability: Durability) -> Result<Option<Lead<'_, Job>>> {
        match stand(&self.queue, work, durability as u8, self.patience) {
            Served::Done => Ok(None),
            Served::Lead(lead) => Ok(Some(lead)),
            Served::Stalled => Err(self.stalled()),
        }
    }

    /// Waits until it is this thread's turn to lead.
    fn turn(&self) -> Result<Lead<'_, Job>> {
        if let Some(lead) = self.queue.try_lead() {
            return Ok(lead);
        }
        let ticket = Ticket::alone();
        if let Some(lead) = self.queue.join(&ticket) {
            return Ok(lead);
        }
        match self.queue.wait(&ticket, self.patience) {
            Waited::Leads(lead) => Ok(lead),
            Waited::Stalled => Err(self.stalled()),
            Waited::Done => Err(Error::new(ErrorKind::Internal, "a turn was taken by another thread")),
        }
    }

    pub(super) fn stalled(&self) -> Error {
        Error::new(
            ErrorKind::Busy,
            format!(
                "nothing was written to {} for {} ms: one transaction of this program takes that long, or the one whose \
                 turn it is waits for another process",
                self.driver,
                self.patience.as_millis()
            ),
        )
        .with_help(
            "keep what is done inside `write` short, and let it not wait for another thread that writes; or set a longer \
             busy_timeout",
        )
    }

    /// Leads: does `own` work and that of those who wait.
    fn lead(&self, lead: Lead<'_, Job>, own: &mut dyn Work, durability: Durability) {
        let mut members = self.batch(&lead, own, durability);
        // Where commits are quick, waking the next to lead takes longer than doing its work.
        let start = Instant::now();
        while !inside::is_any()
            && !self.checkpointer.is_due()
            && self.count.last() < QUICK
            && start.elapsed() < ENOUGH
        {
            let Some(mut next) = Member::first(&lead, Durability::Full) else { break };
            // Told before the next batch is begun, that they can go on beside it.
            drop(members);
            members = Vec::new();
            let Some((work, durability)) = next.work() else { continue };
            // Its own work is done: a panic of the driver over that of others is told to them.
            match catch_unwind(AssertUnwindSafe(|| self.batch(&lead, work, durability))) {
                Ok(done) => members = done,
                Err(_) => break,
            }
            members.push(next.settle());
        }
        if self.checkpointer.is_due() {
            // Nobody who has his commit waits for this.
            drop(members);
            self.care();
            return;
        }
        if self.count.last() >= SLOW {
            // Some of these have their next work in the line before the next commit is begun: it is worth that much.
            drop(members);
            drop(lead);
        } else {
            // The next may begin while these are woken.
            drop(lead);
            drop(members);
        }
    }

    /// One transaction, for `own` work and that of those who wait; gives those for whom it was done.
    pub(super) fn batch(
        &self,
        lead: &Lead<'_, Job>,
        own: &mut dyn Work,
        durability: Durability,
    ) -> Vec<Member> {
        let mut batch = Batch::new(lead, durability, inside::is_any(), &self.count);
        let held = self.hold(durability, |connection| batch.run(connection, own), |unknown| *unknown);
        if let Err(error) = held {
            own.fail(error);
        }
        batch.into_members()
    }

    /// Those who read, who may keep the log from being moved.
    pub(in crate::db) fn watch(&self, readers: &Arc<Readers>) {
        self.checkpointer.watch(readers);
    }

    /// The log and its checkpoints.
    pub(in crate::db) fn log_stats(&self) -> LogStats {
        self.checkpointer.stats()
    }

    /// Sees to the log, between two transactions.
    pub(super) fn care(&self) {
        if !self.checkpointer.is_due() {
            return;
        }
        let mut slot = self.slot();
        let Slot { connection: Some(connection), durability, .. } = &mut *slot else { return };
        // As it was opened to be: what one write asked for is not what the database is for.
        if *durability == Durability::Normal || connection.set_durability(Durability::Normal).is_ok() {
            *durability = Durability::Normal;
            self.checkpointer.committed(connection.as_mut());
        }
    }

    /// Runs `f` on the connection, which is this thread's alone.
    pub(super) fn alone<T>(
        &self,
        lead: &Lead<'_, Job>,
        f: impl FnOnce(&mut dyn Connection) -> Result<T>,
    ) -> Result<T> {
        let result = self.hold(Durability::Normal, f, |result: &Result<T>| {
            result.as_ref().is_err_and(RollbackFailed::is_in)
        })?;
        lead.progress();
        result
    }

    /// Opens the connection where it is not, and runs `f` on it. `unknown` tells by the result whether the connection is in
    /// a state that nobody knows, because a rollback failed.
    fn hold<T>(
        &self,
        durability: Durability,
        f: impl FnOnce(&mut dyn Connection) -> T,
        unknown: impl FnOnce(&T) -> bool,
    ) -> Result<T> {
        let mut slot = self.slot();
        if slot.closed {
            return Err(closed());
        }
        let Slot { connection, durability: now, .. } = &mut *slot;
        let connection = match connection.as_mut() {
            Some(connection) => connection,
            None => {
                *now = Durability::Normal;
                let mut opened = self.driver.connect(Access::Write)?;
                self.checkpointer.adopt(opened.as_mut())?;
                self.tallies.add(opened.as_ref());
                connection.insert(opened)
            }
        };
        if *now != durability {
            connection.set_durability(durability)?;
            *now = durability;
        }
        let _inside = Inside::enter(self.id, Access::Write);
        let result = catch_unwind(AssertUnwindSafe(|| f(connection.as_mut())));
        let unknown = match &result {
            Ok(result) => unknown(result),
            // It may have come from within a savepoint, whose rollback would leave the transaction open.
            Err(_) => {
                let _ = connection.rollback();
                true
            }
        };
        // It is tried once more, which does nothing where nothing is open; and then the next to write gets a new
        // connection, unless the database would be gone with it.
        if unknown && (connection.rollback().is_err() || !self.driver.is_single()) {
            slot.connection = None;
        }
        result.or_else(|panic| resume_unwind(panic))
    }

    fn slot(&self) -> MutexGuard<'_, Slot> {
        self.slot.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The last turn.
pub(in crate::db) struct Closing<'w> {
    writer: &'w Writer,
    _lead: Lead<'w, Job>,
}

impl Closing<'_> {
    /// Runs `last` on the connection, if there is one, and closes it for good.
    pub(in crate::db) fn finish(self, last: impl FnOnce(&mut dyn Connection) -> Result<()>) -> Result<()> {
        let connection = self.writer.slot().connection.take();
        connection.map_or(Ok(()), |mut connection| last(connection.as_mut()))
    }
}

/// Somebody else closed the handle in the meantime.
pub(in crate::db) fn closed() -> Error {
    Error::new(ErrorKind::Closed, "the database was closed")
}
