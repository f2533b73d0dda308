//! Who has a file open.

use crate::db::log_holder::Process;
use std::path::Path;

/// The processes that have the file `path` open, as far as this user may see; this one only if it has it open more than
/// once. Nobody, where the system does not tell.
///
/// SQLite's locks show those in WAL mode and those in a transaction. This also shows one that is idle in another journal
/// mode, and one that waits for our lock.
pub(super) fn holders(path: &Path) -> Vec<Process> {
    #[cfg(target_os = "linux")]
    return of_processes(path).unwrap_or_default();
    #[cfg(not(target_os = "linux"))]
    {
        let _ = path;
        Vec::new()
    }
}

#[cfg(target_os = "linux")]
fn of_processes(path: &Path) -> std::io::Result<Vec<Process>> {
    let wanted = std::fs::metadata(path)?;
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc")?.flatten() {
        let Some(process) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else {
            continue;
        };
        // Another user's, or gone by now.
        let Ok(open) = std::fs::read_dir(entry.path().join("fd")) else { continue };
        let is_wanted = |fd: &std::fs::DirEntry| {
            std::fs::metadata(fd.path()).is_ok_and(|open| super::file::same(&open, &wanted))
        };
        let times = open.flatten().filter(is_wanted).count();
        if times > usize::from(process == std::process::id()) {
            found.push(Process::of(process));
        }
    }
    Ok(found)
}
