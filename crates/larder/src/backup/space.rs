//! How much room there is, and how much is needed.

use crate::driver::Connection;
use crate::error::{Error, ErrorKind, Result};
use std::ops::ControlFlow;
use std::path::Path;

/// The bytes that this user can still write in the folder; `None` where that can't be asked.
pub(super) fn free(folder: &Path) -> Option<u64> {
    #[cfg(unix)]
    {
        let found = rustix::fs::statvfs(folder).ok()?;
        Some(found.f_bavail.saturating_mul(found.f_frsize))
    }
    #[cfg(not(unix))]
    {
        let _ = folder;
        None
    }
}

/// The bytes of a database's pages that hold something: what a fresh copy of it takes.
pub(super) fn used(connection: &mut dyn Connection) -> Result<u64> {
    let pages = number(connection, "PRAGMA page_count")?;
    let empty = number(connection, "PRAGMA freelist_count")?;
    Ok(pages.saturating_sub(empty).saturating_mul(number(connection, "PRAGMA page_size")?))
}

/// The bytes of all pages of a database.
pub(super) fn whole(connection: &mut dyn Connection) -> Result<u64> {
    let pages = number(connection, "PRAGMA page_count")?;
    Ok(pages.saturating_mul(number(connection, "PRAGMA page_size")?))
}

/// The number that a statement answers; 0 when it answers nothing.
pub(super) fn number(connection: &mut dyn Connection, sql: &str) -> Result<u64> {
    let mut found = 0;
    connection.query(sql, &[], &mut |row| {
        found = row.get(0)?;
        Ok(ControlFlow::Break(()))
    })?;
    Ok(found)
}

/// Refuses when the folder's disk has not `needed` bytes left. `task` says for what: "a backup".
pub(super) fn check(folder: &Path, needed: u64, task: &str) -> Result<()> {
    let Some(free) = free(folder).filter(|free| *free < needed) else { return Ok(()) };
    Err(Error::new(
        ErrorKind::DiskFull,
        format!("{task} needs {} and the disk of {} has {} left", Size(needed), folder.display(), Size(free)),
    )
    .with_help("free space on it, or choose a place on another disk"))
}

/// A number of bytes, for people.
pub(super) struct Size(pub(super) u64);

impl std::fmt::Display for Size {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
        let (mut whole, mut rest, mut unit) = (self.0, 0, "bytes");
        for next in UNITS {
            if whole < 1024 {
                break;
            }
            (rest, whole, unit) = (whole % 1024, whole / 1024, next);
        }
        if unit == "bytes" {
            write!(f, "{whole} bytes")
        } else {
            write!(f, "{whole}.{} {unit}", rest * 10 / 1024)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_readable() {
        let shown = |bytes| Size(bytes).to_string();
        assert_eq!(shown(1023), "1023 bytes");
        assert_eq!(shown(1536), "1.5 KiB");
        assert_eq!(shown(3 * 1024 * 1024 * 1024), "3.0 GiB");
        assert_eq!(shown(u64::MAX), "16383.9 PiB");
    }
}
