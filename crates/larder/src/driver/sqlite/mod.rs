//! SQLite, through `rusqlite`. The only place that knows it.

mod action;
mod backoff;
mod cache;
mod connection;
mod fault;
mod lock;
mod log;
mod open;
mod planner;
mod pragma;
mod prepared;
mod rule;
mod synchronous;

pub use connection::with_connection;
pub use open::{Place, Settings, Sqlite};
pub(crate) use pragma::{DEFAULTS, check as check_pragma};
/// The crate that Larder talks to SQLite through, for [`with_connection`].
pub use rusqlite;
