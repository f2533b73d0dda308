//! Is there room on the disk?

use super::exam::{Exam, bytes, size_of};
use crate::error::Result;
use rustix::fs::statvfs;

/// Below this, the next writes and checkpoints fail.
const FULL: u64 = 1 << 20;
/// Below this, the log of one larger transaction fills the disk.
const SCARCE: u64 = 64 << 20;

pub(super) fn check(exam: &mut Exam<'_>) -> Result<()> {
    // Where the folder is missing too, it will be made on the disk of the nearest one that is there.
    let Some(place) =
        exam.file.as_deref().and_then(|file| file.ancestors().skip(1).find(|folder| folder.is_dir()))
    else {
        return Ok(());
    };
    let Ok(disk) = statvfs(place) else { return Ok(()) };
    let free = disk.f_bavail.saturating_mul(disk.f_frsize);
    let needed = exam.size() + exam.beside("-wal").as_deref().map_or(0, size_of);
    if free < FULL {
        exam.error(
            format!("the disk is full: {} are left", bytes(free)),
            "free space on it outside the database: on a full disk even deleting rows and vacuum fail",
        );
    } else if disk.f_files > 0 && disk.f_favail == 0 {
        exam.error("the disk has no room for another file (no inodes are left)", "remove files from it");
    } else if free < needed {
        exam.warn(
            format!("{} are left on the disk and the database has {}", bytes(free), bytes(needed)),
            "free space: a backup, a vacuum and a migration that needs approval each take as much as the database has",
        );
    } else if free < SCARCE {
        exam.warn(format!("only {} are left on the disk", bytes(free)), "free space before it is full");
    }
    Ok(())
}
