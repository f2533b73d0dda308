//! One opaque error: a kind to decide on, a message that says what to do, and the cause.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

/// The result of every fallible call of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

type Cause = Box<dyn StdError + Send + Sync + 'static>;

/// What went wrong. Decide on [`Error::kind`]; show the error itself to a person.
///
/// The message is one or two sentences that name what was found and, as [`Error::help`], what to do about it. The
/// cause, where there is one, is reached through [`std::error::Error::source`] and is not repeated in the message.
/// No message holds a password of a URL or a value that was bound to a statement.
pub struct Error {
    inner: Box<Inner>,
}

struct Inner {
    kind: ErrorKind,
    message: String,
    help: Option<String>,
    location: Option<Location>,
    constraint: Option<Constraint>,
    cause: Option<Cause>,
}

/// The kinds of [`Error`], for a program to decide on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The file is missing, or is there but was never migrated. Nothing is wrong: migrate it.
    NotInitialized,
    /// The file is there but is not a database, or it is a folder.
    NotADatabase,
    /// The database could not be opened: its folder can't be made, or permission is missing.
    CannotOpen,
    /// Another connection held the lock longer than the busy timeout. Nothing was done; try again.
    Busy,
    /// The server can't be reached, or went away before what was asked of it could have had an effect. Nothing was done; try
    /// again.
    Unavailable,
    /// Transactions of others came in between as often as it was tried (a serialization failure, a deadlock). Nothing was
    /// done; try again.
    Conflict,
    /// The disk, or the limit set on the file, is full. The transaction was rolled back; free space and try again.
    DiskFull,
    /// A write through something that only reads: the handle, the transaction, the file or the place it lies in.
    ReadOnly,
    /// The operating system could not read or write the file.
    Io,
    /// The file is damaged.
    Corrupt,
    /// The engine refused the statement: a syntax error, a missing table, a wrong number of columns.
    Statement,
    /// A parameter that the statement does not have, one it has that was not given, or one of a wrong form.
    Parameter,
    /// A constraint of the schema; [`Error::constraint`] tells which.
    Constraint,
    /// A value of the database does not fit the type that was asked for.
    Conversion,
    /// Exactly one row was asked for and there was none.
    NotFound,
    /// The statement was stopped, as asked through an [`Interrupter`](crate::driver::Interrupter).
    Interrupted,
    /// A commit failed in a way that leaves open whether it happened. Look before you write again.
    UnknownOutcome,
    /// A write inside a write or a read of the same database on the same thread, which would wait for itself.
    Nested,
    /// The handle was closed, or an earlier failure made it unusable.
    Closed,
    /// A migration's file or name breaks a rule.
    InvalidMigration,
    /// The database was migrated by a newer program than this one.
    SchemaNewer,
    /// A migration was edited after it was applied.
    MigrationEdited,
    /// A migration was applied that the program no longer has.
    MigrationMissing,
    /// A pending migration stands before one that is already applied.
    MigrationOutOfOrder,
    /// A migration that runs outside a transaction was started and did not finish.
    MigrationUnfinished,
    /// A statement of a migration failed; the migration was rolled back.
    MigrationFailed,
    /// A migration would lose something that nobody has approved; it was rolled back.
    ApprovalNeeded,
    /// Two sets claim one table, share a name, or depend on each other in a circle.
    SetConflict,
    /// A backup or a restore could not be completed; what was there before is unchanged.
    Backup,
    /// Something is there already where a copy was to go. It is unchanged.
    NotEmpty,
    /// An option or a setting has a value that can't be used.
    Config,
    /// What was asked for does not exist on this engine.
    Unsupported,
    /// A rule of a store forbids it: a status can't move so, a lease is held by another. Nothing was changed; the typed
    /// reason is found with [`Error::find`].
    Refused,
    /// The application's own error, passed through a transaction; see [`Error::other`].
    Application,
    /// A state that Larder holds to be impossible. Please report it.
    Internal,
}

/// Where in a file something stands.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Location {
    /// The file's name, as it was given.
    pub file: Arc<str>,
    /// The whole text of the file.
    pub text: Arc<str>,
    /// Where in `text`, in bytes, the thing begins.
    pub offset: usize,
    /// How many bytes it is long; 0 marks a point.
    pub length: usize,
}

impl Location {
    /// A place in `text`, the text of `file`. An offset past the end, or inside a character, is moved back to one.
    pub fn new(file: impl Into<Arc<str>>, text: impl Into<Arc<str>>, offset: usize, length: usize) -> Self {
        let (file, text) = (file.into(), text.into());
        let offset = text.floor_char_boundary(offset.min(text.len()));
        let end = text.ceil_char_boundary(offset.saturating_add(length).min(text.len()));
        Self { file, text, offset, length: end - offset }
    }

    /// The line, counted from 1.
    pub fn line(&self) -> usize {
        self.before().matches('\n').count() + 1
    }

    /// The column in characters, counted from 1.
    pub fn column(&self) -> usize {
        self.before().rsplit('\n').next().map_or(0, |rest| rest.chars().count()) + 1
    }

    /// The text of the line, without its line end.
    pub fn line_text(&self) -> &str {
        self.text.lines().nth(self.line() - 1).unwrap_or_default()
    }

    fn before(&self) -> &str {
        self.text.get(..self.offset).unwrap_or_default()
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line(), self.column())
    }
}

/// Which constraint of the schema a write would have broken.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Constraint {
    /// Its sort.
    pub kind: ConstraintKind,
    /// The table, where the engine names it.
    pub table: Option<String>,
    /// The columns, where the engine names them.
    pub columns: Vec<String>,
    /// The constraint's own name, where it has one and the engine gives it.
    pub name: Option<String>,
}

impl Constraint {
    /// A constraint of which only the sort is known.
    pub fn new(kind: ConstraintKind) -> Self {
        Self { kind, table: None, columns: Vec::new(), name: None }
    }
}

/// The sorts of [`Constraint`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ConstraintKind {
    /// A value that must be the only one of its kind is there already.
    Unique,
    /// The primary key is there already.
    PrimaryKey,
    /// A row that is pointed at is missing, or one that is still pointed at was removed.
    ForeignKey,
    /// A value is missing.
    NotNull,
    /// A CHECK said no.
    Check,
    /// Another rule: a trigger's RAISE, a strict table's type, a virtual table's own.
    Other,
}

impl Error {
    /// An error of `kind`. The message says what was found, without a full stop at its end.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            inner: Box::new(Inner {
                kind,
                message: message.into(),
                help: None,
                location: None,
                constraint: None,
                cause: None,
            }),
        }
    }

    /// An error of the application's own, so that it can leave a transaction's closure and roll it back. Its message is
    /// the message of `error`, and [`std::error::Error::source`] gives it back.
    ///
    /// ```
    /// # fn parse() -> Result<u32, std::num::ParseIntError> { "x".parse() }
    /// let error = larder::Error::other(parse().unwrap_err());
    /// assert_eq!(error.kind(), larder::ErrorKind::Application);
    /// let source = std::error::Error::source(&error).unwrap();
    /// assert!(source.downcast_ref::<std::num::ParseIntError>().is_some());
    /// ```
    pub fn other(error: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::new(ErrorKind::Application, "the application refused").with_cause(error)
    }

    /// Adds what the reader can do about it: one sentence, without a full stop at its end.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.inner.help = Some(help.into());
        self
    }

    /// Adds the place in a file.
    #[must_use]
    pub fn with_location(mut self, location: Location) -> Self {
        self.inner.location = Some(location);
        self
    }

    /// Adds the constraint that was broken.
    #[must_use]
    pub fn with_constraint(mut self, constraint: Constraint) -> Self {
        self.inner.constraint = Some(constraint);
        self
    }

    /// Adds the cause.
    #[must_use]
    pub fn with_cause(mut self, cause: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.inner.cause = Some(cause.into());
        self
    }

    /// This error said otherwise: of another kind or with another message, with the same help, place and constraint. It is
    /// not made the cause, for what stands between may have more to say.
    pub(crate) fn restated(&self, kind: ErrorKind, message: impl Into<String>) -> Self {
        let mut error = Self::new(kind, message);
        error.inner.help.clone_from(&self.inner.help);
        error.inner.location.clone_from(&self.inner.location);
        error.inner.constraint.clone_from(&self.inner.constraint);
        error
    }

    /// What to decide on.
    pub fn kind(&self) -> ErrorKind {
        self.inner.kind
    }

    /// What was found, without help, place and cause.
    pub fn message(&self) -> &str {
        &self.inner.message
    }

    /// What to do about it, where Larder knows.
    pub fn help(&self) -> Option<&str> {
        self.inner.help.as_deref()
    }

    /// The place in a file, where it is about one.
    pub fn location(&self) -> Option<&Location> {
        self.inner.location.as_ref()
    }

    /// The constraint, for an error of kind [`ErrorKind::Constraint`].
    pub fn constraint(&self) -> Option<&Constraint> {
        self.inner.constraint.as_ref()
    }

    /// The first cause in the chain that is a `T`: how typed details of a layer above travel with the error.
    pub fn find<T: StdError + 'static>(&self) -> Option<&T> {
        let mut next = self.source();
        while let Some(error) = next {
            if let Some(found) = error.downcast_ref::<T>() {
                return Some(found);
            }
            next = error.source();
        }
        None
    }

    /// True where trying the same again later may succeed without anybody doing anything.
    pub fn is_transient(&self) -> bool {
        matches!(self.inner.kind, ErrorKind::Busy | ErrorKind::Unavailable | ErrorKind::Conflict)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(location) = &self.inner.location {
            write!(f, "{location}: ")?;
        }
        f.write_str(&self.inner.message)?;
        if let Some(help) = &self.inner.help {
            write!(f, "; {help}")?;
        }
        Ok(())
    }
}

/// The same as [`fmt::Display`] with the chain of causes, so that `unwrap` and `main` show something readable.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {self}", self.inner.kind)?;
        let mut next = self.source();
        while let Some(cause) = next {
            // A typed reason may have lent the error its own words.
            let said = cause.to_string();
            if said != self.inner.message {
                write!(f, "\n  because: {said}")?;
            }
            next = cause.source();
        }
        Ok(())
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.inner.cause.as_deref().map(|cause| cause as _)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_location_counts_lines_and_columns_from_one() {
        let at = Location::new("a.sql", "one\ntwo é three\n", 11, 5);
        assert_eq!((at.line(), at.column(), at.line_text()), (2, 7, "two é three"));
        assert_eq!(at.to_string(), "a.sql:2:7");
        let past = Location::new("a.sql", "x", 99, 99);
        assert_eq!((past.line(), past.column(), past.length), (1, 2, 0));
    }

    #[test]
    fn the_message_the_place_and_the_help_stand_in_one_line_and_the_cause_in_the_debug_form() {
        let error = Error::new(ErrorKind::Statement, "no such table: t")
            .with_location(Location::new("m.sql", "SELECT 1", 0, 6))
            .with_help("create it first")
            .with_cause("engine said so");
        assert_eq!(error.to_string(), "m.sql:1:1: no such table: t; create it first");
        assert_eq!(
            format!("{error:?}"),
            "Statement: m.sql:1:1: no such table: t; create it first\n  because: engine said so"
        );
    }
}
