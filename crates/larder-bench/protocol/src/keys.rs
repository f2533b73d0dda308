//! Reading one row after another, by keys at random.

use crate::{Clock, Outcome, Random, Sample};

/// The rounds of a work that does one small thing for a key, over and over. The time is looked at every 64 operations.
#[derive(Debug)]
pub struct Keys {
    rows: u64,
    clock: Clock,
    random: Random,
}

impl Keys {
    pub(crate) fn new(rows: u64, clock: Clock) -> Self {
        Self { rows, clock, random: Random::new(7) }
    }

    /// One round: `operation` with a key from 1 to the number of rows, for as long as the round lasts.
    #[inline]
    pub fn round(&mut self, mut operation: impl FnMut(i64) -> Outcome) -> Outcome<Sample> {
        let mut meter = self.clock.start(64);
        while meter.more() {
            operation(self.random.key(self.rows))?;
        }
        Ok(meter.finish())
    }

    /// The same for an operation that is waited for.
    #[inline]
    pub async fn round_async(&mut self, mut operation: impl AsyncFnMut(i64) -> Outcome) -> Outcome<Sample> {
        let mut meter = self.clock.start(64);
        while meter.more() {
            operation(self.random.key(self.rows)).await?;
        }
        Ok(meter.finish())
    }
}
