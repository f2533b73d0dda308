//! Giving the space of removed rows back to the disk.

use super::file::{folder, with_end};
use super::{answer, copy, failed, space};
use crate::db::Database;
use crate::driver::{Access, Connection, Dialect};
use crate::error::{Error, ErrorKind, Result};
use std::ops::ControlFlow;
use std::path::Path;
use std::time::{Duration, Instant};

/// What [`vacuum`] did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Vacuumed {
    /// The bytes of the database on the disk before, with its log.
    pub before: u64,
    /// The bytes afterwards.
    pub after: u64,
    /// How long it took.
    pub duration: Duration,
}

impl Vacuumed {
    /// The bytes that were won.
    pub fn won(&self) -> u64 {
        self.before.saturating_sub(self.after)
    }
}

/// Up to here the copy that VACUUM makes is held in memory, above in a file.
const IN_MEMORY: u64 = 64 * 1024 * 1024;

/// Writes the database anew without the pages that are empty, in order, and empties its log. Writers wait meanwhile.
///
/// On PostgreSQL it is `VACUUM (ANALYZE)`, which nobody waits for: the space of removed rows is free for new ones, and most of
/// it stays the database's. Giving all of it back (`VACUUM FULL`) would keep readers out for as long as it takes.
///
/// # Errors
/// [`ErrorKind::DiskFull`], before anything is done, when the disk has not twice the database's size left;
/// [`ErrorKind::Busy`] when another connection writes, or reads for longer than the busy timeout; [`ErrorKind::ReadOnly`].
pub fn vacuum(db: &Database) -> Result<Vacuumed> {
    let what = |error: Error| match error.kind() {
        ErrorKind::DiskFull | ErrorKind::Busy | ErrorKind::Backup => error,
        _ => failed(format!("{db} could not be vacuumed"), error),
    };
    if db.driver().dialect() == Dialect::Postgres {
        return db.with_writer(server).map_err(what);
    }
    if db.is_single() {
        return db.with_writer(|connection| run(connection, None)).map_err(what);
    }
    copy::in_place(db)?;
    // Held while it runs, so that this program's own writers wait for it and do not fail. A connection of its own does the
    // work, for where VACUUM keeps its copy is a setting, and changing it empties a connection's temporary tables.
    db.with_writer(|_| run(db.driver().connect(Access::Write)?.as_mut(), db.file())).map_err(what)
}

/// On PostgreSQL: makes the space of removed rows free for others, and counts anew what the planner goes by.
fn server(connection: &mut dyn Connection) -> Result<Vacuumed> {
    const SIZE: &str = "SELECT pg_database_size(current_database())";
    let begun = Instant::now();
    let before = space::number(connection, SIZE)?;
    connection.watch(true)?;
    let done = connection.execute("VACUUM (ANALYZE)", &[]);
    connection.watch(false)?;
    done?;
    Ok(Vacuumed { before, after: space::number(connection, SIZE)?, duration: begun.elapsed() })
}

fn run(connection: &mut dyn Connection, file: Option<&Path>) -> Result<Vacuumed> {
    let begun = Instant::now();
    connection.watch(true)?;
    let done = watched(connection, file);
    connection.watch(false)?;
    let (before, after) = done?;
    Ok(Vacuumed { before, after, duration: begun.elapsed() })
}

fn watched(connection: &mut dyn Connection, file: Option<&Path>) -> Result<(u64, u64)> {
    let before = size(connection, file)?;
    if let Some(file) = file {
        let used = space::used(connection)?;
        space::check(folder(file), used.saturating_mul(2), "vacuum")?;
        // First, so that one who reads for long is noticed before the log grows by the whole database. A page is put into the
        // log for that, for nobody stands in the way of emptying an empty one.
        let version = answer(connection, "PRAGMA user_version")?;
        connection.execute(&format!("PRAGMA user_version = {version}"), &[])?;
        if !empty_log(connection)? {
            return Err(Error::new(
                ErrorKind::Busy,
                format!("{} is in use: another connection is reading or writing", file.display()),
            )
            .with_help("try again when it is done"));
        }
        let keep = if used > IN_MEMORY { "PRAGMA temp_store = FILE" } else { "PRAGMA temp_store = MEMORY" };
        connection.execute(keep, &[])?;
    }
    connection.execute("VACUUM", &[])?;
    if file.is_some() && !empty_log(connection)? {
        tracing::warn!("vacuumed, but another connection keeps the log from being emptied");
    }
    Ok((before, size(connection, file)?))
}

/// The bytes on the disk; for what is in no file, of its pages.
fn size(connection: &mut dyn Connection, file: Option<&Path>) -> Result<u64> {
    let length = |path: &Path| std::fs::metadata(path).map_or(0, |found| found.len());
    match file {
        Some(file) => Ok(length(file) + length(&with_end(file, "-wal"))),
        None => space::whole(connection),
    }
}

/// Moves the log into the file and empties it; false when somebody is in the way. True where there is no log.
fn empty_log(connection: &mut dyn Connection) -> Result<bool> {
    let mut busy = false;
    connection.query("PRAGMA wal_checkpoint(TRUNCATE)", &[], &mut |row| {
        busy = row.get(0)?;
        Ok(ControlFlow::Break(()))
    })?;
    Ok(!busy)
}
