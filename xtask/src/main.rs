//! The project's own tasks: `cargo xtask TASK`. One file a task.

mod bench;
mod ci;
mod mirror;
mod package;
mod run;
mod server;
mod structure;
mod test;

use std::error::Error;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// What a task ends with: true when all that it looked at was in order; or what a part of it found.
type Outcome<T = bool> = Result<T, Box<dyn Error>>;

const USAGE: &str = "\
Usage: cargo xtask TASK

  test [ARGUMENTS]   every test, on SQLite and on PostgreSQL, and at the old end of the range of rusqlite;
                     ARGUMENTS go to `cargo test`, such as part of a test's name
  ci                 every check of a change, the tests last
  bench [ARGUMENTS]  Larder beside its peers, timed; --quick takes under two minutes after building, --list
                     names the works, --only WORK runs one, --readme writes the goals into README.md
  packages           only the packing of the crates that are published, each built from what was packed
  structure          only the rules of the structure (they are tests too)
";

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let task = arguments.next();
    let rest: Vec<String> = arguments.collect();
    let outcome = match task.as_deref() {
        Some("test") => test::test(&root(), &rest),
        Some("bench") => bench::bench(&root(), &rest),
        Some("ci") if rest.is_empty() => ci::ci(&root()),
        Some("packages") if rest.is_empty() => package::package(&root()),
        Some("structure") if rest.is_empty() => structure::report(&root()),
        _ => usage(),
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            let _ = writeln!(io::stderr(), "error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn usage() -> Outcome {
    io::stderr().write_all(USAGE.as_bytes())?;
    Ok(false)
}

/// The folder of the workspace.
fn root() -> PathBuf {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest.parent().unwrap_or(manifest).to_path_buf()
}

/// Prints one line, at once, so that it stands in order with what other programs print.
fn say(line: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()
}
