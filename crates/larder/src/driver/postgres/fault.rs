//! Which fault of the server becomes which kind of error.

use crate::error::{Error, ErrorKind};

/// The error for what the server, or the way to it, said.
pub(super) fn of(error: tokio_postgres::Error) -> Error {
    let kind = match error.code().map(tokio_postgres::error::SqlState::code) {
        Some("40001" | "40P01") => ErrorKind::Conflict,
        Some("55P03") => ErrorKind::Busy,
        Some("25006") => ErrorKind::ReadOnly,
        Some("23505") => ErrorKind::Constraint,
        Some("57P01" | "57P02" | "57P03") => ErrorKind::Unavailable,
        None if error.is_closed() => ErrorKind::Unavailable,
        _ => ErrorKind::Statement,
    };
    let message = error.as_db_error().map_or_else(|| error.to_string(), |fault| fault.message().to_owned());
    Error::new(kind, message).with_cause(error)
}
