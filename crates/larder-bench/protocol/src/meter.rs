//! The clock of a round, and what it showed.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// What one round showed.
#[derive(Debug, Clone, Default)]
pub struct Sample {
    /// How long the round took.
    pub ns: u64,
    /// How many operations it did.
    pub ops: u64,
    /// Nanoseconds of single operations at (percentile × 10): 500 is the median, 999 is 99.9 %.
    pub percentiles: Vec<(u32, u64)>,
    /// Counts that belong to the work, such as busy errors.
    pub counts: Vec<(&'static str, u64)>,
}

impl Sample {
    /// One operation that took so long.
    pub fn once(elapsed: Duration) -> Self {
        Self { ns: nanoseconds(elapsed), ops: 1, ..Self::default() }
    }

    /// A round of operations that were timed one by one, from several threads perhaps, over `elapsed` of wall time.
    pub fn of_laps(elapsed: Duration, mut laps: Vec<u64>) -> Self {
        laps.sort_unstable();
        let at = |permille: u32| {
            let index = (laps.len() as u64 * u64::from(permille) / 1000) as usize;
            laps.get(index.min(laps.len().saturating_sub(1))).map(|&ns| (permille, ns))
        };
        let percentiles = [500, 990, 999].into_iter().filter_map(at).collect();
        Self { ns: nanoseconds(elapsed), ops: laps.len() as u64, percentiles, counts: Vec::new() }
    }

    /// Adds a count that belongs to the work.
    pub fn with_count(mut self, name: &'static str, count: u64) -> Self {
        self.counts.push((name, count));
        self
    }

    pub(crate) fn json(&self) -> String {
        let mut text = format!(r#"{{"ns":{},"ops":{}"#, self.ns, self.ops);
        for (permille, ns) in &self.percentiles {
            let name = if permille % 10 == 0 { permille / 10 } else { *permille };
            let _ = write!(text, r#","p{name}":{ns}"#);
        }
        text.push_str(r#","counts":{"#);
        for (place, (name, count)) in self.counts.iter().enumerate() {
            let comma = if place == 0 { "" } else { "," };
            let _ = write!(text, r#"{comma}"{name}":{count}"#);
        }
        text.push_str("}}");
        text
    }
}

fn nanoseconds(elapsed: Duration) -> u64 {
    u64::try_from(elapsed.as_nanos()).unwrap_or(u64::MAX)
}

/// Whether this is a worker's first round, which only warms up and is shorter.
pub(crate) static WARMING_UP: AtomicBool = AtomicBool::new(false);

/// How long the rounds of a task are; each round starts a [`Meter`] of its own.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    pub(crate) ops: Option<u64>,
    pub(crate) budget: Duration,
}

impl Clock {
    /// Starts a round that looks at the time every `batch` operations. A batch of 1 also gives the percentiles.
    pub fn start(&self, batch: u64) -> Meter {
        let share = if WARMING_UP.load(Ordering::Relaxed) { 4 } else { 1 };
        Meter::start(batch, self.ops, self.budget / share)
    }

    /// The clock of one of so many that do a round together: the same time, and its share of the operations. Each of them
    /// starts a [`Meter`] of its own; [`Meter::together`] is what the round showed.
    pub fn shared_by(&self, count: u64) -> Self {
        Self { ops: self.ops.map(|ops| ops.div_ceil(count.max(1))), ..*self }
    }
}

/// The running clock of a round: `while meter.more() { operation }`, then [`Meter::finish`].
#[derive(Debug)]
pub struct Meter {
    batch: u64,
    left: u64,
    ops: u64,
    limit: Option<u64>,
    budget: Duration,
    start: Instant,
    last: Instant,
    laps: Vec<u64>,
}

impl Meter {
    fn start(batch: u64, limit: Option<u64>, budget: Duration) -> Self {
        let laps = if batch == 1 { Vec::with_capacity(4096) } else { Vec::new() };
        let start = Instant::now();
        Self { batch, left: 0, ops: 0, limit, budget, start, last: start, laps }
    }

    /// Whether the round goes on; counts the operation that follows.
    #[inline]
    pub fn more(&mut self) -> bool {
        if self.left > 0 {
            self.left -= 1;
            return true;
        }
        self.turn()
    }

    #[inline(never)]
    fn turn(&mut self) -> bool {
        if self.batch == 1 && self.ops > 0 {
            let now = Instant::now();
            self.laps.push(nanoseconds(now - self.last));
            self.last = now;
        }
        let batch = match self.limit {
            Some(limit) => self.batch.min(limit - self.ops),
            None if self.ops > 0 && self.start.elapsed() >= self.budget => 0,
            None => self.batch,
        };
        if batch == 0 {
            self.last = Instant::now();
            return false;
        }
        self.ops += batch;
        self.left = batch - 1;
        true
    }

    /// Leaves what went by since the last operation out of the time of the next.
    pub fn forget(&mut self) {
        self.last = Instant::now();
    }

    /// What the round showed.
    pub fn finish(self) -> Sample {
        Self::together(vec![self])
    }

    /// What a round showed that several threads or tasks did at once, each with a meter of its own: the time from the
    /// first start to the last end, and the operations of all.
    pub fn together(meters: Vec<Self>) -> Sample {
        let start = meters.iter().map(|meter| meter.start).min();
        let end = meters.iter().map(|meter| meter.last).max();
        let elapsed = start.zip(end).map_or(Duration::ZERO, |(start, end)| end - start);
        if meters.iter().all(|meter| meter.batch == 1) {
            return Sample::of_laps(elapsed, meters.into_iter().flat_map(|meter| meter.laps).collect());
        }
        let ops = meters.iter().map(|meter| meter.ops).sum();
        Sample { ns: nanoseconds(elapsed), ops, ..Sample::default() }
    }
}

/// Numbers that look random and are the same for every worker (xorshift64*).
#[derive(Debug)]
pub struct Random(u64);

impl Random {
    /// The sequence that a seed starts.
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    /// The next number from 1 to `most`: a key of a table filled from 1 on.
    #[inline]
    pub fn key(&mut self, most: u64) -> i64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let random = self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 32;
        ((random * most) >> 32) as i64 + 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_meter_does_exactly_the_operations_asked_for() {
        for batch in [1, 3, 64] {
            let mut meter = Meter::start(batch, Some(10), Duration::ZERO);
            let mut done = 0;
            while meter.more() {
                done += 1;
            }
            assert_eq!(done, 10);
            assert_eq!(meter.finish().ops, 10);
        }
    }

    #[test]
    fn a_meter_without_a_count_stops_after_its_budget() {
        let mut meter = Meter::start(1, None, Duration::from_millis(2));
        while meter.more() {
            std::thread::sleep(Duration::from_millis(1));
        }
        let sample = meter.finish();
        assert!((1..=2).contains(&sample.ops), "{sample:?}");
        assert_eq!(sample.percentiles.len(), 3);
    }

    #[test]
    fn meters_together_span_from_the_first_start_to_the_last_end() {
        let start = Instant::now();
        let meter = |from: u64, to: u64, laps: &[u64]| Meter {
            start: start + Duration::from_nanos(from),
            last: start + Duration::from_nanos(to),
            laps: laps.to_vec(),
            ops: laps.len() as u64,
            ..Meter::start(1, None, Duration::ZERO)
        };
        let sample = Meter::together(vec![meter(0, 70, &[30, 40]), meter(10, 100, &[90])]);
        assert_eq!((sample.ns, sample.ops), (100, 3));
        assert_eq!(sample.percentiles, [(500, 40), (990, 90), (999, 90)]);
    }

    #[test]
    fn a_sample_says_its_counts_apart() {
        let sample = Sample::of_laps(Duration::from_nanos(9), vec![4, 5]).with_count("busy", 3);
        let text = r#"{"ns":9,"ops":2,"p50":5,"p99":5,"p999":5,"counts":{"busy":3}}"#;
        assert_eq!(sample.json(), text);
        assert_eq!(Sample::default().json(), r#"{"ns":0,"ops":0,"counts":{}}"#);
    }

    #[test]
    fn keys_stay_in_their_range() {
        let mut random = Random::new(1);
        let keys: Vec<i64> = (0..10_000).map(|_| random.key(100)).collect();
        assert_eq!(keys.iter().min(), Some(&1));
        assert_eq!(keys.iter().max(), Some(&100));
    }
}
