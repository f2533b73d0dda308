//! The names of backups, and how many of them are kept.

use super::file::{sync_folder, trouble};
use crate::error::Result;
use jiff::Timestamp;
use std::path::{Path, PathBuf};

/// How many backups of a database are kept unless said otherwise.
pub const KEEP: usize = 5;

/// The name of a backup: `<stem>-<time>[-<label>].db`, as in `app-20260131T093000123Z-0005_contact.db`. The time is UTC to a
/// millisecond, so that the order of names is the order of time. What can't stand in a name is replaced in the label.
pub fn file_name(stem: &str, at: Timestamp, label: Option<&str>) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.') { c } else { '_' };
    let label: String = label.unwrap_or_default().chars().map(plain).take(64).collect();
    let dash = if label.is_empty() { "" } else { "-" };
    format!("{stem}-{}{dash}{label}.db", stamp(at))
}

/// A time as it stands in names.
pub(super) fn stamp(at: Timestamp) -> String {
    at.strftime("%Y%m%dT%H%M%S%3fZ").to_string()
}

/// The first part of the names of a database's backups: its own name without its end.
pub(super) fn stem(database: Option<&Path>) -> String {
    let stem = database.and_then(Path::file_stem).map(|stem| stem.to_string_lossy().into_owned());
    stem.unwrap_or_else(|| "memory".to_owned())
}

/// Removes the oldest backups of the database `stem` in `folder` until `keep` are left (at least one), and gives the paths of
/// those removed. Only files whose names [`file_name`] could have made are looked at. A missing folder holds none.
///
/// # Errors
/// [`ErrorKind::Backup`](crate::ErrorKind::Backup) when the folder can't be read or a file not removed.
pub fn rotate(folder: &Path, stem: &str, keep: usize) -> Result<Vec<PathBuf>> {
    rotate_with(folder, stem, keep, None)
}

/// [`rotate`], where `made` is kept whatever its name says: the clock may have gone back since the others were made.
pub(super) fn rotate_with(
    folder: &Path,
    stem: &str,
    keep: usize,
    made: Option<&Path>,
) -> Result<Vec<PathBuf>> {
    let made = made.and_then(Path::file_name);
    let mut names = Vec::new();
    let unread = |error| trouble(format!("the folder {} can't be read", folder.display()), error);
    let entries = match std::fs::read_dir(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(unread)?,
    };
    for entry in entries {
        let entry = entry.map_err(unread)?;
        let name = entry.file_name();
        let is_ours = name.to_str().is_some_and(|name| is_backup(name, stem));
        if is_ours && Some(name.as_os_str()) != made && entry.file_type().is_ok_and(|kind| kind.is_file()) {
            names.push(name);
        }
    }
    names.sort_unstable();
    let keep = keep.max(1) - usize::from(made.is_some());
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

/// True for a name that [`file_name`] could have made for `stem`.
fn is_backup(name: &str, stem: &str) -> bool {
    let middle = name
        .strip_prefix(stem)
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
        assert_eq!(file_name("app", at, None), "app-20260131T093000123Z.db");
        let labelled = file_name("app", at, Some("../0005 x/é"));
        assert_eq!(labelled, "app-20260131T093000123Z-.._0005_x__.db");
        assert!(is_backup(&labelled, "app") && is_backup("app-20260131T093000123Z.db", "app"));
        for name in [
            "app.db",
            "app-20260131T093000123Z",
            "app-20260131T093000123Z.db-wal",
            "app-20260131T093000123Z.db.partial",
            "app-20260131T093000123Zx.db",
            "app-2026013xT093000123Z.db",
            "app-old-20260131T093000123Z.db",
            "my-app-20260131T093000123Z.db",
            "app-notes.db",
            "app-20260131T09300012é.db",
        ] {
            assert!(!is_backup(name, "app"), "{name}");
        }
    }
}
