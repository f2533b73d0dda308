//! Backup, restore and vacuum.
//!
//! On SQLite a backup is one database file; on PostgreSQL an archive that the server's own `pg_dump` writes and `pg_restore`
//! reads, which must be installed and not older than the server. Either way it is one file that holds everything, taken while others go on reading and writing. It appears under its name only
//! when it is whole, checked and on the disk. A restore goes through a new file too, and keeps the old one.
//!
//! ```
//! use larder::{Database, backup};
//! # fn main() -> larder::Result<()> {
//! # let folder = tempfile::tempdir().unwrap();
//! # let (file, copy) = (folder.path().join("app.db"), folder.path().join("copy.db"));
//! let db = Database::open(&file)?;
//! db.execute("CREATE TABLE notes (title TEXT)", &[])?;
//! backup::create(&db, &copy)?;
//! db.execute("DROP TABLE notes", &[])?;
//! db.close()?; // nothing is restored over a database that is open
//!
//! let restored = backup::restore(&copy, &file)?;
//! assert!(restored.kept.is_some(), "the database from before is still there, beside it");
//! Database::open(&file)?.execute("INSERT INTO notes VALUES ('here again')", &[])?;
//! # Ok(())
//! # }
//! ```

mod check;
mod copy;
mod file;
mod holder;
mod partial;
#[cfg(feature = "postgres")]
mod postgres;
mod restore;
mod rotation;
mod space;
mod taken;
mod vacuum;

pub use check::{Verified, verify};
pub use copy::{Backup, create, create_in};
pub(crate) use copy::{copy_to, create_beside};
pub use restore::{Restored, RestoredInto, restore, restore_into};
pub use rotation::{KEEP, file_name, rotate};
pub use vacuum::{Vacuumed, vacuum};

use crate::driver::Connection;
use crate::driver::sqlite::{Place, Settings, Sqlite};
use crate::error::{Error, ErrorKind, Result};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf, absolute};
use std::time::Duration;

/// A driver for the file as it is: nothing of it is set, and it is not made.
fn bare(path: &Path, read_only: bool, busy_timeout: Duration) -> Sqlite {
    let settings = Settings { busy_timeout, pragmas: Vec::new(), create: false, read_only };
    Sqlite { place: Place::File(path.to_owned()), settings }
}

/// The path from the root on: SQLite takes what begins with `file:` for a URI.
fn rooted(path: &Path) -> Result<PathBuf> {
    if path.file_name().is_none() {
        return Err(Error::new(ErrorKind::Backup, format!("`{}` is not the path of a file", path.display()))
            .with_help("name a file"));
    }
    absolute(path).map_err(|error| {
        Error::new(ErrorKind::Backup, format!("the path {} can't be made absolute", path.display()))
            .with_help("give the path from the root on")
            .with_cause(error)
    })
}

/// Says what failed, and keeps the kinds that a caller decides on; all others are a backup that could not be completed.
fn failed(what: String, error: Error) -> Error {
    use ErrorKind as K;
    let kind = match error.kind() {
        kind @ (K::DiskFull
        | K::Busy
        | K::NotADatabase
        | K::NotInitialized
        | K::ReadOnly
        | K::Interrupted
        | K::Unsupported
        | K::Closed
        | K::Nested) => kind,
        _ => K::Backup,
    };
    let help = error.help().unwrap_or("what was there before is unchanged").to_owned();
    Error::new(kind, what).with_help(help).with_cause(error)
}

/// Runs a PRAGMA and gives its answer as text.
fn answer(connection: &mut dyn Connection, sql: &str) -> Result<String> {
    let mut answer = String::new();
    connection.query(sql, &[], &mut |row| {
        answer = row.values()?.first().map(ToString::to_string).unwrap_or_default();
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(answer)
}
