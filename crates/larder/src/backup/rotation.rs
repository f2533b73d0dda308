//! The names of backups, and how many of them are kept.

use super::file::{sync_folder, trouble};
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
    named(&own(Some(database)), at, label)
}

pub(super) fn named(own: &str, at: Timestamp, label: Option<&str>) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.') { c } else { '_' };
    let label: String = label.unwrap_or_default().chars().map(plain).take(64).collect();
    let dash = if label.is_empty() { "" } else { "-" };
    format!("{own}-{}{dash}{label}.db", stamp(at))
}

/// A time as it stands in names.
pub(super) fn stamp(at: Timestamp) -> String {
    at.strftime("%Y%m%dT%H%M%S%3fZ").to_string()
}

/// The first part of the names of a database's backups, which no other database has: its own name, and six digits of the
/// SHA-256 of its path without links.
pub(super) fn own(database: Option<&Path>) -> String {
    let Some(database) = database else { return "memory-000000".to_owned() };
    let path =
        database.canonicalize().or_else(|_| absolute(database)).unwrap_or_else(|_| database.to_owned());
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let digest = Sha256::digest(path.as_os_str().as_encoded_bytes());
    digest.iter().take(3).fold(name + "-", |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Removes the oldest backups of `database` in `folder` until `keep` are left (at least one), and gives the paths of those
/// removed. Only files whose names [`file_name`] could have made for it are looked at. A missing folder holds none.
///
/// # Errors
/// [`ErrorKind::Backup`](crate::ErrorKind::Backup) when the folder can't be read or a file not removed.
pub fn rotate(folder: &Path, database: &Path, keep: usize) -> Result<Vec<PathBuf>> {
    rotate_with(folder, &own(Some(database)), keep, &[])
}

/// [`rotate`], where those of `made` are kept whatever their names say, and even if there are more of them than `keep`: the
/// clock may have gone back since the others were made.
pub(super) fn rotate_with(folder: &Path, own: &str, keep: usize, made: &[PathBuf]) -> Result<Vec<PathBuf>> {
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
        let is_ours = name.to_str().is_some_and(|name| is_backup(name, own));
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

/// True for a name that [`file_name`] could have made for the database `own`.
fn is_backup(name: &str, own: &str) -> bool {
    let middle = name
        .strip_prefix(own)
        .and_then(|rest| rest.strip_prefix('-'))
        .and_then(|rest| rest.strip_suffix(".db"));
    let Some((time, rest)) = middle.and_then(|middle| middle.split_at_checked(19)) else { return false };
    let digits = |text: Option<&str>| text.is_some_and(|text| text.bytes().all(|b| b.is_ascii_digit()));
    digits(time.get(..8))
        && time.get(8..9) == Some("T")
        && digits(time.get(9..18))
        && time.ends_with('Z')
        && (rest.is_empty() || rest.starts_with('-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_sorted_as_time_is_and_recognised() {
        let at: Timestamp = "2026-01-31T09:30:00.1239Z".parse().unwrap();
        let own = own(Some(Path::new("/srv/notes/app.db")));
        assert!(own.starts_with("app.db-") && own.len() == "app.db-3fa2c1".len(), "{own}");
        assert_ne!(own, super::own(Some(Path::new("/srv/other/app.db"))));
        let plain = named("app.db-3fa2c1", at, None);
        assert_eq!(plain, "app.db-3fa2c1-20260131T093000123Z.db");
        let labelled = named("app.db-3fa2c1", at, Some("../0005 x/é"));
        assert_eq!(labelled, "app.db-3fa2c1-20260131T093000123Z-.._0005_x__.db");
        assert!(is_backup(&labelled, "app.db-3fa2c1") && is_backup(&plain, "app.db-3fa2c1"));
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
            assert!(!is_backup(name, "app.db-3fa2c1"), "{name}");
        }
    }
}
