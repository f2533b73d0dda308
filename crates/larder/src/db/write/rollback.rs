//! A rollback that failed, after which nobody knows the state of the connection.

use crate::error::{Error, Result};

/// In the chain of an error after which the transaction could not even be rolled back.
#[derive(Debug)]
pub(in crate::db) struct RollbackFailed {
    pub(in crate::db) because: Error,
    pub(in crate::db) rollback: Error,
}

/// The error of work on the writer that left the connection in a state in which nobody may use it: the next to write gets a
/// new one. `result` is how the work itself ended, `failure` what kept the connection from being put in order again.
pub(crate) fn unusable(result: Result<()>, failure: Error) -> Error {
    let because = match result {
        Ok(()) => failure,
        Err(error) => {
            return Error::new(error.kind(), error.message().to_owned())
                .with_cause(RollbackFailed { because: error, rollback: failure });
        }
    };
    let message = format!("all was done, but the connection can't be used any more: {}", because.message());
    let rollback = Error::new(because.kind(), "its settings could not be put back");
    Error::new(because.kind(), message).with_cause(RollbackFailed { because, rollback })
}

impl RollbackFailed {
    /// The error of what failed first, with what kept it from being rolled back.
    pub(in crate::db) fn after(because: Error, rollback: Error) -> Error {
        Error::new(because.kind(), because.message().to_owned()).with_cause(Self { because, rollback })
    }

    pub(in crate::db) fn is_in(error: &Error) -> bool {
        error.find::<Self>().is_some()
    }
}

impl std::fmt::Display for RollbackFailed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "and then the rollback failed: {}", self.rollback)
    }
}

impl std::error::Error for RollbackFailed {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.because)
    }
}
