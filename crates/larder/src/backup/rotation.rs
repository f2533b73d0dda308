//! The names of backups, and how many of them are kept.

use super::file::{sync_folder, trouble};
use crate::driver::{Dialect, Driver};
use crate::error::Result;
use jiff::Timestamp;
use sha2::{Digest, Sha256};
use std::ffi::OsStr;
use std::fmt::Write as _;
use std::path::{Path, PathBuf, absolute};

/// How many backups of a database are kept unless said otherwise.
pub const KEEP: usize = 5;

/// The name of a backup of `database`: `<its name>-<fingerprint>-<time>[-<label>].db`, as in
/// `app.db-3fa2c1-20260131T093000123Z-0005_contact.db`. The fingerprint is of the path, so that two databases of one name can
/// have their backups in one folder. The time is UTC to a millisecond, so that the order of names is the order of time. What
/// can't stand in a name is replaced in the label.
pub fn file_name(database: &Path, at: Timestamp, label: Option<&str>) -> String {
    Own::file(database).file_name(at, label)
}

/// What the names of one database's backups have in common, and those of no other database.
#[derive(Clone, Debug)]
pub(super) struct Own {
    /// The name of the database, and six digits of the SHA-256 of where it is.
    start: String,
    end: &'static str,
}

impl Own {
    /// Of a SQLite file; links are followed.
    fn file(database: &Path) -> Self {
        let path =
            database.canonicalize().or_else(|_| absolute(database)).unwrap_or_else(|_| database.to_owned());
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Self { start: name + "-" + &fingerprint(path.as_os_str().as_encoded_bytes()), end: ".db" }
    }

    pub(super) fn of(driver: &dyn Driver) -> Self {
        match (driver.dialect(), driver.file()) {
            (Dialect::Postgres, _) => {
                let place = driver.to_string();
                let name = place.rsplit('/').next().unwrap_or_default();
                let plain: String = name.chars().map(plain).take(64).collect();
                Self { start: plain + "-" + &fingerprint(place.as_bytes()), end: ".dump" }
            }
            (_, Some(file)) => Self::file(file),
            (_, None) => Self { start: "memory-000000".to_owned(), end: ".db" },
        }
    }

    pub(super) fn file_name(&self, at: Timestamp, label: Option<&str>) -> String {
        let Self { start, end } = self;
        let label: String = label.unwrap_or_default().chars().map(plain).take(64).collect();
        let dash = if label.is_empty() { "" } else { "-" };
        format!("{start}-{}{dash}{label}{end}", stamp(at))
    }

    /// True for a name that [`Own::file_name`] could have made.
    fn is_backup(&self, name: &str) -> bool {
        let middle = name
            .strip_prefix(&self.start)
            .and_then(|rest| rest.strip_prefix('-'))
            .and_then(|rest| rest.strip_suffix(self.end));
        let Some((time, rest)) = middle.and_then(|middle| middle.split_at_checked(19)) else { return false };
        let digits = |text: Option<&str>| text.is_some_and(|text| text.bytes().all(|b| b.is_ascii_digit()));
        digits(time.get(..8))
            && time.get(8..9) == Some("T")
            && digits(time.get(9..18))
            && time.ends_with('Z')
            && (rest.is_empty() || rest.starts_with('-'))
    }
}

/// What can't stand in a name is replaced.
fn plain(c: char) -> char {
    if c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.') { c } else { '_' }
}

fn fingerprint(of: &[u8]) -> String {
    Sha256::digest(of).iter().take(3).fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// A time as it stands in names.
pub(super) fn stamp(at: Timestamp) -> String {
    at.strftime("%Y%m%dT%H%M%S%3fZ").to_string()
}

/// Removes the oldest backups of `database` in `folder` until `keep` are left (at least one), and gives the paths of those
/// removed. Only files whose names [`file_name`] could have made for it are looked at. A missing folder holds none.
///
/// # Errors
/// [`ErrorKind::Backup`](crate::ErrorKind::Backup) when the folder can't be read or a file not removed.
pub fn rotate(folder: &Path, database: &Path, keep: usize) -> Result<Vec<PathBuf>> {
    rotate_with(folder, &Own::file(database), keep, &[])
}

/// [`rotate`], where those of `made` are kept whatever their names say, and even if there are more of them than `keep`: the
/// clock may have gone back since the others were made.
pub(super) fn rotate_with(folder: &Path, own: &Own, keep: usize, made: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let made: Vec<&OsStr> = made.iter().filter_map(|path| path.file_name()).collect();
    let mut names = Vec::new();
    let unread = |error| trouble(format!("the folder {} can't be read", folder.display()), error);
    let entries = match std::fs::read_dir(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(unread)?,
    };
    for entry in entries {
        let entry = entry.map_err(unread)?;
        let name = entry.file_name();
        let is_ours = name.to_str().is_some_and(|name| own.is_backup(name));
        if is_ours && !made.contains(&name.as_os_str()) && entry.file_type().is_ok_and(|kind| kind.is_file())
        {
            names.push(name);
        }
    }
    names.sort_unstable();
    let keep = keep.max(1).saturating_sub(made.len());
    let surplus = names.len().saturating_sub(keep);
    let removed: Vec<PathBuf> = names.iter().take(surplus).map(|name| folder.join(name)).collect();
    for path in &removed {
        super::file::remove(path)
            .map_err(|error| trouble(format!("the old backup {} can't be removed", path.display()), error))?;
    }
    if !removed.is_empty() {
        sync_folder(folder)?;
    }
    Ok(removed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_sorted_as_time_is_and_recognised() {
        let at: Timestamp = "2026-01-31T09:30:00.1239Z".parse().unwrap();
        let own = Own::file(Path::new("/srv/notes/app.db"));
        assert!(own.start.starts_with("app.db-") && own.start.len() == "app.db-3fa2c1".len(), "{own:?}");
        assert_ne!(own.start, Own::file(Path::new("/srv/other/app.db")).start);
        let own = Own { start: "app.db-3fa2c1".to_owned(), end: ".db" };
        let plain = own.file_name(at, None);
        assert_eq!(plain, "app.db-3fa2c1-20260131T093000123Z.db");
        let labelled = own.file_name(at, Some("../0005 x/é"));
        assert_eq!(labelled, "app.db-3fa2c1-20260131T093000123Z-.._0005_x__.db");
        assert!(own.is_backup(&labelled) && own.is_backup(&plain));
        for name in [
            "app.db",
            "app.db-3fa2c1-20260131T093000123Z",
            "app.db-3fa2c1-20260131T093000123Z.db-wal",
            "app.db-3fa2c1-20260131T093000123Z.db.partial",
            "app.db-3fa2c1-20260131T093000123Zx.db",
            "app.db-3fa2c1-2026013xT093000123Z.db",
            "app.db-3fa2c1-old-20260131T093000123Z.db",
            "my-app.db-3fa2c1-20260131T093000123Z.db",
            "app.db-3fa2c1-notes.db",
            "app-20260131T093000123Z.db",
            "app.db-20260131T093000123Z.db",
            "app.db-3fa2c2-20260131T093000123Z.db",
            "app.db-3fa2c1-20260131T09300012é.db",
        ] {
            assert!(!own.is_backup(name), "{name}");
        }
    }
}
