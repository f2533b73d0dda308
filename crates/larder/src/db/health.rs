//! Is the database still there and answering?

use super::{Database, Way};
use crate::error::Result;
use std::path::Path;

/// What [`Database::health`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Health {
    /// The file at the database's path is still the one that was opened. Where it was deleted, moved or replaced, writes
    /// go to a file that nobody will find again: stop and open anew. Always true for what is no file.
    pub in_place: bool,
    /// The handle can write: it was opened to, and a server is the primary and not a replica.
    pub writable: bool,
}

impl Health {
    /// True when nothing is wrong.
    pub fn is_healthy(&self) -> bool {
        self.in_place
    }
}

/// What tells one file from another that has its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    device: u64,
    file: u64,
}

impl Identity {
    /// `None` for a file that is not there, and where the system has no such thing.
    pub(crate) fn of(path: &Path) -> Option<Self> {
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt;
            let found = std::fs::metadata(path).ok()?;
            Some(Self { device: found.dev(), file: found.ino() })
        }
        #[cfg(not(unix))]
        {
            let _ = path;
            None
        }
    }
}

impl Database {
    /// Asks the engine a small question, and looks whether the file is still the one that was opened.
    ///
    /// # Errors
    /// What the engine says when it does not answer.
    pub fn health(&self) -> Result<Health> {
        if let Way::Pool { .. } = self.inner.way {
            let sql = "SELECT current_setting('transaction_read_only')";
            let only_reads: String = self.primary().query_one(sql, &[])?;
            let writable = !self.inner.read_only && only_reads == "off";
            return Ok(Health { in_place: true, writable });
        }
        // The head of the file is read for this, and checked.
        let _: i64 = self.query_one("PRAGMA schema_version", &[])?;
        let opened = self.inner.identity;
        let now = self.inner.driver.file().and_then(Identity::of);
        Ok(Health { in_place: opened == now, writable: !self.inner.read_only })
    }

    /// True when the engine answers and the file is in its place. [`Database::health`] says more.
    pub fn is_healthy(&self) -> bool {
        self.health().is_ok_and(|health| health.is_healthy())
    }
}
