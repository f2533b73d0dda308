//! The events of the store workflow, beside the same table written by hand.

use super::{Bound, Case, Effort, Goal, Metric, Program, Subject, Theme, Work};

/// Appending events to one run.
pub(crate) const EVENTS: Work = Work {
    name: "events",
    theme: Theme::Store,
    story: "Events of one run, 100 a transaction, NORMAL; the figures are rows. By hand: the same table, the same rows, and a counter \
            in memory for their numbers, which no second writer may use. After each round the rows and the last number are looked at.",
    cases: &[Case::new("batches", "100 a transaction, one thread", &[])],
    subjects: &[
        Subject::new("rusqlite", "rusqlite, `prepare_cached`, by hand", Program::Rusqlite, "rusqlite"),
        Subject::new("larder", "**larder**, `workflow::append_many`", Program::Larder, "larder-stores"),
    ],
    goals: &[Goal::new(
        "events, throughput / rusqlite by hand",
        Metric::Rate,
        ("batches", "larder"),
        ("batches", "rusqlite"),
        Bound::AtLeast(0.8),
    )],
    metric: Metric::Rate,
    quick: Effort::new(5, 200),
    full: Effort::new(9, 500),
    plot: &[],
};

/// Reading the end of a long run.
pub(crate) const EVENTS_TAIL: Work = Work {
    name: "events-tail",
    theme: Theme::Store,
    story: "The last 100 events of a run with 10,000 events and of one with 10,000,000 (1,000,000 with `--quick`), as rows; the time is \
            that of all 100. By hand: from the same file.",
    cases: &[
        Case::new("short", "10,000 events", &[("rows", "10000")]),
        Case {
            quick: &[("rows", "1000000")],
            ..Case::new("long", "10,000,000 events; 1,000,000 with `--quick`", &[("rows", "10000000")])
        },
    ],
    subjects: &[
        Subject {
            on_file_of: Some("larder"),
            ..Subject::new("rusqlite", "rusqlite, `prepare_cached`", Program::Rusqlite, "rusqlite")
        },
        Subject::new("larder", "**larder**, `workflow::last_events`", Program::Larder, "larder-stores"),
    ],
    goals: &[Goal::new(
        "the last 100 of a long run / of 10,000",
        Metric::P50,
        ("long", "larder"),
        ("short", "larder"),
        Bound::AtMost(1.2),
    )],
    metric: Metric::P50,
    quick: Effort::new(5, 30),
    full: Effort::new(9, 200),
    plot: &[],
};
