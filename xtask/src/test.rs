//! `cargo xtask test`: the one command that runs every test. Each part is counted by itself; the last line is the sum.

use std::fs;
use std::path::Path;

use crate::run::{self, Tally};
use crate::{Outcome, mirror, say};

/// A part of the tests. An engine that needs a server becomes a part of its own.
struct Part {
    name: &'static str,
    run: fn(&Path, &[String]) -> Outcome<Tally>,
}

const PARTS: &[Part] =
    &[Part { name: "workspace", run: workspace }, Part { name: "oldest rusqlite", run: oldest }];

/// The old end of the range in the workspace's Cargo.toml, and the SQLite bindings that come with it.
const OLDEST: [(&str, &str); 2] = [("rusqlite", "0.32.1"), ("libsqlite3-sys", "0.30.1")];

/// Runs all parts and prints their tallies; the last line is `N passed, N failed`, and nothing else.
pub(crate) fn test(root: &Path, arguments: &[String]) -> Outcome {
    let sum = parts(root, arguments)?;
    say(&sum.to_string())?;
    Ok(sum.failed == 0)
}

/// Runs all parts, prints a line for each, and gives the sum.
pub(crate) fn parts(root: &Path, arguments: &[String]) -> Outcome<Tally> {
    let mut sum = Tally::default();
    let mut lines = Vec::new();
    for part in PARTS {
        say(&format!("\n=== tests: {}", part.name))?;
        let tally = (part.run)(root, arguments).unwrap_or_else(|error| {
            lines.push(format!("{}: could not run: {error}", part.name));
            Tally::of(false)
        });
        lines.push(format!("{}: {tally}", part.name));
        sum += tally;
    }
    say("")?;
    for line in lines {
        say(&line)?;
    }
    Ok(sum)
}

/// Every crate with the versions of Cargo.lock: unit tests, test files, examples (built) and the documentation's.
fn workspace(root: &Path, arguments: &[String]) -> Outcome<Tally> {
    let mut command = run::cargo(root);
    command.args(["test", "--all-features", "--no-fail-fast", "--locked"]);
    let chosen = |argument: &String| argument.starts_with("-p") || argument.starts_with("--package");
    if !arguments.iter().take_while(|argument| *argument != "--").any(chosen) {
        command.arg("--workspace");
    }
    Ok(run::tests(command.args(arguments))?)
}

/// The crate larder with the oldest rusqlite that it promises to work with. This happens in a copy of the sources with a
/// lock file of its own, so that the project's is never touched, whatever happens.
fn oldest(root: &Path, arguments: &[String]) -> Outcome<Tally> {
    let target = run::target(root);
    let place = target.join("oldest");
    let sources = place.join("sources");
    mirror::mirror(root, &sources, &[root.join("data"), target])?;
    pin(root, &place, &sources)?;
    let mut command = run::cargo(&sources);
    command.args([
        "test",
        "--all-features",
        "--no-fail-fast",
        "--locked",
        "--package",
        "larder",
        "--target-dir",
    ]);
    command.arg(place.join("build"));
    Ok(run::tests(command.args(arguments))?)
}

/// Puts a lock file into the copy that names the old versions. Asking the registry is spared while the project's own
/// lock file stays as it was.
fn pin(root: &Path, place: &Path, sources: &Path) -> Outcome<()> {
    let ours = fs::read_to_string(root.join("Cargo.lock"))?;
    let (seen, kept, live) = (place.join("seen.lock"), place.join("kept.lock"), sources.join("Cargo.lock"));
    if fs::read_to_string(&seen).is_ok_and(|seen| seen == ours) && kept.exists() {
        fs::copy(&kept, &live)?;
        return Ok(());
    }
    fs::copy(root.join("Cargo.lock"), &live)?;
    let [(name, version), _] = OLDEST;
    let status = run::cargo(sources).args(["update", "--package", name, "--precise", version]).status()?;
    if !status.success() {
        return Err(format!("cargo update could not set {name} to {version}").into());
    }
    let lock = fs::read_to_string(&live)?;
    for (name, version) in OLDEST {
        if !lock.contains(&format!("name = \"{name}\"\nversion = \"{version}\"\n")) {
            return Err(format!("the lock file of the old end does not hold {name} {version}").into());
        }
    }
    fs::write(&kept, lock)?;
    fs::write(&seen, ours)?;
    Ok(())
}
