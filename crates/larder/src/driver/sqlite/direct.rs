//! The statement of the C library behind one of rusqlite's, to bind texts and blobs without a copy.

use crate::sql::ValueRef;
use rusqlite::{Connection, Statement, ffi};
use std::ffi::{CStr, c_char, c_int, c_void};
use std::ptr::NonNull;

/// A statement of the C library. It lives as long as the rusqlite statement that it was found for.
#[derive(Clone, Copy)]
pub(super) struct Direct(NonNull<ffi::sqlite3_stmt>);

impl Direct {
    /// The one behind `statement`, whose text is `text`: rusqlite does not give it away, so it is looked for among all
    /// of the connection's. `None` when it is not the only one with that text.
    #[allow(unsafe_code, reason = "rusqlite has no way to the statement that it holds")]
    pub(super) fn of(connection: &Connection, _statement: &Statement<'_>, text: &str) -> Option<Self> {
        let mut found = None;
        let mut next = std::ptr::null_mut();
        loop {
            // SAFETY: the handle is that of an open connection, which no other thread uses meanwhile; the list is not
            // changed while it is walked.
            next = unsafe { ffi::sqlite3_next_stmt(connection.handle(), next) };
            let Some(statement) = NonNull::new(next) else { return found };
            // SAFETY: the statement is live; its text ends with a zero byte and lives as long, or is not there.
            let own = unsafe {
                let own = ffi::sqlite3_sql(next);
                if own.is_null() { None } else { Some(CStr::from_ptr(own)) }
            };
            if own.is_some_and(|own| own.to_bytes() == text.as_bytes()) {
                if found.is_some() {
                    return None;
                }
                found = Some(Self(statement));
            }
        }
    }

    /// Binds all values in their order, without copying texts and blobs; gives SQLite's code.
    ///
    /// # Safety
    /// The statement is live and is not running. It is run only while the values live, or after all its parameters were
    /// bound anew or cleared. (To clear or to bind anew does not look at what was bound.)
    #[allow(unsafe_code, reason = "rusqlite always copies")]
    pub(super) unsafe fn bind(self, values: &[ValueRef<'_>]) -> c_int {
        for (index, value) in (1..).zip(values) {
            let statement = self.0.as_ptr();
            // SAFETY: the caller answers for the statement and for how long the values live; lengths are given in bytes. A
            // slice's pointer is never null, which would mean NULL.
            let code = unsafe {
                match *value {
                    ValueRef::Null => ffi::sqlite3_bind_null(statement, index),
                    ValueRef::Integer(number) => ffi::sqlite3_bind_int64(statement, index, number),
                    ValueRef::Real(number) => ffi::sqlite3_bind_double(statement, index, number),
                    ValueRef::Text(text) => ffi::sqlite3_bind_text64(
                        statement,
                        index,
                        text.as_ptr().cast::<c_char>(),
                        text.len() as ffi::sqlite3_uint64,
                        ffi::SQLITE_STATIC(),
                        ffi::SQLITE_UTF8 as u8,
                    ),
                    ValueRef::Blob(bytes) => ffi::sqlite3_bind_blob64(
                        statement,
                        index,
                        bytes.as_ptr().cast::<c_void>(),
                        bytes.len() as ffi::sqlite3_uint64,
                        ffi::SQLITE_STATIC(),
                    ),
                }
            };
            if code != ffi::SQLITE_OK {
                return code;
            }
        }
        ffi::SQLITE_OK
    }
}
