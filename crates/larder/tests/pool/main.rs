//! Many connections that all write: a handle on a server.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test")]

mod conflict;
mod limit;
