//! Why there is no connection, and what to do about it.

use super::link::told;
use super::place::{Host, HostName, Place, Session};
use super::session::Broken;
use super::startup::Refused;
use crate::error::{Error, ErrorKind};
use std::io;

/// A connection that was not had.
pub(super) struct Failure {
    pub(super) error: Error,
    /// Another server would say the same: no other is tried.
    pub(super) last: bool,
}

impl Failure {
    pub(super) fn of(error: Error) -> Self {
        Self { error, last: false }
    }

    fn last(error: Error) -> Self {
        Self { error, last: true }
    }
}

/// The name of the host has no address.
pub(super) fn no_address(host: &Host, error: io::Error) -> Error {
    Error::new(ErrorKind::Unavailable, format!("the host of {host} is not known"))
        .with_help("see that its name is right")
        .with_cause(error)
}

/// Nothing was reached, or no TLS came about.
pub(super) fn not_reached(host: &Host, error: &io::Error, help: Option<&str>) -> Error {
    let cause = told(error);
    if let Some(help) = help {
        return Error::new(
            ErrorKind::CannotOpen,
            format!("the server {host} is not the one that is trusted: {cause}"),
        )
        .with_help(help);
    }
    let help = match error.kind() {
        _ if error.get_ref().is_some_and(|cause| cause.is::<rustls::Error>()) => {
            "see the server's log for its side"
        }
        io::ErrorKind::ConnectionRefused | io::ErrorKind::NotFound if host.name == HostName::Here => {
            "start it, or name its host in the URL"
        }
        io::ErrorKind::ConnectionRefused | io::ErrorKind::NotFound => {
            "see that it runs, and that host and port are right"
        }
        io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => {
            "see that it runs and that no firewall is in between; `connect_timeout` in the URL says how many seconds to wait"
        }
        io::ErrorKind::PermissionDenied => "see who may use its socket",
        io::ErrorKind::InvalidInput => "name the host in the URL",
        _ if cause.contains("has no TLS") => {
            "switch it on there (`ssl = on`), or write `sslmode=disable` where nobody can listen"
        }
        _ => "see that it runs, and that host and port are right",
    };
    let cause = match error.kind() {
        io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => "it did not answer in time".to_owned(),
        _ => cause,
    };
    Error::new(ErrorKind::Unavailable, format!("the server {host} can't be reached: {cause}")).with_help(help)
}

/// The connection broke while it was being made.
pub(super) fn broken(host: &Host, error: &io::Error) -> Error {
    not_reached(host, error, None)
}

/// The server is of another sort than `target_session_attrs` wants.
pub(super) fn other_session(host: &Host, wanted: Session) -> Error {
    let is = match wanted {
        Session::ReadWrite => "only reads",
        Session::ReadOnly => "writes",
        Session::Primary => "is a standby",
        Session::Standby | Session::PreferStandby | Session::Any => "is no standby",
    };
    Error::new(ErrorKind::Unavailable, format!("the server {host} {is}"))
        .with_help("`target_session_attrs` in the URL says what is wanted")
}

/// The server was there and said no, or something that is no answer.
pub(super) fn of(place: &Place, host: &Host, refused: Refused) -> Failure {
    let said = match refused {
        Refused::Server(said) => said,
        Refused::Broken(broken) => return hung_up(host, &broken),
        Refused::Here(error) => {
            let message = format!("the server {host} can't be used: {}", error.message());
            return Failure::last(error.restated(error.kind(), message));
        }
    };
    let message = said.message();
    let class = said.code.get(..2).unwrap_or_default();
    let failure = match (said.code.as_str(), class) {
        ("3D000", _) => Failure::last(
            Error::new(
                ErrorKind::NotInitialized,
                format!("there is no database `{}` on the server {host}", place.database()),
            )
            .with_help(format!("make it: `createdb {}`", place.database())),
        ),
        ("28P01", _) => Failure::last(refused_by(host, message).with_help(
            "see that user and password are right; the password comes from the URL, PGPASSWORD or ~/.pgpass",
        )),
        (_, "28") => Failure::last(refused_by(host, message).with_help(
            "see that the user is there and that the server's pg_hba.conf lets it in from here, with TLS or without",
        )),
        ("42501", _) => Failure::last(refused_by(host, message).with_help(format!(
            "let it: `GRANT CONNECT ON DATABASE \"{}\" TO \"{}\"`",
            place.database(),
            place.user()
        ))),
        (_, "53") => Failure::of(
            Error::new(ErrorKind::Unavailable, format!("the server {host} takes no more connections: {message}"))
                .with_help("wait, use fewer connections, or raise `max_connections` there"),
        ),
        (_, "57") => Failure::of(
            Error::new(ErrorKind::Unavailable, format!("the server {host} is not ready: {message}"))
                .with_help("try again when it is"),
        ),
        // A pooler lends servers whose settings others rely on.
        _ if place.options.is_some() && said.is_unsupported_setting() => {
            Failure::last(refused_by(host, message).with_help(
                "a pooler takes no `options`: leave them out of the URL, and give the role these settings by `ALTER ROLE … SET`",
            ))
        }
        // A pooler that has no server to lend.
        (_, "08") => Failure::of(
            Error::new(ErrorKind::Unavailable, format!("the server {host} does not serve: {message}"))
                .with_help("try again when it does"),
        ),
        _ => Failure::last(refused_by(host, message)),
    };
    Failure { error: failure.error.with_cause(said.state()), ..failure }
}

fn refused_by(host: &Host, message: &str) -> Error {
    Error::new(ErrorKind::CannotOpen, format!("the server {host} refuses: {message}"))
}

/// The connection broke while the session began.
fn hung_up(host: &Host, broke: &Broken) -> Failure {
    if broke.cause.kind() != io::ErrorKind::UnexpectedEof {
        return Failure::of(broken(host, &broke.cause));
    }
    let error =
        Error::new(ErrorKind::Unavailable, format!("the server {host} hung up")).with_help("see its log");
    Failure::of(error)
}

/// All that was tried, in one error.
pub(super) fn none_will_do(place: &Place, mut failures: Vec<(&Host, Error)>) -> Error {
    if failures.len() > 1 {
        let each: Vec<String> = failures.iter().map(|(_, error)| error.message().to_owned()).collect();
        let mut all: Vec<&String> = each.iter().collect();
        all.dedup();
        if let [one] = all.as_slice()
            && let Some((_, error)) = failures.iter().find(|(_, error)| error.message() == one.as_str())
        {
            return error.restated(error.kind(), (*one).clone());
        }
        let all: Vec<&str> = all.into_iter().map(String::as_str).collect();
        let help = "see that one of them runs and is what `target_session_attrs` wants";
        return Error::new(
            ErrorKind::Unavailable,
            format!("none of the servers of {place} will do: {}", all.join("; ")),
        )
        .with_help(help);
    }
    failures
        .pop()
        .map_or_else(|| Error::new(ErrorKind::Config, "the URL names no server"), |(_, error)| error)
}
