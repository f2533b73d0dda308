//! Migrating, fault by fault: what goes wrong in other tools, or could, with what happens here instead.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

mod atomic;
mod back;
mod both;
#[cfg(all(unix, feature = "postgres"))]
mod crowd;
mod forbidden;
mod hidden;
#[cfg(unix)]
mod kill;
#[path = "../kit/mod.rs"]
mod kit;
mod model;
mod outside;
mod past;
mod rebuild;
#[cfg(feature = "postgres")]
mod server;
mod sets;
mod shape;
mod start;
mod together;

use larder::driver::Dialect;
use larder::migrate::{Migrator, Refused, Report};
use larder::{Database, Error, ErrorKind, Migration, MigrationSet};
use larder_kit::{Engine, Place};
use std::path::PathBuf;

/// The database of a place.
trait Open {
    fn open(&self) -> Database;

    /// The file, where it is one.
    fn path(&self) -> PathBuf;
}

impl Open for Place {
    fn open(&self) -> Database {
        Database::options(self.url()).open().unwrap()
    }

    fn path(&self) -> PathBuf {
        assert_eq!(self.engine(), Engine::Sqlite);
        PathBuf::from(self.url())
    }
}

/// The set `app` of these texts, numbered from 1.
fn app(texts: &[&str]) -> MigrationSet {
    set("app", texts)
}

fn set(name: &str, texts: &[&str]) -> MigrationSet {
    let list = texts.iter().enumerate();
    let list = list.map(|(at, text)| Migration::sql(id(at + 1), (*text).to_owned())).collect();
    MigrationSet::list(name.to_owned(), list)
}

fn id(number: usize) -> String {
    format!("{number:04}_m")
}

/// The ids of what a run did.
fn ids(report: &Report) -> Vec<&str> {
    report.done.iter().map(|done| done.id.as_str()).collect()
}

fn losses(error: &Error) -> Vec<String> {
    assert_eq!(error.kind(), ErrorKind::ApprovalNeeded, "{error:?}");
    error.find::<Refused>().unwrap().losses.iter().map(ToString::to_string).collect()
}

/// How many tables and views have a name like this.
fn tables(db: &Database, like: &str) -> i64 {
    let sql = match db.driver().dialect() {
        Dialect::Sqlite => "SELECT count(*) FROM sqlite_schema WHERE name LIKE :like",
        _ => {
            "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'v') AND relname LIKE :like"
        }
    };
    db.query_one(sql, larder::params! { like }).unwrap()
}

/// SQLite also has a place for the version that other tools read.
fn assert_noted(db: &Database, version: i64) {
    if db.driver().dialect() == Dialect::Sqlite {
        assert_eq!(one::<i64>(db, "PRAGMA user_version"), version);
    }
}

fn one<T: serde::de::DeserializeOwned>(db: &Database, sql: &str) -> T {
    db.query_one(sql, &[]).unwrap()
}

/// What `change` would lose on a database that `seed` made: of a file, of a file without WAL, and in memory, where the gate
/// looks in other ways; each must say the same. Empty where it passes.
fn lost(seed: &str, change: &str) -> Vec<String> {
    let all: Vec<Vec<String>> = ["wal", "delete", "memory"]
        .into_iter()
        .map(|mode| {
            let place = Place::new(Engine::Sqlite);
            let db = match mode {
                "memory" => Database::open(":memory:").unwrap(),
                mode => Database::options(place.path().display().to_string())
                    .pragma("journal_mode", mode)
                    .open()
                    .unwrap(),
            };
            db.migrate(&[&app(&[seed])]).unwrap();
            let result = Migrator::new(&[&app(&[seed, change])]).up(&db);
            assert_eq!(one::<i64>(&db, "PRAGMA foreign_keys"), 1);
            match result {
                Ok(report) => {
                    assert_eq!(report.schema_version, Some(2), "{mode}");
                    Vec::new()
                }
                Err(error) => losses(&error),
            }
        })
        .collect();
    assert_eq!(all[0], all[1], "with and without WAL: {change}");
    assert_eq!(all[0], all[2], "in a file and in memory: {change}");
    all[0].clone()
}
