//! Reading.

use super::{Bound, Case, Effort, Goal, Metric, Plot, Program, Subject, Theme, Work};

/// One row by its primary key.
pub(crate) const POINT_READ: Work = Work {
    name: "point-read",
    theme: Theme::Read,
    story: "One row by its primary key from a table of 100,000 rows into a struct of four fields, keys at random.",
    cases: &[Case::new("100k", "100,000 rows", &[("rows", "100000")])],
    subjects: &[
        Subject::new("rusqlite", "rusqlite, `prepare_cached`", Program::Rusqlite, "rusqlite"),
        Subject::new("raw", "C library, held statement", Program::Rusqlite, "libsqlite3-sys"),
        Subject::new("rusqlite-held", "rusqlite, held statement", Program::Rusqlite, "rusqlite"),
        Subject::new("r2d2", "r2d2_sqlite, `prepare_cached`", Program::Pool, "r2d2_sqlite"),
        Subject::new("diesel", "diesel", Program::Pool, "diesel"),
        Subject::new("sqlx", "sqlx, pool", Program::Sqlx, "sqlx"),
        Subject::new("sea-orm", "sea-orm, pool", Program::Sqlx, "sea-orm"),
        Subject::new("toasty", "toasty", Program::Toasty, "toasty"),
        Subject::new(
            "better-sqlite3",
            "better-sqlite3 (node), held statement",
            Program::BetterSqlite3,
            "better-sqlite3",
        ),
        Subject::new("node-sqlite", "node:sqlite, held statement", Program::NodeSqlite, "node"),
        Subject::new("larder", "**larder**, `db.read`", Program::Larder, "larder"),
        Subject::new("larder-single", "**larder**, `db.query_opt`", Program::Larder, "larder"),
    ],
    goals: &[
        goal("`db.read` / C library, held statement", "raw", Bound::AtMost(1.10)),
        goal("`db.read` / rusqlite `prepare_cached`", "rusqlite", Bound::AtMost(1.15)),
        goal("`db.read` / r2d2_sqlite", "r2d2", Bound::Below(1.0)),
        goal("`db.read` / diesel", "diesel", Bound::Below(1.0)),
        goal("`db.read` / sqlx", "sqlx", Bound::Below(1.0)),
    ],
    metric: Metric::Time,
    quick: Effort::new(5, 40),
    full: Effort::new(15, 100),
    plot: &[Plot { title: "point read", case: "100k", one: "larder" }],
};

const RAW: Subject = Subject::new("raw", "C library, held statement", Program::Rusqlite, "libsqlite3-sys");
const LARDER: Subject = Subject::new("larder", "**larder**, `db.read`", Program::Larder, "larder");

/// Many statements inside one transaction.
pub(crate) const READ_MANY: Work = Work {
    name: "read-many",
    theme: Theme::Read,
    story: "The same row by row inside one transaction that lasts for the whole round.",
    cases: &[Case::new("100k", "100,000 rows", &[("rows", "100000")])],
    subjects: &[RAW, LARDER],
    goals: &[goal(
        "many statements in one `db.read` / C library in one transaction",
        "raw",
        Bound::AtMost(1.05),
    )],
    metric: Metric::Time,
    quick: Effort::new(5, 40),
    full: Effort::new(15, 100),
    plot: &[],
};

/// More statements in turn than many a cache holds.
pub(crate) const STATEMENTS: Work = Work {
    name: "statements-200",
    theme: Theme::Read,
    story: "The point read with 200 texts of SQL in turn. The C library holds 200 statements; the cache of rusqlite is set to 256 \
            (by itself it holds 16).",
    cases: &[Case::new("100k", "100,000 rows", &[("rows", "100000")])],
    subjects: &[
        RAW,
        Subject::new("rusqlite", "rusqlite, `prepare_cached`", Program::Rusqlite, "rusqlite"),
        LARDER,
    ],
    goals: &[goal("200 statements in turn / C library, held statements", "raw", Bound::AtMost(1.15))],
    metric: Metric::Time,
    quick: Effort::new(5, 40),
    full: Effort::new(15, 100),
    plot: &[],
};

/// What STAT4 costs who binds limits and ranges.
pub(crate) const ANALYZED: Work = Work {
    name: "analyzed",
    theme: Theme::Read,
    story: "Up to 10 keys of a range on an ANALYZEd database, with other values for the range and the LIMIT each time. \
            The goal is one of instructions, which valgrind counts.",
    cases: &[Case::new("20k", "20,000 rows", &[("rows", "20000")])],
    subjects: &[
        Subject::new("rusqlite", "rusqlite, `prepare_cached`", Program::Rusqlite, "rusqlite"),
        LARDER,
    ],
    goals: &[Goal::instructions(
        "bound LIMIT and range, ANALYZEd: fewer instructions than rusqlite `prepare_cached`",
        ("20k", "larder"),
        ("20k", "rusqlite"),
        Bound::AtLeast(4.0),
    )],
    metric: Metric::Time,
    quick: Effort::new(5, 40),
    full: Effort::new(15, 100),
    plot: &[],
};

/// Several threads that read.
pub(crate) const READERS: Work = Work {
    name: "readers-4",
    theme: Theme::Read,
    story: "The point read by 4 threads of one process, alone and beside a thread that writes as fast as it can.",
    cases: &[
        Case::new("alone", "4 threads", &[("rows", "100000"), ("threads", "4")]),
        Case {
            only: &["bare", "larder"],
            ..Case::new(
                "beside",
                "4 threads beside one that writes",
                &[("rows", "100000"), ("threads", "4"), ("writer", "yes")],
            )
        },
    ],
    subjects: &[
        Subject::new("bare", "rusqlite, a connection each", Program::Rusqlite, "rusqlite"),
        Subject::new("mutex", "rusqlite, one connection in a mutex", Program::Rusqlite, "rusqlite"),
        Subject::new("r2d2", "r2d2_sqlite, pool of 10", Program::Pool, "r2d2_sqlite"),
        LARDER,
    ],
    goals: &[
        readers("4 readers, throughput / one mutex connection", "alone", "mutex", 7.0),
        readers("4 readers, throughput / r2d2", "alone", "r2d2", 1.4),
        readers("4 readers beside a writer, throughput / own connections", "beside", "bare", 0.95),
    ],
    metric: Metric::Rate,
    quick: Effort::new(3, 100),
    full: Effort::new(9, 300),
    plot: &[Plot { title: "4 readers", case: "alone", one: "larder" }],
};

const fn readers(text: &'static str, case: &'static str, right: &'static str, least: f64) -> Goal {
    Goal::new(text, Metric::Rate, (case, "larder"), (case, right), Bound::AtLeast(least))
}

const fn goal(text: &'static str, right: &'static str, bound: Bound) -> Goal {
    Goal::new(text, Metric::Time, ("100k", "larder"), ("100k", right), bound)
}
