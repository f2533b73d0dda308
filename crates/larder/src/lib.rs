//! Larder: the database layer for local-first software.

mod error;

pub mod migrate;
pub mod path;
pub mod sql;

pub use error::{Constraint, ConstraintKind, Error, ErrorKind, Location, Result};
