//! The works that are measured: who takes part, with which settings, and what is to be reached.

mod audit;
mod bulk;
mod event;
mod goal;
mod import;
mod lease;
mod migration;
mod postgres;
mod read;
mod write;

pub(crate) use goal::{Bound, Goal, Metric, What};

/// All works, in the order of the report; those of a theme stand together.
pub(crate) const ALL: &[&Work] = &[
    &read::POINT_READ,
    &read::READ_MANY,
    &read::STATEMENTS,
    &read::ANALYZED,
    &read::READERS,
    &write::WRITE,
    &write::SLOW_DISK,
    &write::LATENCY,
    &write::LOCKED,
    &write::TOKIO_WRITE,
    &bulk::INSERT_MANY,
    &migration::OPEN,
    &migration::APPLY,
    &migration::COPY,
    &event::EVENTS,
    &event::EVENTS_TAIL,
    &audit::AUDIT,
    &lease::LEASE,
    &import::IMPORT,
    &postgres::READ,
    &postgres::WRITE,
    &postgres::COPY,
];

/// One kind of work that several subjects do in turns.
#[derive(Debug)]
pub(crate) struct Work {
    /// As `--only` names it, and as workers know it.
    pub name: &'static str,
    /// Under which heading the report has it.
    pub theme: Theme,
    /// What is timed, in a sentence or two.
    pub story: &'static str,
    /// The variants; all of them run in the same rounds, so that goals can compare across them.
    pub cases: &'static [Case],
    /// Who takes part; the first is the base of the ratios.
    pub subjects: &'static [Subject],
    /// What Larder is to reach.
    pub goals: &'static [Goal],
    /// The number of a round that the report compares.
    pub metric: Metric,
    /// How much is measured with `--quick`. All works together must stay under two minutes.
    pub quick: Effort,
    /// How much is measured without.
    pub full: Effort,
    /// What of it the plot shows: a case, and the subject of Larder's that the others are compared with.
    pub plot: &'static [Plot],
}

/// The headings of the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Theme {
    /// Reading rows.
    Read,
    /// Small transactions, from one thread or many.
    Write,
    /// The same from the tasks of an async runtime.
    Async,
    /// Many rows at once.
    Bulk,
    /// Opening files and migrating them.
    Migration,
    /// The stores of larder-stores.
    Store,
    /// What goes to a server.
    Server,
}

impl Theme {
    /// As a heading.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Read => "Reads",
            Self::Write => "Writes",
            Self::Async => "Async",
            Self::Bulk => "Bulk",
            Self::Migration => "Open and migrate",
            Self::Store => "Stores",
            Self::Server => "PostgreSQL",
        }
    }
}

/// How much is measured.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Effort {
    /// Rounds that count; one more goes before them to warm up.
    pub rounds: usize,
    /// How long a round is; one of a single large operation takes what it takes.
    pub budget_ms: u64,
}

impl Effort {
    /// So many rounds of so many milliseconds.
    pub(crate) const fn new(rounds: usize, budget_ms: u64) -> Self {
        Self { rounds, budget_ms }
    }
}

/// A group of bars of the plot.
#[derive(Debug)]
pub(crate) struct Plot {
    /// What stands above it.
    pub title: &'static str,
    /// The case.
    pub case: &'static str,
    /// The subject of Larder's that is 1.
    pub one: &'static str,
}

impl Work {
    /// Whether all of it happens on a server.
    pub(crate) fn needs_server(&self) -> bool {
        self.cases.iter().all(|case| case.server.is_some())
    }
}

/// A setting of a worker: its name and its value.
pub(crate) type Setting = (&'static str, &'static str);

/// A variant of a work.
#[derive(Debug)]
pub(crate) struct Case {
    /// A short name, unique in its work.
    pub name: &'static str,
    /// What is special about it, in words.
    pub story: &'static str,
    /// What the workers are told. `budget-ms` of a case goes before that of the work.
    pub settings: &'static [Setting],
    /// What they are told besides, or instead, with `--quick`.
    pub quick: &'static [Setting],
    /// The subjects that take part in it; all of the work's, when none is named.
    pub only: &'static [&'static str],
    /// Who does a round.
    pub processes: Processes,
    /// Whether each wait for the disk takes a millisecond longer, for every subject alike.
    pub slow_disk: bool,
    /// How its workers reach the server that this program starts; none is started for files.
    pub server: Option<Way>,
}

/// How a worker reaches a server on its own machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// By 127.0.0.1.
    Tcp,
    /// By a socket of the file system.
    Socket,
}

impl Case {
    /// A case of all subjects, in one process each.
    pub(crate) const fn new(name: &'static str, story: &'static str, settings: &'static [Setting]) -> Self {
        let processes = Processes::One;
        Self { name, story, settings, quick: &[], only: &[], processes, slow_disk: false, server: None }
    }

    /// Whether each commit of it waits for the disk.
    pub(crate) fn is_full(&self) -> bool {
        self.server.is_some() || self.settings.contains(&("synchronous", "FULL"))
    }

    /// Whether a subject takes part.
    pub(crate) fn has(&self, subject: &str) -> bool {
        self.only.is_empty() || self.only.contains(&subject)
    }
}

/// Who does a round of a subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Processes {
    /// One process, alive all the time.
    One,
    /// So many processes, one after another and new each round, which do one operation each; the median counts: what a
    /// program pays once a process is in it.
    Fresh(usize),
    /// So many processes at once on one file, alive all the time; what they do is added up.
    Together(usize),
}

/// A library, in one way of using it.
#[derive(Debug)]
pub(crate) struct Subject {
    /// As its worker knows it, and as goals name it.
    pub name: &'static str,
    /// How the report names it.
    pub label: &'static str,
    /// The worker that has it.
    pub program: Program,
    /// The package whose version the report shows.
    pub package: &'static str,
    /// The subject whose file it opens instead of one of its own; that one is set up first.
    pub on_file_of: Option<&'static str>,
}

impl Subject {
    pub(crate) const fn new(
        name: &'static str,
        label: &'static str,
        program: Program,
        package: &'static str,
    ) -> Self {
        Self { name, label, program, package, on_file_of: None }
    }
}

/// A worker program. Each links one libsqlite3-sys; that is why there are several.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Program {
    /// This program itself.
    Larder,
    /// This program too, which starts the program `larder` over and over.
    Cli,
    /// `peers/rusqlite`
    Rusqlite,
    /// `peers/pool`
    Pool,
    /// `peers/sqlx`
    Sqlx,
    /// `peers/toasty`
    Toasty,
    /// `peers/postgres`
    Postgres,
    /// `peers/libpq`
    Libpq,
    /// `peers/node`, with better-sqlite3 from npm
    BetterSqlite3,
    /// `peers/node`, with the SQLite that node itself brings
    NodeSqlite,
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn goals_and_plots_name_cases_and_subjects_that_exist() {
        for work in ALL {
            let plots = work.plot.iter().map(|plot| (plot.case, plot.one));
            let goals = work.goals.iter().flat_map(|goal| std::iter::once(goal).chain(goal.or));
            for (case, subject) in goals.flat_map(Goal::needs).chain(plots) {
                let found = work.cases.iter().find(|it| it.name == case);
                let found = found.unwrap_or_else(|| panic!("{}: no case {case}", work.name));
                assert!(work.subjects.iter().any(|it| it.name == subject), "{}: no {subject}", work.name);
                assert!(found.has(subject), "{}: {subject} is not in {case}", work.name);
            }
        }
    }

    #[test]
    fn cases_name_subjects_that_exist() {
        for work in ALL {
            for subject in work.cases.iter().flat_map(|case| case.only) {
                assert!(work.subjects.iter().any(|it| it.name == *subject), "{}: no {subject}", work.name);
            }
        }
    }

    #[test]
    fn names_are_unique() {
        let works: BTreeSet<_> = ALL.iter().map(|work| work.name).collect();
        assert_eq!(works.len(), ALL.len());
        for work in ALL {
            let cases: BTreeSet<_> = work.cases.iter().map(|case| case.name).collect();
            assert_eq!(cases.len(), work.cases.len(), "{}", work.name);
        }
    }

    #[test]
    fn works_of_a_theme_stand_together() {
        let mut themes: Vec<&str> = ALL.iter().map(|work| work.theme.title()).collect();
        themes.dedup();
        let different: BTreeSet<_> = themes.iter().collect();
        assert_eq!(different.len(), themes.len(), "{themes:?}");
    }
}
