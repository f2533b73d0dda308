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

const fn goal(text: &'static str, right: &'static str, bound: Bound) -> Goal {
    Goal::new(text, Metric::Time, ("100k", "larder"), ("100k", right), bound)
}
