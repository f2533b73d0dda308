//! Larder beside its peers, measured in one run.
//!
//! `cargo xtask bench` runs this program. It builds the workers of the peers (small workspaces of their own below
//! `peers`, because one program links one SQLite), lets them work in turns, and writes `target/bench/report.md`.

mod figure;
mod instruction;
mod larder_worker;
mod machine;
mod measure;
mod node;
mod number;
mod program;
mod report;
mod server;
mod slow_disk;
mod work;
mod worker;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;
use larder_bench_protocol::Outcome;

use crate::measure::Mode;
use crate::program::Absence;
use crate::report::Report;
use crate::server::Server;
use crate::work::{Program, Work};

/// Measures Larder beside its peers.
#[derive(Debug, Parser)]
#[command(name = "bench")]
struct Arguments {
    /// Fewer and shorter rounds: under two minutes after building.
    #[arg(long)]
    quick: bool,
    /// Only this work; may be given several times.
    #[arg(long, value_name = "WORK")]
    only: Vec<String>,
    /// How many rounds, instead of as many as each work asks for.
    #[arg(long, value_name = "N")]
    rounds: Option<usize>,
    /// Count the instructions of this work with valgrind, instead of timing.
    #[arg(long, value_name = "WORK")]
    instructions: Option<String>,
    /// Where the databases are put for the time being, instead of the system's folder for such things.
    #[arg(long, value_name = "FOLDER")]
    dir: Option<PathBuf>,
    /// Also put the goals into README.md, and the plot into docs/bench.svg.
    #[arg(long, conflicts_with_all = ["only", "instructions"])]
    readme: bool,
    /// List the works and their cases.
    #[arg(long)]
    list: bool,
}

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    if arguments.next().as_deref() == Some("worker") {
        return larder_bench_protocol::serve(arguments, larder_worker::pick);
    }
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => {
            say(&format!("bench: {fault}"));
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Outcome {
    if arguments.list {
        for work in work::ALL {
            let cases: Vec<&str> = work.cases.iter().map(|case| case.name).collect();
            print(&format!("{:12} {}\n{:12} {}\n", work.name, work.story, "", cases.join(", ")))?;
        }
        return Ok(());
    }
    let place = arguments.dir.clone().unwrap_or_else(std::env::temp_dir);
    let folder = tempfile::Builder::new().prefix("larder-bench-").tempdir_in(place)?;
    if let Some(name) = &arguments.instructions {
        let work = named(name)?;
        let server = start_server(&[work]);
        let absent = build(&[work], &server)?;
        let mode = Mode { quick: false, rounds: None, absent: &absent, server: &server };
        return print(&instruction::count(work, mode, folder.path(), say)?);
    }
    let works = match arguments.only.as_slice() {
        [] => work::ALL.to_vec(),
        names => names.iter().map(|name| named(name)).collect::<Outcome<_>>()?,
    };
    let server = start_server(&works);
    let absent = build(&works, &server)?;
    let mode = Mode { quick: arguments.quick, rounds: arguments.rounds, absent: &absent, server: &server };
    // Before the first round, which loads the machine itself.
    let machine = machine::describe(folder.path());
    let start = Instant::now();
    let mut measured = Vec::new();
    for work in works {
        let folder = folder.path().join(work.name);
        let start = Instant::now();
        measured.push(measure::measure(work, mode, &folder, say)?);
        say(&format!("{}: {:.1} s", work.name, start.elapsed().as_secs_f64()));
        std::fs::remove_dir_all(&folder)?;
    }
    let report = Report::new(&measured, machine, arguments.quick, start.elapsed());
    print(&report.write()?)?;
    if arguments.readme {
        report.write_readme()?;
    }
    say(&format!(
        "measured in {:.0} s; written to {}",
        start.elapsed().as_secs_f64(),
        program::output().join("report.md").display()
    ));
    let unbuilt = absent.values().filter(|absence| absence.failed).count();
    match measured.iter().map(|measured| measured.failures.len()).sum::<usize>() + unbuilt {
        0 => Ok(()),
        failures => Err(format!("{failures} could not be measured").into()),
    }
}

fn named(name: &str) -> Outcome<&'static Work> {
    let found = work::ALL.iter().find(|work| work.name == name);
    let names: Vec<&str> = work::ALL.iter().map(|work| work.name).collect();
    Ok(found.ok_or_else(|| format!("no work is called {name}; there are {}", names.join(", ")))?)
}

/// Starts a server where a work needs one.
fn start_server(works: &[&Work]) -> Server {
    if !works.iter().any(|work| work.needs_server()) {
        return Server::none();
    }
    let server = Server::start();
    if let Some(why) = server.absence() {
        say(&format!("works on a server are skipped: {why}"));
    }
    server
}

/// Builds the workers once. The others go on without one that cannot be built.
fn build(works: &[&Work], server: &Server) -> Outcome<BTreeMap<Program, Absence>> {
    let works = works.iter().filter(|work| server.absence().is_none() || !work.needs_server());
    let works: Vec<&Work> = works.copied().collect();
    let programs: BTreeSet<_> = works.iter().flat_map(|work| work.subjects).map(|it| it.program).collect();
    let mut absent = BTreeMap::new();
    for program in programs {
        say(&format!("building the worker {program:?}"));
        let start = Instant::now();
        if let Err(absence) = program.build() {
            say(&format!("without {program:?}: {}", absence.why));
            absent.insert(program, absence);
        } else if start.elapsed().as_secs() > 0 {
            say(&format!("built the worker {program:?} in {} s", start.elapsed().as_secs()));
        }
    }
    if works.iter().flat_map(|work| work.cases).any(|case| case.slow_disk) {
        say("building the library that slows the disk");
        slow_disk::build()?;
    }
    Ok(absent)
}

fn print(text: &str) -> Outcome {
    Ok(std::io::stdout().write_all(text.as_bytes())?)
}

/// What goes on, for a person who waits.
fn say(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}
