//! The tasks of a developer: `cargo xtask test`, `cargo xtask bench`.
fn main() {}
