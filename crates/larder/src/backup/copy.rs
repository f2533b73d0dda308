//! Taking a backup.

use super::partial::{Partial, refuse_existing};
use super::rotation::Own;
use super::{bare, check, failed, file, rooted, rotation, space};
use crate::db::Database;
#[cfg(feature = "postgres")]
use crate::driver::Dialect;
use crate::driver::{Access, Connection, Driver};
use crate::error::{Error, ErrorKind, Result};
use crate::params;
use jiff::Timestamp;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// A backup that was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Backup {
    /// Where it is.
    pub path: PathBuf,
    /// Its size in bytes.
    pub bytes: u64,
    /// How long it took, with its check.
    pub duration: Duration,
    /// The version of its schema; `None` for a database that was never migrated by Larder.
    pub schema_version: Option<i64>,
    /// Rows that point at rows that are not there, in the backup as in the database.
    pub foreign_key_violations: u64,
}

/// Writes all of the database, as it is at one moment, into the new file `to`. Others go on reading and writing meanwhile.
///
/// The file has another name until it is whole, checked and on the disk, and only its owner can read it. Missing folders are
/// made. A file that is there is never replaced.
///
/// # Errors
/// [`ErrorKind::Unsupported`] on PostgreSQL where `pg_dump` is missing or older than the server;
/// [`ErrorKind::Backup`] when `to` is there already or can't be written, and when the database is damaged or is no longer
/// the file that was opened; [`ErrorKind::DiskFull`], before anything is written where that can be told;
/// [`ErrorKind::Busy`] when another process makes the same file now.
pub fn create(db: &Database, to: &Path) -> Result<Backup> {
    let to = &rooted(to)?;
    #[cfg(feature = "postgres")]
    if db.driver().dialect() == Dialect::Postgres {
        return super::postgres::create(db, to);
    }
    in_place(db)?;
    let what = || format!("the backup {} could not be made", to.display());
    if db.is_single() {
        return db.with_writer(|connection| create_on(connection, to));
    }
    // A connection of its own, so that nobody who writes waits for it.
    let connected = match db.file() {
        Some(file) if db.is_read_only() => bare(file, false, Duration::from_secs(5)).connect(Access::Write),
        _ => db.driver().connect(Access::Write),
    };
    let mut connection = connected.map_err(|error| failed(what(), error))?;
    create_on(connection.as_mut(), to)
}

/// Takes a backup into `folder`, under a name made by [`file_name`](super::file_name) from the database's own, the time and
/// `label`, and then removes the oldest until `keep` of this database are left, of which the new one is always one.
///
/// # Errors
/// As [`create`] and [`rotate`](super::rotate).
pub fn create_in(db: &Database, folder: &Path, label: Option<&str>, keep: usize) -> Result<Backup> {
    create_beside(db, folder, label, keep, &[])
}

/// [`create_in`], where those of `earlier` are not removed either: they belong to the same work.
pub(crate) fn create_beside(
    db: &Database,
    folder: &Path,
    label: Option<&str>,
    keep: usize,
    earlier: &[PathBuf],
) -> Result<Backup> {
    let own = Own::of(db.driver().as_ref());
    let made = create(db, &folder.join(own.file_name(Timestamp::now(), label)))?;
    let ours = [earlier, std::slice::from_ref(&made.path)].concat();
    rotation::rotate_with(folder, &own, keep, &ours)?;
    Ok(made)
}

/// [`create`] through a connection that the caller has, outside a transaction; it is not watched afterwards.
fn create_on(connection: &mut dyn Connection, to: &Path) -> Result<Backup> {
    let begun = Instant::now();
    let to = &rooted(to)?;
    refuse_existing(to)?;
    let partial = Partial::begin(to)?;
    fill(connection, partial.path(), to)?;
    let verified = check::verify(partial.path())?;
    if verified.foreign_key_violations > 0 {
        let count = verified.foreign_key_violations;
        tracing::warn!(backup = %to.display(), count, "rows point at rows that are not there");
    }
    partial.sync()?;
    partial.place()?;
    let duration = begun.elapsed();
    tracing::debug!(backup = %to.display(), bytes = verified.bytes, ?duration, "backed up");
    Ok(Backup {
        path: to.clone(),
        bytes: verified.bytes,
        duration,
        schema_version: verified.schema_version,
        foreign_key_violations: verified.foreign_key_violations,
    })
}

/// Copies the database into the new file `to`, which is neither checked nor surely on the disk: for what is thrown away
/// again. The connection is outside a transaction, and not watched afterwards.
pub(crate) fn copy_to(connection: &mut dyn Connection, to: &Path) -> Result<()> {
    let to = &rooted(to)?;
    refuse_existing(to)?;
    let partial = Partial::begin(to)?;
    fill(connection, partial.path(), to)?;
    partial.place()
}

/// Copies the database into `partial`, an empty file that will be `to`.
pub(super) fn fill(connection: &mut dyn Connection, partial: &Path, to: &Path) -> Result<()> {
    let Some(path) = partial.to_str() else {
        return Err(Error::new(ErrorKind::Backup, format!("the path {} is not UTF-8", to.display()))
            .with_help("choose a path of plain characters"));
    };
    let what = |error| failed(format!("the copy {} could not be written", to.display()), error);
    let needed = space::used(connection).map_err(what)?;
    space::check(file::folder(to), needed, "a copy of the database")?;
    // Watched, for an application's own connection may not run VACUUM.
    connection.watch(true)?;
    let copied = connection.execute("VACUUM INTO :path", params! { path });
    connection.watch(false)?;
    copied.map(|_| ()).map_err(what)
}

/// Refuses when the file is not the one that was opened: opening it once more could make a new and empty one.
pub(super) fn in_place(db: &Database) -> Result<()> {
    match db.health() {
        Ok(health) if health.in_place => return Ok(()),
        Ok(_) => {}
        // A reader that is opened for the question finds no file.
        Err(error) if error.kind() == ErrorKind::NotInitialized => {}
        Err(error) => return Err(error),
    }
    Err(Error::new(ErrorKind::Backup, format!("{db} was moved, deleted or replaced since it was opened"))
        .with_help(
            "open the database again; what was written since may be in a file that has no name any more",
        ))
}
