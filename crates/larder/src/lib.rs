//! Larder: the database layer for local-first software.

pub mod backup;
mod db;
pub mod doctor;
pub mod driver;
mod error;
pub mod migrate;
pub mod path;
pub mod schema;
pub mod sql;

pub use db::{Database, Health, OnOpen, Options, ReadTx, WriteTx};
pub use error::{Constraint, ConstraintKind, Error, ErrorKind, Location, Result};
pub use larder_macros::migrations;
pub use migrate::{CodeMigration, Migration, MigrationSet};
pub use sql::{ColumnIndex, Given, Json, Param, Row, ToValue, Value, ValueRef};
