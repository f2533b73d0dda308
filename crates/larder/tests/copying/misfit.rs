//! What does not fit is named, each with its table, row and column, and nothing is written.

use crate::support::{open, places};
use larder::copy::{Copier, Misfits};
use larder::{Database, ErrorKind, Migration, MigrationSet};
use larder_kit::{Engine, Place};

/// What a copy of these tables to PostgreSQL says.
fn refused(sql: &[&str], set: Option<&MigrationSet>) -> (Vec<String>, Place) {
    let (here, server) = places(Engine::Sqlite, Engine::Postgres);
    let from = open(&here);
    if let Some(set) = set {
        from.migrate(&[set]).unwrap();
    }
    for statement in sql {
        from.execute(statement, &[]).unwrap();
    }
    let to = open(&server);
    let sets: Vec<&MigrationSet> = set.into_iter().collect();
    let error = Copier::new(&sets).copy(&from, &to).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conversion, "{error:?}");
    let misfits = error.find::<Misfits>().unwrap();
    assert_eq!(misfits.total as usize, misfits.found.len());
    assert_empty(&to);
    (misfits.found.iter().map(ToString::to_string).collect(), server)
}

fn assert_empty(to: &Database) {
    let there: i64 = to
        .query_one("SELECT count(*) FROM pg_class WHERE relnamespace = current_schema()::regnamespace", &[])
        .unwrap();
    assert_eq!(there, 0);
}

#[test]
fn values_of_translated_tables() {
    let (said, _server) = refused(
        &[
            "CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER, s TEXT, b BLOB, f BOOLEAN, j JSON, d NUMERIC, r REAL)",
            "INSERT INTO t (id, n) VALUES (1, 'x'), (2, 1.5)",
            "INSERT INTO t (id, s) VALUES (3, 'a' || char(0)), (4, x'00'), (5, CAST(x'ff' AS TEXT))",
            "INSERT INTO t (id, b) VALUES (6, 'x')",
            "INSERT INTO t (id, f) VALUES (7, 2)",
            "INSERT INTO t (id, j) VALUES (8, '{')",
            "INSERT INTO t (id, d) VALUES (9, 'x'), (10, 9e999)",
            "INSERT INTO t (id, r) VALUES (11, 'x'), (12, 9e999)",
        ],
        None,
    );
    assert_eq!(
        said,
        [
            "t rowid 1, n: text where the column is bigint",
            "t rowid 2, n: a real number where the column is bigint",
            "t rowid 3, s: text with a NUL character",
            "t rowid 4, s: a blob where the column is text",
            "t rowid 5, s: text that is not UTF-8",
            "t rowid 6, b: text where the column is bytea",
            "t rowid 7, f: a number that boolean can't hold exactly",
            "t rowid 8, j: text that is not JSON",
            "t rowid 9, d: text where the column is numeric",
            "t rowid 10, d: infinity or NaN",
            "t rowid 11, r: text where the column is double precision",
        ],
        "infinity is a double"
    );
}

#[test]
fn values_of_a_sets_own_types() {
    let lite = "CREATE TABLE t (id INTEGER PRIMARY KEY, small INTEGER, at TEXT, day TEXT, word TEXT, u TEXT, must TEXT, \
                money TEXT, j TEXT)";
    let big = "CREATE TABLE t (id bigint PRIMARY KEY, small smallint, at timestamptz, day date, word varchar(3), u uuid, \
               must text NOT NULL DEFAULT '', money numeric(5, 2), j jsonb)";
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("0001_init.sqlite.sql"), lite).unwrap();
    std::fs::write(folder.path().join("0001_init.postgres.sql"), big).unwrap();
    let set = MigrationSet::folder(folder.path()).unwrap();
    let (said, _server) = refused(
        &[
            "INSERT INTO t (id, must, small) VALUES (1, '', 40000)",
            "INSERT INTO t (id, must, at) VALUES (2, '', 'yesterday'), (3, '', '2026-02-30T00:00:00Z'), \
             (4, '', '2026-01-31T09:30:00.1234567Z'), (5, '', '2026-01-31 09:30:00')",
            "INSERT INTO t (id, must, day) VALUES (6, '', '31.1.2026')",
            "INSERT INTO t (id, must, word) VALUES (7, '', 'four'), (8, '', 'éàü')",
            "INSERT INTO t (id, must, u) VALUES (9, '', 'no')",
            "INSERT INTO t (id) VALUES (10)",
            "INSERT INTO t (id, must, money) VALUES (11, '', '1000'), (12, '', '1.234'), (13, '', '999.990')",
            r#"INSERT INTO t (id, must, j) VALUES (14, '', '{"a": "\u0000"}')"#,
        ],
        Some(&set),
    );
    assert_eq!(
        said,
        [
            "t rowid 1, small: a number that smallint can't hold exactly",
            "t rowid 2, at: text that is no timestamp with time zone",
            "t rowid 3, at: text that is no timestamp with time zone",
            "t rowid 4, at: a time that is more precise than microseconds",
            "t rowid 6, day: text that is no date",
            "t rowid 7, word: text that is too long for character varying(3)",
            "t rowid 9, u: text that is no UUID",
            "t rowid 10, must: NULL where a value must be",
            "t rowid 11, money: a number that numeric(5,2) can't hold exactly",
            "t rowid 12, money: a number that numeric(5,2) can't hold exactly",
            "t rowid 14, j: text that is not JSON",
        ]
    );
}

#[test]
fn rows_among_each_other() {
    let folder = tempfile::tempdir().unwrap();
    let lite = "CREATE TABLE parent (id INTEGER PRIMARY KEY); CREATE TABLE child (id INTEGER PRIMARY KEY, \
                parent_id INTEGER REFERENCES parent (id), slug TEXT)";
    let big = "CREATE TABLE parent (id bigint PRIMARY KEY); CREATE TABLE child (id bigint PRIMARY KEY, \
               parent_id bigint REFERENCES parent (id), slug text UNIQUE)";
    std::fs::write(folder.path().join("0001_init.sqlite.sql"), lite).unwrap();
    std::fs::write(folder.path().join("0001_init.postgres.sql"), big).unwrap();
    let set = MigrationSet::folder(folder.path()).unwrap();
    let (here, server) = places(Engine::Sqlite, Engine::Postgres);
    let from = Database::options(here.url())
        .pragma("foreign_keys", "OFF")
        .pragma("ignore_check_constraints", "ON")
        .open()
        .unwrap();
    from.migrate(&[&set]).unwrap();
    for sql in [
        "INSERT INTO parent VALUES (1)",
        "INSERT INTO child VALUES (1, 1, 'a'), (2, 9, 'b'), (3, NULL, 'a'), (4, NULL, NULL), (5, NULL, NULL)",
        "CREATE TABLE own (n INTEGER CHECK (n > 0))",
        "INSERT INTO own VALUES (1), (0)",
    ] {
        from.execute(sql, &[]).unwrap();
    }
    let to = open(&server);
    let error = Copier::new(&[&set]).copy(&from, &to).unwrap_err();
    let misfits = error.find::<Misfits>().unwrap();
    let said: Vec<String> = misfits.found.iter().map(ToString::to_string).collect();
    assert_eq!(
        said,
        [
            "child rowid 2: points at a row of parent that is not there",
            "child rowid 1: is there more than once in slug",
            "child rowid 3: is there more than once in slug",
            "own rowid 2: breaks CHECK (n > 0)",
        ]
    );
    assert_empty(&to);
}

#[test]
fn all_are_counted_and_the_first_are_listed() {
    let (here, server) = places(Engine::Sqlite, Engine::Postgres);
    let from = open(&here);
    from.execute("CREATE TABLE t (n INTEGER)", &[]).unwrap();
    from.execute("WITH RECURSIVE c (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 300) INSERT INTO t SELECT 'secret' FROM c", &[])
        .unwrap();
    let error = Copier::new(&[]).list(2).copy(&from, &open(&server)).unwrap_err();
    let misfits = error.find::<Misfits>().unwrap();
    assert_eq!((misfits.total, misfits.found.len(), misfits.tables["t"]), (300, 2, 300));
    assert!(misfits.to_string().ends_with("and 298 more"));
    assert!(!format!("{error:?}").contains("secret"));
}

#[test]
fn what_the_server_has_and_a_file_can_not_hold() {
    let (server, here) = places(Engine::Postgres, Engine::Sqlite);
    let from = open(&server);
    from.execute("CREATE TABLE t (id bigint PRIMARY KEY, x double precision, n numeric)", &[]).unwrap();
    from.execute(
        "INSERT INTO t VALUES (1, 'NaN', 1), (2, 1, 12345678901234567890.123), (3, 2, 'NaN'), (4, 'Infinity', 1.50)",
        &[],
    )
    .unwrap();
    let to = open(&here);
    let error = Copier::new(&[]).copy(&from, &to).unwrap_err();
    let misfits = error.find::<Misfits>().unwrap();
    let said: Vec<String> = misfits.found.iter().map(ToString::to_string).collect();
    assert_eq!(
        said,
        [
            "t ctid (0,1), x: infinity or NaN",
            "t ctid (0,2), n: a number that NUMERIC can't hold exactly",
            "t ctid (0,3), n: infinity or NaN",
        ]
    );
    let there: i64 = to.query_one("SELECT count(*) FROM sqlite_schema", &[]).unwrap();
    assert_eq!(there, 0);
}

#[test]
fn a_target_that_is_not_empty_and_a_source_that_is() {
    let (here, server) = places(Engine::Sqlite, Engine::Postgres);
    let (from, to) = (open(&here), open(&server));
    let error = Copier::new(&[]).copy(&from, &to).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotInitialized);
    from.execute("CREATE TABLE t (n INTEGER)", &[]).unwrap();
    to.execute("CREATE TABLE there (n integer)", &[]).unwrap();
    let error = Copier::new(&[]).copy(&from, &to).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotEmpty);
    assert!(error.message().ends_with("is not empty: there is table there"), "{error}");
    to.execute("DROP TABLE there", &[]).unwrap();
    let set = MigrationSet::list("app", vec![Migration::sql("0001_a", "SELECT 1")]);
    to.migrate(&[&set]).unwrap();
    let error = Copier::new(&[]).copy(&from, &to).unwrap_err();
    assert!(error.message().ends_with("its history has 1 migration"), "{error}");
}

#[test]
fn a_target_that_changes_values_is_found_out() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(
        folder.path().join("0001_init.sqlite.sql"),
        "CREATE TABLE t (id INTEGER PRIMARY KEY, code TEXT)",
    )
    .unwrap();
    std::fs::write(
        folder.path().join("0001_init.postgres.sql"),
        "CREATE TABLE t (id bigint PRIMARY KEY, code char(4))",
    )
    .unwrap();
    let set = MigrationSet::folder(folder.path()).unwrap();
    let (here, server) = places(Engine::Sqlite, Engine::Postgres);
    let (from, to) = (open(&here), open(&server));
    from.migrate(&[&set]).unwrap();
    from.execute("INSERT INTO t VALUES (1, 'abcd'), (2, 'ab'), (3, 'wxyz')", &[]).unwrap();
    let error = Copier::new(&[&set]).copy(&from, &to).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert_eq!(
        error.message(),
        "the table t is not in the target what it is at the source: 3 rows and 3 there; the first that differs is rowid 2"
    );
    assert_empty(&to);
}
