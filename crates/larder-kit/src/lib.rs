//! What the tests of Larder share: a fresh database on either engine ([`Place`]), one source for tests on both
//! ([`engines!`]), and servers of PostgreSQL that a test may stop, kill and promote ([`postgres::Cluster`]).
//!
//! It depends on none of Larder's crates, so that all of them can test with it.

mod engine;
#[cfg(feature = "place")]
mod place;
pub mod postgres;

pub use engine::{Ending, Engine};
#[cfg(feature = "place")]
pub use place::Place;

/// What went wrong, in words.
pub type Result<T> = std::result::Result<T, String>;

/// The value, or the end of the test that asked for it.
#[track_caller]
fn need<T>(outcome: Result<T>) -> T {
    match outcome {
        Ok(value) => value,
        #[allow(clippy::panic, reason = "a test that gets no server fails, and says why")]
        Err(message) => panic!("{message}"),
    }
}
