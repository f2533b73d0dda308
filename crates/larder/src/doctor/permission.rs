//! Who may read and write the file, those beside it, and its folder?

use super::checkup::State;
use super::exam::Exam;
use crate::error::Result;
use rustix::fs::{Access, access};
use std::fs::{Metadata, Permissions, metadata, set_permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

pub(super) fn check(exam: &mut Exam<'_>) -> Result<()> {
    let Some(path) = exam.file.clone() else { return Ok(()) };
    folder(exam, &path);
    let Ok(found) = metadata(&path) else { return Ok(()) };
    if !found.is_file() {
        return Ok(());
    }
    main(exam, &path, &found);
    let mut open_to_others = vec![(path, found.mode())];
    for suffix in ["-wal", "-shm", "-journal"] {
        let Some(path) = exam.beside(suffix) else { continue };
        let Ok(beside) = metadata(&path) else { continue };
        owned_alike(exam, &path, &beside, &found);
        open_to_others.push((path, beside.mode()));
    }
    open_to_others.retain(|(_, mode)| mode & 0o077 != 0);
    private(exam, &open_to_others);
    Ok(())
}

fn main(exam: &mut Exam<'_>, path: &Path, found: &Metadata) {
    let shown = path.display();
    let owner = found.uid();
    if access(path, Access::READ_OK).is_err() {
        exam.becomes(State::Unreadable);
        exam.error(
            format!("this user may not read {shown}, which belongs to user {owner}"),
            "run doctor as the user that the program runs as, or give this user the file (chown)",
        );
    } else if access(path, Access::WRITE_OK).is_err() {
        exam.error(
            format!("this user may not write to {shown}, which belongs to user {owner}"),
            "run as the owner, or give this user permission to write (chmod, chown); on a read-only disk only reading works",
        );
    }
}

/// SQLite makes and removes files beside the database's all the time.
fn folder(exam: &mut Exam<'_>, path: &Path) {
    // Where the folder is missing too, it will be made in the nearest one that is there.
    let Some(folder) = path.ancestors().skip(1).find(|folder| folder.is_dir()) else { return };
    let Ok(found) = metadata(folder) else { return };
    let shown = folder.display();
    if access(folder, Access::WRITE_OK | Access::EXEC_OK).is_err() {
        exam.error(
            format!("this user may not make files in the folder {shown}, which belongs to user {}", found.uid()),
            "run as the owner, or give this user permission on the folder: every write makes files beside the database",
        );
    }
    if found.mode() & 0o022 != 0 && path.parent() == Some(folder) {
        exam.warn(
            format!("other users may make and replace files in the folder {shown}"),
            "keep the database in a folder of its own, and run `chmod 700` on that",
        );
    }
}

/// A `-wal` that root left behind stops the program that owns the database.
fn owned_alike(exam: &mut Exam<'_>, path: &Path, beside: &Metadata, database: &Metadata) {
    if beside.uid() == database.uid() {
        return;
    }
    exam.warn(
        format!(
            "{} belongs to user {} and the database to user {}, who may not be able to use it",
            path.display(),
            beside.uid(),
            database.uid()
        ),
        "give it to the owner of the database (chown); run programs on the database only as its owner",
    );
}

fn private(exam: &mut Exam<'_>, files: &[(PathBuf, u32)]) {
    if files.is_empty() {
        return;
    }
    let names: Vec<_> =
        files.iter().map(|(path, mode)| format!("{} ({:o})", path.display(), mode & 0o777)).collect();
    let writable = files.iter().any(|(_, mode)| mode & 0o022 != 0);
    let may = if writable { "read and write" } else { "read" };
    let fixed = exam.settings.fix
        && files
            .iter()
            .all(|(path, mode)| set_permissions(path, Permissions::from_mode(mode & 0o700)).is_ok());
    exam.warn(
        format!("other users may {may} {}", names.join(", ")),
        "close it to them: `chmod 600`, or `larder doctor --fix`, unless they are meant to",
    )
    .fixed = fixed;
}
