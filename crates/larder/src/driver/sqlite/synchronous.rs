//! When SQLite waits for the disk.

use super::pragma;
use crate::driver::Durability;
use crate::error::{Error, ErrorKind, Result};
use rusqlite::{Connection, ffi};
use std::ffi::c_int;

/// The setting of that name, 0 to 3 for `OFF`, `NORMAL`, `FULL` and `EXTRA`.
#[derive(Default)]
pub(super) struct Synchronous {
    /// As the connection was opened; it is asked for only once somebody wants another.
    opened: Option<u8>,
    /// It was raised to `FULL`, for it was less.
    raised: bool,
}

impl Synchronous {
    const FULL: u8 = 2;

    /// True when nothing is to be done for it.
    pub(super) fn is(&self, durability: Durability) -> bool {
        match durability {
            Durability::Normal => !self.raised,
            Durability::Full => self.raised || self.opened >= Some(Self::FULL),
        }
    }

    /// Only outside a transaction: inside one SQLite refuses.
    pub(super) fn change(&mut self, connection: &Connection, durability: Durability) -> Result<()> {
        let opened = match self.opened {
            Some(opened) => opened,
            None => *self.opened.insert(now(connection)?),
        };
        if self.is(durability) {
            return Ok(());
        }
        let wanted = if durability == Durability::Full { Self::FULL } else { opened };
        pragma::set(connection, "synchronous", &wanted.to_string())?;
        self.raised = durability == Durability::Full;
        Ok(())
    }

    /// What [`after_commit`](Self::after_commit) is to be given.
    pub(super) fn before_commit(&self, connection: &Connection) -> Option<c_int> {
        self.raised.then(|| written(connection))
    }

    /// A commit that writes nothing waits for nothing, and what was committed before, perhaps the very row that was to be
    /// written, may not be on the disk. So that is waited for here.
    pub(super) fn after_commit(&self, connection: &Connection, before: Option<c_int>) -> Result<()> {
        match before {
            Some(before) if before == written(connection) => sync_log(connection),
            _ => Ok(()),
        }
    }
}

/// How many pages the connection has written so far: each commit that changes anything writes one at least.
#[allow(unsafe_code, reason = "rusqlite has no call for it")]
fn written(connection: &Connection) -> c_int {
    let (mut now, mut highest) = (0, 0);
    // SAFETY: the handle is of a connection that is open and that no other thread uses; both numbers live longer.
    unsafe {
        ffi::sqlite3_db_status(
            connection.handle(),
            ffi::SQLITE_DBSTATUS_CACHE_WRITE,
            &raw mut now,
            &raw mut highest,
            0,
        );
    }
    now
}

/// The write-ahead log, as SQLite has it open. Between transactions another journal is closed, and then it is null.
#[allow(unsafe_code, reason = "the file is SQLite's, and opening it beside would drop SQLite's locks")]
fn log_file(connection: &Connection) -> *mut ffi::sqlite3_file {
    let mut file: *mut ffi::sqlite3_file = std::ptr::null_mut();
    // SAFETY: the handle is of a connection that is open and that no other thread uses; the call gives a file.
    unsafe {
        ffi::sqlite3_file_control(
            connection.handle(),
            c"main".as_ptr(),
            ffi::SQLITE_FCNTL_JOURNAL_POINTER,
            (&raw mut file).cast(),
        );
    }
    file
}

/// Waits until the disk holds the log. What is not in the log any more was waited for before the log began anew.
#[allow(unsafe_code, reason = "the file is SQLite's")]
fn sync_log(connection: &Connection) -> Result<()> {
    let file = log_file(connection);
    // SAFETY: the file stays open at its place until the connection leaves the log, which needs the connection; its table of
    // functions is the file system's own, and is null for a file that is not open.
    let code = unsafe {
        match file.as_ref().and_then(|file| file.pMethods.as_ref()).and_then(|methods| methods.xSync) {
            Some(sync) => sync(file, ffi::SQLITE_SYNC_NORMAL),
            None => ffi::SQLITE_OK,
        }
    };
    if code == ffi::SQLITE_OK {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Io, "the disk did not take what was committed before")
        .with_cause(ffi::Error::new(code)))
}

fn now(connection: &Connection) -> Result<u8> {
    let found = pragma::get(connection, "synchronous")?.and_then(|found| found.parse().ok());
    found.ok_or_else(|| Error::new(ErrorKind::Internal, "SQLite does not say how it syncs"))
}

#[cfg(test)]
#[allow(unsafe_code, reason = "a file that counts stands in for SQLite's")]
mod tests {
    use super::*;
    use crate::driver::sqlite::{Place, Settings, Sqlite, with_connection};
    use crate::driver::{Access, Driver};
    use std::sync::atomic::{AtomicPtr, AtomicU32, Ordering};

    static SYNCS: AtomicU32 = AtomicU32::new(0);
    static OWN: AtomicPtr<ffi::sqlite3_io_methods> = AtomicPtr::new(std::ptr::null_mut());

    unsafe extern "C" fn counted(file: *mut ffi::sqlite3_file, flags: c_int) -> c_int {
        SYNCS.fetch_add(1, Ordering::SeqCst);
        // SAFETY: `count` has put SQLite's own table there, which lives as long as the program.
        unsafe { (*OWN.load(Ordering::SeqCst)).xSync.unwrap()(file, flags) }
    }

    /// From now on counts how often the log is waited for.
    fn count(connection: &Connection) {
        let file = log_file(connection);
        // SAFETY: the file is open, and this thread's alone; the table that it is given lives as long as the program.
        unsafe {
            OWN.store((*file).pMethods.cast_mut(), Ordering::SeqCst);
            (*file).pMethods =
                Box::leak(Box::new(ffi::sqlite3_io_methods { xSync: Some(counted), ..*(*file).pMethods }));
        }
    }

    #[test]
    fn a_durable_commit_waits_for_what_was_committed_before_also_when_it_writes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let place = Place::File(folder.path().join("app.db"));
        let driver = Sqlite { place, settings: Settings::default() };
        let mut connection = driver.connect(Access::Write).unwrap();
        connection.execute("CREATE TABLE t (n INTEGER PRIMARY KEY)", &[]).unwrap();
        with_connection(connection.as_mut(), count).unwrap();
        let mut syncs = |durability, sql: &str| {
            let before = SYNCS.load(Ordering::SeqCst);
            connection.set_durability(durability).unwrap();
            connection.begin(Access::Write).unwrap();
            connection.execute(sql, &[]).unwrap();
            connection.commit().unwrap();
            SYNCS.load(Ordering::SeqCst) - before
        };
        assert_eq!(syncs(Durability::Normal, "INSERT INTO t VALUES (1)"), 0);
        assert_eq!(syncs(Durability::Full, "INSERT INTO t VALUES (2)"), 1);
        assert_eq!(syncs(Durability::Normal, "INSERT INTO t VALUES (3)"), 0);
        assert_eq!(syncs(Durability::Full, "INSERT OR IGNORE INTO t VALUES (3)"), 1);
        assert_eq!(syncs(Durability::Normal, "INSERT OR IGNORE INTO t VALUES (3)"), 0);
    }
}
