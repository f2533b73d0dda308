//! Opening a connection: the place, the file, the settings.

use super::action::Seen;
use super::pragma::{self, Pragma};
use super::{connection, fault};
use crate::driver::{Access, Connection, Dialect, Driver};
use crate::error::{Error, ErrorKind, Result};
use rusqlite::OpenFlags;
use rusqlite::config::DbConfig;
use std::fmt;
use std::fs::{DirBuilder, OpenOptions};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Where a SQLite database is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// In a file.
    File(PathBuf),
    /// In memory, gone when its connection is.
    Memory,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Memory => f.write_str(":memory:"),
        }
    }
}

/// How connections are opened.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How long to wait for a lock.
    pub busy_timeout: Duration,
    /// What is set with `PRAGMA`, in order: names and values.
    pub pragmas: Vec<(String, String)>,
    /// Make the file, and the folders above it, when missing.
    pub create: bool,
    /// Open the file only for reading.
    pub read_only: bool,
}

/// SQLite as a [`Driver`].
#[derive(Clone, Debug)]
pub struct Sqlite {
    /// Where the database is.
    pub place: Place,
    /// How it is opened.
    pub settings: Settings,
}

impl fmt::Display for Sqlite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.place.fmt(f)
    }
}

impl Driver for Sqlite {
    fn dialect(&self) -> Dialect {
        Dialect::Sqlite
    }

    fn is_single(&self) -> bool {
        self.place == Place::Memory
    }

    fn file(&self) -> Option<&Path> {
        match &self.place {
            Place::File(path) => Some(path),
            Place::Memory => None,
        }
    }

    fn patience(&self) -> Duration {
        self.settings.busy_timeout
    }

    fn connect(&self, access: Access) -> Result<Box<dyn Connection>> {
        if access == Access::Write && self.settings.read_only {
            return Err(Error::new(
                ErrorKind::ReadOnly,
                format!("{} was opened only for reading", self.place),
            ));
        }
        let mut raw = self.open(access)?;
        // SQLite opens a file that is protected from writing all the same, and says so only at the first write.
        if access == Access::Write && is_write_protected(&raw) {
            return Err(self.write_protected());
        }
        let seen = Seen::default();
        let noting = Arc::new(AtomicBool::new(false));
        self.configure(&raw, access).map_err(|error| self.explain(error))?;
        watch(&mut raw, &seen, &noting)?;
        let patience = self.settings.busy_timeout;
        Ok(Box::new(connection::Sqlite::new(raw, self.place.clone(), patience, access, seen, noting)))
    }
}

impl Sqlite {
    fn open(&self, access: Access) -> Result<rusqlite::Connection> {
        let Place::File(path) = &self.place else {
            return rusqlite::Connection::open_in_memory().map_err(fault::general);
        };
        match exists(path) {
            Err(error)
                if error.kind() == ErrorKind::NotInitialized
                    && access == Access::Write
                    && self.settings.create =>
            {
                create(path)?;
                exists(path)?;
            }
            result => result?,
        }
        let mode = if self.settings.read_only {
            OpenFlags::SQLITE_OPEN_READ_ONLY
        } else {
            OpenFlags::SQLITE_OPEN_READ_WRITE
        };
        rusqlite::Connection::open_with_flags(path, mode | OpenFlags::SQLITE_OPEN_NO_MUTEX)
            .map_err(|error| self.explain(fault::general(error)))
    }

    /// Puts the settings in force. The order matters: first the patience, for everything after may meet a lock; then what
    /// only an empty file takes; then the journal, for `synchronous` means another thing in another journal mode.
    fn configure(&self, raw: &rusqlite::Connection, access: Access) -> Result<()> {
        let settings = &self.settings;
        // No statement may write into the tables in which a virtual table keeps its data, past its module.
        raw.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true).map_err(fault::general)?;
        pragma::wait(raw, settings.busy_timeout)?;
        let (early, others): (Vec<_>, Vec<_>) =
            settings.pragmas.iter().partition(|(name, _)| pragma::is_of_the_file(name));
        for (name, value) in early.into_iter().chain(others) {
            match name.as_str() {
                // A property of the file, that a writer has set; and one that a reader can't change.
                "journal_mode" if access == Access::Read => {}
                "journal_mode" => pragma::switch_journal(raw, value, settings.busy_timeout)?,
                "foreign_keys" => foreign_keys(raw, value)?,
                _ => pragma::set(raw, name, value)?,
            }
        }
        if access == Access::Read {
            // A read of the file's head, so that what is no database is known as that now.
            pragma::get(raw, "schema_version")?;
            if self.place != Place::Memory {
                pragma::set(raw, "query_only", "ON")?;
            }
        }
        Ok(())
    }

    fn write_protected(&self) -> Error {
        Error::new(ErrorKind::ReadOnly, format!("{} can't be written", self.place)).with_help(
            "give this user permission to write to the file and to its folder, or open it read-only",
        )
    }

    /// Says of which file an error is, and why, where SQLite only says that.
    fn explain(&self, error: Error) -> Error {
        let Place::File(path) = &self.place else { return error };
        let shown = path.display();
        match error.kind() {
            ErrorKind::NotADatabase => Error::new(ErrorKind::NotADatabase, format!("{shown} is not a SQLite database"))
                .with_help("check the path; an encrypted database can't be read either"),
            ErrorKind::ReadOnly if !self.settings.read_only => self.write_protected(),
            ErrorKind::ReadOnly => {
                let help = "in WAL mode even a reader makes files beside it, and what a crash left is rolled back first: \
                            give this user permission to write to its folder, or open it for writing once";
                Error::new(ErrorKind::ReadOnly, format!("{shown} can't be read without writing beside it"))
                    .with_help(help)
            }
            ErrorKind::CannotOpen => {
                let help = "give this user permission on the file and on its folder; in WAL mode even a reader makes \
                            files beside it";
                Error::new(ErrorKind::CannotOpen, format!("{shown} can't be opened")).with_help(help)
            }
            ErrorKind::Busy => Error::new(
                ErrorKind::Busy,
                format!("{shown} is locked by another process, for more than {} ms", self.settings.busy_timeout.as_millis()),
            )
            .with_help("try again, or find what holds it; a longer busy_timeout waits longer"),
            kind @ (ErrorKind::DiskFull | ErrorKind::Io | ErrorKind::Corrupt) => {
                let named = Error::new(kind, format!("{shown} can't be opened: {}", error.message()));
                match error.help() {
                    Some(help) => named.with_help(help),
                    None => named,
                }
            }
            _ => return error,
        }
        .with_cause(error)
    }
}

#[allow(
    unsafe_code,
    reason = "rusqlite's own call has another signature in each of the versions that are taken"
)]
fn is_write_protected(raw: &rusqlite::Connection) -> bool {
    // SAFETY: the handle is of a connection that is open and that no other thread uses, and the name ends with a NUL.
    unsafe { rusqlite::ffi::sqlite3_db_readonly(raw.handle(), c"main".as_ptr()) == 1 }
}

/// Through SQLite's configuration call: it sets and tells in one, without a statement.
fn foreign_keys(raw: &rusqlite::Connection, value: &str) -> Result<()> {
    let Some(wanted) = pragma::boolean(value) else {
        return Err(Error::new(
            ErrorKind::Config,
            format!("foreign_keys is `{value}` and must be ON or OFF"),
        ));
    };
    let found = raw.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_FKEY, wanted).map_err(fault::general)?;
    if found == wanted {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Config, format!("foreign_keys was set to {value} and SQLite did not take it")))
}

/// The callback is there from the start and notes only when asked, for setting it later would need the connection for
/// itself while its statements borrow it.
fn watch(raw: &mut rusqlite::Connection, seen: &Seen, noting: &Arc<AtomicBool>) -> Result<()> {
    let mut note = seen.authorizer();
    let noting = Arc::clone(noting);
    let hook = move |context: rusqlite::hooks::AuthContext<'_>| {
        if noting.load(Ordering::Relaxed) { note(context) } else { rusqlite::hooks::Authorization::Allow }
    };
    outcome(raw.authorizer(Some(hook)))
}

/// What the call gives: nothing in the older versions of `rusqlite`, a result in the newer.
trait Outcome {
    fn outcome(self) -> Result<()>;
}
impl Outcome for () {
    fn outcome(self) -> Result<()> {
        Ok(())
    }
}
impl Outcome for rusqlite::Result<()> {
    fn outcome(self) -> Result<()> {
        self.map_err(fault::general)
    }
}
fn outcome(of: impl Outcome) -> Result<()> {
    of.outcome()
}

/// Makes the folders and an empty file that only its owner can read; SQLite gives `-wal` and `-shm` the same rights.
fn create(path: &Path) -> Result<()> {
    let path = &end_of_links(path);
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        let mut builder = DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(folder).map_err(|error| {
            Error::new(kind(&error), format!("the folder {} can't be made", folder.display()))
                .with_help("check the path and the permissions above it, or choose another place")
                .with_cause(error)
        })?;
    }
    let mut options = OpenOptions::new();
    // Only a file that is new is opened by us: closing one that SQLite has open in this process would drop its locks.
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(Error::new(kind(&error), format!("{} can't be made", path.display()))
            .with_help("check the path, the permissions on its folder and the space on its disk")
            .with_cause(error)),
    }
}

/// What the operating system's error about something that was to be made is here.
fn kind(error: &std::io::Error) -> ErrorKind {
    match error.kind() {
        std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => ErrorKind::DiskFull,
        std::io::ErrorKind::ReadOnlyFilesystem => ErrorKind::ReadOnly,
        _ => ErrorKind::CannotOpen,
    }
}

/// Where a symbolic link to a missing file points to, so that the file is made there.
fn end_of_links(path: &Path) -> PathBuf {
    let mut end = path.to_owned();
    // As many as Linux follows; links that go round in a circle are no missing file and were told of before.
    for _ in 0..40 {
        match std::fs::read_link(&end) {
            // A relative one counts from the folder it lies in; joining an absolute one leaves only that.
            Ok(target) => end = end.parent().unwrap_or(Path::new("")).join(target),
            Err(_) => break,
        }
    }
    end
}

fn exists(path: &Path) -> Result<()> {
    match std::fs::metadata(path) {
        // Opening a pipe would wait for somebody to write into it.
        Ok(found) if !found.is_dir() && !found.is_file() => Err(Error::new(
            ErrorKind::NotADatabase,
            format!("{} is a device, a pipe or a socket, not a database", path.display()),
        )
        .with_help("check the path")),
        Ok(found) if found.is_dir() => Err(Error::new(
            ErrorKind::NotADatabase,
            format!("{} is a folder, not a database", path.display()),
        )
        .with_help("name the file in it")),
        Ok(_) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Err(Error::new(
            ErrorKind::NotInitialized,
            format!("{} is not initialised yet: there is no such file", path.display()),
        )
        .with_help("migrate it first: `larder migrate`")),
        Err(error) => {
            Err(Error::new(ErrorKind::CannotOpen, format!("{} can't be looked at", path.display()))
                .with_help("check the path, and the permissions on the folders above it")
                .with_cause(error))
        }
    }
}

/// The settings of PRAGMAs that hold unless they are overridden.
impl Default for Settings {
    fn default() -> Self {
        let pragmas: Vec<Pragma> =
            super::DEFAULTS.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Self { busy_timeout: Duration::from_millis(5000), pragmas, create: true, read_only: false }
    }
}
