//! A disk that is a millisecond slower, for every worker alike.

use std::path::PathBuf;
use std::process::Command;

use larder_bench_protocol::Outcome;

use crate::program;
use crate::worker::Environment;

/// Builds the library that slows the disk, where that works.
pub(crate) fn build() -> Outcome {
    if why_not().is_some() {
        return Ok(());
    }
    let manifest = program::package().join("slow-disk").join("Cargo.toml");
    let status = Command::new(program::cargo())
        .args(["build", "--release", "--locked", "--quiet", "--manifest-path"])
        .arg(&manifest)
        .arg("--target-dir")
        .arg(program::build_folder())
        .status()?;
    if status.success() { Ok(()) } else { Err(format!("{} does not build", manifest.display()).into()) }
}

/// What puts the library before a worker's own, or why that is not possible here.
pub(crate) fn environment() -> Result<Environment, String> {
    match why_not() {
        None => Ok(vec![("LD_PRELOAD", library())]),
        Some(why) => Err(why.to_owned()),
    }
}

fn why_not() -> Option<&'static str> {
    let linux = cfg!(all(target_os = "linux", target_env = "gnu"));
    (!linux).then_some("slowing the disk needs Linux with glibc")
}

fn library() -> PathBuf {
    program::build_folder().join("release").join("liblarder_bench_slow_disk.so")
}
