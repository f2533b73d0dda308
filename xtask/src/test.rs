//! `cargo xtask test`: the one command that runs every test. Each part is counted by itself; the last line is the sum.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use larder_kit::postgres::{BOUNCED, GIVEN};

use crate::run::{self, Tally};
use crate::server::{Server, server};
use crate::{Outcome, mirror, say};

/// A part of the tests.
struct Part {
    name: &'static str,
    run: fn(&Path, &[String], &Server) -> Outcome<Tally>,
}

const PARTS: &[Part] = &[
    Part { name: "workspace", run: workspace },
    Part { name: "stores through PgBouncer", run: bounced },
    Part { name: "oldest rusqlite", run: oldest },
];

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
    let server = match server() {
        Ok(server) => server,
        Err(error) => {
            say(&format!("\nthe tests could not run: {error}\n"))?;
            return Ok(Tally::of(false));
        }
    };
    let mut sum = Tally::default();
    let mut lines = Vec::new();
    for part in PARTS {
        say(&format!("\n=== tests: {}", part.name))?;
        let tally = (part.run)(root, arguments, &server).unwrap_or_else(|error| {
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
    let rest = (sum.passed + sum.failed).saturating_sub(sum.sqlite + sum.postgres);
    say(&format!(
        "on PostgreSQL: {}, on SQLite from the same sources: {}, of SQLite's own or of no engine: {rest}",
        sum.postgres, sum.sqlite
    ))?;
    Ok(sum)
}

/// Every crate with the versions of Cargo.lock: unit tests, test files, examples (built) and the documentation's.
fn workspace(root: &Path, arguments: &[String], server: &Server) -> Outcome<Tally> {
    let tally = run::tests(cargo_test(root, arguments).args(arguments).env(GIVEN, &server.url))?;
    if arguments.is_empty() && tally.postgres == 0 {
        return Err("no test ran on PostgreSQL".into());
    }
    Ok(tally)
}

fn cargo_test(root: &Path, arguments: &[String]) -> Command {
    let mut command = run::cargo(root);
    command.args(["test", "--all-features", "--no-fail-fast", "--locked"]);
    let chosen = |argument: &String| argument.starts_with("-p") || argument.starts_with("--package");
    if !arguments.iter().take_while(|argument| *argument != "--").any(chosen) {
        command.arg("--workspace");
    }
    command
}

/// The stores' tests on PostgreSQL once more, each database behind a PgBouncer in transaction mode. They are the programs that the workspace's
/// part built: alone, the crate would be built anew with other features of what it stands upon.
fn bounced(root: &Path, arguments: &[String], server: &Server) -> Outcome<Tally> {
    if !arguments.is_empty() {
        say("not run, for a part of the tests was asked for")?;
        return Ok(Tally::default());
    }
    let mut command = cargo_test(root, &[]);
    command.args(["--no-run", "--message-format=json"]).stderr(Stdio::inherit());
    let output = command.output()?;
    let crate_folder = root.join("crates").join("larder-stores");
    let mut sum = Tally::default();
    for program in programs(&String::from_utf8_lossy(&output.stdout), "larder-stores") {
        let mut command = Command::new(&program);
        command.arg("::postgres").current_dir(&crate_folder).env("CARGO_MANIFEST_DIR", &crate_folder);
        command.env(GIVEN, &server.url).env(BOUNCED, "1");
        sum += run::tests(&mut command)?;
    }
    if sum.postgres == 0 {
        return Err("no test of the stores ran on PostgreSQL".into());
    }
    Ok(sum)
}

/// The test programs of a crate, from what cargo says of what it built, a line of JSON each.
fn programs(messages: &str, folder: &str) -> Vec<String> {
    let manifest = format!("/{folder}/Cargo.toml\"");
    let text = |line: &str, key: &str| {
        let (_, rest) = line.split_once(&format!("\"{key}\":\""))?;
        rest.split_once('"').map(|(value, _)| value.replace("\\\\", "\\"))
    };
    // Each built thing says of itself whether it has tests, and then whether it was built with them.
    let is_tests = |line: &str| {
        let (_, profile) = line.split_once("\"profile\":{")?;
        Some(profile.split_once('}')?.0.contains("\"test\":true"))
    };
    messages
        .lines()
        .filter(|line| line.replace("\\\\", "/").contains(&manifest) && is_tests(line) == Some(true))
        .filter_map(|line| text(line, "executable"))
        .collect()
}

/// The crate larder with the oldest rusqlite that it promises to work with. This happens in a copy of the sources with a
/// lock file of its own, so that the project's is never touched, whatever happens.
/// PostgreSQL does not care, so its tests are left out.
fn oldest(root: &Path, arguments: &[String], _: &Server) -> Outcome<Tally> {
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
    command.arg(place.join("build")).args(arguments);
    if !arguments.iter().any(|argument| argument == "--") {
        command.arg("--");
    }
    Ok(run::tests(command.args(["--skip", "::postgres", "--skip", "postgres::"]))?)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_programs_of_one_crate_are_found_in_what_cargo_says() {
        let line = |folder: &str, test: &str, executable: &str| {
            format!(
                "{{\"reason\":\"compiler-artifact\",\"manifest_path\":\"/a/{folder}/Cargo.toml\",\"target\":{{\"doc\":false,\"test\":true}},\
                 \"profile\":{{\"test\":{test}}},\"executable\":{executable}}}"
            )
        };
        let messages = [
            line("larder-stores", "true", "\"/t/deps/forge-1\""),
            line("larder-stores", "false", "\"/t/deps/program\""),
            line("larder-stores", "true", "null"),
            line("larder-stores-other", "true", "\"/t/deps/other\""),
            line("larder", "true", "\"/t/deps/larder\""),
            "{\"reason\":\"build-finished\",\"success\":true}".to_owned(),
        ];
        assert_eq!(programs(&messages.join("\n"), "larder-stores"), ["/t/deps/forge-1"]);
    }
}
