//! The audit trail of the stores, beside the same rows written by hand.

use super::{Bound, Case, Effort, Goal, Metric, Program, Subject, Theme, Work};

/// Appending to a chained audit trail, and verifying it.
pub(crate) const AUDIT: Work = Work {
    name: "audit",
    theme: Theme::Store,
    story: "Entries of the journal's audit log, 100 a transaction, NORMAL; the figures are rows. By hand: the same rows into the same \
            table without hashes and triggers. And the check of a trail of 1,000,000 entries (100,000 with `--quick`) from end to end.",
    cases: &[
        Case::new("append", "append, 100 a transaction, one thread", &[]),
        Case {
            quick: &[("rows", "100000")],
            only: &["larder"],
            ..Case::new("verify", "verify", &[("rows", "1000000")])
        },
    ],
    subjects: &[
        Subject::new("rusqlite", "rusqlite, `prepare_cached`, no chain", Program::Rusqlite, "rusqlite"),
        Subject::new("larder", "**larder**, `audit`", Program::Larder, "larder-stores"),
    ],
    goals: &[
        Goal::new(
            "append with the chain / rows by hand without",
            Metric::Time,
            ("append", "larder"),
            ("append", "rusqlite"),
            Bound::AtMost(2.4),
        ),
        Goal::new(
            "verify / append, rows a second",
            Metric::Rate,
            ("verify", "larder"),
            ("append", "larder"),
            Bound::AtLeast(8.0),
        )
        .or(&VERIFIED),
    ],
    metric: Metric::Rate,
    quick: Effort::new(5, 200),
    full: Effort::new(9, 500),
    plot: &[],
};

/// What does as well as a ratio to the time of appending.
const VERIFIED: Goal =
    Goal::single("verify, rows a second", Metric::Rate, ("verify", "larder"), Bound::PerSecond(1_000_000.0));
