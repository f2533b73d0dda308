//! A database goes into another: everything, or nothing.
#![allow(clippy::unwrap_used, reason = "a test")]

mod sample;
mod support;
