//! SQLite with STAT4 prepares a statement again for each new value of a LIMIT or a range, which takes many times as long as
//! running it. Larder keeps one plan, but for what can't do without the values.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test")]

use larder::driver::sqlite::rusqlite::StatementStatus;
use larder::driver::sqlite::{Place, Settings, Sqlite, with_connection};
use larder::driver::{Access, Connection, Driver};
use larder::{Param, Value, params};
use std::ops::ControlFlow;
use tempfile::TempDir;

fn connect(folder: &TempDir, access: Access) -> Box<dyn Connection> {
    let place = Place::File(folder.path().join("app.db"));
    Sqlite { place, settings: Settings::default() }.connect(access).unwrap()
}

/// A table of 20,000 rows with indexes, and what ANALYZE writes.
fn filled(folder: &TempDir, more: &[&str]) -> Box<dyn Connection> {
    let mut connection = connect(folder, Access::Write);
    let fill = "WITH RECURSIVE all_of(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM all_of WHERE n < 20000)
                INSERT INTO things
                SELECT n, n % 100, n % 7, 'thing ' || n, iif(n % 500, 'done', 'open') FROM all_of";
    for sql in [
        "CREATE TABLE things (id INTEGER PRIMARY KEY, kind, size, name TEXT COLLATE NOCASE, state TEXT)",
        "CREATE INDEX things_kind ON things (kind, size)",
        "CREATE INDEX things_name ON things (name)",
        fill,
    ]
    .iter()
    .chain(more)
    .chain(&["ANALYZE"])
    {
        connection.execute(sql, &[]).unwrap();
    }
    let samples = first(connection.as_mut(), "SELECT count(*) FROM sqlite_stat4", &[]);
    assert!(samples > 20, "without samples this shows nothing");
    connection
}

fn first(connection: &mut dyn Connection, sql: &str, params: &[Param<'_>]) -> i64 {
    let mut found = None;
    connection
        .query(sql, params, &mut |row| {
            if let (None, Value::Integer(n)) = (&found, row.value(0)?.to_owned()) {
                found = Some(n);
            }
            Ok(ControlFlow::Continue(()))
        })
        .unwrap();
    found.unwrap()
}

fn again(connection: &dyn Connection) -> u64 {
    connection.tally().counts().prepared_again
}

const LIMIT: &str = "SELECT id FROM things WHERE kind = :kind ORDER BY size LIMIT :most";
const RANGE: &str = "SELECT count(*) FROM things WHERE kind BETWEEN :low AND :high AND size >= :size";
const LIKE: &str = "SELECT count(*) FROM things WHERE name LIKE :pattern";

#[test]
fn other_values_of_a_limit_or_a_range_do_not_prepare_a_statement_again() {
    let folder = tempfile::tempdir().unwrap();
    drop(filled(&folder, &[]));
    for access in [Access::Read, Access::Write] {
        let mut connection = connect(&folder, access);
        for n in 1..50 {
            first(connection.as_mut(), LIMIT, params! { kind: n, most: n });
            first(connection.as_mut(), RANGE, params! { low: n, high: 2 * n, size: n % 7 });
            // Made from a parameter, a pattern is looked into by nobody.
            let made = "SELECT count(*) FROM things WHERE name LIKE :start || '%' LIMIT :most";
            first(connection.as_mut(), made, params! { start: "thing 1", most: n });
        }
        assert_eq!(again(connection.as_ref()), 0, "{access:?}");
    }
}

/// How many steps of SQLite's machine a statement takes by itself, on a connection of its own without Larder's cache.
fn steps(connection: &mut dyn Connection, sql: &str, value: &str) -> i32 {
    with_connection(connection, |raw| {
        let mut statement = raw.prepare(sql).unwrap();
        // Twice: with the values of the first time SQLite plans the second.
        for _ in 0..2 {
            statement.reset_status(StatementStatus::VmStep);
            let _: i64 = statement.query_row([value], |row| row.get(0)).unwrap();
        }
        statement.get_status(StatementStatus::VmStep)
    })
    .unwrap()
}

#[test]
fn a_pattern_that_is_a_parameter_uses_an_index() {
    let folder = tempfile::tempdir().unwrap();
    drop(filled(&folder, &[]));
    let mut connection = connect(&folder, Access::Read);
    for n in 1..5 {
        first(connection.as_mut(), LIMIT, params! { kind: n, most: n });
    }
    assert!(steps(connection.as_mut(), LIKE, "thing 77%") > 20_000, "the guarantee is not in force");
    assert_eq!(first(connection.as_mut(), LIKE, params! { pattern: "thing 77%" }), 111);
    assert!(steps(connection.as_mut(), LIKE, "thing 77%") < 2_000, "the whole table is read");
    // And so it stays.
    first(connection.as_mut(), LIMIT, params! { kind: 7, most: 7 });
    assert!(steps(connection.as_mut(), LIKE, "thing 77%") < 2_000, "the whole table is read");
}

const OPEN: &str = "SELECT count(*) FROM things WHERE state = :state";

#[test]
fn a_parameter_selects_a_partial_index() {
    let folder = tempfile::tempdir().unwrap();
    drop(filled(&folder, &["CREATE INDEX things_open ON things (id) WHERE state = 'open'"]));
    let mut connection = connect(&folder, Access::Read);
    assert_eq!(first(connection.as_mut(), OPEN, params! { state: "open" }), 40);
    assert!(steps(connection.as_mut(), OPEN, "open") < 2_000, "the whole table is read");
}

#[test]
fn a_partial_index_that_is_made_later_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    drop(filled(&folder, &[]));
    let mut connection = connect(&folder, Access::Read);
    first(connection.as_mut(), LIMIT, params! { kind: 1, most: 1 });
    assert!(steps(connection.as_mut(), OPEN, "open") > 20_000, "the guarantee is not in force");
    connect(&folder, Access::Write)
        .execute("CREATE INDEX things_open ON things (id) WHERE state = 'open'", &[])
        .unwrap();
    first(connection.as_mut(), LIMIT, params! { kind: 2, most: 2 });
    assert!(steps(connection.as_mut(), OPEN, "open") < 2_000, "the whole table is read");
}

/// On the connection that made the index no statement has to be prepared anew before the new one comes.
#[test]
fn a_partial_index_is_noticed_by_a_statement_that_is_new() {
    let folder = tempfile::tempdir().unwrap();
    let mut connection = filled(&folder, &[]);
    first(connection.as_mut(), LIMIT, params! { kind: 1, most: 1 });
    assert!(steps(connection.as_mut(), OPEN, "open") > 20_000, "the guarantee is not in force");
    connection.execute("CREATE INDEX things_open ON things (id) WHERE state = 'open'", &[]).unwrap();
    assert_eq!(first(connection.as_mut(), OPEN, params! { state: "open" }), 40);
    assert!(steps(connection.as_mut(), OPEN, "open") < 2_000, "the whole table is read");
}
