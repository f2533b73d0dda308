//! A database goes into another: everything, or nothing.
#![allow(clippy::unwrap_used, reason = "a test")]

mod killed;
mod misfit;
mod odd;
mod property;
mod sample;
mod support;
