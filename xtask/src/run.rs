//! Running cargo, and counting the tests that it ran.

use std::ffi::OsString;
use std::io::{self, BufRead, BufReader};
use std::ops::AddAssign;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::say;

/// How many tests passed and failed, and how many of them there were on each engine from one source.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
    pub(crate) sqlite: u64,
    pub(crate) postgres: u64,
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.sqlite += other.sqlite;
        self.postgres += other.postgres;
    }
}

impl std::fmt::Display for Tally {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{} passed, {} failed", self.passed, self.failed)
    }
}

impl Tally {
    /// The tally of one check that is not a test binary.
    pub(crate) fn of(passed: bool) -> Self {
        Self { passed: u64::from(passed), failed: u64::from(!passed), ..Self::default() }
    }

    /// Reads a line of a test binary: the closing one, `test result: ok. 3 passed; 0 failed; 1 ignored; …`, or that of a test on an engine,
    /// which has the engine's name as a part of its own.
    fn parse(line: &str) -> Option<Self> {
        Self::closing(line).or_else(|| Self::of_engine(line))
    }

    fn of_engine(line: &str) -> Option<Self> {
        let (name, outcome) = line.strip_prefix("test ")?.split_once(" ... ")?;
        let ran = ["ok", "FAILED"].contains(&outcome.trim_end());
        let on = |engine| u64::from(ran && name.split("::").any(|part| part == engine));
        Some(Self { sqlite: on("sqlite"), postgres: on("postgres"), ..Self::default() })
    }

    fn closing(line: &str) -> Option<Self> {
        let (_, counts) = line.strip_prefix("test result: ")?.split_once(". ")?;
        let count =
            |word: &str| counts.split("; ").find_map(|part| part.strip_suffix(word)?.trim_end().parse().ok());
        Some(Self { passed: count("passed")?, failed: count("failed")?, ..Self::default() })
    }
}

/// Cargo, as it was called for this task, in the folder `place`.
pub(crate) fn cargo(place: &Path) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    // What `cargo run` sets for xtask describes the crate xtask, not what is built next.
    for (name, _) in std::env::vars_os() {
        let of_package = name.to_str().is_some_and(|name| name.starts_with("CARGO_PKG_"));
        if of_package || name == "CARGO_MANIFEST_DIR" || name == "CARGO_MANIFEST_PATH" {
            command.env_remove(name);
        }
    }
    command.current_dir(place);
    command
}

/// The folder that cargo builds into.
pub(crate) fn target(root: &Path) -> PathBuf {
    match std::env::var_os("CARGO_TARGET_DIR") {
        Some(folder) => root.join(folder),
        None => root.join("target"),
    }
}

/// Runs `cargo test …`, shows all that it prints, and counts. A run that ends with an error and names no failed test
/// (it did not compile, or a test binary was killed) counts as one failure.
pub(crate) fn tests(command: &mut Command) -> io::Result<Tally> {
    // Tests that fail must leave nothing behind in the sources. Who reviews snapshots sets INSTA_UPDATE.
    if std::env::var_os("INSTA_UPDATE").is_none() {
        command.env("INSTA_UPDATE", "no");
    }
    command.env("PROPTEST_DISABLE_FAILURE_PERSISTENCE", "true");
    let mut child = command.stdout(Stdio::piped()).spawn()?;
    let mut tally = Tally::default();
    if let Some(output) = child.stdout.take() {
        for line in BufReader::new(output).split(b'\n') {
            let line = line?;
            let line = String::from_utf8_lossy(&line);
            say(&line)?;
            tally += Tally::parse(&line).unwrap_or_default();
        }
    }
    if !child.wait()?.success() && tally.failed == 0 {
        tally.failed = 1;
    }
    Ok(tally)
}

/// Whether a program is there and answers.
pub(crate) fn answers(program: &OsString, arguments: &[&str]) -> bool {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_read_from_a_closing_line() {
        let line = "test result: FAILED. 12 passed; 3 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s";
        assert_eq!(Tally::parse(line), Some(Tally { passed: 12, failed: 3, ..Tally::default() }));
        assert_eq!(Tally::parse("test result: lost"), None);
        assert_eq!(Tally::parse("  test result: ok. 1 passed; 0 failed"), None);
    }

    #[test]
    fn the_tests_on_an_engine_are_counted_by_a_part_of_their_name() {
        let engines = |line| Tally::parse(line).map(|tally| (tally.sqlite, tally.postgres));
        assert_eq!(engines("test a::b ... ok"), Some((0, 0)));
        assert_eq!(engines("test a::sqlite ... ok"), Some((1, 0)));
        assert_eq!(engines("test a::postgres ... FAILED"), Some((0, 1)));
        assert_eq!(engines("test postgres::value::b ... ok"), Some((0, 1)));
        assert_eq!(engines("test a::postgres_url ... ok"), Some((0, 0)));
        assert_eq!(engines("test a::postgres ... ignored"), Some((0, 0)));
        assert_eq!(engines("a::postgres ... ok"), None);
    }
}
