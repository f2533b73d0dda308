//! Reading SQL text: tokens, statements, named parameters, the tables a script claims, the directives in its head.
//!
//! Nothing here understands a whole statement; each reader knows just enough of the two engines' lexical rules to tell
//! a name from a string, a comment or a parameter. Where the engines differ, [`Dialect`] decides. No function of this
//! module panics, whatever the text.

mod cursor;
mod directive;
mod parameter;
mod pattern;
mod split;
mod table;
mod token;
mod tuple;
mod verb;

#[cfg(test)]
mod property;

use std::fmt;
use std::sync::Arc;

use crate::error::{Error, ErrorKind, Location};

pub use directive::{Directive, DirectiveWord, directives};
pub use parameter::{Mapped, Slots};
pub use pattern::has_bound_pattern;
pub use split::{Statement, split};
pub use table::{TableEvent, mentions_word, tables_claimed};
pub use token::{Token, TokenKind, Tokens, tokens};
pub(crate) use tuple::RowInsert;
pub use verb::{Pragma, Verb, pragma};

/// The engine whose lexical rules a text follows.
///
/// | | SQLite | PostgreSQL |
/// |---|---|---|
/// | `[x]` and `` `x` `` | quoted names | subscript, operator |
/// | `/* /* */` | ends at the first `*/` | nests |
/// | `-- …` ends at | a line feed | a line feed or a carriage return |
/// | `E'\''`, `$tag$…$tag$` | do not exist | strings |
/// | `a::text` | does not exist | a cast |
/// | `:name` is sent as | `:name` | `$1` |
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Dialect {
    /// SQLite.
    Sqlite,
    /// PostgreSQL, with `standard_conforming_strings` on, which has been its default since 9.1.
    Postgres,
}

/// A text that cannot be read, and where. [`TextError::into_error`] makes it an [`Error`] with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TextError {
    /// What was found, without a full stop.
    pub message: String,
    /// What to do about it, without a full stop.
    pub help: Option<String>,
    /// Where in the text it begins, in bytes.
    pub offset: usize,
    /// How many bytes it is long.
    pub length: usize,
}

impl TextError {
    fn new(message: impl Into<String>, offset: usize, length: usize) -> Self {
        Self { message: message.into(), help: None, offset, length }
    }

    fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// What is wrong with a token that has no end. The mark covers only its opening, since it runs to the end of the text.
    fn unterminated(token: Token<'_>) -> Self {
        let (what, end, length) = match token.text.as_bytes() {
            [b'/', ..] => ("comment", "*/", 2),
            [b'"', ..] => ("quoted name", "\"", 1),
            [b'`', ..] => ("quoted name", "`", 1),
            [b'[', ..] => ("quoted name", "]", 1),
            [b'$', ..] => ("dollar-quoted string", "its tag again", 1),
            [b'\'', ..] => ("string", "'", 1),
            _ => ("string", "'", 2),
        };
        Self::new(format!("this {what} does not end"), token.offset, length)
            .with_help(format!("close it with {end}"))
    }

    /// The error of `kind` at its place in `text`, the text of `file`.
    pub fn into_error(self, kind: ErrorKind, file: impl Into<Arc<str>>, text: impl Into<Arc<str>>) -> Error {
        let error =
            Error::new(kind, self.message).with_location(Location::new(file, text, self.offset, self.length));
        match self.help {
            Some(help) => error.with_help(help),
            None => error,
        }
    }
}

impl fmt::Display for TextError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        match &self.help {
            Some(help) => write!(f, "; {help}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for TextError {}

/// SQLite stops reading at a NUL and reports success, and PostgreSQL's protocol cannot carry one: what follows it would
/// silently not run.
fn refuse_nul(text: &str) -> Result<(), TextError> {
    match text.find('\0') {
        Some(offset) => Err(TextError::new("there is a NUL character in the text", offset, 1)
            .with_help("remove it: the engine would ignore everything after it")),
        None => Ok(()),
    }
}
