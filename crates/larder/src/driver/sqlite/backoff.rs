//! Waiting for a lock.

use std::time::{Duration, Instant};

/// Growing pauses with jitter, within a time limit. Processes that met once do not meet again in step.
pub(super) struct Backoff {
    /// None: as long as it takes.
    until: Option<Instant>,
    pause: Duration,
}

impl Backoff {
    const FIRST: Duration = Duration::from_micros(500);
    const LONGEST: Duration = Duration::from_millis(25);

    pub(super) fn new(patience: Duration) -> Self {
        Self { until: Instant::now().checked_add(patience), pause: Self::FIRST }
    }

    /// Sleeps a while; false, without sleeping, when the time is up.
    pub(super) fn pause(&mut self) -> bool {
        let left = self.until.map_or(Duration::MAX, |until| until.saturating_duration_since(Instant::now()));
        if left.is_zero() {
            return false;
        }
        std::thread::sleep(self.pause.mul_f64(0.5 + fastrand::f64()).min(left));
        self.pause = (self.pause * 2).min(Self::LONGEST);
        true
    }
}
