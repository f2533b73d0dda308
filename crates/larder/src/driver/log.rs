//! The write-ahead log, whose care a connection can leave to whoever uses it.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// The file of the log is cut to so many times the pages from which on a checkpoint is due, when it begins anew: to where a
/// load without long reads never brings it, for a file that grows makes commits slower.
pub(crate) const LOG_FILE: u32 = 8;

/// How many pages the write-ahead log had after the last commit of the connections that count in it. 0 until then.
#[derive(Debug, Default)]
pub struct LogSize(AtomicU32);

impl LogSize {
    /// The pages.
    pub fn pages(&self) -> u32 {
        self.0.load(Ordering::Relaxed)
    }

    /// Notes the pages after a commit: for a driver.
    pub fn note(&self, pages: u32) {
        self.0.store(pages, Ordering::Relaxed);
    }
}

/// How a checkpoint is made: moving the log into the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Checkpoint {
    /// Beside those who write: moves what nobody stands in the way of, and waits for nobody but the disk.
    Beside,
    /// While nobody of this process writes: moves all of it, and then waits up to `patience` for those who still read the
    /// log, so that the next commit begins it anew.
    Between {
        /// How long to wait for readers, and for other processes. Zero waits for nobody.
        patience: Duration,
    },
}

/// What a checkpoint found and did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Checkpointed {
    /// The pages of the log when it began.
    pub pages: u32,
    /// How many of them, counted from the beginning of the log, are in the file now.
    pub moved: u32,
    /// Somebody was in the way: another checkpoint, or who reads or writes what was to be moved or waited for.
    pub busy: bool,
}

impl Checkpointed {
    /// True when nothing is left to be moved of what the log held, and nobody was in the way.
    pub fn is_whole(&self) -> bool {
        !self.busy && self.moved >= self.pages
    }
}
