//! Group commit: the writes of many threads share a transaction, and nobody may notice. Each of them ends as if it had been alone,
//! whatever its neighbours do: fail, panic, let the engine throw everything away, take long.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

#[path = "../kit/mod.rs"]
mod kit;

mod commit;
mod crowd;
mod end;
mod line;
mod member;
mod nested;
mod undone;

use kit::{Subject, watchdog};
use larder::{Database, Result, WriteTx, params};
use std::time::Duration;

/// Each is a matter of a second; a machine that is busy with other things gets its time.
const LIMIT: Duration = Duration::from_secs(120);

/// Runs a test on every sort of database, each with a bound on its time.
fn everywhere(test: fn(&Subject)) {
    for make in [Subject::file, Subject::memory, Subject::wrapped] {
        watchdog::bounded(LIMIT, move || test(&make()));
    }
}

fn tables(db: &Database) {
    db.execute("CREATE TABLE t (n INTEGER PRIMARY KEY, filler BLOB)", &[]).unwrap();
    db.execute(
        "CREATE TABLE child (n INTEGER PRIMARY KEY, t INTEGER REFERENCES t (n) DEFERRABLE INITIALLY DEFERRED)",
        &[],
    )
    .unwrap();
}

fn insert(tx: &mut WriteTx<'_>, n: i64) -> Result<u64> {
    tx.execute("INSERT INTO t (n) VALUES (:n)", params! { n })
}

/// Two rows in two tables, which must be there together.
fn pair(tx: &mut WriteTx<'_>, n: i64) -> Result<i64> {
    insert(tx, n)?;
    tx.execute("INSERT INTO child (n, t) VALUES (:n, :n)", params! { n })?;
    Ok(n)
}

/// The rows that are there; none may be there by half.
fn all(db: &Database) -> Vec<i64> {
    let rows: Vec<i64> = db.query_all("SELECT n FROM t ORDER BY n", &[]).unwrap();
    let children: Vec<i64> = db.query_all("SELECT n FROM child ORDER BY n", &[]).unwrap();
    assert!(children.iter().all(|n| rows.contains(n)), "{rows:?}, {children:?}");
    rows
}

/// The same where all was written with [`pair`].
fn pairs(db: &Database) -> Vec<i64> {
    let rows = all(db);
    assert_eq!(rows, db.query_all::<i64>("SELECT n FROM child ORDER BY n", &[]).unwrap(), "torn");
    rows
}
