//! SQLite's errors as Larder's.

use crate::error::{Constraint, ConstraintKind, Error, ErrorKind, Location};
use rusqlite::ffi;

/// The error of a statement. `sql` is its text, for the place of a syntax error; values never get into the message.
pub(super) fn statement(error: rusqlite::Error, sql: &str) -> Error {
    match error {
        rusqlite::Error::SqlInputError { error, msg, offset, .. } => {
            let mapped = from_code(error, Some(&msg));
            match usize::try_from(offset) {
                Ok(offset) => {
                    mapped.with_location(Location::new("<sql>", sql, offset, word_length(sql, offset)))
                }
                Err(_) => mapped,
            }
        }
        other => general(other),
    }
}

/// The error of anything else.
pub(super) fn general(error: rusqlite::Error) -> Error {
    match error {
        rusqlite::Error::SqliteFailure(code, message) => from_code(code, message.as_deref()),
        rusqlite::Error::SqlInputError { error, msg, .. } => from_code(error, Some(&msg)),
        rusqlite::Error::MultipleStatement => {
            Error::new(ErrorKind::Statement, "the text holds several statements and one was expected")
                .with_help("run each by itself")
        }
        rusqlite::Error::NulError(_) => {
            Error::new(ErrorKind::Statement, "the statement holds a NUL character").with_help("remove it")
        }
        other => Error::new(ErrorKind::Internal, "the SQLite driver failed").with_cause(other),
    }
}

fn from_code(code: ffi::Error, message: Option<&str>) -> Error {
    let said = message.map_or_else(|| code.to_string(), str::to_owned);
    let primary = code.extended_code & 0xff;
    let (kind, message, help) = match primary {
        ffi::SQLITE_BUSY | ffi::SQLITE_LOCKED | ffi::SQLITE_PROTOCOL => (
            ErrorKind::Busy,
            "the database is locked by another connection".into(),
            Some("try again, or find what holds it; a longer busy_timeout waits longer"),
        ),
        ffi::SQLITE_FULL => (
            ErrorKind::DiskFull,
            "the disk is full, or the database has reached its size limit".into(),
            Some("free space on its disk and try again; nothing of this transaction was kept"),
        ),
        ffi::SQLITE_READONLY if code.extended_code == ffi::SQLITE_READONLY_DBMOVED => (
            ErrorKind::ReadOnly,
            "the file of the database was moved or deleted while it was open".into(),
            Some("put it back, or open the database anew"),
        ),
        ffi::SQLITE_READONLY => (ErrorKind::ReadOnly, format!("the database can only be read: {said}"), None),
        ffi::SQLITE_IOERR => (
            ErrorKind::Io,
            format!("reading or writing the database failed: {said} (code {})", code.extended_code),
            Some("check the disk, then run `larder doctor`"),
        ),
        ffi::SQLITE_CORRUPT => (
            ErrorKind::Corrupt,
            format!("the database is damaged: {said}"),
            Some("run `larder doctor`, and restore the newest backup if it confirms this"),
        ),
        ffi::SQLITE_NOTADB => (
            ErrorKind::NotADatabase,
            "the file is not a SQLite database".into(),
            Some("check the path; an encrypted database can't be read either"),
        ),
        ffi::SQLITE_CANTOPEN => {
            (ErrorKind::CannotOpen, format!("the database can't be opened: {said}"), None)
        }
        ffi::SQLITE_PERM | ffi::SQLITE_AUTH => {
            (ErrorKind::CannotOpen, format!("not permitted: {said}"), None)
        }
        ffi::SQLITE_INTERRUPT => (ErrorKind::Interrupted, "the statement was stopped".into(), None),
        ffi::SQLITE_CONSTRAINT => return constraint(code.extended_code, &said),
        ffi::SQLITE_MISMATCH => {
            return Error::new(ErrorKind::Constraint, "a value has the wrong type for the place it goes to")
                .with_constraint(Constraint::new(ConstraintKind::Other));
        }
        ffi::SQLITE_TOOBIG => {
            (ErrorKind::Statement, "a value or a statement is too large for SQLite".into(), None)
        }
        ffi::SQLITE_NOMEM => (ErrorKind::Io, "SQLite ran out of memory".into(), None),
        _ => (ErrorKind::Statement, said, None),
    };
    let error = Error::new(kind, message);
    match help {
        Some(help) => error.with_help(help),
        None => error,
    }
}

/// SQLite's message names what was broken: `UNIQUE constraint failed: users.email, users.name`.
fn constraint(extended: i32, said: &str) -> Error {
    let kind = match extended {
        ffi::SQLITE_CONSTRAINT_UNIQUE => ConstraintKind::Unique,
        ffi::SQLITE_CONSTRAINT_PRIMARYKEY | ffi::SQLITE_CONSTRAINT_ROWID => ConstraintKind::PrimaryKey,
        ffi::SQLITE_CONSTRAINT_FOREIGNKEY => ConstraintKind::ForeignKey,
        ffi::SQLITE_CONSTRAINT_NOTNULL => ConstraintKind::NotNull,
        ffi::SQLITE_CONSTRAINT_CHECK => ConstraintKind::Check,
        _ => ConstraintKind::Other,
    };
    let mut constraint = Constraint::new(kind);
    let rest = said.split_once("constraint failed: ").map_or("", |(_, rest)| rest);
    match kind {
        ConstraintKind::Unique | ConstraintKind::PrimaryKey | ConstraintKind::NotNull => {
            if let Some(index) = rest.strip_prefix("index ") {
                constraint.name = Some(index.trim_matches('\'').to_owned());
            } else {
                for part in rest.split(", ") {
                    if let Some((table, column)) = part.split_once('.') {
                        constraint.table = Some(table.to_owned());
                        constraint.columns.push(column.to_owned());
                    }
                }
            }
        }
        ConstraintKind::Check if !rest.is_empty() => constraint.name = Some(rest.to_owned()),
        _ => {}
    }
    Error::new(ErrorKind::Constraint, said).with_constraint(constraint)
}

fn word_length(sql: &str, offset: usize) -> usize {
    let rest = sql.get(offset..).unwrap_or_default();
    rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len()).max(1)
}
