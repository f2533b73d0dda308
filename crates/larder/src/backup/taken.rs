//! The database that a restore replaces, held so that nobody else gets in.

use super::file::{remove, trouble, with_end};
use super::holder::holders;
use super::{answer, bare, failed};
use crate::driver::{Access, Connection, Driver};
use crate::error::{Error, ErrorKind, Result};
use std::path::Path;
use std::time::Duration;

/// How long one who has the database open is waited for.
pub(super) const PATIENCE: Duration = Duration::from_secs(1);

/// The old database, held so that nobody else can read or write it.
pub(super) struct Taken {
    /// Its end is the end of the lock.
    connection: Option<Box<dyn Connection>>,
    damaged: bool,
}

impl Taken {
    pub(super) fn take(to: &Path) -> Result<Self> {
        let what = || format!("{} can't be taken over", to.display());
        let mut connection =
            bare(to, false, PATIENCE).connect(Access::Write).map_err(|error| failed(what(), error))?;
        connection.watch(true)?;
        let damaged = match lock(connection.as_mut()) {
            Ok(()) => {
                // Ours, and of no use any more: in the exclusive mode SQLite leaves it behind.
                remove(&with_end(to, "-journal")).map_err(|error| trouble(what(), error))?;
                false
            }
            Err(error) if matches!(error.kind(), ErrorKind::NotADatabase | ErrorKind::Corrupt) => {
                tracing::warn!(database = %to.display(), %error, "damaged; kept as it is");
                true
            }
            Err(error) if error.kind() == ErrorKind::Busy => return Err(in_use(to, Some(error))),
            Err(error) => return Err(failed(what(), error)),
        };
        Ok(Self { connection: Some(connection), damaged })
    }

    /// Ends the lock.
    pub(super) fn let_go(&mut self) {
        self.connection = None;
    }

    /// Ends the lock on a database that could not be read. On closing, SQLite may remove its journal by name, and that must
    /// not be the new one's.
    pub(super) fn let_go_if_damaged(&mut self) {
        if self.damaged {
            self.let_go();
        }
    }
}

/// Takes the lock that lets nobody else in, and brings everything into the one file.
fn lock(connection: &mut dyn Connection) -> Result<()> {
    // Kept from the first use on, and not let go between statements.
    answer(connection, "PRAGMA locking_mode = EXCLUSIVE")?;
    answer(connection, "PRAGMA synchronous = FULL")?;
    // Moves the log into the file and removes it. SQLite refuses while any other connection in WAL mode is there.
    let mode = answer(connection, "PRAGMA journal_mode = DELETE")?;
    if mode != "delete" {
        return Err(Error::new(ErrorKind::Busy, format!("the database stays in journal mode {mode}")));
    }
    // In this mode the lock is taken by the first commit. The value is the one that is there.
    let version = answer(connection, "PRAGMA user_version")?;
    connection.begin(Access::Write)?;
    match connection
        .execute(&format!("PRAGMA user_version = {version}"), &[])
        .and_then(|_| connection.commit())
    {
        Ok(()) => {}
        Err(error) => {
            connection.rollback()?;
            return Err(error);
        }
    }
    // Otherwise SQLite removes the journal when the connection is closed, by its name, which is then the new database's: it
    // would take the journal of a transaction that somebody else is in the middle of.
    let mode = answer(connection, "PRAGMA journal_mode = MEMORY")?;
    if mode == "memory" {
        Ok(())
    } else {
        Err(Error::new(ErrorKind::Internal, format!("the journal stays {mode}")))
    }
}

/// The error of a database that somebody has open.
pub(super) fn in_use(to: &Path, cause: Option<Error>) -> Error {
    let who: Vec<String> = holders(to).iter().map(ToString::to_string).collect();
    let who = if who.is_empty() { "another connection".to_owned() } else { who.join(", ") };
    let error = Error::new(ErrorKind::Busy, format!("{} is in use by {who}", to.display()))
        .with_help("close it there first; nothing is restored over a database that is open");
    match cause {
        Some(cause) => error.with_cause(cause),
        None => error,
    }
}
