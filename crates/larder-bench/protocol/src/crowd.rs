//! A round that several threads do at once.

use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use crate::{Clock, Fault, Meter, Outcome, Sample};

/// Several threads that do the same work at once, for as long as the clock says. They are started anew each round, and
/// go off together.
#[derive(Debug, Clone, Copy)]
pub struct Crowd {
    clock: Clock,
    threads: u64,
    batch: u64,
    think: Duration,
}

impl Clock {
    /// Rounds of this length by so many threads, each of whose operations is timed.
    pub fn crowd(&self, threads: u64) -> Crowd {
        let threads = threads.max(1);
        Crowd { clock: self.shared_by(threads), threads, batch: 1, think: Duration::ZERO }
    }
}

impl Crowd {
    /// Looks at the time only every so many operations, for very short ones; there are no percentiles then.
    pub fn batch(self, batch: u64) -> Self {
        Self { batch, ..self }
    }

    /// Each thread pauses so long before each operation. The pause is no part of the operation's time.
    pub fn think(self, think: Duration) -> Self {
        Self { think, ..self }
    }

    /// How many threads it has.
    pub fn threads(&self) -> u64 {
        self.threads
    }

    /// One round. `prepare` runs on each thread, which it gets the number of (from 0), before any of them goes off; what
    /// it returns is one operation.
    ///
    /// # Errors
    /// The first that a `prepare` or an operation returned; the other threads finish their round.
    pub fn run<O>(&self, prepare: impl Fn(u64) -> Outcome<O> + Sync) -> Outcome<Sample>
    where
        O: FnMut() -> Outcome,
    {
        self.run_beside(prepare, |_| Ok(0))
    }

    /// One round, beside one more thread that works until its flag is set and is not timed. What that thread returns is
    /// how many operations it did: the count `beside` of the sample.
    ///
    /// # Errors
    /// The first that anybody returned.
    pub fn run_beside<O>(
        &self,
        prepare: impl Fn(u64) -> Outcome<O> + Sync,
        neighbour: impl FnOnce(&AtomicBool) -> Outcome<u64> + Send,
    ) -> Outcome<Sample>
    where
        O: FnMut() -> Outcome,
    {
        let threads = usize::try_from(self.threads)?;
        let (start, stop) = (Barrier::new(threads), AtomicBool::new(false));
        thread::scope(|scope| {
            let beside = scope.spawn(|| neighbour(&stop));
            let crowd: Vec<_> = (0..self.threads)
                .map(|thread| {
                    let (start, prepare) = (&start, &prepare);
                    scope.spawn(move || self.one(start, prepare(thread)))
                })
                .collect();
            // All are waited for before any of them is heard: the neighbour must stop in any case.
            let ended: Vec<_> =
                crowd.into_iter().map(|thread| thread.join().map_err(|_| panicked())).collect();
            stop.store(true, Ordering::Release);
            let did = beside.join().map_err(|_| panicked())??;
            let meters: Vec<Meter> = ended.into_iter().map(Result::flatten).collect::<Outcome<_>>()?;
            let sample = Meter::together(meters);
            Ok(if did == 0 { sample } else { sample.with_count("beside", did) })
        })
    }

    /// What one thread does. Whoever could not prepare comes to the barrier too, or the others would wait for ever.
    fn one<O: FnMut() -> Outcome>(&self, start: &Barrier, prepared: Outcome<O>) -> Outcome<Meter> {
        start.wait();
        let mut operation = prepared?;
        let mut meter = self.clock.start(self.batch);
        while meter.more() {
            if !self.think.is_zero() {
                thread::sleep(self.think);
                meter.forget();
            }
            operation()?;
        }
        Ok(meter)
    }
}

fn panicked() -> Fault {
    "a thread of the round panicked".into()
}

/// That every write which was acknowledged is there afterwards.
#[derive(Debug, Default)]
pub struct Ledger(u64);

impl Ledger {
    /// Adds the operations of a round to those before, and compares with the rows that were found. More may be there:
    /// other processes write too.
    ///
    /// # Errors
    /// When some are missing.
    pub fn check(&mut self, sample: Sample, found: i64) -> Outcome<Sample> {
        self.0 += sample.ops;
        if u64::try_from(found)? >= self.0 {
            Ok(sample)
        } else {
            Err(format!("{} writes were acknowledged, and {found} rows are there", self.0).into())
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU64;

    use super::*;

    const TEN: Clock = Clock { ops: Some(10), budget: Duration::ZERO };

    #[test]
    fn a_crowd_shares_the_operations_asked_for() {
        let done = AtomicU64::new(0);
        let sample = TEN
            .crowd(4)
            .run(|_| {
                Ok(|| {
                    done.fetch_add(1, Ordering::Relaxed);
                    Ok(())
                })
            })
            .unwrap();
        assert_eq!(done.into_inner(), 12, "ten, rounded up to as many for each of four");
        assert_eq!(sample.ops, 12);
        assert_eq!(sample.percentiles.len(), 3);
    }

    #[test]
    fn nobody_waits_for_a_thread_that_could_not_prepare() {
        let outcome = TEN.crowd(4).run(|thread| if thread == 2 { Err("no".into()) } else { Ok(|| Ok(())) });
        assert_eq!(outcome.unwrap_err().to_string(), "no");
    }

    #[test]
    fn the_pause_is_no_part_of_the_operation() {
        let clock = Clock { ops: Some(3), budget: Duration::ZERO };
        let sample = clock.crowd(1).think(Duration::from_millis(20)).run(|_| Ok(|| Ok(()))).unwrap();
        assert!(sample.ns >= 60_000_000, "{sample:?}");
        assert!(sample.percentiles.iter().all(|(_, ns)| *ns < 20_000_000), "{sample:?}");
    }

    #[test]
    fn the_neighbour_works_until_the_round_is_over() {
        let sample = TEN
            .crowd(2)
            .run_beside(
                |_| Ok(|| Ok(())),
                |stop| {
                    while !stop.load(Ordering::Acquire) {
                        thread::yield_now();
                    }
                    Ok(7)
                },
            )
            .unwrap();
        assert_eq!(sample.counts, [("beside", 7)]);
        let failed = TEN.crowd(2).run_beside(|_| Ok(|| Err("broken".into())), |_| Ok(0));
        assert_eq!(failed.unwrap_err().to_string(), "broken");
    }

    #[test]
    fn a_ledger_misses_a_lost_write() {
        let mut ledger = Ledger::default();
        let round = || Sample { ops: 5, ..Sample::default() };
        assert!(ledger.check(round(), 5).is_ok());
        assert!(ledger.check(round(), 9).is_err());
    }
}
