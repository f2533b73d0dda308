//! The rounds of a work: every worker of every case in turns, and what the numbers say together.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use larder_bench_protocol::Outcome;

use crate::work::{Case, Goal, Metric, Subject, Work};
use crate::worker::{Worker, arguments, slot};

/// How much is measured.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Effort {
    /// Rounds that count; one more goes before them to warm up.
    pub rounds: usize,
    /// How long a round of small operations is.
    pub budget_ms: u64,
}

/// What was measured of a work.
#[derive(Debug)]
pub(crate) struct Measured {
    /// Which work.
    pub work: &'static Work,
    /// By case and subject: nanoseconds an operation, round by round.
    pub rounds: BTreeMap<(&'static str, &'static str), Vec<f64>>,
    /// By subject: the SQLite it links and its compile options.
    pub builds: BTreeMap<&'static str, (String, Vec<String>)>,
    /// Who could not set up, and what it said.
    pub failures: Vec<String>,
}

/// A middle and the middle half around it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Spread {
    /// The lower quartile.
    pub low: f64,
    /// The median.
    pub middle: f64,
    /// The upper quartile.
    pub high: f64,
}

impl Spread {
    /// Of numbers in any order; `None` of none.
    pub(crate) fn of(mut numbers: Vec<f64>) -> Option<Self> {
        numbers.sort_by(f64::total_cmp);
        let last = numbers.len().checked_sub(1)?;
        let at = |share: f64| {
            let place = share * last as f64;
            let below = numbers.get(place.floor() as usize)?;
            let above = numbers.get(place.ceil() as usize)?;
            Some(below + (above - below) * place.fract())
        };
        Some(Self { low: at(0.25)?, middle: at(0.5)?, high: at(0.75)? })
    }
}

impl Measured {
    /// The times of a subject in a case.
    pub(crate) fn times(&self, case: &'static str, subject: &'static str) -> Option<Spread> {
        Spread::of(self.rounds.get(&(case, subject))?.clone())
    }

    /// The ratio of two, round by round: what disturbed a round disturbed both.
    pub(crate) fn ratio(
        &self,
        left: (&'static str, &'static str),
        right: (&'static str, &'static str),
    ) -> Option<Spread> {
        let (left, right) = (self.rounds.get(&left)?, self.rounds.get(&right)?);
        Spread::of(left.iter().zip(right).map(|(left, right)| left / right).collect())
    }

    /// What a goal's ratio came to.
    pub(crate) fn reached(&self, goal: &Goal) -> Option<Spread> {
        self.ratio(goal.left, goal.right)
    }
}

/// One subject in one case.
struct Slot {
    case: &'static Case,
    subject: &'static Subject,
    folder: PathBuf,
    /// Not for a case whose rounds start processes of their own.
    worker: Option<Worker>,
}

/// Measures one work in a folder that the caller removes.
pub(crate) fn measure(
    work: &'static Work,
    effort: Effort,
    folder: &Path,
    mut say: impl FnMut(&str),
) -> Outcome<Measured> {
    let settings = [format!("budget-ms={}", effort.budget_ms)];
    let mut measured =
        Measured { work, rounds: BTreeMap::new(), builds: BTreeMap::new(), failures: Vec::new() };
    let mut slots = Vec::new();
    for case in work.cases {
        let (own, others): (Vec<_>, Vec<_>) =
            work.subjects.iter().partition(|subject| subject.on_file_of.is_none());
        for subject in own.into_iter().chain(others) {
            let folder = folder.join(slot(work, case, subject.name));
            std::fs::create_dir_all(&folder)?;
            let started = Worker::start(subject, &arguments(work, case, subject, &folder, &settings));
            let worker = match started {
                Ok(worker) => worker,
                Err(fault) => {
                    measured.failures.push(format!("{} in {}: {fault}", subject.name, case.name));
                    continue;
                }
            };
            measured.builds.insert(subject.name, (worker.sqlite.clone(), worker.options.clone()));
            let worker = if case.processes == 0 {
                Some(worker)
            } else {
                worker.stop()?;
                None
            };
            slots.push(Slot { case, subject, folder, worker });
        }
    }
    for round in 0..=effort.rounds {
        say(&format!("{}: round {round} of {}", work.name, effort.rounds));
        // The one that began last time goes last now.
        let count = slots.len().max(1);
        slots.rotate_left(round.min(1) % count);
        for slot in &mut slots {
            let ns = slot.round(work, &settings)?;
            if round > 0 {
                measured.rounds.entry((slot.case.name, slot.subject.name)).or_default().push(ns);
            }
        }
    }
    for worker in slots.into_iter().filter_map(|slot| slot.worker) {
        worker.stop()?;
    }
    Ok(measured)
}

impl Slot {
    fn round(&mut self, work: &Work, settings: &[String]) -> Outcome<f64> {
        if let Some(worker) = &mut self.worker {
            return worker.round(work.metric);
        }
        let mut times = Vec::new();
        for _ in 0..self.case.processes {
            let arguments = arguments(work, self.case, self.subject, &self.folder, settings);
            let mut worker = Worker::start(self.subject, &arguments)?;
            times.push(worker.round(Metric::Mean)?);
            worker.stop()?;
        }
        Ok(Spread::of(times).ok_or("no process")?.middle)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spread_is_the_median_and_the_quartiles() {
        let spread = Spread::of(vec![5.0, 1.0, 3.0, 2.0, 4.0]).unwrap();
        assert_eq!(spread, Spread { low: 2.0, middle: 3.0, high: 4.0 });
        assert_eq!(Spread::of(vec![1.0, 2.0]).unwrap().middle, 1.5);
        assert_eq!(Spread::of(Vec::new()), None);
    }
}
