//! A daemon that works on the units of a run, four at a time, and keeps what it did in the store `workflow`. Kill it in the
//! middle and start it again: it recovers, goes on where it was, and no step is done twice or left out.
//!
//! ```sh
//! cargo run -p larder-examples --bin daemon -- parser     # kill -9 it, and run it again
//! larder workflow list --url ~/.local/share/daemon/daemon.db
//! ```
//!
//! The argument is the branch that it works on. The file is `~/.local/share/daemon/daemon.db`, or what `DAEMON_DB` names.

#![allow(clippy::print_stdout, reason = "a program that prints its results")]

use larder::{Database, Result, WriteTx, params};
use larder_stores::workflow::{self, NewEvent, NewRun, NewUnit, Recovery, Status, Unit};
use serde_json::json;
use std::thread;
use std::time::Duration;

const REPOSITORY: &str = "/src/app";
const UNITS: [&str; 8] =
    ["lexer", "grammar", "types", "borrowing", "lowering", "optimizer", "linker", "messages"];
const STEPS: i64 = 40;

// The application's own question, in the same transaction as the calls of the store.
const STEPS_DONE: &str =
    "SELECT count(*) FROM events WHERE run_id = :run_id AND unit_id = :unit_id AND event_type = 'step'";

fn main() -> Result<()> {
    let branch = std::env::args().nth(1).unwrap_or_else(|| "parser".to_owned());
    let file = larder::path::data_file("daemon")?.display().to_string();
    let db = Database::options(file).migrations(&workflow::MIGRATIONS).open()?;

    // What an earlier daemon left running when it was killed. One that is still alive is left alone.
    let recovered = db.write(|tx| workflow::recover(tx, Recovery::Dead))?;
    for run in &recovered.runs {
        println!("{run} was interrupted");
    }

    let Some((run, parallelism)) = db.write(|tx| take(tx, &branch))? else {
        println!("{branch} is done");
        return Ok(());
    };
    thread::scope(|scope| {
        let workers: Vec<_> = (0..parallelism).map(|_| scope.spawn(|| work(&db, &run))).collect();
        // A panic of a worker is one of the daemon: it is recovered at the next start like a crash.
        workers
            .into_iter()
            .try_for_each(|worker| worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    })?;
    db.write(|tx| workflow::complete_run(tx, &run))?;
    println!("{branch} is done: {run}");
    db.close()
}

/// Starts the run for the branch: a new one, or the one that is there and not finished.
fn take(tx: &mut WriteTx<'_>, branch: &str) -> Result<Option<(String, u32)>> {
    let (run, parallelism) = match workflow::find_run(tx, branch, REPOSITORY)? {
        Some(run) if run.status.is_finished() => return Ok(None),
        Some(run) => (run.id, run.parallelism),
        None => {
            let new =
                NewRun { feature_branch: branch, repo_path: REPOSITORY, parallelism: 4, ..NewRun::default() };
            let run = workflow::create_run(tx, &new)?;
            let units = UNITS.map(|unit_id| NewUnit { unit_id, ..NewUnit::default() });
            workflow::create_units(tx, &run, &units)?;
            (run, new.parallelism)
        }
    };
    workflow::start_run(tx, &run)?;
    Ok(Some((run, parallelism)))
}

/// Works on one unit after the other, until none is left.
fn work(db: &Database, run: &str) -> Result<()> {
    while let Some((unit, done)) = db.write(|tx| next(tx, run))? {
        for step in done + 1..=STEPS {
            thread::sleep(Duration::from_millis(10)); // The work itself.
            // The step and what tells of it belong together: here there is only the telling.
            db.write(|tx| {
                let event = NewEvent::new("step").in_unit(&unit.unit_id).with(&json!({ "step": step }))?;
                workflow::append(tx, run, &event)
            })?;
        }
        db.write(|tx| workflow::complete_unit(tx, &unit.id))?;
    }
    Ok(())
}

/// Takes the next unit, first of those that were interrupted; and how many of its steps are done. Writes come one after
/// the other, so no two workers take the same.
fn next(tx: &mut WriteTx<'_>, run: &str) -> Result<Option<(Unit, i64)>> {
    for status in [Status::Interrupted, Status::Pending] {
        if let Some(unit) = workflow::list_units(tx, run, Some(status))?.into_iter().next() {
            workflow::start_unit(tx, &unit.id)?;
            let done = tx.query_one(STEPS_DONE, params! { run_id: run, unit_id: unit.unit_id })?;
            return Ok(Some((unit, done)));
        }
    }
    Ok(None)
}
