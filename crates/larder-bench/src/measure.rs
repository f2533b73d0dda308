//! The rounds of a work: every worker of every case in turns, and what the numbers say together.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use larder_bench_protocol::{Outcome, Random};

use crate::figure::{Figures, Spread, added};
use crate::instruction;
use crate::program::Absence;
use crate::server::Server;
use crate::slow_disk;
use crate::work::{Case, Effort, Goal, Metric, Processes, Program, Subject, What, Work};
use crate::worker::{Environment, Worker, arguments, slot};

/// What was measured of a work.
#[derive(Debug)]
pub(crate) struct Measured {
    /// Which work.
    pub work: &'static Work,
    /// How much.
    pub effort: Effort,
    /// By case and subject, round by round.
    pub rounds: BTreeMap<(&'static str, &'static str), Vec<Figures>>,
    /// By subject: the SQLite it links and its compile options.
    pub builds: BTreeMap<&'static str, (String, Vec<String>)>,
    /// Who could not set up, and what it said.
    pub failures: Vec<String>,
    /// What cannot be measured on this machine, by case and subject, and why.
    pub absent: BTreeMap<(&'static str, &'static str), String>,
    /// By case and subject: the instructions of an operation, where a goal asks for them.
    pub instructions: BTreeMap<(&'static str, &'static str), f64>,
}

impl Measured {
    /// Nothing yet.
    pub(crate) fn new(work: &'static Work, effort: Effort) -> Self {
        Self {
            work,
            effort,
            rounds: BTreeMap::new(),
            builds: BTreeMap::new(),
            failures: Vec::new(),
            absent: BTreeMap::new(),
            instructions: BTreeMap::new(),
        }
    }

    /// One number of a subject in a case.
    pub(crate) fn spread(&self, case: &'static str, subject: &'static str, metric: Metric) -> Option<Spread> {
        let rounds = self.rounds.get(&(case, subject))?;
        Spread::of(rounds.iter().filter_map(|round| round.get(metric)).collect())
    }

    /// The counts of a subject in a case, of all rounds together.
    pub(crate) fn counts(&self, case: &'static str, subject: &'static str) -> BTreeMap<String, f64> {
        self.rounds.get(&(case, subject)).map(|rounds| added(rounds)).unwrap_or_default()
    }

    /// The ratio of two, round by round: what disturbed a round disturbed both.
    pub(crate) fn ratios(
        &self,
        metric: Metric,
        left: (&'static str, &'static str),
        right: (&'static str, &'static str),
    ) -> Vec<f64> {
        let rounds = self.rounds.get(&left).zip(self.rounds.get(&right));
        let pairs = rounds.into_iter().flat_map(|(left, right)| left.iter().zip(right));
        pairs.filter_map(|(left, right)| Some(left.get(metric)? / right.get(metric)?)).collect()
    }

    /// What a goal came to, as its bound tells it.
    pub(crate) fn reached(&self, goal: &Goal) -> Option<Spread> {
        match goal.what {
            What::Ratio { metric, left, right } => {
                let ratios = self.ratios(metric, left, right).into_iter();
                Spread::of(ratios.map(|ratio| goal.bound.told(ratio)).collect())
            }
            What::Single { metric, at } => {
                let rounds = self.rounds.get(&at)?.iter();
                Spread::of(rounds.filter_map(|it| Some(goal.bound.told(it.get(metric)?))).collect())
            }
            What::Instructions { left, right } => {
                let told = goal.bound.told(self.instructions.get(&left)? / self.instructions.get(&right)?);
                Some(Spread { low: told, middle: told, high: told })
            }
            What::Count { name, at: (case, subject) } => {
                let count = self.counts(case, subject).get(name).copied();
                count.map(|count| Spread { low: count, middle: count, high: count })
            }
        }
    }

    /// Why a goal could not be measured on this machine.
    pub(crate) fn excuse(&self, goal: &Goal) -> Option<&str> {
        goal.needs().iter().find_map(|at| self.absent.get(at)).map(String::as_str)
    }
}

/// One subject in one case.
struct Slot {
    case: &'static Case,
    subject: &'static Subject,
    folder: PathBuf,
    /// None for a case whose rounds start processes of their own.
    workers: Vec<Worker>,
}

/// How works are measured in this run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mode<'a> {
    /// Fewer rounds, and the quick settings of cases.
    pub quick: bool,
    /// Instead of the rounds that the work asks for.
    pub rounds: Option<usize>,
    /// The workers that cannot be measured on this machine.
    pub absent: &'a BTreeMap<Program, Absence>,
    /// The server, for the cases that need one.
    pub server: &'a Server,
}

/// Measures one work in a folder that the caller removes.
pub(crate) fn measure(
    work: &'static Work,
    mode: Mode<'_>,
    folder: &Path,
    mut say: impl FnMut(&str),
) -> Outcome<Measured> {
    let mut effort = if mode.quick { work.quick } else { work.full };
    effort.rounds = mode.rounds.unwrap_or(effort.rounds).max(1);
    let settings = [format!("budget-ms={}", effort.budget_ms)];
    let mut measured = Measured::new(work, effort);
    std::fs::create_dir_all(folder)?;
    let mut slots = set_up(work, mode, folder, &settings, &mut measured)?;
    if slots.is_empty() {
        say(&format!("{}: skipped, nobody can take part", work.name));
        return Ok(measured);
    }
    let mut random = Random::new(1);
    for round in 0..=effort.rounds {
        say(&format!("{}: round {round} of {}", work.name, effort.rounds));
        // Nobody is to have the same one before it each time.
        shuffle(&mut slots, &mut random);
        slots.retain_mut(|slot| {
            let at = (slot.case.name, slot.subject.name);
            if slot.case.is_full() {
                settle(folder);
            }
            match slot.round(work, mode, &settings) {
                Ok(figures) if round > 0 => measured.rounds.entry(at).or_default().push(figures),
                Ok(_) => {}
                Err(fault) => {
                    // What it did before counts for nothing: nobody knows how it would have gone on.
                    measured.rounds.remove(&at);
                    measured.failures.push(format!("{} in {}: {fault}", at.1, at.0));
                    return false;
                }
            }
            true
        });
    }
    for worker in slots.into_iter().flat_map(|slot| slot.workers) {
        worker.stop()?;
    }
    count_instructions(&mut measured, mode, folder, say);
    Ok(measured)
}

/// Counts what goals of instructions need; where that can't be done the report says so.
fn count_instructions(measured: &mut Measured, mode: Mode<'_>, folder: &Path, mut say: impl FnMut(&str)) {
    let work = measured.work;
    let asked = work.goals.iter().filter(|goal| matches!(goal.what, What::Instructions { .. }));
    let needed: BTreeSet<_> = asked.flat_map(Goal::needs).collect();
    for at in needed {
        let case = work.cases.iter().find(|case| case.name == at.0);
        let subject = work.subjects.iter().find(|subject| subject.name == at.1);
        let Some((case, subject)) = case.zip(subject) else { continue };
        if mode.absent.contains_key(&subject.program) {
            continue;
        }
        say(&format!("{}: instructions of {}", work.name, subject.name));
        match instruction::of(
            work,
            case,
            subject,
            &folder.join("instructions"),
            (mode.server, instruction::FEW),
        ) {
            Ok(count) => drop(measured.instructions.insert(at, count as f64)),
            Err(fault) => drop(measured.absent.insert(at, fault.to_string())),
        }
    }
}

/// Puts them in another order, each time the program runs in the same one.
fn shuffle<T>(slots: &mut [T], random: &mut Random) {
    for last in (1..slots.len()).rev() {
        let other = random.key(last as u64 + 1) as usize - 1;
        slots.swap(last, other);
    }
}

/// Waits until the disk has what those before have written: the first commits of the next would wait for it too. A system
/// that cannot do that, or not here, goes on without.
#[cfg(target_os = "linux")]
fn settle(folder: &Path) {
    if let Ok(folder) = std::fs::File::open(folder) {
        let _ = rustix::fs::syncfs(folder);
    }
}

#[cfg(not(target_os = "linux"))]
fn settle(_: &Path) {}

/// Starts the workers of every case. Who cannot set up is noted, and the others go on.
fn set_up(
    work: &'static Work,
    mode: Mode<'_>,
    folder: &Path,
    settings: &[String],
    measured: &mut Measured,
) -> Outcome<Vec<Slot>> {
    let mut slots = Vec::new();
    for case in work.cases {
        let subjects = work.subjects.iter().filter(|subject| case.has(subject.name));
        let (own, others): (Vec<_>, Vec<_>) = subjects.partition(|subject| subject.on_file_of.is_none());
        for subject in own.into_iter().chain(others) {
            let environment = match environment(case, subject, mode) {
                Ok(environment) => environment,
                Err(why) => {
                    measured.absent.insert((case.name, subject.name), why);
                    continue;
                }
            };
            let folder = folder.join(slot(work, case, subject.name));
            std::fs::create_dir_all(&folder)?;
            let mut settings = settings.to_vec();
            settings.extend(mode.server.place(case, &slot(work, case, subject.name))?);
            let arguments = arguments(work, case, subject, &folder, &settings, mode.quick);
            let mut workers = Vec::new();
            let count = if let Processes::Together(count) = case.processes { count } else { 1 };
            for _ in 0..count {
                match Worker::start(subject, &arguments, &environment) {
                    Ok(worker) => workers.push(worker),
                    Err(fault) => {
                        measured.failures.push(format!("{} in {}: {fault}", subject.name, case.name));
                        break;
                    }
                }
            }
            if workers.len() < count {
                continue;
            }
            if let Some(worker) = workers.first() {
                measured.builds.insert(subject.name, (worker.sqlite.clone(), worker.options.clone()));
            }
            if let Processes::Fresh(_) = case.processes {
                for worker in workers.drain(..) {
                    worker.stop()?;
                }
            }
            slots.push(Slot { case, subject, folder, workers });
        }
    }
    Ok(slots)
}

/// What the workers of a case find in their environment, or why they cannot work here.
fn environment(case: &Case, subject: &Subject, mode: Mode<'_>) -> Result<Environment, String> {
    if let (Some(_), Some(why)) = (case.server, mode.server.absence()) {
        return Err(why.to_owned());
    }
    if let Some(absence) = mode.absent.get(&subject.program) {
        return Err(absence.why.clone());
    }
    if case.slow_disk { slow_disk::environment() } else { Ok(Vec::new()) }
}

impl Slot {
    fn round(&mut self, work: &Work, mode: Mode<'_>, settings: &[String]) -> Outcome<Figures> {
        match self.case.processes {
            Processes::One => self.workers.first_mut().ok_or("no worker")?.round(),
            Processes::Together(_) => {
                for worker in &mut self.workers {
                    worker.go()?;
                }
                let all: Vec<Figures> = self.workers.iter_mut().map(Worker::said).collect::<Outcome<_>>()?;
                Ok(Figures::together(&all))
            }
            Processes::Fresh(count) => {
                let mut all = Vec::new();
                let environment = environment(self.case, self.subject, mode)?;
                for _ in 0..count {
                    let arguments =
                        arguments(work, self.case, self.subject, &self.folder, settings, mode.quick);
                    let mut worker = Worker::start(self.subject, &arguments, &environment)?;
                    all.push(worker.round()?);
                    worker.stop()?;
                }
                Ok(Figures::middle(&all).ok_or("no process")?)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::work::{ALL, Bound};

    const LEFT: (&str, &str) = ("64-full", "larder");
    const RIGHT: (&str, &str) = ("64-full", "mutex");

    fn measured() -> Measured {
        let work = ALL.iter().find(|work| work.name == "write").unwrap();
        let mut measured = Measured::new(work, work.quick);
        let round = |ns: u64, ops: u64, busy: u64| {
            let said = format!(r#"{{"ns":{ns},"ops":{ops},"p99":{ns},"counts":{{"busy":{busy}}}}}"#);
            Figures::read(&serde_json::from_str(&said).unwrap()).unwrap()
        };
        measured.rounds.insert(LEFT, vec![round(100, 10, 1), round(100, 5, 0), round(100, 20, 2)]);
        measured.rounds.insert(RIGHT, vec![round(100, 1, 0), round(100, 1, 0), round(200, 1, 0)]);
        measured
    }

    #[test]
    fn a_ratio_is_taken_round_by_round_and_told_as_its_bound_says() {
        let reached = |metric, bound| measured().reached(&Goal::new("", metric, LEFT, RIGHT, bound)).unwrap();
        assert_eq!(reached(Metric::Rate, Bound::AtLeast(8.0)), Spread { low: 7.5, middle: 10.0, high: 25.0 });
        assert_eq!(reached(Metric::P99, Bound::Part(8.0)).high, 1.5);
        assert_eq!(reached(Metric::P99, Bound::AtMost(1.1)).middle, 1.0);
        let unknown = Goal::new("", Metric::P50, LEFT, RIGHT, Bound::AtMost(1.1));
        assert_eq!(measured().reached(&unknown), None, "nobody said a median");
    }

    #[test]
    fn a_shuffle_keeps_everyone_and_gives_each_many_neighbours() {
        let (mut random, mut slots) = (Random::new(1), (0..6).collect::<Vec<_>>());
        let mut before_five = BTreeSet::new();
        for _ in 0..100 {
            shuffle(&mut slots, &mut random);
            let mut sorted = slots.clone();
            sorted.sort_unstable();
            assert_eq!(sorted, [0, 1, 2, 3, 4, 5]);
            before_five.extend(slots.windows(2).filter(|pair| pair[1] == 5).map(|pair| pair[0]));
        }
        assert_eq!(before_five.len(), 5, "{before_five:?}");
    }

    #[test]
    fn a_count_is_that_of_all_rounds() {
        let reached = |name, at| measured().reached(&Goal::none("", name, at)).map(|told| told.middle);
        assert_eq!(reached("busy", LEFT), Some(3.0));
        assert_eq!(reached("busy", RIGHT), Some(0.0));
        assert_eq!(reached("other", LEFT), None, "what nobody counted is not 0");
    }

    #[test]
    fn a_goal_is_excused_where_a_side_of_it_cannot_be_measured() {
        let mut measured = measured();
        let goal = Goal::new("", Metric::Rate, LEFT, RIGHT, Bound::AtLeast(8.0));
        assert_eq!(measured.excuse(&goal), None);
        measured.absent.insert(RIGHT, "not on this system".to_owned());
        assert_eq!(measured.excuse(&goal), Some("not on this system"));
    }
}
