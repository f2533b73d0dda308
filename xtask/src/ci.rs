//! `cargo xtask ci`: every check of a change, the tests last. `.ci/run` is a thin caller of it.

use std::ffi::OsString;
use std::io;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::run::{self, Tally};
use crate::{Outcome, package, say, test};

/// A check that one command makes: its name, the arguments of cargo, and the environment.
type Check = (&'static str, &'static [&'static str], &'static [(&'static str, &'static str)]);

const CHECKS: &[Check] = &[
    ("format", &["fmt", "--all", "--check"], &[]),
    (
        "lints",
        &["clippy", "--workspace", "--all-targets", "--all-features", "--locked", "--", "-D", "warnings"],
        &[],
    ),
    (
        "larder without features",
        &["clippy", "--package", "larder", "--no-default-features", "--locked", "--", "-D", "warnings"],
        &[],
    ),
    (
        "documentation",
        &["doc", "--workspace", "--all-features", "--no-deps", "--locked"],
        &[("RUSTDOCFLAGS", "-D warnings")],
    ),
];

/// The version of cargo-deny that is installed where there is none.
const DENY: &str = "0.20.2";

/// How long the database of advisories may take to arrive.
const PATIENCE: Duration = Duration::from_secs(120);

/// Runs every check, also after one failed, and names those that did. The last line is the sum of checks and tests.
pub(crate) fn ci(root: &Path) -> Outcome {
    let mut lines = Vec::new();
    let mut sum = Tally::default();
    let mut note = |name: &str, outcome: Outcome, took: Duration| {
        let text = match &outcome {
            Ok(true) => "passed".to_owned(),
            Ok(false) => "FAILED".to_owned(),
            Err(error) => format!("FAILED: {error}"),
        };
        sum += Tally::of(matches!(outcome, Ok(true)));
        lines.push(format!("{name}: {text} ({} s)", took.as_secs()));
    };

    // Also what other systems need, which the packages' lock files name.
    step("fetch", run::cargo(root).args(["fetch", "--locked"]).env("CARGO_NET_RETRY", "10"))?;
    for (name, arguments, environment) in CHECKS {
        let start = Instant::now();
        let mut command = run::cargo(root);
        command.args(*arguments).envs(environment.iter().copied());
        command.env("CARGO_NET_RETRY", "10");
        note(name, step(name, &mut command), start.elapsed());
    }

    let start = Instant::now();
    note("packages", package::package(root), start.elapsed());

    let start = Instant::now();
    match deny(root) {
        Ok(program) => {
            let mut command = Command::new(&program);
            command.current_dir(root).args(["--locked", "check", "bans", "licenses", "sources"]);
            note("dependencies", step("dependencies", &mut command), start.elapsed());

            let start = Instant::now();
            if advisories_arrive(&program, root)? {
                let mut command = Command::new(&program);
                command.current_dir(root).args(["--locked", "check", "--disable-fetch", "advisories"]);
                note("advisories", step("advisories", &mut command), start.elapsed());
            } else {
                say("advisories: NOT CHECKED, the RustSec database could not be fetched from here")?;
                lines.push("advisories: NOT CHECKED, the database could not be fetched".to_owned());
            }
        }
        Err(error) => note("dependencies", Err(error), start.elapsed()),
    }

    let tests = test::parts(root, &[])?;
    say("")?;
    for line in &lines {
        say(line)?;
    }
    say(&format!("checks: {sum}\ntests: {tests}"))?;
    sum += tests;
    say(&sum.to_string())?;
    Ok(sum.failed == 0)
}

/// Prints and runs one command.
fn step(name: &str, command: &mut Command) -> Outcome {
    let program = Path::new(command.get_program()).file_stem().unwrap_or_default().to_string_lossy();
    let arguments: Vec<_> = command.get_args().map(|argument| argument.to_string_lossy()).collect();
    say(&format!("\n=== {name}: {program} {}", arguments.join(" ")))?;
    Ok(command.status()?.success())
}

/// The program cargo-deny: the one that is there, or one built into target/ (half a minute: it is built without
/// optimisation, for it runs for a second).
fn deny(root: &Path) -> Outcome<OsString> {
    let place = run::target(root).join("tools");
    let ours = place.join("bin").join(format!("cargo-deny{}", std::env::consts::EXE_SUFFIX)).into_os_string();
    for program in [OsString::from("cargo-deny"), ours.clone()] {
        if run::answers(&program, &["--version"]) {
            return Ok(program);
        }
    }
    let mut command = run::cargo(root);
    command.args(["install", "--locked", "--version", DENY, "cargo-deny", "--root"]).arg(&place);
    command.arg("--target-dir").arg(place.join("build"));
    command.envs([
        ("CARGO_PROFILE_RELEASE_OPT_LEVEL", "0"),
        ("CARGO_PROFILE_RELEASE_LTO", "off"),
        ("CARGO_PROFILE_RELEASE_DEBUG", "false"),
        ("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "64"),
    ]);
    if step("cargo-deny is missing", &mut command)? {
        Ok(ours)
    } else {
        Err("cargo-deny could not be installed".into())
    }
}

/// Fetches the database of advisories. It lies on a host of its own, which not every place can reach.
fn advisories_arrive(program: &OsString, root: &Path) -> Outcome {
    say("\n=== advisories: cargo-deny fetch db")?;
    let mut command = Command::new(program);
    command.current_dir(root).args(["fetch", "db"]).env("GIT_TERMINAL_PROMPT", "0").stdin(Stdio::null());
    Ok(within(command.spawn()?, PATIENCE)?)
}

/// Waits for a program and tells whether it succeeded; one that takes longer than `patience` is ended.
fn within(mut child: Child, patience: Duration) -> io::Result<bool> {
    let end = Instant::now() + patience;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status.success());
        }
        if Instant::now() >= end {
            child.kill()?;
            child.wait()?;
            return Ok(false);
        }
        thread::sleep(Duration::from_millis(50));
    }
}
