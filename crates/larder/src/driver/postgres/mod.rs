//! PostgreSQL, and what speaks its protocol, through `tokio-postgres`. The only place that knows it.

mod connection;
mod fault;
mod link;
mod listener;
mod load;
mod open;
mod place;
mod refusal;
mod seek;
mod socket;
mod tls;
mod value;
mod wire;

pub use listener::Listener;
pub use open::{Postgres, Settings};
pub use place::Place;
