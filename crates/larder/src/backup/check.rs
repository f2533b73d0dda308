//! Is this file a whole database?

use super::{bare, failed, rooted, space};
use crate::driver::{Access, Connection, Driver};
use crate::error::{Error, ErrorKind, Result};
use std::ops::ControlFlow;
use std::path::Path;
use std::time::Duration;

/// What [`verify`] found out about a file that is whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Verified {
    /// Its size in bytes.
    pub bytes: u64,
    /// The version of its schema; `None` for a database that was never migrated by Larder.
    pub schema_version: Option<i64>,
    /// Rows that point at rows that are not there. They do not make a file less whole: it holds what was in the database.
    pub foreign_key_violations: u64,
}

/// Reads the whole file and checks that it is an undamaged SQLite database, or archive of `pg_dump`. Nothing is written.
///
/// # Errors
/// [`ErrorKind::NotADatabase`] for a file of another sort, an empty one or a folder; [`ErrorKind::Busy`];
/// [`ErrorKind::Backup`] when it is not there, can't be read, or is damaged.
pub fn verify(path: &Path) -> Result<Verified> {
    let path = &rooted(path)?;
    let shown = path.display();
    #[cfg(feature = "postgres")]
    if super::postgres::is_archive(path) {
        return super::postgres::verify(path);
    }
    if let Err(error) = std::fs::metadata(path) {
        return Err(Error::new(ErrorKind::Backup, format!("there is no file {shown}"))
            .with_help("check the path")
            .with_cause(error));
    }
    let mut connection = bare(path, true, Duration::from_secs(5)).connect(Access::Read).map_err(|error| {
        match error.kind() {
            ErrorKind::ReadOnly => cut_off(path, error),
            _ => failed(format!("{shown} can't be read"), error),
        }
    })?;
    examine(connection.as_mut(), path).map_err(|error| match error.kind() {
        ErrorKind::Backup | ErrorKind::NotADatabase => error,
        ErrorKind::ReadOnly => cut_off(path, error),
        _ => failed(format!("{shown} could not be checked"), error),
    })
}

/// Reading would write: SQLite must first roll back what a killed process had begun.
fn cut_off(path: &Path, error: Error) -> Error {
    Error::new(
        ErrorKind::Backup,
        format!("{} has a journal of a transaction that was cut off", path.display()),
    )
    .with_help("open it once for writing, which rolls that back, and try again")
    .with_cause(error)
}

fn examine(connection: &mut dyn Connection, path: &Path) -> Result<Verified> {
    let bytes = space::whole(connection)?;
    if bytes == 0 {
        return Err(Error::new(ErrorKind::NotADatabase, format!("{} is empty", path.display()))
            .with_help("check the path; a backup is never empty"));
    }
    integrity(connection, path)?;
    let (foreign_key_violations, schema_version) = (violations(connection)?, schema_version(connection)?);
    Ok(Verified { bytes, schema_version, foreign_key_violations })
}

fn integrity(connection: &mut dyn Connection, path: &Path) -> Result<()> {
    let mut found: Vec<String> = Vec::new();
    let ran = connection.query("PRAGMA integrity_check", &[], &mut |row| {
        found.push(row.get(0)?);
        Ok(ControlFlow::Continue(()))
    });
    match ran {
        Ok(()) if matches!(found.as_slice(), [one] if one == "ok") => return Ok(()),
        Ok(()) => {}
        Err(error) if error.kind() == ErrorKind::Corrupt => found.push(error.message().to_owned()),
        Err(error) => return Err(error),
    }
    let first = found.first().map_or("nothing was said", |line| line.lines().next_back().unwrap_or_default());
    let message = format!("{} is damaged ({} faults; the first: {first})", path.display(), found.len());
    Err(Error::new(ErrorKind::Backup, message).with_help("run `larder doctor` on it, or take another backup"))
}

fn violations(connection: &mut dyn Connection) -> Result<u64> {
    let mut count = 0;
    let ran = connection.query("PRAGMA foreign_key_check", &[], &mut |_| {
        count += 1;
        Ok(ControlFlow::Continue(()))
    });
    match ran {
        // A foreign key that points at columns that are no key: the schema's fault, and not one of the file.
        Err(error) if error.kind() == ErrorKind::Statement => Ok(count),
        ran => ran.map(|()| count),
    }
}

fn schema_version(connection: &mut dyn Connection) -> Result<Option<i64>> {
    const TABLES: &str =
        "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name IN ('schema_migrations', 'meta')";
    if space::number(connection, TABLES)? != 2 {
        return Ok(None);
    }
    let mut version = None;
    let ran = connection.query("SELECT schema_version FROM meta", &[], &mut |row| {
        version = row.get(0)?;
        Ok(ControlFlow::Break(()))
    });
    match ran {
        // A table of that name which is not ours.
        Err(error) if matches!(error.kind(), ErrorKind::Statement | ErrorKind::Conversion) => Ok(None),
        ran => ran.map(|()| version),
    }
}
