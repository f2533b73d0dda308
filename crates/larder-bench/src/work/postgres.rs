//! The same on a server of PostgreSQL.

use super::{Bound, Case, Effort, Goal, Metric, Plot, Program, Subject, Theme, Way, Work};

const TCP: &str = "tcp";

const fn case(
    name: &'static str,
    story: &'static str,
    way: Way,
    settings: &'static [(&'static str, &'static str)],
) -> Case {
    Case { server: Some(way), ..Case::new(name, story, settings) }
}

/// One row by its primary key.
pub(crate) const READ: Work = Work {
    name: "pg-read",
    theme: Theme::Server,
    story: "One row by its primary key from a table of 100,000 rows into a struct of four fields, keys at random, one thread. The \
            server is one that the benchmark starts on this machine; all pages are in its memory.",
    cases: &[
        case(TCP, "100,000 rows, by 127.0.0.1", Way::Tcp, &[("rows", "100000")]),
        case("socket", "100,000 rows, by a Unix socket", Way::Socket, &[("rows", "100000")]),
    ],
    subjects: &[
        Subject::new("postgres", "postgres, held statement", Program::Postgres, "postgres"),
        Subject::new("diesel", "diesel, held connection", Program::Libpq, "diesel"),
        Subject::new("sqlx", "sqlx, pool of 10", Program::Postgres, "sqlx"),
        Subject::new("sqlx-held", "sqlx, held connection", Program::Postgres, "sqlx"),
        Subject::new("larder", "**larder**, `db.query_opt`", Program::Larder, "larder"),
        Subject::new("larder-read", "**larder**, `db.read`", Program::Larder, "larder"),
    ],
    goals: &[
        read_goal("`db.query_opt` / postgres, held statement", "postgres", Bound::AtMost(1.10)),
        read_goal("`db.query_opt` / diesel", "diesel", Bound::Below(1.0)),
        read_goal("`db.query_opt` / sqlx, pool", "sqlx", Bound::Below(1.0)),
    ],
    metric: Metric::Time,
    quick: Effort::new(5, 100),
    full: Effort::new(15, 500),
    plot: &[Plot { title: "PostgreSQL, point read", case: TCP, one: "larder" }],
};

const fn read_goal(text: &'static str, right: &'static str, bound: Bound) -> Goal {
    Goal::new(text, Metric::Time, (TCP, "larder"), (TCP, right), bound)
}

/// One row, one transaction, from many threads.
pub(crate) const WRITE: Work = Work {
    name: "pg-write",
    theme: Theme::Server,
    story: "64 threads that insert one small row a transaction, over 16 connections, by 127.0.0.1; the commit is on the server's disk \
            before it returns. By hand: connections of the crate postgres with a prepared statement each, in a list behind a \
            mutex and a condition variable; BEGIN, INSERT and COMMIT at the server's own level, READ COMMITTED, where `db.write` is \
            SERIALIZABLE. After each round the rows are counted: as many as were acknowledged.",
    cases: &[case("64", "64 threads, 16 connections", Way::Tcp, &[("threads", "64"), ("connections", "16")])],
    subjects: &[
        Subject::new("pool", "postgres, pool by hand, INSERT", Program::Postgres, "postgres"),
        Subject::new(
            "pool-transaction",
            "postgres, pool by hand, BEGIN, INSERT, COMMIT",
            Program::Postgres,
            "postgres",
        ),
        Subject::new("diesel", "diesel, r2d2, INSERT", Program::Libpq, "diesel"),
        Subject::new("sqlx", "sqlx, pool, tasks, INSERT", Program::Postgres, "sqlx"),
        Subject::new("larder", "**larder**, `db.execute`", Program::Larder, "larder"),
        Subject::new("larder-write", "**larder**, `db.write`", Program::Larder, "larder"),
    ],
    goals: &[
        write_goal("`db.execute`, throughput / pool by hand, INSERT", "larder", "pool"),
        write_goal(
            "`db.write`, throughput / pool by hand, BEGIN, INSERT, COMMIT",
            "larder-write",
            "pool-transaction",
        ),
    ],
    metric: Metric::Rate,
    quick: Effort::new(5, 400),
    full: Effort::new(9, 1000),
    plot: &[Plot { title: "PostgreSQL, write, 64 threads", case: "64", one: "larder" }],
};

const fn write_goal(text: &'static str, left: &'static str, right: &'static str) -> Goal {
    Goal::new(text, Metric::Rate, ("64", left), ("64", right), Bound::AtLeast(0.9))
}

/// A table from a file of SQLite to a server.
pub(crate) const COPY: Work = Work {
    name: "pg-copy",
    theme: Theme::Server,
    story: "A table of four columns from a file of SQLite to PostgreSQL, by 127.0.0.1; the time is one row's. `larder copy` makes the \
            table, checks every value before, loads, and compares both sides afterwards. By hand the table is there, with its \
            primary key: once the rows are read into memory and then sent by binary COPY, once they are in memory already. Row by \
            row: as many inserts with a prepared statement as the case says, in one transaction, and a tenth of them in one \
            each; their time is one row's too, so that it can be compared.",
    cases: &[Case {
        quick: &[("rows", "200000"), ("inserts", "5000")],
        ..case(
            "rows",
            "1,000,000 rows and 20,000 inserts; 200,000 and 5,000 with `--quick`",
            Way::Tcp,
            &[("rows", "1000000"), ("inserts", "20000")],
        )
    }],
    subjects: &[
        Subject::new("read-copy", "rusqlite and postgres, read and COPY", Program::Postgres, "postgres"),
        Subject::new("copy", "postgres, COPY from memory", Program::Postgres, "postgres"),
        Subject::new("inserts", "postgres, row by row, one transaction", Program::Postgres, "postgres"),
        Subject::new(
            "inserts-each",
            "postgres, row by row, one transaction each",
            Program::Postgres,
            "postgres",
        ),
        Subject::new("larder", "**larder**, `larder copy`", Program::Larder, "larder"),
    ],
    goals: &[
        copy_goal("`larder copy` / reading and bare COPY", "read-copy", Bound::AtMost(1.5)),
        copy_goal("`larder copy` / row by row, one transaction", "inserts", Bound::AtLeast(20.0)),
        copy_goal("`larder copy` / row by row, one transaction each", "inserts-each", Bound::AtLeast(20.0)),
    ],
    metric: Metric::Time,
    quick: Effort::new(5, 0),
    full: Effort::new(5, 0),
    plot: &[],
};

const fn copy_goal(text: &'static str, right: &'static str, bound: Bound) -> Goal {
    Goal::new(text, Metric::Time, ("rows", "larder"), ("rows", right), bound)
}
