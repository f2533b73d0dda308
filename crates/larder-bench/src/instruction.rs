//! How many instructions an operation takes, counted by valgrind: a number that no neighbour disturbs.

use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use larder_bench_protocol::Outcome;

use crate::measure::Mode;
use crate::program;
use crate::server::Server;
use crate::work::{Case, Subject, Work};
use crate::worker::arguments;

/// Operations of a round, where a worker lets the driver say. Many, so that the first round has warmed every cache.
const OPS: u64 = 5000;
/// As many as tell two libraries apart, where it is to go quickly.
pub(crate) const FEW: u64 = 500;

/// Counts for every subject of every case, as a Markdown table. The profiles stay in `target/bench/callgrind`.
pub(crate) fn count(
    work: &'static Work,
    mode: Mode<'_>,
    folder: &Path,
    mut say: impl FnMut(&str),
) -> Outcome<String> {
    let mut text = String::from("| case | subject | instructions an operation |\n|---|---|--:|\n");
    for case in work.cases {
        // One that opens another's file is left out: it would have to be set up in the same run.
        let subjects = work.subjects.iter().filter(|subject| case.has(subject.name));
        let subjects = subjects.filter(|it| it.program.is_native() && !mode.absent.contains_key(&it.program));
        for subject in subjects.filter(|subject| subject.on_file_of.is_none()) {
            say(&format!("{} {} {}", work.name, case.name, subject.name));
            let count = of(work, case, subject, folder, (mode.server, OPS))?;
            writeln!(text, "| {} | {} | {count} |", case.name, subject.label)?;
        }
    }
    Ok(text)
}

/// What one operation of a subject takes. `ops` are done in a round, where a worker lets the driver say.
pub(crate) fn of(
    work: &Work,
    case: &Case,
    subject: &Subject,
    folder: &Path,
    (server, ops): (&Server, u64),
) -> Outcome<u64> {
    let profiles = program::output().join("callgrind");
    std::fs::create_dir_all(&profiles)?;
    let name = format!("{}-{}-{}", work.name, case.name, subject.name);
    let mut counts = [0, 0];
    // Two runs that differ by one round: what they differ in is that round.
    for (count, rounds) in counts.iter_mut().zip([1, 2]) {
        let folder = folder.join(format!("{name}-{rounds}"));
        std::fs::create_dir_all(&folder)?;
        let mut settings = vec![format!("ops={ops}")];
        settings.extend(server.place(case, &format!("{name}-{rounds}"))?);
        *count = run(work, case, subject, &folder, (&profiles.join(&name), rounds, &settings))?;
    }
    let ops = if work.name == "apply" || work.name == "copy" { 1 } else { ops };
    let [one, two] = counts;
    Ok(two.saturating_sub(one) / ops)
}

fn run(
    work: &Work,
    case: &Case,
    subject: &Subject,
    folder: &Path,
    (profile, rounds, settings): (&Path, usize, &[String]),
) -> Outcome<u64> {
    let command = subject.program.command()?;
    let mut child = Command::new("valgrind")
        .args(["--tool=callgrind", &format!("--callgrind-out-file={}", profile.display())])
        .args(command)
        .args(arguments(work, case, subject, folder, &[], false))
        .args(settings)
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
