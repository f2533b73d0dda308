//! A socket to a server: it waits where it is told that it may, and never when it sends.

use super::place::{Alive, STANDARD_FOLDERS};
#[cfg(unix)]
use socket2::SockAddr;
use socket2::{Domain, SockRef, TcpKeepalive, Type};
use std::io::{self, Read as _};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Where a socket leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Address {
    Tcp(SocketAddr),
    /// The socket's file.
    Unix(PathBuf),
}

impl Address {
    /// The file of the socket that a server with this port has in `folder`.
    pub(super) fn in_folder(folder: impl Into<PathBuf>, port: u16) -> Self {
        Self::Unix(folder.into().join(format!(".s.PGSQL.{port}")))
    }

    /// Where a server of this machine may be: its socket in one of the folders that are usual for it, where there is one.
    pub(super) fn usual(port: u16) -> Vec<Self> {
        let found = |address: &Self| matches!(address, Self::Unix(file) if cfg!(unix) && file.exists());
        STANDARD_FOLDERS.iter().map(|folder| Self::in_folder(folder, port)).filter(found).collect()
    }
}

/// What a socket is ready for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ready {
    ToSend,
    /// Something lies there, or the end.
    ToReceive,
}

pub(super) struct Socket {
    inner: socket2::Socket,
    /// It goes over a network that others may listen on.
    public: bool,
}

impl Socket {
    /// Connects, within the time that is left.
    pub(super) fn connect(address: &Address, until: Option<Instant>, alive: &Alive) -> io::Result<Self> {
        let left = time_left(until)?;
        let inner = match address {
            Address::Tcp(address) => {
                let inner = socket2::Socket::new(Domain::for_address(*address), Type::STREAM, None)?;
                match left {
                    Some(left) => inner.connect_timeout(&(*address).into(), left)?,
                    None => inner.connect(&(*address).into())?,
                }
                inner.set_tcp_nodelay(true)?;
                keep_alive(&inner, alive)?;
                inner
            }
            #[cfg(unix)]
            Address::Unix(file) => {
                let inner = socket2::Socket::new(Domain::UNIX, Type::STREAM, None)?;
                // Bounds the waiting in the queue of a server that accepts nobody; on Linux, where this is waited for.
                inner.set_write_timeout(left)?;
                inner.connect(&SockAddr::unix(file)?)?;
                inner.set_write_timeout(None)?;
                inner
            }
            #[cfg(not(unix))]
            Address::Unix(_) => return Err(io::ErrorKind::Unsupported.into()),
        };
        #[cfg(not(unix))]
        inner.set_write_timeout(Some(TURN))?;
        let public = matches!(address, Address::Tcp(address) if !address.ip().to_canonical().is_loopback());
        Ok(Self { inner, public })
    }

    /// Sends what goes out at once; `WouldBlock` where nothing does.
    pub(super) fn send(&self, bytes: &[u8]) -> io::Result<usize> {
        loop {
            match self.send_once(bytes) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => return result,
            }
        }
    }

    #[cfg(unix)]
    fn send_once(&self, bytes: &[u8]) -> io::Result<usize> {
        use rustix::net::SendFlags;
        #[cfg(not(target_vendor = "apple"))]
        let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
        #[cfg(target_vendor = "apple")]
        let flags = SendFlags::DONTWAIT;
        Ok(rustix::net::send(&self.inner, bytes, flags)?)
    }

    /// Elsewhere a socket that waits can't send without; it waits for a turn.
    #[cfg(not(unix))]
    fn send_once(&self, bytes: &[u8]) -> io::Result<usize> {
        self.inner.send(bytes).map_err(|error| match error.kind() {
            io::ErrorKind::TimedOut => io::ErrorKind::WouldBlock.into(),
            _ => error,
        })
    }

    /// Receives, waiting no longer than the time given. `None` when that is over.
    pub(super) fn receive(&self, buffer: &mut [u8], until: Option<Instant>) -> io::Result<Option<usize>> {
        if until.is_some() && !self.wait(until)? {
            return Ok(None);
        }
        loop {
            match (&self.inner).read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error)
                    if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut)
                        && until.is_some() =>
                {
                    return Ok(None);
                }
                result => return result.map(Some),
            }
        }
    }

    /// Waits until there is something to receive, or the end; false when the time is over.
    #[cfg(unix)]
    pub(super) fn wait(&self, until: Option<Instant>) -> io::Result<bool> {
        Ok(!self.wait_for(rustix::event::PollFlags::IN, until)?.is_empty())
    }

    /// Waits until something can be sent or received; `None` when the time is over.
    #[cfg(unix)]
    pub(super) fn wait_either(&self, until: Option<Instant>) -> io::Result<Option<Ready>> {
        use rustix::event::PollFlags;
        let seen = self.wait_for(PollFlags::IN | PollFlags::OUT, until)?;
        Ok(if seen.is_empty() {
            None
        } else if seen.intersects(PollFlags::OUT) {
            Some(Ready::ToSend)
        } else {
            Some(Ready::ToReceive)
        })
    }

    #[cfg(unix)]
    fn wait_for(
        &self,
        wanted: rustix::event::PollFlags,
        until: Option<Instant>,
    ) -> io::Result<rustix::event::PollFlags> {
        use rustix::event::{PollFd, PollFlags, Timespec, poll};
        loop {
            let left = match until {
                Some(until) => Some(
                    Timespec::try_from(until.saturating_duration_since(Instant::now()))
                        .map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))?,
                ),
                None => None,
            };
            let mut fds = [PollFd::new(&self.inner, wanted)];
            match poll(&mut fds, left.as_ref()) {
                Ok(_) => return Ok(fds.first().map_or(PollFlags::empty(), PollFd::revents)),
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    #[cfg(not(unix))]
    pub(super) fn wait(&self, until: Option<Instant>) -> io::Result<bool> {
        let left =
            until.map(|until| until.saturating_duration_since(Instant::now()).max(Duration::from_millis(1)));
        self.inner.set_read_timeout(left)?;
        let mut byte = [std::mem::MaybeUninit::uninit()];
        let seen = self.inner.peek(&mut byte);
        self.inner.set_read_timeout(None)?;
        match seen {
            Ok(_) => Ok(true),
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }

    /// Sending itself waits for a turn here; what lies there to be received goes first.
    #[cfg(not(unix))]
    pub(super) fn wait_either(&self, until: Option<Instant>) -> io::Result<Option<Ready>> {
        let now = Instant::now();
        if until.is_some_and(|until| until <= now) {
            return Ok(None);
        }
        Ok(Some(if self.wait(Some(now))? { Ready::ToReceive } else { Ready::ToSend }))
    }

    pub(super) fn is_public(&self) -> bool {
        self.public
    }

    /// Ends the sending side.
    pub(super) fn shut(&self) -> io::Result<()> {
        self.inner.shutdown(std::net::Shutdown::Write)
    }
}

/// How long sending waits at a time where it can't be waited for.
#[cfg(not(unix))]
const TURN: Duration = Duration::from_millis(20);

fn time_left(until: Option<Instant>) -> io::Result<Option<Duration>> {
    let Some(until) = until else { return Ok(None) };
    let left = until.saturating_duration_since(Instant::now());
    if left.is_zero() { Err(io::ErrorKind::TimedOut.into()) } else { Ok(Some(left)) }
}

fn keep_alive(socket: &socket2::Socket, alive: &Alive) -> io::Result<()> {
    let socket = SockRef::from(socket);
    #[cfg(any(target_os = "android", target_os = "linux"))]
    if !alive.unanswered.is_zero() {
        socket.set_tcp_user_timeout(Some(alive.unanswered))?;
    }
    #[cfg(not(any(target_os = "android", target_os = "linux")))]
    let _ = alive.unanswered;
    if !alive.on {
        return Ok(());
    }
    let how = TcpKeepalive::new().with_time(alive.idle);
    #[cfg(any(
        target_os = "android",
        target_os = "linux",
        target_os = "macos",
        target_os = "freebsd",
        windows
    ))]
    let how = how.with_interval(alive.interval).with_retries(alive.count);
    socket.set_tcp_keepalive(&how)
}
