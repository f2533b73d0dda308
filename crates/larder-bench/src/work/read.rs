//! Reading.

use super::{Bound, Case, Goal, Metric, Program, Subject, Work};

/// One row by its primary key.
pub(crate) const POINT_READ: Work = Work {
    name: "point-read",
    story: "One row by its primary key from a table of 100,000 rows into a struct of four fields, keys at random.",
    cases: &[Case { name: "100k", story: "100,000 rows", settings: &[("rows", "100000")], processes: 0 }],
    subjects: &[
        Subject {
            name: "rusqlite",
            label: "rusqlite, `prepare_cached`",
            program: Program::Rusqlite,
            package: "rusqlite",
        },
        Subject {
            name: "raw",
            label: "C library, held statement",
            program: Program::Rusqlite,
            package: "libsqlite3-sys",
        },
        Subject {
            name: "rusqlite-held",
            label: "rusqlite, held statement",
            program: Program::Rusqlite,
            package: "rusqlite",
        },
        Subject {
            name: "r2d2",
            label: "r2d2_sqlite, `prepare_cached`",
            program: Program::Pool,
            package: "r2d2_sqlite",
        },
        Subject { name: "diesel", label: "diesel", program: Program::Pool, package: "diesel" },
        Subject { name: "sqlx", label: "sqlx, pool", program: Program::Sqlx, package: "sqlx" },
        Subject {
            name: "larder",
            label: "**larder**, `db.read`",
            program: Program::Larder,
            package: "larder",
        },
        Subject {
            name: "larder-single",
            label: "**larder**, `db.query_opt`",
            program: Program::Larder,
            package: "larder",
        },
    ],
    goals: &[
        goal("`db.read` / rusqlite `prepare_cached`", "rusqlite", Bound::AtMost(1.15)),
        goal("`db.read` / r2d2_sqlite", "r2d2", Bound::Below(1.0)),
        goal("`db.read` / diesel", "diesel", Bound::Below(1.0)),
        goal("`db.read` / sqlx", "sqlx", Bound::Below(1.0)),
    ],
    metric: Metric::Mean,
};

const fn goal(text: &'static str, right: &'static str, bound: Bound) -> Goal {
    Goal { text, left: ("100k", "larder"), right: ("100k", right), bound }
}
