//! Finding the server: each host, each of its addresses, with TLS or without, until one will do.

use super::link::{Link, finish, told};
use super::place::{Host, HostName, Place, Session, SslMode};
use super::refusal::{self, Failure};
use super::socket::{Address, Socket};
use super::tls::{self, Tls};
use super::wire::{Gate, Made, Wire};
use crate::error::{Error, ErrorKind, Result};
use std::io::{self, Read, Write};
use std::net::{SocketAddr, ToSocketAddrs as _};
use std::sync::Arc;
use std::time::Instant;
use tokio_postgres::Client;

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
pub(super) fn open(place: &Place) -> Result<(Client, Link)> {
    let place = Arc::new(place.clone());
    let tls = match place.tls.mode {
        SslMode::Disable => None,
        _ => Some(Arc::new(Tls::new(&place.tls)?)),
    };
    let passes: &[Session] = match place.session {
        Session::PreferStandby => &[Session::Standby, Session::Any],
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
                match attempt(&place, host, &address, tls.as_ref(), *wanted) {
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
    host: &Host,
    address: &Address,
    tls: Option<&Arc<Tls>>,
    wanted: Session,
) -> Result<(Client, Link), Failure> {
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
        match begin(way, until) {
            Ok((client, mut link)) => {
                let fits = fits(&client, &mut link, wanted, until)
                    .map_err(|error| Failure::of(refusal::broken(host, &error)))?;
                if fits {
                    return Ok((client, link));
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

fn begin(way: Way, until: Option<Instant>) -> Result<(Client, Link), Fault> {
    let (wire, gate) = way.go(until).map_err(|error| {
        let tls = error.get_ref().is_some_and(|cause| cause.is::<rustls::Error>() || cause.is::<NoTls>());
        Fault {
            failure: Failure::of(refusal::not_reached(&way.host, &error, tls::help(&error))),
            otherwise: tls,
        }
    })?;
    let config = way.place.config(way.host.password.as_deref());
    let made = finish(Box::pin(config.connect_raw(wire, Made)).as_mut(), &gate, until).map_err(|error| {
        Fault { failure: Failure::of(refusal::broken(&way.host, &error)), otherwise: false }
    })?;
    match made {
        Ok((client, connection)) => Ok((client, Link::new(connection, gate, way))),
        Err(error) => {
            // The rule of the server (pg_hba.conf) may be another one with TLS, or without.
            let otherwise =
                error.code() == Some(&tokio_postgres::error::SqlState::INVALID_AUTHORIZATION_SPECIFICATION);
            Err(Fault { failure: refusal::of(&way.place, &way.host, error), otherwise })
        }
    }
}

impl Way {
    /// Connects, to where the protocol itself begins.
    pub(super) fn go(&self, until: Option<Instant>) -> io::Result<(Wire, Arc<Gate>)> {
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
        let gate = Arc::new(Gate::default());
        Ok((Wire::new(socket.socket, session, Arc::clone(&gate)), gate))
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
        const ASK: [u8; 8] = [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f];
        self.write_all(&ASK)?;
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
        self.socket.receive(buffer, self.until, false)?.ok_or_else(|| io::ErrorKind::TimedOut.into())
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
fn fits(client: &Client, link: &mut Link, wanted: Session, until: Option<Instant>) -> io::Result<bool> {
    let standby = "in_hot_standby";
    let read_only = "default_transaction_read_only";
    let mut asks = |parameter: &str, query: &str| -> io::Result<bool> {
        // Servers from version 14 on say it by themselves.
        if let Some(said) = link.parameter(parameter) {
            return Ok(said == "on");
        }
        let rows = link
            .wait_until(client.simple_query(query), until)?
            .ok_or(io::ErrorKind::TimedOut)?
            .map_err(|error| io::Error::other(told(&error)))?;
        Ok(rows.iter().any(|row| match row {
            tokio_postgres::SimpleQueryMessage::Row(row) => matches!(row.get(0), Some("on" | "t")),
            _ => false,
        }))
    };
    const RECOVERY: &str = "SELECT pg_catalog.pg_is_in_recovery()";
    const READ_ONLY: &str = "SHOW transaction_read_only";
    Ok(match wanted {
        Session::Any | Session::PreferStandby => true,
        Session::Primary => !asks(standby, RECOVERY)?,
        Session::Standby => asks(standby, RECOVERY)?,
        Session::ReadWrite => !(asks(read_only, READ_ONLY)? || asks(standby, RECOVERY)?),
        Session::ReadOnly => asks(read_only, READ_ONLY)? || asks(standby, RECOVERY)?,
    })
}
