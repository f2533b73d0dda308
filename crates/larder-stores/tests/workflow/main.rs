//! The store `workflow`.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::expect_used,
    reason = "a test"
)]

mod event;
mod follow;
mod history;
mod kit;
mod moves;
mod process;
mod prune;
mod query;
mod recover;
mod replay;
