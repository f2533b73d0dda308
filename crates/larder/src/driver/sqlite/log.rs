//! The write-ahead log: how large it is after each commit, and moving it into the file.

use super::{fault, pragma};
use crate::driver::{Checkpoint, Checkpointed, LogSize};
use crate::error::{Error, ErrorKind, Result};
use rusqlite::{Connection, ffi};
use std::ffi::{CStr, c_char, c_int, c_void};
use std::sync::Arc;

/// Lets SQLite tell `size` of each commit, and do no checkpoints by itself: it has one hook for both, and
/// `PRAGMA wal_autocheckpoint = N` would take it back.
#[allow(unsafe_code, reason = "rusqlite has no call for it in the older of the versions that are taken")]
pub(super) fn count(connection: &Connection, size: &Arc<LogSize>) {
    // SAFETY: the handle is of a connection that is open and that no other thread uses. SQLite calls `note` with the
    // address only while it commits on that connection; the caller keeps `size` at its place as long as the connection.
    unsafe {
        ffi::sqlite3_wal_hook(connection.handle(), Some(note), Arc::as_ptr(size).cast_mut().cast());
    }
}

#[allow(unsafe_code, reason = "SQLite calls it")]
unsafe extern "C" fn note(
    size: *mut c_void,
    _: *mut ffi::sqlite3,
    database: *const c_char,
    pages: c_int,
) -> c_int {
    // SAFETY: the address is that of a `LogSize` that lives as long as the connection, see `count`; the name is SQLite's,
    // and ends with a NUL.
    let (size, database) = unsafe { (&*size.cast::<LogSize>(), CStr::from_ptr(database)) };
    if database == c"main" {
        size.note(u32::try_from(pages).unwrap_or(0));
    }
    ffi::SQLITE_OK
}

/// The pages from which on SQLite itself would do a checkpoint after a commit; 0 for never.
pub(super) fn threshold(connection: &Connection) -> Result<u32> {
    Ok(pragma::get(connection, "wal_autocheckpoint")?.and_then(|found| found.parse().ok()).unwrap_or(0))
}

/// The file is cut to this length when the log begins anew, unless the options set another.
pub(super) fn limit_file(connection: &Connection, pages: u64) -> Result<()> {
    let number =
        |name| pragma::get(connection, name).map(|found| found.and_then(|found| found.parse::<i64>().ok()));
    if number("journal_size_limit")?.is_some_and(|limit| limit >= 0) {
        return Ok(());
    }
    let page = number("page_size")?.and_then(|size| u64::try_from(size).ok()).unwrap_or(4096);
    pragma::set(connection, "journal_size_limit", &(pages * page).to_string())
}

/// One checkpoint, in SQLite's own terms PASSIVE or RESTART.
pub(super) fn checkpoint(connection: &Connection, how: Checkpoint) -> Result<Checkpointed> {
    let sql = match how {
        Checkpoint::Between { patience } if !patience.is_zero() => {
            pragma::wait(connection, patience)?;
            "PRAGMA main.wal_checkpoint(RESTART)"
        }
        _ => "PRAGMA main.wal_checkpoint(PASSIVE)",
    };
    let found = connection
        .query_row(sql, [], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?, row.get::<_, i64>(2)?)));
    let (busy, pages, moved) = found.map_err(|error| fault::statement(error, sql))?;
    // −1 for both where there is no log.
    let count = |n: i64| u32::try_from(n).unwrap_or(0);
    let done = Checkpointed { pages: count(pages), moved: count(moved), busy: busy != 0 };
    if how == Checkpoint::Beside && done.moved > 0 {
        sync(connection)?;
    }
    Ok(done)
}

/// Waits until the disk holds what was written to the database's file. SQLite does so only at the end of a checkpoint that
/// moved the whole log; and then somebody may be waiting.
#[allow(unsafe_code, reason = "the file is SQLite's, and opening it beside would drop SQLite's locks")]
fn sync(connection: &Connection) -> Result<()> {
    if pragma::get(connection, "synchronous")?.as_deref() == Some("0") {
        return Ok(());
    }
    let mut file: *mut ffi::sqlite3_file = std::ptr::null_mut();
    // SAFETY: the handle is of a connection that is open and that no other thread uses. The call gives the file that the
    // connection has open, which stays so until the connection is closed; its table of functions is the file system's own.
    let code = unsafe {
        ffi::sqlite3_file_control(
            connection.handle(),
            c"main".as_ptr(),
            ffi::SQLITE_FCNTL_FILE_POINTER,
            (&raw mut file).cast(),
        );
        match file.as_ref().and_then(|file| file.pMethods.as_ref()).and_then(|methods| methods.xSync) {
            Some(sync) => sync(file, ffi::SQLITE_SYNC_NORMAL),
            None => ffi::SQLITE_OK,
        }
    };
    if code == ffi::SQLITE_OK {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Io, "the disk did not take what was written to the database")
        .with_cause(ffi::Error::new(code)))
}
