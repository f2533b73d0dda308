//! What was named and is not there.

use super::Id;
use larder::{ConstraintKind, Error, ErrorKind};
use std::fmt;

/// Something that was named is not there. The error that carries it has the kind [`ErrorKind::NotFound`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Missing {
    /// What it would be: `repository`.
    pub entity: &'static str,
    /// Its id or its name.
    pub value: String,
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "there is no {} {}", self.entity, self.value)
    }
}

impl std::error::Error for Missing {}

/// The error for what is not there.
pub(super) fn missing(entity: &'static str, value: impl fmt::Display) -> Error {
    let missing = Missing { entity, value: value.to_string() };
    Error::new(ErrorKind::NotFound, missing.to_string()).with_cause(missing)
}

/// The error of a statement that refers to `id`, where that is not there.
pub(super) fn unless_referred(error: Error, entity: &'static str, id: Id) -> Error {
    let is_missing = error.constraint().is_some_and(|found| found.kind == ConstraintKind::ForeignKey);
    if is_missing { missing(entity, id) } else { error }
}
