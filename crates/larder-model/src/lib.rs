//! The line in which those stand who want to write, run under every order of events that its threads allow.
//!
//! The line is `larder`'s own file, unchanged. What it needs of threads is replaced by loom, which runs a test again and
//! again until each order was had in which locks, atomics and sleeping can happen, and each value was read that an atomic may
//! give. Should all threads sleep at once, it fails: nobody waits for ever. `world` does with the line what
//! the writer does, on a database that tells when two use it at once.

#[cfg(test)]
#[path = "../../larder/src/db/write/queue.rs"]
mod queue;
#[cfg(test)]
mod scene;
#[cfg(test)]
mod sync;
#[cfg(test)]
mod world;
