//! What the tests of the engine share: the subjects that one suite runs on, and a driver that logs and fails on demand.
#![allow(dead_code, reason = "each test binary uses a part of it")]

#[cfg(unix)]
pub(crate) mod child;
pub(crate) mod faulty;
pub(crate) mod watchdog;

use faulty::Faulty;
use larder::driver::sqlite::{Place, Settings, Sqlite};
use larder::driver::{Access, Connection, Driver};
use larder::{Database, Options, Param, Result, Value};
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;

/// A driver to test, with a place of its own that is gone afterwards.
pub(crate) struct Subject {
    folder: TempDir,
    sort: Sort,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Sort {
    File,
    Memory,
    Wrapped,
}

impl Subject {
    /// SQLite in a file.
    pub(crate) fn file() -> Self {
        Self::of(Sort::File)
    }

    /// SQLite in memory.
    pub(crate) fn memory() -> Self {
        Self::of(Sort::Memory)
    }

    /// SQLite in a file behind the wrapping driver: what stands between must change nothing.
    pub(crate) fn wrapped() -> Self {
        Self::of(Sort::Wrapped)
    }

    fn of(sort: Sort) -> Self {
        Self { folder: tempfile::tempdir().unwrap(), sort }
    }

    /// One more of the same sort.
    pub(crate) fn another(&self) -> Self {
        Self::of(self.sort)
    }

    /// The file of the database.
    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("app.db")
    }

    /// The driver, its settings changed by `tune`.
    pub(crate) fn driver(&self, tune: impl FnOnce(&mut Settings)) -> Arc<dyn Driver> {
        let mut settings = Settings { busy_timeout: Duration::from_secs(20), ..Settings::default() };
        tune(&mut settings);
        let place = match self.sort {
            Sort::Memory => Place::Memory,
            _ => Place::File(self.path()),
        };
        let driver = Arc::new(Sqlite { place, settings });
        match self.sort {
            Sort::Wrapped => Faulty::around(driver),
            _ => driver,
        }
    }

    /// A handle on the database.
    pub(crate) fn open(&self) -> Database {
        self.open_with(|_| {})
    }

    /// A handle on the database, its settings changed by `tune`.
    pub(crate) fn open_with(&self, tune: impl FnOnce(&mut Settings)) -> Database {
        Options::driver(self.driver(tune)).open().unwrap()
    }

    /// One connection that writes.
    pub(crate) fn connect(&self) -> Box<dyn Connection> {
        self.driver(|_| {}).connect(Access::Write).unwrap()
    }

    /// A second connection to the same database, where there can be one.
    pub(crate) fn other(&self, access: Access, patience: Duration) -> Option<Box<dyn Connection>> {
        let driver = self.driver(|settings| settings.busy_timeout = patience);
        (!driver.is_single()).then(|| driver.connect(access).unwrap())
    }
}

/// All rows that a statement gives on a connection.
pub(crate) fn rows(
    connection: &mut dyn Connection,
    sql: &str,
    params: &[Param<'_>],
) -> Result<Vec<Vec<Value>>> {
    let mut all = Vec::new();
    connection.query(sql, params, &mut |row| {
        all.push(row.values()?);
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(all)
}

/// The number that a statement gives on a connection.
pub(crate) fn number(connection: &mut dyn Connection, sql: &str) -> i64 {
    match rows(connection, sql, &[]).unwrap().as_slice() {
        [row] => match row.as_slice() {
            [Value::Integer(number)] => *number,
            other => panic!("not a number: {other:?}"),
        },
        other => panic!("not one row: {other:?}"),
    }
}
