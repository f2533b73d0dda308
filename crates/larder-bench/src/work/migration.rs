//! Migrations: opening what is up to date, applying to a new file, copying a large table.

use super::{Bound, Case, Goal, Metric, Program, Subject, Work};

const RUSQLITE_MIGRATION: Subject = Subject {
    name: "rusqlite_migration",
    label: "rusqlite_migration",
    program: Program::Pool,
    package: "rusqlite_migration",
};
const REFINERY: Subject =
    Subject { name: "refinery", label: "refinery", program: Program::Rusqlite, package: "refinery" };
const DIESEL: Subject = Subject {
    name: "diesel",
    label: "diesel_migrations",
    program: Program::Pool,
    package: "diesel_migrations",
};
const SQLX: Subject = Subject { name: "sqlx", label: "sqlx", program: Program::Sqlx, package: "sqlx" };
const LARDER: Subject =
    Subject { name: "larder", label: "**larder**", program: Program::Larder, package: "larder" };

/// Opening a file that is up to date.
pub(crate) const OPEN: Work = Work {
    name: "open",
    story: "Open a file whose migrations are all applied, see that they are, close it. The base opens with the same \
            pragmas and reads `user_version`.",
    cases: &[
        open("rows-10", "10 migrations", &[("set", "ROWS_10")]),
        open("rows-1000", "1,000 migrations", &[("set", "ROWS_1000")]),
        open("rows-10-beside", "10, beside an open connection", &[("set", "ROWS_10"), ("beside", "yes")]),
        open(
            "rows-1000-beside",
            "1,000, beside an open connection",
            &[("set", "ROWS_1000"), ("beside", "yes")],
        ),
        open("tables-1000", "1,000 that make a table each", &[("set", "TABLES_1000")]),
        open(
            "tables-1000-beside",
            "1,000 that make a table each, beside an open connection",
            &[("set", "TABLES_1000"), ("beside", "yes")],
        ),
        Case {
            name: "rows-1000-process",
            story: "1,000, the first open of a process",
            settings: &[("set", "ROWS_1000"), ("ops", "1")],
            processes: 8,
        },
    ],
    subjects: &[
        Subject {
            name: "rusqlite",
            label: "rusqlite, pragmas and `user_version`",
            program: Program::Rusqlite,
            package: "rusqlite",
        },
        RUSQLITE_MIGRATION,
        REFINERY,
        DIESEL,
        SQLX,
        LARDER,
    ],
    goals: &[
        open_goal("1,000 migrations / rusqlite", "rows-1000"),
        open_goal("1,000, beside an open connection / rusqlite", "rows-1000-beside"),
        open_goal("1,000 that make a table each / rusqlite", "tables-1000"),
        open_goal("1,000 tables, beside an open connection / rusqlite", "tables-1000-beside"),
        open_goal("1,000, the first open of a process / rusqlite", "rows-1000-process"),
        flat("flat: 1,000 / 10 migrations", "rows-1000", "rows-10"),
        flat("flat: 1,000 / 10, beside an open connection", "rows-1000-beside", "rows-10-beside"),
    ],
    metric: Metric::Median,
};

const fn open(
    name: &'static str,
    story: &'static str,
    settings: &'static [(&'static str, &'static str)],
) -> Case {
    Case { name, story, settings, processes: 0 }
}

const fn open_goal(text: &'static str, case: &'static str) -> Goal {
    Goal { text, left: (case, "larder"), right: (case, "rusqlite"), bound: Bound::AtMost(1.15) }
}

const fn flat(text: &'static str, left: &'static str, right: &'static str) -> Goal {
    Goal { text, left: (left, "larder"), right: (right, "larder"), bound: Bound::AtMost(1.10) }
}

/// Applying a set to a file that is not there yet.
pub(crate) const APPLY: Work = Work {
    name: "apply",
    story: "Make a file, apply 1,000 small migrations to it, close it.",
    cases: &[
        open("rows-1000", "each inserts a row", &[("set", "ROWS_1000")]),
        open("tables-1000", "each makes a table", &[("set", "TABLES_1000")]),
    ],
    subjects: &[
        RUSQLITE_MIGRATION,
        Subject {
            name: "rusqlite",
            label: "rusqlite, one transaction, a savepoint and a history row each",
            program: Program::Rusqlite,
            package: "rusqlite",
        },
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
    metric: Metric::Mean,
};

const fn apply_goal(text: &'static str, case: &'static str, right: &'static str, most: f64) -> Goal {
    Goal { text, left: (case, "larder"), right: (case, right), bound: Bound::AtMost(most) }
}

/// What the gate costs a migration that copies a large table.
pub(crate) const COPY: Work = Work {
    name: "copy",
    story: "A migration that rebuilds a table of 1,000,000 rows (create, copy, drop, rename). The base runs the same \
            statements in one transaction and measures nothing of what they did.",
    cases: &[
        open("1m", "1,000,000 rows", &[("rows", "1000000")]),
        open("1m-index", "1,000,000 rows and an index", &[("rows", "1000000"), ("index", "yes")]),
    ],
    subjects: &[
        Subject {
            name: "rusqlite",
            label: "rusqlite, the statements alone",
            program: Program::Rusqlite,
            package: "rusqlite",
        },
        LARDER,
    ],
    goals: &[
        copy_goal("with the gate / without", "1m"),
        copy_goal("with the gate / without, with an index", "1m-index"),
    ],
    metric: Metric::Mean,
};

const fn copy_goal(text: &'static str, case: &'static str) -> Goal {
    Goal { text, left: (case, "larder"), right: (case, "rusqlite"), bound: Bound::AtMost(1.20) }
}
