//! Waiting for a lock.

use std::time::{Duration, Instant};

/// Growing pauses with jitter, within a time limit. Processes that met once do not meet again in step.
///
/// Nobody keeps a line between processes: who looks most often gets the lock. So who has waited for a good part of its time
/// looks more often than those who have just come; else one of many would now and then wait beyond any limit.
pub(super) struct Backoff {
    /// None: as long as it takes.
    until: Option<Instant>,
    /// From when on the pauses are short.
    eager: Option<Instant>,
    pause: Duration,
}

impl Backoff {
    const FIRST: Duration = Duration::from_micros(500);
    const LONGEST: Duration = Duration::from_millis(25);
    const EAGER: Duration = Duration::from_millis(1);

    pub(super) fn new(patience: Duration) -> Self {
        let now = Instant::now();
        Self { until: now.checked_add(patience), eager: now.checked_add(patience / 4), pause: Self::FIRST }
    }

    /// Sleeps a while; false, without sleeping, when the time is up.
    pub(super) fn pause(&mut self) -> bool {
        let now = Instant::now();
        let left = self.until.map_or(Duration::MAX, |until| until.saturating_duration_since(now));
        if left.is_zero() {
            return false;
        }
        let longest = if self.eager.is_some_and(|eager| now >= eager) { Self::EAGER } else { Self::LONGEST };
        std::thread::sleep(self.pause.min(longest).mul_f64(0.5 + fastrand::f64()).min(left));
        self.pause = (self.pause * 2).min(Self::LONGEST);
        true
    }
}
