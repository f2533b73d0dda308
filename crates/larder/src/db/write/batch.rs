//! One transaction for the work of many.

#[cfg(test)]
pub(super) mod engine;
#[cfg(test)]
mod table;

use super::count::Count;
use super::queue::{Lead, Ticket};
use super::work::Work;
use super::writer::Job;
use crate::driver::{Access, Connection, Durability};
use crate::error::{Error, ErrorKind, Result};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How many pieces of work share a transaction at most.
const MOST: usize = 256;
/// When a transaction has been going on for that long nothing more is begun in it, so that who was done early does not
/// wait for many who come late. Where commits take longer than this, it is as long as the last one took: then at least
/// half of the time goes into work.
const LONG: Duration = Duration::from_millis(2);
const LONGEST: Duration = Duration::from_millis(50);

/// A transaction of which one leads, and those that it was done for.
pub(super) struct Batch<'l, 'q> {
    lead: &'l Lead<'q, Job>,
    durability: Durability,
    /// Nobody else's work is done.
    alone: bool,
    long: Duration,
    members: Vec<Member>,
    count: &'l Count,
}

/// Somebody's work that is being done. When this is dropped its owner is told how it ended.
pub(super) struct Member {
    ticket: Arc<Ticket<Job>>,
    work: Option<Job>,
    /// The work knows how it ended. Before that a panic of the driver may end everything, and nobody must be told of a
    /// success that is none.
    settled: bool,
}

impl Member {
    /// Takes the first in the line, if another may do its work together with work of that durability.
    pub(super) fn first(lead: &Lead<'_, Job>, durability: Durability) -> Option<Self> {
        loop {
            // What its owner took back is passed over.
            if let Some(member) = Self::of(lead.take(durability as u8)?) {
                return Some(member);
            }
        }
    }

    /// Takes the work of a ticket; nothing where its owner took it back, and nobody waits.
    pub(super) fn of(ticket: Arc<Ticket<Job>>) -> Option<Self> {
        let work = ticket.take()?;
        Some(Self { ticket, work: Some(work), settled: false })
    }

    /// What is to be done, and how durable that must be.
    pub(super) fn work(&mut self) -> Option<(&mut dyn Work, Durability)> {
        let durability = if self.ticket.rank == 0 { Durability::Normal } else { Durability::Full };
        Some((self.work.as_mut()?.as_mut(), durability))
    }

    /// Notes that the work knows how it ended.
    pub(super) fn settle(mut self) -> Self {
        self.settled = true;
        self
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        if let Some(work) = self.work.as_mut()
            && !self.settled
        {
            let message =
                "the driver panicked in the transaction, which may have been committed all the same";
            let error = Error::new(ErrorKind::UnknownOutcome, message);
            work.fail(error.with_help("read what was written before you write it again"));
        }
        // What was lent goes back before its owner goes on.
        self.work = None;
        self.ticket.done();
    }
}

impl<'l, 'q> Batch<'l, 'q> {
    /// A thread that is inside a transaction of another database does its own work `alone`: that of others is not inside, and
    /// must not be refused for it.
    pub(super) fn new(
        lead: &'l Lead<'q, Job>,
        durability: Durability,
        alone: bool,
        count: &'l Count,
    ) -> Self {
        let long = count.last().clamp(LONG, LONGEST);
        Self { lead, durability, alone, long, members: Vec::new(), count }
    }

    /// When it has run: those whose work was done, each to be told by dropping it.
    pub(super) fn into_members(self) -> Vec<Member> {
        self.members.into_iter().map(Member::settle).collect()
    }

    /// Does `own` work and that of those who wait. True when a rollback failed, so that nobody knows the state of the
    /// connection.
    pub(super) fn run(&mut self, connection: &mut dyn Connection, own: &mut dyn Work) -> bool {
        // It needs no savepoint: until it is done the transaction is its own.
        if let Err(error) = connection.begin(Access::Write) {
            own.fail(error);
            return false;
        }
        let kept = own.run(connection);
        self.lead.progress();
        if !kept {
            return roll_back(connection, own);
        }
        // What the engine rolled back in silence its own commit refuses.
        let follow = !self.alone && !connection.is_lost();
        if follow && self.follow(connection) {
            return self.undo_and_again(connection, own);
        }
        let Err(error) = commit(connection, self.members.len() as u64 + 1, self.count) else { return false };
        if self.members.is_empty() {
            own.fail(error);
            return roll_back(connection, own);
        }
        if error.kind() == ErrorKind::Constraint {
            // One of them left a reference open that its own commit would not have taken.
            return self.undo_and_again(connection, own);
        }
        let failed = connection.rollback().is_err();
        self.fail(own, error);
        failed
    }

    /// Tells all the same.
    fn fail(&mut self, own: &mut dyn Work, error: Error) {
        for work in self.members.iter_mut().filter_map(|member| member.work.as_mut()) {
            work.fail(error.restated(error.kind(), error.message()));
        }
        own.fail(error);
    }

    /// Does the work of those who wait, until there is none or it has been enough. True when the engine rolled everything
    /// back.
    fn follow(&mut self, connection: &mut dyn Connection) -> bool {
        let mut until = None;
        while self.members.len() < MOST {
            let Some(mut member) = Member::first(self.lead, self.durability) else { break };
            let until = *until.get_or_insert_with(|| Instant::now() + self.long);
            let all_undone = member.work.as_mut().is_some_and(|work| within(connection, work.as_mut()));
            self.lead.progress();
            // Also who failed is told when the others are: it may have failed because of what they wrote.
            self.members.push(member);
            if all_undone {
                return true;
            }
            if Instant::now() >= until {
                break;
            }
        }
        false
    }

    /// Rolls everything back and does it anew.
    fn undo_and_again(&mut self, connection: &mut dyn Connection, own: &mut dyn Work) -> bool {
        match connection.rollback() {
            Ok(()) => self.again(connection, own),
            // Nobody may use the connection now; what was written goes with it.
            Err(error) => {
                self.fail(own, error);
                true
            }
        }
    }

    /// Does everything anew, each in a transaction of its own: what happened together must not happen again.
    fn again(&mut self, connection: &mut dyn Connection, own: &mut dyn Work) -> bool {
        let mut failed = alone(connection, own, self.count);
        for member in &mut self.members {
            if let Some(work) = member.work.as_mut() {
                failed |= alone(connection, work.as_mut(), self.count);
            }
            self.lead.progress();
        }
        failed
    }
}

/// Does a piece of work in a savepoint. True when the engine rolled back more than that: everything.
fn within(connection: &mut dyn Connection, work: &mut dyn Work) -> bool {
    if work.is_one_statement() {
        work.run(connection);
        return connection.is_lost();
    }
    if let Err(error) = connection.begin(Access::Write) {
        work.fail(error);
        return connection.is_lost();
    }
    if work.run(connection) {
        match connection.commit() {
            Ok(()) => return false,
            Err(error) => work.fail(error),
        }
    }
    match connection.rollback() {
        Ok(()) => connection.is_lost(),
        Err(rollback) => {
            work.spoil(rollback);
            true
        }
    }
}

/// Does a piece of work in a transaction of its own; true when a rollback failed.
fn alone(connection: &mut dyn Connection, work: &mut dyn Work, count: &Count) -> bool {
    if let Err(error) = connection.begin(Access::Write) {
        work.fail(error);
        return false;
    }
    if work.run(connection) {
        match commit(connection, 1, count) {
            Ok(()) => return false,
            Err(error) => work.fail(error),
        }
    }
    roll_back(connection, work)
}

/// Commits what as many `works` wrote.
fn commit(connection: &mut dyn Connection, works: u64, count: &Count) -> Result<()> {
    let span = tracing::trace_span!("commit", works, took_us = tracing::field::Empty).entered();
    let start = Instant::now();
    connection.commit()?;
    let took = start.elapsed();
    count.committed(works, took);
    span.record("took_us", u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
    Ok(())
}

/// Rolls back a transaction that was one work's own; true when that failed.
fn roll_back(connection: &mut dyn Connection, work: &mut dyn Work) -> bool {
    connection.rollback().map_err(|error| work.spoil(error)).is_err()
}
