//! Many connections that all write: a handle on a server.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

mod bulk;
mod change;
mod conflict;
mod cut;
mod limit;
mod odd;
mod pooler;
mod replica;
#[cfg(feature = "tokio")]
mod task;
