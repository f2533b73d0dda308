//! Which fault of the server becomes which kind of error.

use crate::error::{Error, ErrorKind};

/// The error for what the server, or the way to it, said.
pub(super) fn of(error: tokio_postgres::Error) -> Error {
    Error::new(ErrorKind::Statement, error.to_string()).with_cause(error)
}
