//! Finding the server: each host, each of its addresses, with TLS or without, until one will do.

use super::link::Wishes;
use super::message;
use super::place::{Host, HostName, Place, Session as Wanted, SslMode};
use super::refusal::{self, Failure};
use super::session::Session;
use super::socket::{Address, Socket};
use super::startup::{Refused, Startup};
use super::tls::{self, Tls};
use super::wire::Wire;
use crate::error::{Error, ErrorKind, Result};
use bytes::BytesMut;
use postgres_protocol::message::frontend;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, ToSocketAddrs as _};
use std::sync::Arc;
use std::time::Instant;

/// How a server was reached, so that it can be reached again.
#[derive(Clone)]
pub(super) struct Way {
    place: Arc<Place>,
    host: Host,
    address: Address,
    tls: Option<Arc<Tls>>,
    /// Where the server has no TLS, go on without.
    or_plain: bool,
}

/// Connects to the first server of `place` that will do.
pub(super) fn open(place: &Place, wishes: &Wishes) -> Result<Session> {
    let place = Arc::new(place.clone());
    let tls = match place.tls.mode {
        SslMode::Disable => None,
        _ => Some(Arc::new(Tls::new(&place.tls)?)),
    };
    let passes: &[Wanted] = match place.session {
        Wanted::PreferStandby => &[Wanted::Standby, Wanted::Any],
        _ => &[place.session],
    };
    let mut failures = Vec::new();
    for wanted in passes {
        for host in shuffled(place.hosts.iter().collect(), place.shuffled) {
            let addresses = match addresses(host) {
                Ok(addresses) => shuffled(addresses, place.shuffled),
                Err(error) => {
                    failures.push((host, refusal::no_address(host, error)));
                    continue;
                }
            };
            for address in addresses {
                match attempt(&place, wishes, host, &address, tls.as_ref(), *wanted) {
                    Ok(open) => return Ok(open),
                    Err(Failure { error, last: true }) => return Err(error),
                    Err(failure) => failures.push((host, failure.error)),
                }
            }
        }
    }
    Err(refusal::none_will_do(&place, failures))
}

fn shuffled<T>(mut all: Vec<T>, shuffled: bool) -> Vec<T> {
    if shuffled {
        fastrand::shuffle(&mut all);
    }
    all
}

fn addresses(host: &Host) -> io::Result<Vec<Address>> {
    let tcp = |found: Vec<SocketAddr>| found.into_iter().map(Address::Tcp).collect::<Vec<_>>();
    if let Some(address) = host.address {
        return Ok(vec![Address::Tcp((address, host.port).into())]);
    }
    let found = match &host.name {
        HostName::Folder(folder) => vec![Address::in_folder(folder, host.port)],
        HostName::Name(name) => tcp((name.as_str(), host.port).to_socket_addrs()?.collect()),
        HostName::Here => {
            let usual = Address::usual(host.port);
            if usual.is_empty() { tcp(("localhost", host.port).to_socket_addrs()?.collect()) } else { usual }
        }
    };
    if found.is_empty() {
        return Err(io::Error::new(io::ErrorKind::NotFound, "the name has no address"));
    }
    Ok(found)
}

/// One address, with what `sslmode` allows one after the other.
fn attempt(
    place: &Arc<Place>,
    wishes: &Wishes,
    host: &Host,
    address: &Address,
    tls: Option<&Arc<Tls>>,
    wanted: Wanted,
) -> Result<Session, Failure> {
    let until = place.connect_timeout.map(|time| Instant::now() + time);
    // A socket's file is no network: nobody listens, and libpq makes no TLS on it either.
    let tls = tls.filter(|_| matches!(address, Address::Tcp(_)));
    let way = |tls: Option<&Arc<Tls>>, or_plain| Way {
        place: Arc::clone(place),
        host: host.clone(),
        address: address.clone(),
        tls: tls.cloned(),
        or_plain,
    };
    let ways = match (place.tls.mode, tls.is_some()) {
        (_, false) => vec![way(None, true)],
        (SslMode::Allow, true) => vec![way(None, true), way(tls, false)],
        (SslMode::Prefer, true) => vec![way(tls, true), way(None, true)],
        (_, true) => vec![way(tls, false)],
    };
    let mut first = None;
    for way in ways {
        match begin(way, wishes, until) {
            Ok(mut session) => {
                let fits = fits(&mut session, wanted).map_err(|refused| refusal::of(place, host, refused))?;
                if fits {
                    session.stream().set_deadline(None);
                    return Ok(session);
                }
                return Err(Failure::of(refusal::other_session(host, wanted)));
            }
            Err(Fault { failure, otherwise }) => {
                let failure = first.take().unwrap_or(failure);
                if !otherwise {
                    return Err(failure);
                }
                first = Some(failure);
            }
        }
    }
    Err(first.unwrap_or_else(|| Failure::of(Error::new(ErrorKind::Internal, "there was no way to try"))))
}

/// One way did not lead there; `otherwise` where the other (with TLS, without) may.
struct Fault {
    failure: Failure,
    otherwise: bool,
}

fn begin(way: Way, wishes: &Wishes, until: Option<Instant>) -> Result<Session, Fault> {
    let way = Arc::new(way);
    if wishes.has_server() {
        match begin_as(&way, wishes, true, until)? {
            // PgBouncer takes no settings but its own few; and it is the one that says so in this way.
            Err(Refused::Server(said)) if said.is_unsupported_setting() => {}
            outcome => return outcome.map_err(|refused| refused_by(&way, refused)),
        }
    }
    begin_as(&way, wishes, false, until)?.map_err(|refused| refused_by(&way, refused))
}

fn refused_by(way: &Way, refused: Refused) -> Fault {
    // The rule of the server (pg_hba.conf) may be another one with TLS, or without.
    let otherwise = matches!(&refused, Refused::Server(said) if said.code == "28000");
    Fault { failure: refusal::of(&way.place, &way.host, refused), otherwise }
}

fn begin_as(
    way: &Arc<Way>,
    wishes: &Wishes,
    settled: bool,
    until: Option<Instant>,
) -> Result<Result<Session, Refused>, Fault> {
    let wire = way.go(until).map_err(|error| {
        let tls = error.get_ref().is_some_and(|cause| cause.is::<rustls::Error>() || cause.is::<NoTls>());
        Fault {
            failure: Failure::of(refusal::not_reached(&way.host, &error, tls::help(&error))),
            otherwise: tls,
        }
    })?;
    let mut session = Session::new(Box::new(wire));
    let begun = Startup {
        user: &way.place.user,
        password: way.host.password.as_deref(),
        channel_binding: way.place.tls.binding,
        parameters: &wishes.parameters(settled),
    }
    .run(&mut session);
    session.way = Some(Arc::clone(way));
    session.settled = settled;
    Ok(begun.map(|()| session))
}

impl Way {
    /// Connects, to where the protocol itself begins.
    pub(super) fn go(&self, until: Option<Instant>) -> io::Result<Wire> {
        let mut socket =
            Handshake { socket: Socket::connect(&self.address, until, &self.place.alive)?, until };
        let mut session = None;
        if let Some(tls) = &self.tls {
            if self.place.tls.direct || socket.asks_for_tls()? {
                session = Some(tls.begin(&self.host, &self.address, &mut socket)?);
            } else if !self.or_plain {
                return Err(io::Error::other(NoTls));
            }
        }
        Ok(Wire::new(socket.socket, session, until))
    }
}

/// The server has no TLS, and it was asked for.
#[derive(Debug)]
struct NoTls;

impl std::fmt::Display for NoTls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the server has no TLS")
    }
}

impl std::error::Error for NoTls {}

/// A socket while it is being connected: everything waits, and no longer than allowed.
struct Handshake {
    socket: Socket,
    until: Option<Instant>,
}

impl Handshake {
    fn asks_for_tls(&mut self) -> io::Result<bool> {
        let mut ask = BytesMut::new();
        frontend::ssl_request(&mut ask);
        self.write_all(&ask)?;
        // One byte and not more: what follows it must have come through TLS.
        let mut answer = [0];
        self.read_exact(&mut answer)?;
        match &answer {
            b"S" => Ok(true),
            b"N" => Ok(false),
            _ => {
                Err(io::Error::new(io::ErrorKind::InvalidData, "what answers there is no PostgreSQL server"))
            }
        }
    }
}

impl Read for Handshake {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.socket.receive(buffer, self.until)?.ok_or_else(|| io::ErrorKind::TimedOut.into())
    }
}

impl Write for Handshake {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.socket.send(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Whether the session is of the sort that is wanted.
fn fits(session: &mut Session, wanted: Wanted) -> Result<bool, Refused> {
    let standby = "in_hot_standby";
    let read_only = "default_transaction_read_only";
    let mut asks = |parameter: &str, query: &str| -> Result<bool, Refused> {
        // Servers from version 14 on say it by themselves.
        if let Some(said) = session.parameter(parameter) {
            return Ok(said == "on");
        }
        message::query(&mut session.out, query);
        session.send()?;
        Ok(matches!(session.value()?.as_deref(), Some("on" | "t")))
    };
    const RECOVERY: &str = "SELECT pg_catalog.pg_is_in_recovery()";
    const READ_ONLY: &str = "SHOW transaction_read_only";
    Ok(match wanted {
        Wanted::Any | Wanted::PreferStandby => true,
        Wanted::Primary => !asks(standby, RECOVERY)?,
        Wanted::Standby => asks(standby, RECOVERY)?,
        Wanted::ReadWrite => !(asks(read_only, READ_ONLY)? || asks(standby, RECOVERY)?),
        Wanted::ReadOnly => asks(read_only, READ_ONLY)? || asks(standby, RECOVERY)?,
    })
}
