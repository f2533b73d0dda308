//! SQLite's schema, as its `sqlite_schema` and its pragmas tell it.

mod body;
mod dump;
mod read;

pub(super) use body::same;
pub(super) use dump::dump;
pub(super) use read::within;
