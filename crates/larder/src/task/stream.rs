//! Rows one after another.

use super::blocking::{self, Blocking};
use super::stop::Stop;
use crate::db::{Database, Seat};
use crate::error::Result;
use crate::sql::{Param, ToValue, Value};
use futures_core::Stream;
use serde::de::DeserializeOwned;
use std::fmt;
use std::future::poll_fn;
use std::ops::ControlFlow;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::mpsc::{Receiver, Sender, channel};

/// How many rows are read ahead at most.
const AHEAD: usize = 128;

/// The rows of [`AsyncDatabase::stream`](super::AsyncDatabase::stream). Dropping it ends the read.
#[must_use = "nothing is read before it is polled"]
pub struct RowStream<T> {
    state: State<T>,
}

enum State<T> {
    Before(Start<T>),
    Running(Rows<T>),
    Over,
}

/// How reading begins, when the stream is first polled.
type Start<T> = Box<dyn FnOnce() -> Result<Rows<T>> + Send>;

struct Rows<T> {
    /// Dropped first: who waits to put something into it then knows that nobody will take it.
    channel: Receiver<T>,
    work: Blocking<()>,
}

struct Question {
    db: Database,
    sql: String,
    params: Vec<(String, Value)>,
    /// Who is named when the stream lasts too long.
    caller: &'static Location<'static>,
}

impl<T> RowStream<T> {
    pub(super) fn new(
        db: Database,
        sql: String,
        params: Result<Vec<(String, Value)>>,
        caller: &'static Location<'static>,
    ) -> Self
    where
        T: DeserializeOwned + Send + 'static,
    {
        let start = move || {
            let question = Question { db, sql, params: params?, caller };
            let (sender, channel) = channel(AHEAD);
            let work = blocking::run(move |stop| question.answer(stop, &sender))?;
            Ok(Rows { channel, work })
        };
        Self { state: State::Before(Box::new(start)) }
    }

    /// The next row; `None` when there is no more. What `next` of a crate for streams does, for who has none. Dropping its
    /// future loses no row.
    pub async fn next(&mut self) -> Option<Result<T>> {
        poll_fn(|context| Pin::new(&mut *self).poll_next(context)).await
    }
}

impl Question {
    fn answer<T: DeserializeOwned>(&self, stop: &Stop, sender: &Sender<T>) -> Result<()> {
        let params: Vec<Param<'_>> =
            self.params.iter().map(|(name, value)| (name.as_str(), value as &dyn ToValue)).collect();
        if self.db.is_single() {
            let rows: Vec<T> = self.db.read_for(self.caller, Seat::Beside, |tx| {
                stop.within(tx, |tx| tx.query_all(&self.sql, &params))
            })?;
            let _ = rows.into_iter().try_for_each(|row| send(sender, row));
            return Ok(());
        }
        self.db.read_for(self.caller, Seat::Beside, |tx| {
            stop.within(tx, |tx| tx.query_each(&self.sql, &params, |row| Ok(send(sender, row.to()?))))
        })
    }
}

/// Waits for room; says stop when nobody is there to take it.
fn send<T>(sender: &Sender<T>, row: T) -> ControlFlow<()> {
    let sent = match sender.try_send(row) {
        Ok(()) => true,
        Err(TrySendError::Full(row)) => sender.blocking_send(row).is_ok(),
        Err(TrySendError::Closed(_)) => false,
    };
    if sent { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
}

impl<T> Stream for RowStream<T> {
    type Item = Result<T>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<T>>> {
        let state = &mut self.state;
        if let State::Before(_) = state
            && let State::Before(start) = std::mem::replace(state, State::Over)
        {
            match start() {
                Ok(rows) => *state = State::Running(rows),
                Err(error) => return Poll::Ready(Some(Err(error))),
            }
        }
        let State::Running(rows) = state else { return Poll::Ready(None) };
        if let Some(row) = ready!(rows.channel.poll_recv(context)) {
            return Poll::Ready(Some(Ok(row)));
        }
        // How reading ended: an error or a panic is no end of the rows.
        let end = ready!(Pin::new(&mut rows.work).poll(context));
        *state = State::Over;
        Poll::Ready(end.err().map(Err))
    }
}

// Rows are moved, never pinned.
impl<T> Unpin for RowStream<T> {}

impl<T> fmt::Debug for RowStream<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RowStream")
    }
}
