//! Many rows at once.

use super::{Bound, Case, Effort, Goal, Metric, Plot, Program, Subject, Theme, Work};

/// Many rows in one transaction.
pub(crate) const INSERT_MANY: Work = Work {
    name: "insert-many",
    theme: Theme::Bulk,
    story: "Rows of four columns (a key in order, two texts, a number) into a new file, in one transaction, NORMAL; the time is one \
            row's. The C library writes row by row and copies no text. After each round the rows are counted.",
    cases: &[Case {
        quick: &[("rows", "200000")],
        ..Case::new("rows", "1,000,000 rows; 200,000 with `--quick`", &[("rows", "1000000")])
    }],
    subjects: &[
        Subject::new("raw", "C library, held statement, row by row", Program::Rusqlite, "libsqlite3-sys"),
        Subject::new("rusqlite-held", "rusqlite, held statement", Program::Rusqlite, "rusqlite"),
        Subject::new("rusqlite", "rusqlite, `prepare_cached`", Program::Rusqlite, "rusqlite"),
        Subject::new("diesel", "diesel, batches of 1,000", Program::Pool, "diesel"),
        Subject::new("sqlx", "sqlx, `push_values` of 1,000", Program::Sqlx, "sqlx"),
        Subject::new(
            "better-sqlite3",
            "better-sqlite3 (node), row by row",
            Program::BetterSqlite3,
            "better-sqlite3",
        ),
        Subject::new("node-sqlite", "node:sqlite, row by row", Program::NodeSqlite, "node"),
        Subject::new("larder", "**larder**, `insert_many`", Program::Larder, "larder"),
        Subject::new("larder-execute", "**larder**, `execute` for each row", Program::Larder, "larder"),
    ],
    goals: &[goal("`insert_many` / C library, row by row", "raw", Bound::AtMost(0.95))],
    metric: Metric::Time,
    quick: Effort::new(3, 0),
    full: Effort::new(9, 0),
    plot: &[Plot { title: "insert many rows", case: "rows", one: "larder" }],
};

const fn goal(text: &'static str, right: &'static str, bound: Bound) -> Goal {
    Goal::new(text, Metric::Time, ("rows", "larder"), ("rows", right), bound)
}
