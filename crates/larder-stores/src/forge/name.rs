//! Names of projects, repositories and mirrors, and what may be wrong with them.

use super::Id;
use crate::refusal::refuse;
use larder::{ConstraintKind, Error, ErrorKind, Result};
use std::fmt;

/// A name has at most so many bytes.
const LONGEST: usize = 200;

/// Refuses a name that could not be written in `project/repository`, or would look like something else.
pub(super) fn check(entity: &'static str, name: &str) -> Result<()> {
    let reason = if name.is_empty() {
        "it is empty"
    } else if name.len() > LONGEST {
        "it has more than 200 bytes"
    } else if name == "." || name == ".." {
        "it stands for a folder"
    } else if name.trim() != name {
        "it begins or ends with a blank"
    } else if name.contains('/') {
        "it has a slash, which stands between a project and a repository"
    } else if name.chars().any(is_unseen) {
        "it has a control character"
    } else {
        return Ok(());
    };
    let invalid = InvalidName { entity, value: name.to_owned(), reason };
    Err(Error::new(ErrorKind::Parameter, invalid.to_string()).with_cause(invalid))
}

/// What is not seen itself and makes a name look like another: controls, separators of lines, marks that turn the direction of
/// a text, blanks without a width. (One that joins letters, U+200D, belongs to some scripts.)
pub(super) fn is_unseen(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\u{200B}' | '\u{200E}' | '\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{2069}' | '\u{FEFF}')
}

/// A name that nothing can have.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct InvalidName {
    /// What was to have it: `project`.
    pub entity: &'static str,
    /// The name.
    pub value: String,
    /// What is wrong with it.
    pub reason: &'static str,
}

impl fmt::Display for InvalidName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} can't be the name of a {}: {}", self.value, self.entity, self.reason)
    }
}

impl std::error::Error for InvalidName {}

/// Another of the same scope has the name, or the id, already. Nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Taken {
    /// What was to have it: `project`.
    pub entity: &'static str,
    /// The name or the id.
    pub value: String,
}

impl fmt::Display for Taken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "there is a {} {:?} already", self.entity, self.value)
    }
}

impl std::error::Error for Taken {}

/// The error of a statement that was to give something its id and its name, where another has one of them: a [`Taken`].
pub(super) fn taken(error: Error, entity: &'static str, id: Id, name: &str) -> Error {
    let value = match error.constraint().map(|constraint| constraint.kind) {
        Some(ConstraintKind::PrimaryKey) => id.to_string(),
        Some(ConstraintKind::Unique) => name.to_owned(),
        _ => return error,
    };
    refuse(Taken { entity, value }, "choose another")
}
