//! A rule of a store says no: the typed reason, carried by the engine's error.

use larder::{Error, ErrorKind};

/// The error that carries `reason`, which a program finds again with [`Error::find`]. Its message is the reason's.
pub(crate) fn refuse(reason: impl std::error::Error + Send + Sync + 'static, help: &str) -> Error {
    Error::new(ErrorKind::Refused, reason.to_string()).with_help(help).with_cause(reason)
}
