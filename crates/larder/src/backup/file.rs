//! The few things done to files beside SQLite.

use crate::error::{Error, ErrorKind, Result};
pub(super) use crate::path::with_end;
use std::fs::{DirBuilder, File, Metadata};
use std::io;
use std::path::Path;

/// What SQLite may put beside a database, by the ends of the names.
pub(super) const SIBLINGS: [&str; 3] = ["-wal", "-shm", "-journal"];

/// The folder of a file whose path is absolute.
pub(super) fn folder(path: &Path) -> &Path {
    path.parent().unwrap_or(path)
}

/// Removes a file; that there is none is fine.
pub(super) fn remove(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Removes what SQLite left beside the database at `path`.
pub(super) fn remove_siblings(path: &Path) -> io::Result<()> {
    SIBLINGS.iter().try_for_each(|end| remove(&with_end(path, end)))
}

/// Makes the folder, and those above it, for its owner only.
pub(super) fn make_folder(folder: &Path) -> Result<()> {
    let missing: Vec<&Path> = folder.ancestors().take_while(|folder| !folder.exists()).collect();
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
        .create(folder)
        .map_err(|error| trouble(format!("the folder {} can't be made", folder.display()), error))?;
    // The name of a new folder is in the one above it.
    missing.iter().filter_map(|folder| folder.parent()).try_for_each(sync_folder)
}

/// Puts the names in a folder on the disk: without that a file that was renamed can be gone after a power cut.
pub(super) fn sync_folder(folder: &Path) -> Result<()> {
    if cfg!(not(unix)) {
        return Ok(());
    }
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(|error| {
        trouble(format!("the folder {} could not be written to the disk", folder.display()), error)
    })
}

/// True when both are one file, perhaps under two names.
#[cfg(unix)]
pub(super) fn same(a: &Metadata, b: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    (a.dev(), a.ino()) == (b.dev(), b.ino())
}

/// True when both are one file, as far as can be told here.
#[cfg(not(unix))]
pub(super) fn same(a: &Metadata, b: &Metadata) -> bool {
    a.len() == b.len() && a.created().ok() == b.created().ok()
}

/// Gives `to` the rights of `from`, and its owner where we may.
pub(super) fn take_over_rights(from: &Metadata, to: &Path) -> Result<()> {
    std::fs::set_permissions(to, from.permissions())
        .map_err(|error| trouble(format!("the permissions of {} can't be set", to.display()), error))?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        // Only root may give a file away. For all others it is theirs already, or they could not have it anyway.
        let _ = std::os::unix::fs::chown(to, Some(from.uid()), Some(from.gid()));
    }
    Ok(())
}

/// The error of the operating system, as one of ours.
pub(super) fn trouble(what: String, error: io::Error) -> Error {
    let (kind, help) = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            (ErrorKind::DiskFull, "free space on its disk and try again")
        }
        io::ErrorKind::AlreadyExists => (ErrorKind::Backup, "choose another name, or move the file away"),
        _ => (ErrorKind::Backup, "check the path and the permissions on its folder"),
    };
    Error::new(kind, what).with_help(help).with_cause(error)
}
