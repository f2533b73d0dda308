//! What the tests of the engine share: the subjects that one suite runs on, and a driver that logs and fails on demand.
#![allow(dead_code, reason = "each test binary uses a part of it")]

#[cfg(unix)]
pub(crate) mod child;
pub(crate) mod faulty;
pub(crate) mod watchdog;

use faulty::Faulty;
use larder::driver::sqlite::{self, Settings, Sqlite};
use larder::driver::{Access, Connection, Driver};
use larder::{Database, Options, Param, Result, Value};
use larder_kit::{Engine, Place};
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// A driver to test, with a place of its own that is gone afterwards.
pub(crate) struct Subject {
    place: Place,
    sort: Sort,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Sort {
    File,
    Memory,
    Server,
    Wrapped(Engine),
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
        Self::of(Sort::Wrapped(Engine::Sqlite))
    }

    /// PostgreSQL.
    pub(crate) fn server() -> Self {
        Self::of(Sort::Server)
    }

    /// PostgreSQL behind the wrapping driver.
    pub(crate) fn wrapped_server() -> Self {
        Self::of(Sort::Wrapped(Engine::Postgres))
    }

    /// The engine as it is used most.
    pub(crate) fn on(engine: Engine) -> Self {
        match engine {
            Engine::Sqlite => Self::file(),
            Engine::Postgres => Self::server(),
        }
    }

    fn of(sort: Sort) -> Self {
        let engine = match sort {
            Sort::File | Sort::Memory => Engine::Sqlite,
            Sort::Server => Engine::Postgres,
            Sort::Wrapped(engine) => engine,
        };
        Self { place: Place::new(engine), sort }
    }

    /// One more of the same sort.
    pub(crate) fn another(&self) -> Self {
        Self::of(self.sort)
    }

    /// Where it is.
    pub(crate) fn place(&self) -> &Place {
        &self.place
    }

    /// Where one text of SQL can't serve both engines.
    pub(crate) fn is_postgres(&self) -> bool {
        self.place.is_postgres()
    }

    /// The type of bytes.
    pub(crate) fn blob(&self) -> &'static str {
        if self.is_postgres() { "BYTEA" } else { "BLOB" }
    }

    /// The file of the database on SQLite.
    pub(crate) fn path(&self) -> PathBuf {
        assert!(!self.is_postgres(), "a server has no file");
        PathBuf::from(self.place.url())
    }

    /// The driver, its settings changed by `tune`. On PostgreSQL the busy timeout is the only one that counts.
    pub(crate) fn driver(&self, tune: impl FnOnce(&mut Settings)) -> Arc<dyn Driver> {
        let mut settings = Settings { busy_timeout: Duration::from_secs(20), ..Settings::default() };
        let pragmas = settings.pragmas.len();
        tune(&mut settings);
        assert!(!self.is_postgres() || settings.pragmas.len() == pragmas, "a server has no pragmas");
        let driver: Arc<dyn Driver> = match self.sort {
            Sort::Server | Sort::Wrapped(Engine::Postgres) => self.postgres(settings.busy_timeout),
            Sort::Memory => Arc::new(Sqlite { place: sqlite::Place::Memory, settings }),
            _ => Arc::new(Sqlite { place: sqlite::Place::File(self.path()), settings }),
        };
        if matches!(self.sort, Sort::Wrapped(_)) { Faulty::around(driver) } else { driver }
    }

    #[cfg(feature = "postgres")]
    fn postgres(&self, busy_timeout: Duration) -> Arc<dyn Driver> {
        use larder::driver::postgres::{Place, Postgres, Settings};
        let settings = Settings { busy_timeout, ..Settings::default() };
        Arc::new(Postgres { place: Place::parse(self.place.url()).unwrap(), settings })
    }

    #[cfg(not(feature = "postgres"))]
    fn postgres(&self, _: Duration) -> Arc<dyn Driver> {
        panic!("the feature `postgres` is off")
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
