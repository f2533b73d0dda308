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
#[path = "../shared/many.rs"]
mod many;
mod moves;
#[path = "../shared/plan.rs"]
mod plan;
mod process;
mod prune;
mod query;
mod recover;
mod replay;
