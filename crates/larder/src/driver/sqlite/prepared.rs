//! A prepared statement, run through the C library.
//!
//! rusqlite prepares it and owns it. Running it and reading its rows goes past rusqlite: its layers take more time than what
//! SQLite does for a row that is in its cache (ARCHITECTURE.md), and it copies each text that is bound.
#![allow(unsafe_code, reason = "each function says why it may call the C library")]

use super::fault;
use crate::error::{Error, ErrorKind, Result};
use crate::sql::ValueRef;
use rusqlite::{Connection, Statement, ffi};
use std::ffi::{CStr, c_char, c_int, c_void};
use std::ptr::NonNull;

/// A statement and the connection it belongs to. As long as this lives, so do the two pointers' ends, and no other
/// thread uses them; whatever a row lends is borrowed from here, so it is gone before the statement moves on.
pub(super) struct Prepared<'c> {
    statement: Statement<'c>,
    raw: NonNull<ffi::sqlite3_stmt>,
}

impl<'c> Prepared<'c> {
    pub(super) fn new(connection: &'c Connection, sql: &str) -> Result<Self> {
        let statement = connection.prepare(sql).map_err(|error| fault::statement(error, sql))?;
        let raw = newest(connection, sql).ok_or_else(|| {
            Error::new(ErrorKind::Internal, "SQLite does not list the statement that it has just prepared")
        })?;
        Ok(Self { statement, raw })
    }

    pub(super) fn readonly(&self) -> bool {
        self.statement.readonly()
    }

    /// The names of its columns.
    pub(super) fn columns(&self) -> Box<[Box<str>]> {
        (0..self.statement.column_count())
            .map(|index| self.statement.column_name(index).unwrap_or_default().into())
            .collect()
    }

    /// How often SQLite has prepared it anew.
    #[inline]
    pub(super) fn prepared_again(&self) -> c_int {
        // SAFETY: the statement is live. Only a counter is read.
        unsafe { ffi::sqlite3_stmt_status(self.raw.as_ptr(), ffi::SQLITE_STMTSTATUS_REPREPARE, 0) }
    }

    /// Goes on to the next row; false when there is none.
    #[inline]
    pub(super) fn step(&mut self, sql: &str) -> Result<bool> {
        // SAFETY: the statement is live.
        match unsafe { ffi::sqlite3_step(self.raw.as_ptr()) } {
            ffi::SQLITE_ROW => Ok(true),
            ffi::SQLITE_DONE => Ok(false),
            code => Err(self.fault(code, sql)),
        }
    }

    /// Ends it, so that it can be run again.
    #[inline]
    pub(super) fn reset(&mut self) {
        // SAFETY: the statement is live. The code that this gives is that of the step before.
        unsafe { ffi::sqlite3_reset(self.raw.as_ptr()) };
    }

    /// Lets go of all parameters.
    pub(super) fn clear(&mut self) {
        // SAFETY: the statement is live.
        unsafe { ffi::sqlite3_clear_bindings(self.raw.as_ptr()) };
    }

    /// Gives it the parameter at `index`, counted from 1, as a copy.
    pub(super) fn bind_copy(&mut self, index: c_int, value: ValueRef<'_>) -> Result<()> {
        // SAFETY: SQLite takes a copy.
        unsafe { self.bind(index, value, ffi::SQLITE_TRANSIENT()) }
    }

    /// Lends it the parameter at `index`, counted from 1.
    ///
    /// # Safety
    /// The statement is run only while the value lives, or after that parameter was bound anew or cleared. (To clear or to
    /// bind anew does not look at what was bound.)
    pub(super) unsafe fn bind_lent(&mut self, index: c_int, value: ValueRef<'_>) -> Result<()> {
        // SAFETY: the caller answers for how long the value lives.
        unsafe { self.bind(index, value, ffi::SQLITE_STATIC()) }
    }

    /// # Safety
    /// As of [`bind_lent`](Self::bind_lent), unless `keep` makes SQLite copy.
    #[inline]
    unsafe fn bind(
        &mut self,
        index: c_int,
        value: ValueRef<'_>,
        keep: ffi::sqlite3_destructor_type,
    ) -> Result<()> {
        let raw = self.raw.as_ptr();
        // SAFETY: the statement is live; the caller answers for how long the value lives; lengths are given in bytes. A
        // slice's pointer is never null, which would mean NULL.
        let code = unsafe {
            match value {
                ValueRef::Null => ffi::sqlite3_bind_null(raw, index),
                ValueRef::Integer(number) => ffi::sqlite3_bind_int64(raw, index, number),
                ValueRef::Real(number) => ffi::sqlite3_bind_double(raw, index, number),
                ValueRef::Text(text) => ffi::sqlite3_bind_text64(
                    raw,
                    index,
                    text.as_ptr().cast::<c_char>(),
                    text.len() as ffi::sqlite3_uint64,
                    keep,
                    ffi::SQLITE_UTF8 as u8,
                ),
                ValueRef::Blob(bytes) => ffi::sqlite3_bind_blob64(
                    raw,
                    index,
                    bytes.as_ptr().cast::<c_void>(),
                    bytes.len() as ffi::sqlite3_uint64,
                    keep,
                ),
            }
        };
        if code == ffi::SQLITE_OK { Ok(()) } else { Err(self.fault(code, "")) }
    }

    /// The value of a column of the row it stands on; text that is not UTF-8 comes as `Err` with its bytes.
    #[inline]
    pub(super) fn value(&self, index: usize) -> std::result::Result<ValueRef<'_>, &[u8]> {
        let Ok(index) = c_int::try_from(index) else { return Ok(ValueRef::Null) };
        // SAFETY: the statement is live, and used by this thread alone, so the value needs no lock; for a column that is not
        // there SQLite gives NULL. Text and blobs live until the statement moves on or is reset, for which it must be
        // borrowed mutably, or until the value is converted, which reading it by its own type again does not do.
        unsafe {
            let value = ffi::sqlite3_column_value(self.raw.as_ptr(), index);
            Ok(match ffi::sqlite3_value_type(value) {
                ffi::SQLITE_INTEGER => ValueRef::Integer(ffi::sqlite3_value_int64(value)),
                ffi::SQLITE_FLOAT => ValueRef::Real(ffi::sqlite3_value_double(value)),
                ffi::SQLITE_TEXT => {
                    // As text SQLite would copy it, to put a zero byte behind it.
                    let text = if ffi::sqlite3_value_encoding(value) == ffi::SQLITE_UTF8 {
                        ffi::sqlite3_value_blob(value).cast()
                    } else {
                        ffi::sqlite3_value_text(value)
                    };
                    let bytes = slice(text, ffi::sqlite3_value_bytes(value));
                    ValueRef::Text(std::str::from_utf8(bytes).map_err(|_| bytes)?)
                }
                ffi::SQLITE_BLOB => {
                    let blob = ffi::sqlite3_value_blob(value);
                    ValueRef::Blob(slice(blob.cast(), ffi::sqlite3_value_bytes(value)))
                }
                _ => ValueRef::Null,
            })
        }
    }

    /// The error of a call on this statement that gave `code`.
    #[cold]
    fn fault(&self, code: c_int, sql: &str) -> Error {
        // SAFETY: the statement is live, and so is its connection, which no other thread uses; the message lives until the
        // next call on it, and is copied.
        let (code, message) = unsafe {
            let connection = ffi::sqlite3_db_handle(self.raw.as_ptr());
            let message = CStr::from_ptr(ffi::sqlite3_errmsg(connection)).to_string_lossy().into_owned();
            // With extended codes switched on, as rusqlite does, this is one.
            (code, message)
        };
        fault::statement(rusqlite::Error::SqliteFailure(ffi::Error::new(code), Some(message)), sql)
    }
}

/// # Safety
/// `length` bytes can be read there for as long as the result lives, unless `start` is null, as it is for an empty blob.
unsafe fn slice<'v>(start: *const u8, length: c_int) -> &'v [u8] {
    match usize::try_from(length) {
        // SAFETY: the caller answers for it.
        Ok(length) if !start.is_null() => unsafe { std::slice::from_raw_parts(start, length) },
        _ => &[],
    }
}

/// The statement of that text that was prepared last. rusqlite does not give away what it holds; SQLite lists its
/// statements from the newest on, and those that it made for itself on the way have texts of their own.
fn newest(connection: &Connection, sql: &str) -> Option<NonNull<ffi::sqlite3_stmt>> {
    let mut next = std::ptr::null_mut();
    loop {
        // SAFETY: the handle is that of an open connection, which no other thread uses meanwhile; the list is not changed
        // while it is walked.
        next = unsafe { ffi::sqlite3_next_stmt(connection.handle(), next) };
        let statement = NonNull::new(next)?;
        // SAFETY: the statement is live; its text ends with a zero byte and lives as long, or is not there.
        let own = unsafe {
            let own = ffi::sqlite3_sql(next);
            if own.is_null() { None } else { Some(CStr::from_ptr(own).to_bytes()) }
        };
        // SQLite keeps the text up to the end of the statement.
        if own.is_some_and(|own| !own.is_empty() && sql.as_bytes().starts_with(own)) {
            return Some(statement);
        }
    }
}
