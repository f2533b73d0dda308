//! PostgreSQL, and what speaks its protocol. The protocol is spoken here, by the thread that asks (see `session`).

mod advisory;
mod connection;
mod copy;
mod decode;
mod encode;
mod fault;
#[cfg(test)]
mod hostile;
mod instant;
mod link;
mod listen;
mod load;
mod message;
mod oid;
mod open;
mod place;
mod refusal;
mod rule;
mod run;
mod seek;
mod session;
mod socket;
mod startup;
mod statement;
mod tls;
mod transaction;
mod wire;

pub use fault::SqlState;
pub use open::{Postgres, Settings};
pub use place::Place;
