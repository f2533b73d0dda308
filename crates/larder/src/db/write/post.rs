//! Standing in the line with work that nobody's thread waits for: a task's, which is told through its waker.
//!
//! The work is owned, so its owner may go away at any time. Work that nobody has begun goes with it; work that was begun
//! runs to its end and is committed or rolled back, and what came of it is dropped.

use super::queue::{Owner, Ticket, Wake};
use super::work::{Closure, Outcome, Work};
use super::writer::{Job, Writer};
use crate::db::WriteTx;
use crate::db::inside::{self, Inside};
use crate::driver::{Access, Connection, Durability};
use crate::error::{Error, Result};
use crate::sql::text::Verb;
use crate::sql::{Param, ToValue, Value};
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Instant;
use tracing::Span;

/// A write of a task. It goes into the line when it is first polled, and leaves it when it is dropped.
pub(crate) struct Posted<T> {
    writer: Arc<Writer>,
    durability: Durability,
    letter: Arc<Letter<T>>,
    place: Place,
}

/// Where a posted write stands.
enum Place {
    /// Not yet in the line. True for what no transaction takes.
    Before(Job, bool),
    Line(Arc<Ticket<Job>>),
    Over,
}

/// What came of the work, on its way from whoever did it to its owner.
struct Letter<T>(Mutex<Content<T>>);

struct Content<T> {
    outcome: Option<Outcome<T>>,
    waker: Option<Waker>,
    /// Nobody waits for it any more.
    unwanted: bool,
}

/// Owned work, which puts what came of it into the letter when it is dropped.
struct Posting<F, T> {
    work: Option<Closure<F, T>>,
    one_statement: bool,
    /// The number of the database.
    database: usize,
    letter: Arc<Letter<T>>,
}

/// Whom the line tells.
struct Addressee<T> {
    letter: Arc<Letter<T>>,
    writer: Arc<Writer>,
    since: Instant,
}

impl<T: Send + 'static> Posted<T> {
    /// A write for a task; what [`Writer::write`] is for a thread.
    pub(in crate::db) fn write(
        writer: &Arc<Writer>,
        durability: Durability,
        f: impl FnMut(&mut WriteTx<'_>) -> Result<T> + Send + 'static,
    ) -> Self {
        Self::new(writer, durability, f, false, false)
    }
}

impl Posted<u64> {
    /// One statement of a task; what [`Writer::execute`] is for a thread.
    pub(in crate::db) fn statement(writer: &Arc<Writer>, sql: String, params: Vec<(String, Value)>) -> Self {
        let apart = !Verb::of(&sql, writer.driver.dialect()).writes_rows();
        let run = move |tx: &mut WriteTx<'_>| {
            let params: Vec<Param<'_>> =
                params.iter().map(|(name, value)| (name.as_str(), value as &dyn ToValue)).collect();
            tx.execute(&sql, &params)
        };
        Self::new(writer, Durability::Normal, run, true, apart)
    }
}

impl<T: Send + 'static> Posted<T> {
    fn new(
        writer: &Arc<Writer>,
        durability: Durability,
        f: impl FnMut(&mut WriteTx<'_>) -> Result<T> + Send + 'static,
        one_statement: bool,
        apart: bool,
    ) -> Self {
        let span = if one_statement { Span::none() } else { writer.span() };
        let letter = Arc::new(Letter(Mutex::new(Content { outcome: None, waker: None, unwanted: false })));
        let job = Box::new(Posting {
            work: Some(Closure::new(f, span)),
            one_statement,
            database: writer.id(),
            letter: Arc::clone(&letter),
        });
        Self { writer: Arc::clone(writer), durability, letter, place: Place::Before(job, apart) }
    }

    /// Goes into the line, if it is not there yet.
    fn enter(&mut self, waker: &Waker) {
        let (job, apart) = match std::mem::replace(&mut self.place, Place::Over) {
            Place::Before(job, apart) => (job, apart),
            other => {
                self.place = other;
                return;
            }
        };
        // The waker first: it may be done before this returns.
        self.letter.content().waker = Some(waker.clone());
        let owner = Owner::Other(Box::new(Addressee {
            letter: Arc::clone(&self.letter),
            writer: Arc::clone(&self.writer),
            since: Instant::now(),
        }));
        let ticket =
            if apart { Ticket::apart(job, owner) } else { Ticket::with(job, self.durability as u8, owner) };
        self.place = Place::Line(Arc::clone(&ticket));
        self.writer.queue.post(&ticket);
        self.writer.stand_in.watch(&self.writer);
    }
}

impl<T> Posted<T> {
    /// Takes the work back; false when somebody has begun it.
    fn withdraw(&mut self) -> bool {
        let Place::Line(ticket) = &self.place else { return false };
        let Some(job) = ticket.take() else { return false };
        self.writer.queue.leave(ticket);
        self.letter.refuse();
        drop(job);
        self.place = Place::Over;
        true
    }
}

impl<T: Send + 'static> Future for Posted<T> {
    type Output = Result<T>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<T>> {
        let this = &mut *self;
        // Polled in a transaction of this thread it would wait for itself, also when it was first polled elsewhere.
        let nested = inside::refuse_write(this.writer.id());
        if nested.is_ok() {
            this.enter(context.waker());
        }
        if let Some(outcome) = this.letter.take(context.waker()) {
            this.place = Place::Over;
            return Poll::Ready(outcome.into_result());
        }
        match nested {
            Err(error) if matches!(this.place, Place::Before(..)) || this.withdraw() => {
                this.place = Place::Over;
                Poll::Ready(Err(error))
            }
            _ => Poll::Pending,
        }
    }
}

impl<T> Drop for Posted<T> {
    fn drop(&mut self) {
        self.letter.refuse();
        self.withdraw();
    }
}

impl<T> Letter<T> {
    fn content(&self) -> MutexGuard<'_, Content<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What came of it; where nothing has yet, the waker is called when something does.
    fn take(&self, waker: &Waker) -> Option<Outcome<T>> {
        let mut content = self.content();
        let outcome = content.outcome.take();
        if outcome.is_none() && !content.waker.as_ref().is_some_and(|known| known.will_wake(waker)) {
            content.waker = Some(waker.clone());
        }
        outcome
    }

    fn deliver(&self, outcome: Outcome<T>) {
        let mut content = self.content();
        if !content.unwanted {
            content.outcome = Some(outcome);
            return;
        }
        drop(content);
        // A value whose dropping panics must not end who did the work for another.
        let _ = catch_unwind(AssertUnwindSafe(|| drop(outcome)));
    }

    /// Nobody wants it any more.
    fn refuse(&self) {
        let mut content = self.content();
        content.unwanted = true;
        let gone = (content.outcome.take(), content.waker.take());
        drop(content);
        drop(gone);
    }

    fn wake(&self) {
        let waker = self.content().waker.take();
        if let Some(waker) = waker {
            // A waker is foreign code too.
            let _ = catch_unwind(AssertUnwindSafe(|| waker.wake()));
        }
    }
}

impl<T, F> Work for Posting<F, T>
where
    T: Send,
    F: FnMut(&mut WriteTx<'_>) -> Result<T> + Send,
{
    fn run(&mut self, connection: &mut dyn Connection) -> bool {
        self.work.as_mut().is_some_and(|work| work.run(connection))
    }

    fn is_one_statement(&self) -> bool {
        self.one_statement
    }

    fn fail(&mut self, error: Error) {
        if let Some(work) = &mut self.work {
            work.fail(error);
        }
    }

    fn spoil(&mut self, rollback: Error) {
        if let Some(work) = &mut self.work {
            work.spoil(rollback);
        }
    }
}

impl<F, T> Drop for Posting<F, T> {
    fn drop(&mut self) {
        if let Some(work) = self.work.take() {
            // What the closure holds is dropped on the thread that did the work, which may lead, or be the one that is to
            // lead next. Should that want to write, it would wait for itself.
            let _inside = Inside::enter(self.database, Access::Write);
            self.letter.deliver(work.into_outcome());
        }
    }
}

impl<T: Send> Wake<Job> for Addressee<T> {
    fn done(&self) {
        self.letter.wake();
    }

    fn lead(&self, ticket: Arc<Ticket<Job>>) {
        self.writer.stand_in.lead(&self.writer, ticket);
    }

    fn since(&self) -> Instant {
        self.since
    }
}
