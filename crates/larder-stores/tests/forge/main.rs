//! The store `forge` on real databases.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

mod client;
mod crowd;
mod doctor;
mod entity;
mod import;
mod kit;
mod lease;
#[path = "../shared/many.rs"]
mod many;
mod mirror;
mod object;
#[path = "../shared/plan.rs"]
mod plan;
mod process;
mod property;
mod relationship;
mod schema;
