//! Checkpoints that fail: they lose nothing, but the log grows. So they are reported, and tried again after a while.

use crate::error::Error;
use std::time::{Duration, Instant};

/// The first pause after a failure; each further failure doubles it.
const FIRST: Duration = Duration::from_millis(500);
const LONGEST: Duration = Duration::from_secs(60);

#[derive(Debug, Default)]
pub(super) struct Trouble {
    count: u64,
    /// What the last checkpoint failed with; none when it did not.
    last: Option<String>,
    until: Option<Instant>,
    pause: Duration,
}

impl Trouble {
    /// A checkpoint failed.
    pub(super) fn note(&mut self, error: &Error, database: &dyn std::fmt::Display, pages: u32) {
        self.count += 1;
        self.pause = (self.pause * 2).clamp(FIRST, LONGEST);
        self.until = Instant::now().checked_add(self.pause);
        let again = self.last.replace(error.to_string()).is_some();
        if again {
            tracing::debug!(%database, %error, pages, "the log could not be moved into the file again");
        } else {
            tracing::warn!(
                %database, %error, pages,
                "the log could not be moved into the file and grows; nothing is lost, and it is tried again"
            );
        }
    }

    /// A checkpoint did not fail.
    pub(super) fn is_over(&mut self, database: &dyn std::fmt::Display) {
        if self.last.take().is_some() {
            tracing::info!(%database, failed = self.count, "the log is moved into the file again");
            (self.until, self.pause) = (None, Duration::ZERO);
        }
    }

    /// How long it is still to be left alone.
    pub(super) fn pause(&self) -> Option<Duration> {
        let left = self.until?.saturating_duration_since(Instant::now());
        (!left.is_zero()).then_some(left)
    }

    /// The last checkpoint failed.
    pub(super) fn is_there(&self) -> bool {
        self.last.is_some()
    }

    pub(super) fn count(&self) -> u64 {
        self.count
    }

    pub(super) fn last(&self) -> Option<&str> {
        self.last.as_deref()
    }
}
