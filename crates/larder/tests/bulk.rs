//! `insert_many`: what it inserts is what one statement a row would have inserted, and an error leaves nothing behind.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

mod kit;

#[path = "bulk/error.rs"]
mod error;
#[path = "bulk/fault.rs"]
mod fault;
#[path = "bulk/form.rs"]
mod form;
#[path = "bulk/model.rs"]
mod model;
#[path = "bulk/row.rs"]
mod row;

use kit::Subject;
use larder::{Database, Result, Value, params};
use std::ops::RangeInclusive;

const INSERT: &str = "INSERT INTO t (id, name) VALUES (:id, :name)";

/// A table `t` of a key and a name.
fn open(subject: &Subject) -> Database {
    let db = subject.open();
    db.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT UNIQUE CHECK (name <> 'bad'))", &[])
        .unwrap();
    db
}

fn subjects() -> [Subject; 3] {
    [Subject::file(), Subject::memory(), Subject::wrapped()]
}

/// Inserts rows of these numbers with `sql`, each under its name.
fn insert(db: &Database, sql: &str, numbers: RangeInclusive<i64>) -> Result<u64> {
    db.write(|tx| {
        tx.insert_many(sql, |rows| {
            for id in numbers.clone() {
                rows.push(params! { id, name: format!("name {id}") })?;
            }
            Ok(())
        })
    })
}

fn all(db: &Database, table: &str) -> Vec<Vec<Value>> {
    let mut all = Vec::new();
    db.read(|tx| {
        tx.query_each(&format!("SELECT * FROM {table} ORDER BY rowid"), &[], |row| {
            all.push(row.values()?);
            Ok(std::ops::ControlFlow::Continue(()))
        })
    })
    .unwrap();
    all
}

fn count(db: &Database) -> i64 {
    db.query_one("SELECT count(*) FROM t", &[]).unwrap()
}
