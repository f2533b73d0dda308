//! One connection's socket, and who drives it: the thread that asks. `tokio-postgres` speaks the protocol; its connection
//! and the question that is under way are polled in turn here, and where both have to wait, this thread waits for the
//! socket. There is no runtime, no other thread, and nobody to be woken.

use super::fault;
use super::place::Place;
use crate::error::{Error, ErrorKind, Result};
use std::collections::VecDeque;
use std::future::Future;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::config::Host;
use tokio_postgres::tls::NoTlsStream;
use tokio_postgres::{AsyncMessage, Client, NoTls, Notification};

/// A connection to a server, driven by the thread that asks.
pub(super) struct Link {
    connection: Box<tokio_postgres::Connection<Wire, NoTlsStream>>,
    fd: std::os::fd::OwnedFd,
    /// What arrived for those who listen.
    pub(super) notifications: VecDeque<Notification>,
    /// Nothing more comes from here.
    gone: bool,
}

impl Link {
    /// Connects.
    pub(super) fn open(place: &Place, patience: Duration) -> Result<(Client, Self)> {
        let wire = Wire::connect(place, patience)?;
        let fd = wire.as_fd().try_clone_to_owned().map_err(|error| unreachable_server(place, error))?;
        let made = wait_on(&fd, &mut Box::pin(place.config.connect_raw(wire, NoTls)), None)
            .map_err(|error| unreachable_server(place, error))?;
        let (client, connection) = made.map_err(fault::of)?;
        let link = Self { connection: Box::new(connection), fd, notifications: VecDeque::new(), gone: false };
        Ok((client, link))
    }

    /// Drives the connection until `asked` has its answer.
    pub(super) fn wait<T>(&mut self, asked: impl Future<Output = T>) -> io::Result<T> {
        let mut asked = pin!(asked);
        let mut context = Context::from_waker(Waker::noop());
        loop {
            if let Poll::Ready(answer) = asked.as_mut().poll(&mut context) {
                return Ok(answer);
            }
            self.drive(&mut context);
            if let Poll::Ready(answer) = asked.as_mut().poll(&mut context) {
                return Ok(answer);
            }
            if self.gone {
                return Err(io::ErrorKind::ConnectionAborted.into());
            }
            until_ready(self.fd.as_fd(), None)?;
        }
    }

    /// True when nothing more comes from here, as far as can be told without waiting.
    pub(super) fn is_gone(&mut self) -> bool {
        self.drive(&mut Context::from_waker(Waker::noop()));
        self.gone
    }

    /// Sends what is to be sent and takes what has arrived, without waiting.
    fn drive(&mut self, context: &mut Context<'_>) {
        while !self.gone {
            match self.connection.poll_message(context) {
                Poll::Ready(Some(Ok(AsyncMessage::Notification(told)))) => self.notifications.push_back(told),
                Poll::Ready(Some(Ok(_))) => {}
                Poll::Ready(Some(Err(_)) | None) => self.gone = true,
                Poll::Pending => return,
            }
        }
    }
}

fn unreachable_server(place: &Place, cause: io::Error) -> Error {
    Error::new(ErrorKind::Unavailable, format!("the server of {place} can't be reached"))
        .with_help("see that it runs, and that host and port are right")
        .with_cause(cause)
}

fn wait_on<F: Future + Unpin>(
    fd: &impl AsFd,
    asked: &mut F,
    patience: Option<Duration>,
) -> io::Result<F::Output> {
    let mut context = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(answer) = Pin::new(&mut *asked).poll(&mut context) {
            return Ok(answer);
        }
        until_ready(fd.as_fd(), patience)?;
    }
}

/// Waits until there is something to read.
fn until_ready(fd: BorrowedFd<'_>, _patience: Option<Duration>) -> io::Result<()> {
    let mut fds = [rustix::event::PollFd::new(&fd, rustix::event::PollFlags::IN)];
    loop {
        match rustix::event::poll(&mut fds, None) {
            Ok(_) => return Ok(()),
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// The socket.
enum Wire {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Wire {
    fn connect(place: &Place, patience: Duration) -> Result<Self> {
        let _ = patience;
        let host = place.config.get_hosts().first();
        let port = place.config.get_ports().first().copied().unwrap_or(5432);
        let connect = || -> io::Result<Self> {
            match host {
                Some(Host::Unix(folder)) => {
                    let stream = UnixStream::connect(folder.join(format!(".s.PGSQL.{port}")))?;
                    stream.set_nonblocking(true)?;
                    Ok(Self::Unix(stream))
                }
                Some(Host::Tcp(name)) => tcp(name, port),
                None => tcp("localhost", port),
            }
        };
        connect().map_err(|error| unreachable_server(place, error))
    }
}

fn tcp(host: &str, port: u16) -> io::Result<Wire> {
    let stream = TcpStream::connect((host, port))?;
    stream.set_nodelay(true)?;
    stream.set_nonblocking(true)?;
    Ok(Wire::Tcp(stream))
}

impl AsFd for Wire {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Tcp(stream) => stream.as_fd(),
            Self::Unix(stream) => stream.as_fd(),
        }
    }
}

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
        let place = buffer.initialize_unfilled();
        let result = match self.get_mut() {
            Self::Tcp(stream) => stream.read(place),
            Self::Unix(stream) => stream.read(place),
        };
        poll(result.map(|count| buffer.advance(count)))
    }
}

impl AsyncWrite for Wire {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        poll(match self.get_mut() {
            Self::Tcp(stream) => stream.write(bytes),
            Self::Unix(stream) => stream.write(bytes),
        })
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(match self.get_mut() {
            Self::Tcp(stream) => stream.shutdown(std::net::Shutdown::Both),
            Self::Unix(stream) => stream.shutdown(std::net::Shutdown::Both),
        })
    }
}
