//! The stream that `tokio-postgres` speaks over: a socket, with TLS around it or not. Nobody wakes anybody here: who drives
//! the connection says by the [`Gate`] when receiving may wait.

use super::socket::Socket;
use super::tls::Session;
use std::io::{self, Read as _, Write as _};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll};
use std::time::Instant;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::tls::{ChannelBinding, TlsConnect, TlsStream};

/// Whether receiving may wait. It is the one who drives that opens it, each time anew: a single receive shuts it.
#[derive(Default)]
pub(super) struct Gate {
    state: AtomicU8,
    until: std::sync::Mutex<Option<Instant>>,
}

const SHUT: u8 = 0;
const OPEN: u8 = 1;
const OPEN_UNTIL: u8 = 2;

impl Gate {
    /// Lets the next receive wait; until then or, if `None`, for ever.
    pub(super) fn open(&self, until: Option<Instant>) {
        if until.is_some() {
            *self.until.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = until;
        }
        self.state.store(if until.is_some() { OPEN_UNTIL } else { OPEN }, Ordering::Relaxed);
    }

    pub(super) fn shut(&self) {
        self.state.store(SHUT, Ordering::Relaxed);
    }

    /// How long to wait, if at all; shut from here on.
    fn pass(&self) -> Option<Option<Instant>> {
        let state = self.state.load(Ordering::Relaxed);
        self.shut();
        match state {
            SHUT => None,
            OPEN => Some(None),
            _ => Some(*self.until.lock().unwrap_or_else(std::sync::PoisonError::into_inner)),
        }
    }
}

/// The stream.
pub(super) struct Wire {
    line: Line,
    tls: Option<Box<Session>>,
    /// What has arrived and was not asked for yet lies from `start` to `end`.
    inbox: Box<[u8]>,
    start: usize,
    end: usize,
    /// The password must not go out as it is: nothing hides it here.
    guarded: bool,
}

/// The socket, and what is to be known of it between one call and the next.
pub(super) struct Line {
    pub(super) socket: Socket,
    gate: Arc<Gate>,
    /// Something waits to be sent: the other side may be waiting for us to receive first.
    stuck: bool,
}

/// Receives, where the gate is open.
impl io::Read for Line {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some(until) = self.gate.pass() else { return Err(io::ErrorKind::WouldBlock.into()) };
        self.socket.receive(buffer, until, self.stuck)?.ok_or_else(|| io::ErrorKind::WouldBlock.into())
    }
}

/// Sends what goes out at once.
impl io::Write for Line {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let sent = self.socket.send(bytes);
        self.stuck = matches!(&sent, Err(error) if error.kind() == io::ErrorKind::WouldBlock);
        sent
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Wire {
    pub(super) fn new(socket: Socket, tls: Option<Session>, gate: Arc<Gate>) -> Self {
        let guarded = tls.is_none() && socket.is_public();
        let line = Line { socket, gate, stuck: false };
        Self { line, tls: tls.map(Box::new), inbox: vec![0; 16 * 1024].into(), start: 0, end: 0, guarded }
    }

    /// Waits until the other side has hung up.
    pub(super) fn wait_for_end(&mut self, until: Option<Instant>) {
        while self
            .line
            .socket
            .receive(&mut self.inbox, until, false)
            .is_ok_and(|count| count.is_some_and(|n| n > 0))
        {}
    }

    fn fill(&mut self) -> io::Result<()> {
        self.start = 0;
        self.end = 0;
        self.end = match &mut self.tls {
            Some(tls) => tls.receive(&mut self.line, &mut self.inbox)?,
            None => self.line.read(&mut self.inbox)?,
        };
        if std::mem::take(&mut self.guarded)
            && self.inbox.get(..self.end).is_some_and(|first| first.starts_with(b"R\0\0\0\x08\0\0\0\x03"))
        {
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, CLEAR_PASSWORD));
        }
        Ok(())
    }
}

/// What is said where the server asks for the password itself.
pub(super) const CLEAR_PASSWORD: &str =
    "the server asks for the password in clear text, and the connection is not encrypted";

fn poll<T>(result: io::Result<T>) -> Poll<io::Result<T>> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Poll::Pending,
        result => Poll::Ready(result),
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let wire = self.get_mut();
        if wire.start == wire.end {
            match poll(wire.fill()) {
                Poll::Ready(Ok(())) => {}
                other => return other,
            }
        }
        let rest = wire.inbox.get(wire.start..wire.end).unwrap_or_default();
        let count = rest.len().min(buffer.remaining());
        buffer.put_slice(rest.get(..count).unwrap_or_default());
        wire.start += count;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Wire {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let wire = self.get_mut();
        poll(match &mut wire.tls {
            Some(tls) => tls.write(&mut wire.line, bytes),
            None => wire.line.write(bytes),
        })
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        let wire = self.get_mut();
        poll(match &mut wire.tls {
            Some(tls) => tls.flush(&mut wire.line),
            None => Ok(()),
        })
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        let wire = self.get_mut();
        if let Some(tls) = &mut wire.tls {
            tls.close(&mut wire.line);
        }
        Poll::Ready(wire.line.socket.shut())
    }
}

impl TlsStream for Wire {
    fn channel_binding(&self) -> ChannelBinding {
        match self.tls.as_ref().and_then(|tls| tls.end_point()) {
            Some(hash) => ChannelBinding::tls_server_end_point(hash),
            None => ChannelBinding::none(),
        }
    }
}

impl TlsStream for &mut Wire {
    fn channel_binding(&self) -> ChannelBinding {
        (**self).channel_binding()
    }
}

/// What `tokio-postgres` is told to make TLS with. All of that is done before it gets the stream; this only hands the
/// stream on, so that its channel binding is asked for.
pub(super) struct Made;

impl<S: TlsStream + Unpin> TlsConnect<S> for Made {
    type Stream = S;
    type Error = io::Error;
    type Future = std::future::Ready<io::Result<S>>;

    fn connect(self, wire: S) -> Self::Future {
        std::future::ready(Ok(wire))
    }
}
