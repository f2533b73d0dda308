//! Writing: one small row a transaction, by one thread or many.

use super::{Bound, Case, Effort, Goal, Metric, Plot, Processes, Program, Subject, Theme, Work};

const MUTEX: Subject =
    Subject::new("mutex", "rusqlite, one connection in a mutex", Program::Rusqlite, "rusqlite");
const R2D2: Subject = Subject::new("r2d2", "r2d2_sqlite, pool of 10", Program::Pool, "r2d2_sqlite");
const DIESEL: Subject = Subject::new("diesel", "diesel, r2d2 pool of 10", Program::Pool, "diesel");
const SQLX: Subject = Subject::new("sqlx", "sqlx, pool of 10, tasks", Program::Sqlx, "sqlx");
const SQLX_ONE: Subject = Subject::new("sqlx-one", "sqlx, pool of 1, tasks", Program::Sqlx, "sqlx");
const SEA_ORM: Subject = Subject::new("sea-orm", "sea-orm, pool of 10, tasks", Program::Sqlx, "sea-orm");
/// With more connections, tasks that wait for the lock block the one that holds it.
const TOASTY: Subject = Subject::new("toasty", "toasty, pool of 1, tasks", Program::Toasty, "toasty");
const BETTER_SQLITE3: Subject =
    Subject::new("better-sqlite3", "better-sqlite3 (node)", Program::BetterSqlite3, "better-sqlite3");
const NODE_SQLITE: Subject = Subject::new("node-sqlite", "node:sqlite", Program::NodeSqlite, "node");
const LARDER: Subject = Subject::new("larder", "**larder**, `db.write`", Program::Larder, "larder");

const LARDER_TASK: Subject =
    Subject::new("larder", "**larder**, `AsyncDatabase::write`", Program::Larder, "larder");

/// A millisecond before each write: little load, and two threads seldom write at once.
const THINK: (&str, &str) = ("think-us", "1000");

/// Who writes from many threads. Node has one.
const MANY: &[&str] = &["mutex", "r2d2", "diesel", "sqlx", "sea-orm", "toasty", "larder"];

/// Who writes from one.
const ONE: &[&str] =
    &["mutex", "r2d2", "sqlx", "sea-orm", "toasty", "better-sqlite3", "node-sqlite", "larder"];

/// One row, one transaction.
pub(crate) const WRITE: Work = Work {
    name: "write",
    theme: Theme::Write,
    story: "One transaction (BEGIN IMMEDIATE … COMMIT) that inserts one small row. FULL: the commit is on the disk before it \
            returns. The log's file has its size before the first round. Of libraries for async programs as many tasks write as \
            otherwise threads, on a runtime of as many threads as there are cores. After each round the rows are counted: as many \
            as were acknowledged.",
    cases: &[
        Case {
            quick: &[("budget-ms", "250")],
            only: &["mutex", "r2d2", "diesel", "sqlx", "sqlx-one", "sea-orm", "toasty", "larder"],
            ..Case::new("64-full", "64 threads, FULL", &[("threads", "64"), ("synchronous", "FULL")])
        },
        Case { only: MANY, ..Case::new("16-normal", "16 threads, NORMAL", &[("threads", "16")]) },
        Case { only: ONE, ..Case::new("1-normal", "1 thread, NORMAL", &[("threads", "1")]) },
        Case {
            only: ONE,
            ..Case::new("1-full", "1 thread, FULL", &[("threads", "1"), ("synchronous", "FULL")])
        },
        Case {
            only: &["mutex", "r2d2", "larder"],
            ..Case::new(
                "2-think",
                "2 threads that pause for a millisecond before each write, NORMAL",
                &[("threads", "2"), THINK],
            )
        },
    ],
    subjects: &[MUTEX, R2D2, DIESEL, SQLX, SQLX_ONE, SEA_ORM, TOASTY, BETTER_SQLITE3, NODE_SQLITE, LARDER],
    goals: &[
        goal("64 threads FULL, throughput / mutex", Metric::Rate, "64-full", "mutex", Bound::AtLeast(8.0)),
        goal("64 threads FULL, p99 / mutex", Metric::P99, "64-full", "mutex", Bound::Part(8.0)),
        goal("64 threads FULL, throughput / r2d2", Metric::Rate, "64-full", "r2d2", Bound::AtLeast(15.0)),
        goal(
            "64 threads FULL, throughput / sqlx, 64 tasks",
            Metric::Rate,
            "64-full",
            "sqlx",
            Bound::AtLeast(30.0),
        ),
        goal(
            "16 threads NORMAL, throughput / mutex",
            Metric::Rate,
            "16-normal",
            "mutex",
            Bound::AtLeast(1.6),
        ),
        goal("1 thread NORMAL, p50 / mutex", Metric::P50, "1-normal", "mutex", Bound::AtMost(1.1)),
        goal("1 thread FULL, p50 / mutex", Metric::P50, "1-full", "mutex", Bound::AtMost(1.1)),
        goal("2 threads that think, p50 / mutex", Metric::P50, "2-think", "mutex", Bound::AtMost(1.1)),
    ],
    metric: Metric::Rate,
    quick: Effort::new(3, 100),
    full: Effort::new(9, 500),
    plot: &[
        Plot { title: "write, 64 threads, FULL", case: "64-full", one: "larder" },
        Plot { title: "write, 16 threads, NORMAL", case: "16-normal", one: "larder" },
    ],
};

const fn goal(
    text: &'static str,
    metric: Metric,
    case: &'static str,
    right: &'static str,
    bound: Bound,
) -> Goal {
    Goal::new(text, metric, (case, "larder"), (case, right), bound)
}

/// The same by tasks of tokio.
pub(crate) const TOKIO_WRITE: Work = Work {
    name: "tokio-write",
    theme: Theme::Async,
    story: "As `write`, by tasks of tokio, on a runtime of as many threads as there are cores; and by eight times as many tasks, to see \
            whether throughput grows with them. The connection in a mutex has as many threads instead.",
    cases: &[
        Case::new("64-full", "64 tasks, FULL", &[("threads", "64"), ("synchronous", "FULL")]),
        Case {
            only: &["sqlx-one", "larder"],
            ..Case::new("512-full", "512 tasks, FULL", &[("threads", "512"), ("synchronous", "FULL")])
        },
    ],
    subjects: &[MUTEX, SQLX, SQLX_ONE, SEA_ORM, LARDER_TASK],
    goals: &[
        goal("64 tasks FULL, throughput / sqlx", Metric::Rate, "64-full", "sqlx", Bound::AtLeast(30.0)),
        Goal::new(
            "512 tasks FULL, throughput / 64 tasks",
            Metric::Rate,
            ("512-full", "larder"),
            ("64-full", "larder"),
            Bound::AtLeast(1.0),
        ),
    ],
    metric: Metric::Rate,
    quick: Effort::new(3, 250),
    full: Effort::new(9, 500),
    plot: &[Plot { title: "write, 64 tasks, FULL", case: "64-full", one: "larder" }],
};

/// The same on a disk whose every wait takes a millisecond longer.
pub(crate) const SLOW_DISK: Work = Work {
    name: "slow-disk",
    theme: Theme::Write,
    story: "The same with 64 threads, FULL, where every fsync and fdatasync takes a millisecond longer, as on a laptop's disk or \
            a cloud volume: a small library put before the system's slows it for every subject alike.",
    cases: &[Case {
        only: &["mutex", "r2d2", "larder"],
        slow_disk: true,
        ..Case::new(
            "64-full",
            "64 threads, FULL, fsync + 1 ms",
            &[("threads", "64"), ("synchronous", "FULL")],
        )
    }],
    subjects: &[MUTEX, R2D2, DIESEL, SQLX, LARDER],
    goals: &[
        goal("64 threads FULL, throughput / mutex", Metric::Rate, "64-full", "mutex", Bound::AtLeast(34.0)),
        goal("64 threads FULL, p99 / mutex", Metric::P99, "64-full", "mutex", Bound::Part(8.0)),
    ],
    metric: Metric::Rate,
    quick: Effort::new(3, 250),
    full: Effort::new(9, 500),
    plot: &[Plot { title: "write, 64 threads, FULL, fsync + 1 ms", case: "64-full", one: "larder" }],
};

/// How long the slowest writes take.
pub(crate) const LATENCY: Work = Work {
    name: "latency",
    theme: Theme::Write,
    story: "One thread, NORMAL, one row a transaction into a table with an index in no order, so many that the log is moved \
            into the file many times a round: what the slowest of 1,000 writes waits for.",
    cases: &[Case::new("1-normal", "1 thread, NORMAL", &[("threads", "1"), ("index", "yes")])],
    subjects: &[MUTEX, LARDER],
    goals: &[goal("one writer NORMAL, p99.9 / mutex", Metric::P999, "1-normal", "mutex", Bound::Part(5.0))],
    metric: Metric::P999,
    quick: Effort::new(4, 500),
    full: Effort::new(9, 2000),
    plot: &[],
};

/// Reading and then writing what was read, in one transaction.
pub(crate) const LOCKED: Work = Work {
    name: "locked",
    theme: Theme::Write,
    story: "One transaction that reads a number and writes it back one larger; the numbers are added up afterwards. Deferred: a \
            plain BEGIN, as the libraries' own transactions use it. `busy` counts the errors \"database is locked\" that came back \
            to the caller, who then tries again.",
    cases: &[
        Case::new("8-threads", "8 threads, NORMAL", &[("threads", "8")]),
        Case {
            processes: Processes::Together(4),
            ..Case::new(
                "4-processes",
                "4 processes at once on one file, of 2 threads each, NORMAL",
                &[("threads", "2"), ("shared", "yes")],
            )
        },
    ],
    subjects: &[
        MUTEX,
        Subject::new("r2d2", "r2d2_sqlite, pool of 10, deferred", Program::Pool, "r2d2_sqlite"),
        Subject::new("diesel", "diesel, r2d2 pool of 10, deferred", Program::Pool, "diesel"),
        LARDER,
    ],
    goals: &[
        Goal::none("8 threads, \"database is locked\"", "busy", ("8-threads", "larder")),
        Goal::none("4 processes, \"database is locked\"", "busy", ("4-processes", "larder")),
    ],
    metric: Metric::Rate,
    quick: Effort::new(3, 200),
    full: Effort::new(9, 500),
    plot: &[],
};
