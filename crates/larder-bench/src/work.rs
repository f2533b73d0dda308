//! The works that are measured: who takes part, with which settings, and what is to be reached.

mod migration;
mod read;

/// All works, in the order of the report.
pub(crate) const ALL: &[&Work] = &[&migration::OPEN, &migration::APPLY, &read::POINT_READ, &migration::COPY];

/// One kind of work that several subjects do in turns.
#[derive(Debug)]
pub(crate) struct Work {
    /// As `--only` names it, and as workers know it.
    pub name: &'static str,
    /// What is timed, in a sentence.
    pub story: &'static str,
    /// The variants; all of them run in the same rounds, so that goals can compare across them.
    pub cases: &'static [Case],
    /// Who takes part in every case; the first is the base of the ratios.
    pub subjects: &'static [Subject],
    /// What Larder is to reach.
    pub goals: &'static [Goal],
    /// The number of a round that is reported and compared.
    pub metric: Metric,
}

/// A variant of a work.
#[derive(Debug)]
pub(crate) struct Case {
    /// A short name, unique in its work.
    pub name: &'static str,
    /// What is special about it, in words.
    pub story: &'static str,
    /// What the workers are told.
    pub settings: &'static [(&'static str, &'static str)],
    /// When not 0, each round starts this many processes that do one operation each, and takes their median:
    /// what a program pays once a process is in it.
    pub processes: usize,
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
    const fn new(name: &'static str, label: &'static str, program: Program, package: &'static str) -> Self {
        Self { name, label, program, package, on_file_of: None }
    }
}

/// A worker program. Each links one libsqlite3-sys; that is why there are several.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Program {
    /// This program itself.
    Larder,
    /// `peers/rusqlite`
    Rusqlite,
    /// `peers/pool`
    Pool,
    /// `peers/sqlx`
    Sqlx,
}

/// The number of a round that is compared.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Metric {
    /// Nanoseconds of a round by its operations.
    Mean,
    /// The median of the operations of a round, in nanoseconds.
    Median,
}

/// A ratio of two numbers of one work, and its bound.
#[derive(Debug)]
pub(crate) struct Goal {
    /// In words.
    pub text: &'static str,
    /// What is divided: case and subject.
    pub left: (&'static str, &'static str),
    /// What it is divided by.
    pub right: (&'static str, &'static str),
    /// The bound of the ratio.
    pub bound: Bound,
}

/// Where a ratio must stay.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Bound {
    /// At most this.
    AtMost(f64),
    /// Below this.
    Below(f64),
}

impl Bound {
    /// Whether a ratio keeps to it.
    pub(crate) fn holds(self, ratio: f64) -> bool {
        match self {
            Self::AtMost(most) => ratio <= most,
            Self::Below(limit) => ratio < limit,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn goals_name_cases_and_subjects_that_exist() {
        for work in ALL {
            for goal in work.goals {
                for (case, subject) in [goal.left, goal.right] {
                    assert!(work.cases.iter().any(|it| it.name == case), "{}: no case {case}", work.name);
                    assert!(work.subjects.iter().any(|it| it.name == subject), "{}: no {subject}", work.name);
                }
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
}
