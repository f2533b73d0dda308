//! One connection, and who drives it: the thread that asks. `tokio-postgres` speaks the protocol; its connection and the
//! question that is under way are polled in turn here, and where both have to wait, this thread waits in the receive itself.
//! There is no runtime, no other thread, and nobody to be woken: a question costs one send and one receive.

use super::place::Place;
use super::seek::{self, Way};
use super::wire::{Gate, Made, Wire};
use crate::error::Result;
use std::collections::VecDeque;
use std::future::Future;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};
use tokio_postgres::{AsyncMessage, CancelToken, Client, Connection, Notification};

/// A connection to a server, driven by the thread that asks.
pub(super) struct Link {
    connection: Box<Connection<Wire, Wire>>,
    gate: Arc<Gate>,
    /// How the server was reached.
    way: Way,
    /// What arrived for those who listen.
    pub(super) notifications: VecDeque<Notification>,
    /// Nothing more comes from here, and why.
    gone: Option<io::Error>,
    /// When an answer came last.
    heard: Instant,
    told: Arc<Told>,
    waker: Waker,
}

/// Somebody has something new for the question that is under way.
#[derive(Default)]
struct Told(AtomicBool);

impl Wake for Told {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Link {
    /// Connects to the first server of `place` that will do.
    pub(super) fn open(place: &Place) -> Result<(Client, Self)> {
        seek::open(place)
    }

    pub(super) fn new(connection: Connection<Wire, Wire>, gate: Arc<Gate>, way: Way) -> Self {
        let told = Arc::new(Told::default());
        let waker = Waker::from(Arc::clone(&told));
        Self {
            connection: Box::new(connection),
            gate,
            way,
            notifications: VecDeque::new(),
            gone: None,
            heard: Instant::now(),
            told,
            waker,
        }
    }

    /// Drives the connection until `asked` has its answer.
    ///
    /// # Errors
    /// When the connection broke before; what was under way may have had its effect or not.
    pub(super) fn wait<T>(&mut self, asked: impl Future<Output = T>) -> io::Result<T> {
        match self.wait_until(asked, None)? {
            Some(answer) => {
                self.heard = Instant::now();
                Ok(answer)
            }
            None => Err(io::ErrorKind::TimedOut.into()),
        }
    }

    /// The same, no longer than until then. `None` when the time is over: the answer may still come, and is then thrown away.
    pub(super) fn wait_until<T>(
        &mut self,
        asked: impl Future<Output = T>,
        until: Option<Instant>,
    ) -> io::Result<Option<T>> {
        let mut asked = pin!(asked);
        let waker = self.waker.clone();
        let mut context = Context::from_waker(&waker);
        loop {
            self.told.0.store(false, Ordering::Relaxed);
            if let Poll::Ready(answer) = asked.as_mut().poll(&mut context) {
                return Ok(Some(answer));
            }
            // Sends what was asked; does not receive.
            self.drive();
            if self.told.0.load(Ordering::Relaxed) {
                continue;
            }
            if let Some(gone) = &self.gone {
                return Err(same(gone));
            }
            if until.is_some_and(|until| until <= Instant::now()) {
                return Ok(None);
            }
            self.gate.open(until);
            self.drive();
            if self.gone.is_some() {
                // What it had to say has been handed on.
                if let Poll::Ready(answer) = asked.as_mut().poll(&mut context) {
                    return Ok(Some(answer));
                }
            }
        }
    }

    /// Waits for a notification, no longer than until then; true when there is one in [`Self::notifications`].
    pub(super) fn wait_for_notification(&mut self, until: Instant) -> io::Result<bool> {
        loop {
            if !self.notifications.is_empty() {
                return Ok(true);
            }
            if let Some(gone) = &self.gone {
                return Err(same(gone));
            }
            let over = until <= Instant::now();
            self.gate.open(Some(until));
            self.drive();
            if over {
                return Ok(!self.notifications.is_empty());
            }
        }
    }

    /// True when nothing more comes from here, as far as can be told without waiting. Where the server was heard of just now
    /// the socket is not asked.
    pub(super) fn is_gone(&mut self) -> bool {
        if self.gone.is_none() && self.heard.elapsed() > Duration::from_millis(20) {
            self.gate.open(Some(self.heard));
            self.drive();
            self.heard = Instant::now();
        }
        self.gone.is_some()
    }

    /// What the server says of itself: `server_version`, `in_hot_standby`, …
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        self.connection.parameter(name)
    }

    /// What stops the statement that this connection is running, from another thread.
    pub(super) fn canceller(&self, client: &Client) -> Canceller {
        Canceller { way: self.way.clone(), token: client.cancel_token() }
    }

    /// Sends what is to be sent and takes what has arrived; waits for something to arrive where the gate is open.
    fn drive(&mut self) {
        let mut context = Context::from_waker(Waker::noop());
        while self.gone.is_none() {
            match self.connection.poll_message(&mut context) {
                Poll::Ready(Some(Ok(AsyncMessage::Notification(told)))) => self.notifications.push_back(told),
                Poll::Ready(Some(Ok(AsyncMessage::Notice(notice)))) => {
                    tracing::debug!(severity = notice.severity(), "{}", notice.message());
                }
                Poll::Ready(Some(Ok(_))) => {}
                Poll::Ready(Some(Err(error))) => {
                    self.gone = Some(io::Error::new(io::ErrorKind::ConnectionAborted, error))
                }
                Poll::Ready(None) => self.gone = Some(io::ErrorKind::ConnectionAborted.into()),
                Poll::Pending => break,
            }
        }
        self.gate.shut();
    }
}

/// Says goodbye to the server, where the client has gone before.
impl Drop for Link {
    fn drop(&mut self) {
        self.gate.shut();
        self.drive();
    }
}

/// The reason why a connection is gone, for one more who asks.
fn same(gone: &io::Error) -> io::Error {
    match gone.get_ref() {
        Some(cause) => io::Error::new(gone.kind(), told(cause)),
        None => gone.kind().into(),
    }
}

/// The text of an error and of all its causes.
pub(super) fn told(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let more = cause.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        next = cause.source();
    }
    text
}

/// Stops the statement that a connection is running.
#[derive(Clone)]
pub(super) struct Canceller {
    way: Way,
    token: CancelToken,
}

impl Canceller {
    /// Asks the server to stop it, on a connection of its own, and waits until the server has heard.
    ///
    /// # Errors
    /// When the server can't be reached.
    pub(super) fn cancel(&self) -> io::Result<()> {
        let until = Instant::now() + Duration::from_secs(5);
        let (mut wire, gate) = self.way.go(Some(until))?;
        finish(pin!(self.token.cancel_query_raw(&mut wire, Made)), &gate, Some(until))?
            .map_err(io::Error::other)?;
        wire.wait_for_end(Some(until));
        Ok(())
    }
}

/// Runs to its end what speaks over a wire of its own.
pub(super) fn finish<F: Future>(
    mut asked: std::pin::Pin<&mut F>,
    gate: &Gate,
    until: Option<Instant>,
) -> io::Result<F::Output> {
    let mut context = Context::from_waker(Waker::noop());
    loop {
        gate.open(until);
        if let Poll::Ready(answer) = asked.as_mut().poll(&mut context) {
            gate.shut();
            return Ok(answer);
        }
        if until.is_some_and(|until| until <= Instant::now()) {
            return Err(io::ErrorKind::TimedOut.into());
        }
    }
}
