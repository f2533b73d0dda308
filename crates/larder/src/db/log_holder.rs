//! Which processes read the write-ahead log of a database right now?

use std::fmt;
use std::path::Path;

/// A process, as people know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Process {
    pub(crate) id: u32,
    pub(crate) name: String,
}

impl Process {
    /// The process with that number, by the name of its program where the system tells it.
    #[cfg(target_os = "linux")]
    pub(crate) fn of(id: u32) -> Self {
        let name = std::fs::read_to_string(format!("/proc/{id}/comm")).unwrap_or_default();
        let name = if name.is_empty() { "a program".to_owned() } else { name.trim_end().to_owned() };
        Self { id, name }
    }
}

impl fmt::Display for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (process {})", self.name, self.id)
    }
}

/// The processes, with this one, that are reading the database `file` in WAL mode, by the locks that they hold on its
/// `-shm`. `None` where the system does not tell. That file is only looked at and never opened: closing it again would drop
/// SQLite's own locks in this process.
pub(crate) fn log_holders(file: &Path) -> Option<Vec<Process>> {
    #[cfg(target_os = "linux")]
    {
        use std::os::unix::fs::MetadataExt;
        // SQLite follows symbolic links before it adds to the name.
        let file = std::fs::canonicalize(file).ok()?;
        let found = std::fs::metadata(crate::path::with_end(&file, "-shm")).ok()?;
        let (major, minor) = (rustix::fs::major(found.dev()), rustix::fs::minor(found.dev()));
        let wanted = format!("{major:02x}:{minor:02x}:{}", found.ino());
        let mut all: Vec<u32> = std::fs::read_to_string("/proc/locks")
            .ok()?
            .lines()
            .filter_map(|line| reader(line, &wanted))
            .collect();
        all.sort_unstable();
        all.dedup();
        Some(all.into_iter().map(Process::of).collect())
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = file;
        None
    }
}

/// The process of a line of `/proc/locks` that is a lock to read the log of the file `wanted`:
/// `12: POSIX  ADVISORY  READ 4711 fe:00:131137 124 124`.
#[cfg(target_os = "linux")]
fn reader(line: &str, wanted: &str) -> Option<u32> {
    // SQLite's five locks of those who read, one byte each.
    const FIRST: u64 = 123;
    const LAST: u64 = 127;
    let mut words = line.split_whitespace().skip(1);
    // One who waits for a lock has an arrow here.
    if (words.next()?, words.next()?, words.next()?) != ("POSIX", "ADVISORY", "READ") {
        return None;
    }
    let process = words.next()?.parse().ok()?;
    if words.next()? != wanted {
        return None;
    }
    let first: u64 = words.next()?.parse().ok()?;
    let last = words.next()?.parse().unwrap_or(u64::MAX);
    (first <= LAST && last >= FIRST).then_some(process)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn only_a_lock_to_read_the_log_counts() {
        let at = "fe:00:131137";
        for (line, expected) in [
            ("1: POSIX  ADVISORY  READ 4711 fe:00:131137 124 124", Some(4711)),
            ("1: POSIX  ADVISORY  READ 4711 fe:00:131137 123 128", Some(4711)),
            ("1: POSIX  ADVISORY  READ 4711 fe:00:131137 0 EOF", Some(4711)),
            ("1: POSIX  ADVISORY  READ 4711 fe:00:131137 128 128", None),
            ("1: POSIX  ADVISORY  READ 4711 fe:00:131137 120 122", None),
            ("1: POSIX  ADVISORY  WRITE 4711 fe:00:131137 124 124", None),
            ("1: POSIX  ADVISORY  READ 4711 fe:00:131138 124 124", None),
            ("1: -> POSIX  ADVISORY  READ 4711 fe:00:131137 124 124", None),
            ("1: FLOCK  ADVISORY  READ 4711 fe:00:131137 124 124", None),
            ("1: POSIX", None),
            ("", None),
        ] {
            assert_eq!(reader(line, at), expected, "{line}");
        }
    }
}
