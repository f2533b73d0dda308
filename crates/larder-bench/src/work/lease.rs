//! The leases of the store forge, beside the same statements by hand.

use super::{Case, Effort, Goal, Metric, Program, Subject, Theme, Work};

/// Many threads that want few leases.
pub(crate) const LEASE: Work = Work {
    name: "lease",
    theme: Theme::Store,
    story: "Each operation is one try to get the lease of a repository at random, and its return when it was granted, each a transaction \
            of its own, NORMAL. Counted beside the database: two that had one lease at once (overlaps), a token that was not larger than \
            all before it (duplicates), and errors other than that somebody holds it. By hand: the statements alone, with one \
            connection in a mutex, without an entry in an audit trail.",
    cases: &[
        Case::new("64-threads", "64 threads, 16 repositories", &[("threads", "64"), ("repositories", "16")]),
        Case::new("1-thread", "1 thread: granted and returned", &[("threads", "1"), ("repositories", "16")]),
    ],
    subjects: &[
        Subject::new("mutex", "rusqlite, one connection in a mutex", Program::Rusqlite, "rusqlite"),
        Subject::new("larder", "**larder**, `forge::acquire`", Program::Larder, "larder-stores"),
    ],
    goals: &[
        Goal::none("64 threads, overlaps", "overlaps", ("64-threads", "larder")),
        Goal::none("64 threads, duplicate tokens", "duplicates", ("64-threads", "larder")),
        Goal::none("64 threads, errors other than held", "errors", ("64-threads", "larder")),
    ],
    metric: Metric::Rate,
    quick: Effort::new(5, 200),
    full: Effort::new(9, 500),
    plot: &[],
};
