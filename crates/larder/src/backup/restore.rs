//! Putting a backup in the place of a database.
//!
//! The order of the steps, and what is at the path if everything stops right after each. "Old" is the database that was there.
//!
//! | step | at the path |
//! |---|---|
//! | 1. `from` is checked, copied to `<to>.partial`, and the copy checked and put on the disk | old, untouched |
//! | 2. old is locked for ourselves; its log is moved into it and removed | old, in one file |
//! | 3. old gets a second name, `<to>.before-restore-<time>`, and that is put on the disk | old |
//! | 4. nobody else has it open: looked at under the lock | old |
//! | 5. the copy is renamed to `to`, which replaces the first name of old in one step | new |
//! | 6. the folder is put on the disk, then the lock is let go | new |
//!
//! A log of old (`-wal`, `-journal`) beside new would be played into it and damage it, so there is none left before step 5.
//! Old is out of WAL mode since step 2: whoever opened it before step 5 and waits for the lock can't write to it any more,
//! for SQLite refuses to make a journal for a file that has moved, where in WAL mode it would write into the new one's log.
//! That it does not find the new one's log by the name they share, step 6 waits until it has given up. Who it is can be seen on
//! Linux only; elsewhere one that opens the database in the very millisecond of step 5 is not waited for.

use super::file::{
    SIBLINGS, folder, remove, remove_siblings, same, sync_folder, take_over_rights, trouble, with_end,
};
use super::holder::holders;
use super::partial::Partial;
use super::rotation::stamp;
use super::taken::{PATIENCE, Taken, in_use};
use super::{bare, check, copy, failed, rooted};
use crate::db::Options;
#[cfg(feature = "postgres")]
use crate::driver::Dialect;
use crate::driver::{Access, Driver};
use crate::error::{Error, ErrorKind, Result};
use jiff::Timestamp;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// A restore that was done.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Restored {
    /// The database.
    pub path: PathBuf,
    /// Where the one from before is now, if there was one. It is a whole database, unless it was damaged before.
    pub kept: Option<PathBuf>,
    /// The version of the schema that is now there; `None` for a database that was never migrated by Larder.
    pub schema_version: Option<i64>,
}

/// A restore of either engine that was done.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RestoredInto {
    /// The database: its file, or its URL without a password.
    pub database: String,
    /// Where the one from before is now, if there was one: its file, or on PostgreSQL the name it has now on the same server.
    pub kept: Option<String>,
    /// The version of the schema that is now there; `None` for a database that was never migrated by Larder.
    pub schema_version: Option<i64>,
}

/// Puts what is in the backup `from` in the place of the database that `to` would open. For a SQLite file it is
/// [`restore`]. On PostgreSQL the archive goes into a new database on the same server; when it is whole, both change their
/// names in one transaction, and the one from before is kept as `<name>_before_restore_<time>`. That takes the right to make
/// databases (`CREATEDB`), and a connection to the database `postgres` or `template1`. Settings that hang on the database
/// itself (`ALTER DATABASE … SET`, its privileges) are not part of an archive and stay with the old one.
///
/// # Errors
/// As [`restore`]; [`ErrorKind::Unsupported`] where `pg_restore` is missing or too old, and for a backup of the other engine.
pub fn restore_into(from: &Path, to: &Options) -> Result<RestoredInto> {
    let driver = to.driver_of()?;
    let from = &rooted(from)?;
    #[cfg(feature = "postgres")]
    {
        let archive = super::postgres::is_archive(from);
        if driver.dialect() == Dialect::Postgres {
            if from.is_file() && !archive {
                return Err(other_engine(from, "is no archive of pg_dump", &driver.to_string()));
            }
            return super::postgres::restore(from, driver.as_ref());
        }
        if archive {
            return Err(other_engine(from, "is an archive of pg_dump", &driver.to_string()));
        }
    }
    let Some(file) = driver.file() else {
        return Err(Error::new(ErrorKind::Config, format!("{driver} names no file"))
            .with_help("name the file of the database"));
    };
    let done = restore(from, file)?;
    let shown = |path: &Path| path.display().to_string();
    Ok(RestoredInto {
        database: shown(&done.path),
        kept: done.kept.as_deref().map(shown),
        schema_version: done.schema_version,
    })
}

#[cfg(feature = "postgres")]
fn other_engine(from: &Path, is: &str, to: &str) -> Error {
    Error::new(ErrorKind::Unsupported, format!("{} {is}, and is not for {to}", from.display()))
        .with_help("restore it into a database of its own engine, and move the rows with `larder copy`")
}

/// How long one is waited for that seems to have it open although nobody has the lock. Between starting a process and running
/// its program everything that its parent has open is open in it too. Not longer, for a real one may be waiting for us.
const GLIMPSE: Duration = Duration::from_millis(100);

/// How long the lock on the old database is held for one who has opened it in the last moment and waits for the lock. Such a
/// one gives up after its own busy timeout, 5 seconds unless set.
const LINGER: Duration = Duration::from_secs(10);

/// Puts what is in the backup `from` in the place of the database `to`. `from` stays. What was at `to` is kept beside it, under
/// a name that ends in `.before-restore-<time>`; a database that was damaged is kept as it was, with its log.
///
/// At every moment `to` is the whole old database or the whole new one, also when the process is killed or the power fails.
///
/// # Errors
/// Nothing is changed then, except that a log of the old database may have been moved into it.
/// [`ErrorKind::Busy`] when somebody has `to` open (outside WAL mode an idle connection of another user's process, or any
/// idle one on another system than Linux, can't be seen); [`ErrorKind::NotADatabase`] when `from` is not one;
/// [`ErrorKind::Backup`] when `from` is missing or damaged, or a file can't be written; [`ErrorKind::DiskFull`].
pub fn restore(from: &Path, to: &Path) -> Result<Restored> {
    let (from, to) = (&rooted(from)?, &real(&rooted(to)?)?);
    let old = std::fs::metadata(to).ok();
    if let (Some(old), Ok(from)) = (&old, std::fs::metadata(from))
        && same(old, &from)
    {
        return Err(Error::new(ErrorKind::Backup, format!("{} is the database itself", to.display()))
            .with_help("name a backup of it"));
    }
    let verified = check::verify(from)?;
    let partial = Partial::begin(to)?;
    let mut source = bare(from, false, PATIENCE)
        .connect(Access::Write)
        .map_err(|error| failed(format!("{} can't be read", from.display()), error))?;
    copy::fill(source.as_mut(), partial.path(), to)?;
    drop(source);
    check::verify(partial.path())?;
    if let Some(old) = &old {
        take_over_rights(old, partial.path())?;
    }
    partial.sync()?;
    let kept = match old {
        Some(_) => Some(swap(partial, to)?),
        None => place(partial, to)?,
    };
    tracing::info!(from = %from.display(), to = %to.display(), "restored");
    Ok(Restored { path: to.clone(), kept, schema_version: verified.schema_version })
}

/// The file that a symbolic link leads to; a path that is none as it is.
fn real(path: &Path) -> Result<PathBuf> {
    let Ok(found) = path.symlink_metadata() else { return Ok(path.to_owned()) };
    if found.is_dir() {
        return Err(Error::new(
            ErrorKind::NotADatabase,
            format!("{} is a folder, not a database", path.display()),
        )
        .with_help("name the file in it"));
    }
    if !found.is_symlink() {
        return Ok(path.to_owned());
    }
    let lost = |error| trouble(format!("{} is a link that leads to no file", path.display()), error);
    real(&path.canonicalize().map_err(lost)?)
}

/// Where no database is, but perhaps the log of one that was.
fn place(partial: Partial, to: &Path) -> Result<Option<PathBuf>> {
    let mut kept = None;
    if SIBLINGS.iter().any(|end| with_end(to, end).exists()) {
        let name = kept_name(to);
        second_names(to, &name)?;
        remove_siblings(to)
            .map_err(|error| trouble(format!("what is beside {} can't be removed", to.display()), error))?;
        kept = Some(name);
    }
    partial.place()?;
    Ok(kept)
}

/// Where a database is. Gives the path at which it is kept.
fn swap(partial: Partial, to: &Path) -> Result<PathBuf> {
    let mut taken = Taken::take(to)?;
    forget_second_names(to)?;
    let kept = kept_name(to);
    let kept_whole = keep(to, &kept)?;
    nobody_else(to).inspect_err(|_| {
        // Names only: the files are still there as they were.
        let names = SIBLINGS.iter().map(|end| with_end(&kept, end)).chain([kept.clone()]);
        names.for_each(|path| drop(remove(&path)));
    })?;
    // From here on nothing that has a name at `kept` is touched: it may be the last one.
    taken.let_go_if_damaged();
    remove_siblings(to)
        .map_err(|error| trouble(format!("what is beside {} can't be removed", to.display()), error))?;
    if !kept_whole {
        // No second names on this file system: for a moment there is no file at the path.
        std::fs::rename(to, &kept)
            .map_err(|error| trouble(format!("{} can't be moved away", to.display()), error))?;
    }
    if cfg!(windows) {
        // An open file can't be replaced there.
        taken.let_go();
    }
    partial.replace()?;
    linger(&kept);
    taken.let_go();
    Ok(kept)
}

/// Gives the old database, and what is left beside it, the name under which it is kept. False when the file system has no
/// second names and the main file is still to be moved.
fn keep(to: &Path, kept: &Path) -> Result<bool> {
    second_names(to, kept)?;
    let linked = match std::fs::hard_link(to, kept) {
        Ok(()) => true,
        Err(error) if no_links(&error) => false,
        Err(error) => {
            return Err(trouble(format!("{} can't be kept as {}", to.display(), kept.display()), error));
        }
    };
    sync_folder(folder(to))?;
    Ok(linked)
}

/// Gives what is beside `to` a second name beside `kept`.
fn second_names(to: &Path, kept: &Path) -> Result<()> {
    for end in ["-wal", "-journal"] {
        let (from, to) = (with_end(to, end), with_end(kept, end));
        let done = match std::fs::hard_link(&from, &to) {
            Err(error) if no_links(&error) => std::fs::copy(&from, &to).map(|_| ()),
            done => done,
        };
        match done {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(trouble(format!("{} can't be kept", from.display()), error)),
            Ok(()) => {}
        }
    }
    Ok(())
}

fn no_links(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::Unsupported | io::ErrorKind::PermissionDenied | io::ErrorKind::TooManyLinks
    )
}

/// A name that nothing has.
fn kept_name(to: &Path) -> PathBuf {
    loop {
        let name = with_end(to, &format!(".before-restore-{}", stamp(Timestamp::now())));
        if name.symlink_metadata().is_err() {
            return name;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Removes second names that a restore which was killed between steps 3 and 5 gave to the live file. Only a name goes; two
/// names for one live database would be two logs for it.
fn forget_second_names(to: &Path) -> Result<()> {
    let what = |error| trouble(format!("the folder {} can't be read", folder(to).display()), error);
    let live = std::fs::metadata(to).map_err(what)?;
    let mut start = to.file_name().unwrap_or_default().to_owned();
    start.push(".before-restore-");
    for entry in std::fs::read_dir(folder(to)).map_err(what)? {
        let entry = entry.map_err(what)?;
        let is_kept = entry.file_name().as_encoded_bytes().starts_with(start.as_encoded_bytes());
        if is_kept && cfg!(unix) && entry.metadata().is_ok_and(|found| same(&found, &live)) {
            remove(&entry.path()).map_err(what)?;
        }
    }
    Ok(())
}

/// Refuses when another has the file open.
fn nobody_else(path: &Path) -> Result<()> {
    if gone_within(path, GLIMPSE) { Ok(()) } else { Err(in_use(path, None)) }
}

/// Holds on while one who opened the file in the last moment is waiting for our lock.
fn linger(kept: &Path) {
    if !gone_within(kept, LINGER) {
        tracing::warn!(kept = %kept.display(), "another process still has the database from before the restore open");
    }
}

fn gone_within(path: &Path, patience: Duration) -> bool {
    let until = Instant::now() + patience;
    while !holders(path).is_empty() {
        if Instant::now() >= until {
            return false;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    true
}
