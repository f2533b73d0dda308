//! What is PostgreSQL's alone: its types, its faults, what it does to statements and transactions. What holds on both
//! engines is asked of both by the other suites.
#![cfg(feature = "postgres")]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

mod fault;
mod lock;
mod odd;
mod pooler;
mod statement;
mod transaction;
mod value;

use larder::driver::postgres::{Place as Where, Postgres, Settings};
use larder::driver::{Access, Connection, Driver};
use larder::{Error, Param, Result, Value};
use larder_kit::{Engine, Place};
use std::ops::ControlFlow;
use std::time::Duration;

/// A database, gone when this is dropped.
struct Subject {
    place: Place,
}

impl Subject {
    fn new() -> Self {
        Self { place: Place::new(Engine::Postgres) }
    }

    fn driver(&self) -> Postgres {
        driver(&self.place.direct_url())
    }

    fn connect(&self) -> Box<dyn Connection> {
        self.driver().connect(Access::Write).unwrap()
    }
}

fn driver(url: &str) -> Postgres {
    let settings = Settings { busy_timeout: Duration::from_millis(300), ..Settings::default() };
    Postgres { place: Where::parse(url).unwrap(), settings }
}

/// All rows of a statement.
fn rows(connection: &mut dyn Connection, sql: &str, params: &[Param<'_>]) -> Result<Vec<Vec<Value>>> {
    let mut rows = Vec::new();
    connection.query(sql, params, &mut |row| {
        rows.push(row.values()?);
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(rows)
}

/// The one value of the one row.
#[track_caller]
fn one(connection: &mut dyn Connection, sql: &str, params: &[Param<'_>]) -> Value {
    match rows(connection, sql, params).unwrap().as_slice() {
        [row] => row[0].clone(),
        rows => panic!("{sql} gave {} rows", rows.len()),
    }
}

#[track_caller]
fn run(connection: &mut dyn Connection, sql: &str) -> u64 {
    connection.execute(sql, &[]).unwrap()
}

/// The error, which shows nothing of what was bound.
#[track_caller]
fn failure<T: std::fmt::Debug>(result: Result<T>) -> Error {
    let error = result.unwrap_err();
    assert!(!format!("{error:?}").contains("secret"), "{error:?}");
    error
}

/// The number of its session on the server.
fn process(connection: &mut dyn Connection) -> i64 {
    match one(connection, "SELECT pg_backend_pid()", &[]) {
        Value::Integer(process) => process,
        other => panic!("{other:?}"),
    }
}
