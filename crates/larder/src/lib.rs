//! Larder: the database layer for local-first software. One SQLite file, opened right, migrated without losing anything; and with
//! the feature `postgres` the same program on a server.
//!
//! ```
//! use larder::{Database, MigrationSet, params};
//!
//! // The folder is embedded; no build script is needed.
//! static MIGRATIONS: MigrationSet = larder::migrations!("tests/migrations");
//!
//! # fn main() -> larder::Result<()> {
//! # let folder = tempfile::tempdir().unwrap();
//! # let path = folder.path().join("app.db").display().to_string();
//! let db = Database::options(path).migrations(&MIGRATIONS).open()?;
//!
//! db.write(|tx| tx.execute("INSERT INTO agents (name) VALUES (:name)", params! { name: "supervisor" }))?;
//! let names: Vec<String> = db.read(|tx| tx.query_all("SELECT name FROM agents", &[]))?;
//! assert_eq!(names, ["supervisor"]);
//! # Ok(())
//! # }
//! ```
//!
//! - [`Database`] and [`Options`]: opening, [`read`](Database::read) and [`write`](Database::write).
//! - [`Changes`]: waiting for the next commit, of this process or another.
//! - `AsyncDatabase` (feature `tokio`): the same for tasks.
//! - [`MigrationSet`], [`migrations!`] and [`migrate::Migrator`]: migrating, the gate, rollback, dry run.
//! - [`copy`]: a whole database into an empty one, from SQLite to PostgreSQL or back.
//! - [`backup`]: backup, verify, restore, vacuum. [`doctor`]: what is wrong and what to do.
//! - [`schema`]: the live schema, differences, dump, diagram. [`path`]: where an application's file lies.
//! - [`driver`]: the seam to an engine, and the one way to the binding underneath.
//! - [`Error`]: decide on its [`kind`](Error::kind), show the rest to a person.
//!
//! In debug builds the bundled SQLite is compiled without optimisation, which makes bulk work twice as slow. In your
//! `Cargo.toml`: `[profile.dev.package.libsqlite3-sys]` with `opt-level = 3`.

pub mod backup;
pub mod copy;
mod db;
pub mod doctor;
pub mod driver;
mod error;
pub mod migrate;
pub mod path;
pub mod schema;
pub mod sql;
#[cfg(feature = "tokio")]
mod task;

pub use db::{
    Changes, Database, FailedRow, Health, LogStats, LongRead, NewRows, OnOpen, Options, ReadTx, Stats, Waker,
    WriteTx,
};
pub use driver::{Durability, Isolation};
pub use error::{Constraint, ConstraintKind, Error, ErrorKind, Location, Result};
pub use larder_macros::migrations;
pub use migrate::{CodeMigration, Migration, MigrationSet};
pub use sql::{ColumnIndex, Given, Json, Param, Row, ToValue, Value, ValueRef};
#[cfg(feature = "tokio")]
pub use task::{AsyncDatabase, RowStream};
