//! What did a broken-off backup or migration leave behind?

use super::exam::{Exam, bytes};
use super::postgres;
use crate::driver::Dialect;
use crate::error::Result;
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// Between making such a file and locking it there is a moment.
const MOMENT: Duration = Duration::from_secs(60);

pub(super) fn check(exam: &mut Exam<'_>) -> Result<()> {
    for folder in [exam.folder().map(Path::to_owned), exam.backups()].into_iter().flatten() {
        partial(exam, &folder);
    }
    lock(exam)
}

fn partial(exam: &mut Exam<'_>, folder: &Path) {
    let Some(stem) = exam.stem() else { return };
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    let mut found: Vec<(PathBuf, u64)> = entries
        .filter_map(|entry| {
            let entry = entry.ok()?;
            let name = entry.file_name().into_string().ok()?;
            if !name.starts_with(&stem) || !name.ends_with(".partial") && !name.ends_with(".partial-journal")
            {
                return None;
            }
            let data = entry.metadata().ok().filter(std::fs::Metadata::is_file)?;
            let age = SystemTime::now().duration_since(data.modified().ok()?).ok()?;
            (age > MOMENT && !is_locked(&entry.path())).then(|| (entry.path(), data.len()))
        })
        .collect();
    found.sort();
    for (path, size) in found {
        let fixed = exam.settings.fix && std::fs::remove_file(&path).is_ok();
        exam.warn(
            format!("{} ({}) was left by a backup that did not finish", path.display(), bytes(size)),
            "remove it, or run `larder doctor --fix`: it is not a backup",
        )
        .fixed = fixed;
    }
}

/// The lock is held by who has locked the file, not by the file being there: one left behind stops nobody.
fn lock(exam: &mut Exam<'_>) -> Result<()> {
    let Some(path) = exam.beside("-migrate.lock") else { return Ok(()) };
    if !path.exists() {
        return Ok(());
    }
    if is_locked(&path) {
        exam.info("a migration is running now");
        return Ok(());
    }
    // Taking the lock and letting go removes the file in the one order that is safe.
    let fixed = exam.settings.fix
        && exam
            .writer()
            .and_then(|writer| writer.with_writer(|connection| connection.lock("migrate").map(drop)))
            .is_ok();
    let finding = exam.info(format!(
        "{} was left by a program that was killed while it migrated; it stops nobody",
        path.display()
    ));
    finding.fix = Some("remove it when no migration runs, or run `larder doctor --fix`".into());
    finding.fixed = fixed;
    Ok(())
}

/// True while a process runs a migration that can't run in a transaction; on a server, any migration.
pub(super) fn is_migrating(exam: &Exam<'_>) -> bool {
    if exam.dialect == Dialect::Postgres {
        return postgres::is_migrating(exam).unwrap_or(false);
    }
    exam.beside("-migrate.lock").is_some_and(|path| is_locked(&path))
}

/// Whoever works on such a file holds a lock on it, of another sort than SQLite's own, which this leaves alone.
fn is_locked(path: &Path) -> bool {
    File::open(path).is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
}
