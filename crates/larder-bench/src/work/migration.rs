//! Migrations: opening what is up to date, applying to a new file, copying a large table.

use super::{Bound, Case, Effort, Goal, Metric, Plot, Processes, Program, Setting, Subject, Theme, Work};

const RUSQLITE_MIGRATION: Subject =
    Subject::new("rusqlite_migration", "rusqlite_migration", Program::Pool, "rusqlite_migration");
const REFINERY: Subject = Subject::new("refinery", "refinery", Program::Rusqlite, "refinery");
const DIESEL: Subject = Subject::new("diesel", "diesel_migrations", Program::Pool, "diesel_migrations");
const SQLX: Subject = Subject::new("sqlx", "sqlx", Program::Sqlx, "sqlx");
const LARDER: Subject = Subject::new("larder", "**larder**", Program::Larder, "larder");

/// Opening a file that is up to date.
pub(crate) const OPEN: Work = Work {
    name: "open",
    theme: Theme::Migration,
    story: "Open a file whose migrations are all applied, see that they are, close it. The base opens with the same \
            pragmas and reads `user_version`, once a file with a history of its own (a number and a text a row), once the \
            very file that Larder made.",
    cases: &[
        Case::new("rows-10", "10 migrations", &[("set", "ROWS_10")]),
        Case::new("rows-1000", "1,000 migrations", &[("set", "ROWS_1000")]),
        Case::new(
            "rows-10-beside",
            "10, beside an open connection",
            &[("set", "ROWS_10"), ("beside", "yes")],
        ),
        Case::new(
            "rows-1000-beside",
            "1,000, beside an open connection",
            &[("set", "ROWS_1000"), ("beside", "yes")],
        ),
        Case::new("tables-1000", "1,000 that make a table each", &[("set", "TABLES_1000")]),
        Case::new(
            "tables-1000-beside",
            "1,000 that make a table each, beside an open connection",
            &[("set", "TABLES_1000"), ("beside", "yes")],
        ),
        Case {
            processes: Processes::Fresh(8),
            ..Case::new(
                "rows-1000-process",
                "1,000, the first open of a process",
                &[("set", "ROWS_1000"), ("ops", "1")],
            )
        },
    ],
    subjects: &[
        Subject::new("rusqlite", "rusqlite, pragmas and `user_version`", Program::Rusqlite, "rusqlite"),
        Subject {
            on_file_of: Some("larder"),
            ..Subject::new("rusqlite-same", "rusqlite, on Larder's file", Program::Rusqlite, "rusqlite")
        },
        RUSQLITE_MIGRATION,
        REFINERY,
        DIESEL,
        SQLX,
        LARDER,
    ],
    goals: &[
        open_goal("1,000 migrations / rusqlite on the same file", "rows-1000", "rusqlite-same"),
        open_goal("1,000, beside an open connection / the same", "rows-1000-beside", "rusqlite-same"),
        open_goal("1,000 that make a table each / the same", "tables-1000", "rusqlite-same"),
        open_goal(
            "1,000 tables, beside an open connection / the same",
            "tables-1000-beside",
            "rusqlite-same",
        ),
        open_goal("1,000, the first open of a process / the same", "rows-1000-process", "rusqlite-same"),
        open_goal("1,000 migrations / rusqlite on a file with a smaller history", "rows-1000", "rusqlite"),
        flat("flat: 1,000 / 10 migrations", "rows-1000", "rows-10"),
        flat("flat: 1,000 / 10, beside an open connection", "rows-1000-beside", "rows-10-beside"),
    ],
    metric: Metric::P50,
    quick: Effort::new(3, 30),
    full: Effort::new(15, 100),
    plot: &[Plot { title: "open, 1,000 migrations applied", case: "rows-1000", one: "larder" }],
};

const fn open_goal(text: &'static str, case: &'static str, base: &'static str) -> Goal {
    Goal::new(text, Metric::P50, (case, "larder"), (case, base), Bound::AtMost(1.15))
}

const fn flat(text: &'static str, left: &'static str, right: &'static str) -> Goal {
    Goal::new(text, Metric::P50, (left, "larder"), (right, "larder"), Bound::AtMost(1.10))
}

/// Applying a set to a file that is not there yet.
pub(crate) const APPLY: Work = Work {
    name: "apply",
    theme: Theme::Migration,
    story: "Make a file, apply 1,000 small migrations to it, close it. By hand: all in one transaction, a savepoint and a row in a \
            table each.",
    cases: &[
        Case::new("rows-1000", "each inserts a row", &[("set", "ROWS_1000")]),
        Case::new("tables-1000", "each makes a table", &[("set", "TABLES_1000")]),
    ],
    subjects: &[
        RUSQLITE_MIGRATION,
        Subject::new("rusqlite", "rusqlite, by hand with a history", Program::Rusqlite, "rusqlite"),
        REFINERY,
        DIESEL,
        SQLX,
        LARDER,
    ],
    goals: &[
        apply_goal("inserts / rusqlite_migration", "rows-1000", "rusqlite_migration", 2.0),
        apply_goal("tables / rusqlite_migration", "tables-1000", "rusqlite_migration", 2.0),
        apply_goal("inserts / refinery", "rows-1000", "refinery", 0.2),
        apply_goal("tables / refinery", "tables-1000", "refinery", 0.2),
    ],
    metric: Metric::Time,
    quick: Effort::new(3, 0),
    full: Effort::new(15, 0),
    plot: &[
        Plot { title: "apply 1,000 migrations that insert a row", case: "rows-1000", one: "larder" },
        Plot { title: "apply 1,000 migrations that make a table", case: "tables-1000", one: "larder" },
    ],
};

const fn apply_goal(text: &'static str, case: &'static str, right: &'static str, most: f64) -> Goal {
    Goal::new(text, Metric::Time, (case, "larder"), (case, right), Bound::AtMost(most))
}

/// What the gate costs a migration that copies a large table.
pub(crate) const COPY: Work = Work {
    name: "copy",
    theme: Theme::Migration,
    story: "A migration that rebuilds a table of 1,000,000 rows, 200,000 with `--quick` (create, copy, drop, rename). The base runs the same \
            statements in one transaction and measures nothing of what they did.",
    cases: &[
        rebuild("plain", "every column as it is", &[("rows", "1000000")]),
        rebuild("function", "a column through a function", &[("rows", "1000000"), ("expression", "yes")]),
        rebuild("index", "every column as it is, and an index", &[("rows", "1000000"), ("index", "yes")]),
    ],
    subjects: &[
        Subject::new("rusqlite", "rusqlite, the statements alone", Program::Rusqlite, "rusqlite"),
        LARDER,
    ],
    goals: &[
        copy_goal("with the gate / without", "plain"),
        copy_goal("with the gate / without, through a function", "function"),
        copy_goal("with the gate / without, with an index", "index"),
    ],
    metric: Metric::Time,
    quick: Effort::new(3, 0),
    full: Effort::new(15, 0),
    plot: &[],
};

/// With `--quick` a fifth of the rows.
const fn rebuild(name: &'static str, story: &'static str, settings: &'static [Setting]) -> Case {
    Case { quick: &[("rows", "200000")], ..Case::new(name, story, settings) }
}

const fn copy_goal(text: &'static str, case: &'static str) -> Goal {
    Goal::new(text, Metric::Time, (case, "larder"), (case, "rusqlite"), Bound::AtMost(1.20))
}
