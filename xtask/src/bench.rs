//! `cargo xtask bench`: Larder beside its peers, with the release profile. The program of `crates/larder-bench` does it.

use std::path::Path;

use crate::{Outcome, run};

/// Builds and runs the benchmark; arguments go to it.
pub(crate) fn bench(root: &Path, arguments: &[String]) -> Outcome {
    let mut command = run::cargo(root);
    command.args(["run", "--release", "--quiet", "--package", "larder-bench", "--"]);
    Ok(command.args(arguments).status()?.success())
}
