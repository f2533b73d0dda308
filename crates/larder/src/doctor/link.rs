//! Does the file have other names?

use super::exam::Exam;
use crate::error::Result;

/// SQLite finds the log and the journal by the name that the database was opened under: opened under two names, a file
/// has two logs, and each connection misses what the other wrote.
pub(super) fn check(exam: &mut Exam<'_>) -> Result<()> {
    #[cfg(unix)]
    if let Some(path) = &exam.file {
        use std::os::unix::fs::MetadataExt;
        let links =
            std::fs::metadata(path).map_or(1, |found| if found.is_file() { found.nlink() } else { 1 });
        if links > 1 {
            exam.warn(
                format!("the file has {links} names (hard links); used under two of them, it is damaged"),
                "remove the other names (`find FOLDER -samefile FILE` lists them), or replace the file by a backup of it",
            );
        }
    }
    #[cfg(not(unix))]
    let _ = exam;
    Ok(())
}
