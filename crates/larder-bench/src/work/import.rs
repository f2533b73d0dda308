//! The importers of the store registry.

use super::{Bound, Case, Effort, Goal, Metric, Program, Subject, Theme, Work};

/// Importing what npm wrote down.
pub(crate) const IMPORT: Work = Work {
    name: "import",
    theme: Theme::Store,
    story: "`larder tool import` of a made-up `package-lock.json` of version 3, of which an eighth of the packages lies below others, into a \
            new registry: the whole process, from its start to its end. And its two parts by themselves, within a process: the \
            lock file read, and what is the database's, with making, migrating and closing the file. After each round the tools are \
            counted.",
    cases: &[
        Case::new("2000", "2,000 packages", &[("packages", "2000")]),
        Case::new("empty", "no packages: what a process costs anyway", &[("packages", "0")]),
    ],
    subjects: &[
        Subject::new("larder", "**larder**, `larder tool import`", Program::Cli, "larder-cli"),
        Subject::new("larder-reading", "**larder**, `read_npm_lock`", Program::Larder, "larder-stores"),
        Subject::new("larder-database", "**larder**, `registry::import`", Program::Larder, "larder-stores"),
    ],
    goals: &[
        Goal::single(
            "2,000 packages, the whole process",
            Metric::P50,
            ("2000", "larder"),
            Bound::Within(5e8),
        ),
        Goal::new(
            "2,000 packages, the database / the whole process",
            Metric::P50,
            ("2000", "larder-database"),
            ("2000", "larder"),
            Bound::Below(0.5),
        ),
    ],
    metric: Metric::P50,
    quick: Effort::new(5, 150),
    full: Effort::new(9, 500),
    plot: &[],
};
