//! How many instructions an operation takes, counted by valgrind: a number that no neighbour disturbs.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use larder_bench_protocol::Outcome;

use crate::program::{self, Absence};
use crate::work::{Case, Program, Subject, Work};
use crate::worker::arguments;

/// Operations of a round, where a worker lets the driver say. Many, so that the first round has warmed every cache.
const OPS: u64 = 5000;

/// Counts for every subject of every case, as a Markdown table. The profiles stay in `target/bench/callgrind`.
pub(crate) fn count(
    work: &'static Work,
    absent: &BTreeMap<Program, Absence>,
    folder: &Path,
    mut say: impl FnMut(&str),
) -> Outcome<String> {
    let profiles = program::output().join("callgrind");
    std::fs::create_dir_all(&profiles)?;
    let mut text = String::from("| case | subject | instructions an operation |\n|---|---|--:|\n");
    for case in work.cases {
        // One that opens another's file is left out: it would have to be set up in the same run.
        let subjects = work.subjects.iter().filter(|subject| case.has(subject.name));
        let subjects = subjects.filter(|it| it.program.is_native() && !absent.contains_key(&it.program));
        for subject in subjects.filter(|subject| subject.on_file_of.is_none()) {
            say(&format!("{} {} {}", work.name, case.name, subject.name));
            let name = format!("{}-{}-{}", work.name, case.name, subject.name);
            let profile = profiles.join(&name);
            let mut counts = Vec::new();
            // Two runs that differ by one round: what they differ in is that round.
            for rounds in [1, 2] {
                let folder = folder.join(format!("{name}-{rounds}"));
                std::fs::create_dir_all(&folder)?;
                counts.push(run(work, case, subject, &folder, &profile, rounds)?);
            }
            let [one, two] = counts.as_slice() else { continue };
            let ops = if work.name == "apply" || work.name == "copy" { 1 } else { OPS };
            writeln!(text, "| {} | {} | {} |", case.name, subject.label, two.saturating_sub(*one) / ops)?;
        }
    }
    Ok(text)
}

fn run(
    work: &Work,
    case: &Case,
    subject: &Subject,
    folder: &Path,
    profile: &Path,
    rounds: usize,
) -> Outcome<u64> {
    let command = subject.program.command()?;
    let mut child = Command::new("valgrind")
        .args(["--tool=callgrind", &format!("--callgrind-out-file={}", profile.display())])
        .args(command)
        .args(arguments(work, case, subject, folder, &[], false))
        .arg(format!("ops={OPS}"))
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| format!("valgrind: {error}"))?;
    if let Some(mut input) = child.stdin.take() {
        use std::io::Write as _;
        input.write_all("go\n".repeat(rounds).as_bytes())?;
    }
    let output = child.wait_with_output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    let line = said.lines().find_map(|line| line.split_once("Collected : "));
    let count = line.and_then(|(_, count)| count.trim().parse().ok());
    count.ok_or_else(|| format!("valgrind counted nothing:\n{said}").into())
}
