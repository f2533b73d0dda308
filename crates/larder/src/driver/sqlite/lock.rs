//! A lock between processes that is apart from the database's own locks.

use super::backoff::Backoff;
use crate::driver::Lock;
use crate::error::{Error, ErrorKind, Result};
use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Locks a file beside the database. The operating system lets go when the process ends, however it ends. The database's
/// own file is never touched: closing any handle on it would drop SQLite's locks.
pub(super) fn lock(database: &Path, name: &str, patience: Duration) -> Result<Lock> {
    // One file may be reached by several names, and its lock must be the same one.
    let database = std::fs::canonicalize(database).unwrap_or_else(|_| database.to_owned());
    let path = beside(&database, name);
    let mut wait = Backoff::new(patience);
    loop {
        let file = open(&path)?;
        match file.try_lock() {
            // The one before may have removed the file between our opening and locking it: then the lock is on nothing.
            Ok(()) if same(&file, &path) => return Ok(Lock::new(Held { file, path })),
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                if !wait.pause() {
                    return Err(Error::new(
                        ErrorKind::Busy,
                        format!("another process holds the lock {}", path.display()),
                    )
                    .with_help("wait until it is done, then try again"));
                }
            }
            Err(TryLockError::Error(error)) => {
                return Err(Error::new(ErrorKind::Io, format!("{} can't be locked", path.display()))
                    .with_cause(error));
            }
        }
    }
}

fn beside(database: &Path, name: &str) -> PathBuf {
    let mut file = database.file_name().unwrap_or_default().to_owned();
    file.push(format!("-{name}.lock"));
    database.with_file_name(file)
}

fn open(path: &Path) -> Result<File> {
    let mut options = OpenOptions::new();
    options.create(true).read(true).write(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map_err(|error| {
        Error::new(ErrorKind::CannotOpen, format!("the lock file {} can't be made", path.display()))
            .with_cause(error)
    })
}

#[cfg(unix)]
fn same(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    match (file.metadata(), std::fs::metadata(path)) {
        (Ok(a), Ok(b)) => (a.dev(), a.ino()) == (b.dev(), b.ino()),
        _ => false,
    }
}

#[cfg(not(unix))]
fn same(_: &File, _: &Path) -> bool {
    // A file that is open can't be removed here.
    true
}

struct Held {
    file: File,
    path: PathBuf,
}

impl Drop for Held {
    fn drop(&mut self) {
        // Removed while still locked, so that whoever locks the old file sees that it is gone.
        let _ = std::fs::remove_file(&self.path);
        let _ = self.file.unlock();
    }
}
