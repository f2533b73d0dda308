//! PostgreSQL, and what speaks its protocol, through `tokio-postgres`. The only place that knows it.

mod connection;
mod fault;
mod link;
mod open;
mod place;
mod value;

pub use open::{Postgres, Settings};
pub use place::Place;
