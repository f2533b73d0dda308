//! How a cluster is to be set up.

use super::Cluster;
use crate::{Result, need};

/// How a [`Cluster`] is to be set up.
#[derive(Clone, Debug, Default)]
pub struct Setting {
    pub(super) lines: Vec<(String, String)>,
    pub(super) access: Option<String>,
    pub(super) files: Vec<(String, Vec<u8>)>,
    pub(super) is_safe: bool,
    pub(super) is_on_disk: bool,
}

impl Setting {
    /// A parameter of `postgresql.conf`.
    #[must_use]
    pub fn set(mut self, name: &str, value: &str) -> Self {
        self.lines.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The whole text of `pg_hba.conf`. Without it everybody on this machine is trusted.
    #[must_use]
    pub fn access(mut self, text: &str) -> Self {
        self.access = Some(text.to_owned());
        self
    }

    /// A file in the folder of the data, which only the server may read, such as `server.key`.
    #[must_use]
    pub fn file(mut self, name: &str, content: impl Into<Vec<u8>>) -> Self {
        self.files.push((name.to_owned(), content.into()));
        self
    }

    /// Lets the server wait for its disk, which the tests otherwise spare. What a killed server had acknowledged is there either
    /// way; only a machine that fails makes a difference.
    #[must_use]
    pub fn safe(mut self) -> Self {
        self.is_safe = true;
        self
    }

    /// Puts the data on a disk, where there is one below the folder for temporary files, though there be memory for it: what waits for
    /// that disk waits for nothing in memory.
    #[must_use]
    pub fn on_disk(mut self) -> Self {
        self.is_on_disk = true;
        self
    }

    /// Makes and starts it.
    ///
    /// # Panics
    /// When it does not start.
    #[track_caller]
    pub fn start(self) -> Cluster {
        need(self.try_start())
    }

    /// Makes and starts it.
    ///
    /// # Errors
    /// There is no PostgreSQL, or it does not start.
    pub fn try_start(self) -> Result<Cluster> {
        Cluster::make(&self)
    }
}
