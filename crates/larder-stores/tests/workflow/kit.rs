//! What the tests share.

use larder::{Database, Result, WriteTx};
use larder_kit::Place;
use larder_stores::workflow::{self, NewRun, NewUnit, Run, Status, Unit};
use std::time::Duration;

/// Nobody waits so long: who does has missed something.
pub(crate) const LONG: Duration = Duration::from_secs(60);

/// The store at a URL.
pub(crate) fn open(url: &str) -> Database {
    Database::options(url).migrations(&workflow::MIGRATIONS).open().unwrap()
}

/// The store.
pub(crate) fn store(place: &Place) -> Database {
    open(place.url())
}

/// A pending run for that branch.
pub(crate) fn run(db: &Database, branch: &str) -> String {
    db.write(|tx| {
        workflow::create_run(
            tx,
            &NewRun { feature_branch: branch, repo_path: "/src/app", ..NewRun::default() },
        )
    })
    .unwrap()
}

/// A pending unit of that name.
pub(crate) fn unit(db: &Database, run: &str, name: &str) -> String {
    db.write(|tx| workflow::create_unit(tx, run, &NewUnit { unit_id: name, ..NewUnit::default() })).unwrap()
}

/// A run that is running, with one running unit.
pub(crate) fn started(db: &Database, branch: &str) -> (String, String) {
    let run = run(db, branch);
    let unit = unit(db, &run, "a");
    write(db, |tx| workflow::start_run(tx, &run));
    write(db, |tx| workflow::start_unit(tx, &unit));
    (run, unit)
}

pub(crate) fn write<T: Send>(db: &Database, f: impl FnMut(&mut WriteTx<'_>) -> Result<T> + Send) -> T {
    db.write(f).unwrap()
}

pub(crate) fn run_of(db: &Database, id: &str) -> Run {
    db.read(|tx| workflow::run(tx, id)).unwrap()
}

pub(crate) fn unit_of(db: &Database, id: &str) -> Unit {
    db.read(|tx| workflow::unit(tx, id)).unwrap()
}

/// The names of a run's events, with the unit's where they are about one.
pub(crate) fn names(db: &Database, run: &str) -> Vec<String> {
    let events = db.read(|tx| workflow::events_from(tx, run, 0, 10_000)).unwrap();
    let sequences: Vec<i64> = events.iter().map(|event| event.sequence).collect();
    assert_eq!(sequences, (1..=events.len() as i64).collect::<Vec<_>>());
    let name = |event: workflow::Event| match event.unit_id {
        Some(unit) => format!("{} {unit}", event.event_type),
        None => event.event_type,
    };
    events.into_iter().map(name).collect()
}

/// Rows and events agree.
pub(crate) fn assert_agrees(db: &Database, run: &str) {
    let found = db.read(|tx| workflow::check(tx, run)).unwrap();
    assert!(found.is_empty(), "{found:?}");
}

/// All that the tables hold.
pub(crate) fn snapshot(db: &Database) -> Vec<String> {
    let mut all = Vec::new();
    db.read(|tx| {
        for table in ["runs", "units", "events"] {
            tx.query_each(&format!("SELECT * FROM {table} ORDER BY id"), &[], |row| {
                all.push(format!("{table} {:?}", row.values()?));
                Ok(std::ops::ControlFlow::Continue(()))
            })?;
        }
        Ok(())
    })
    .unwrap();
    all
}

/// Brings a run, or a unit of a run that is running, into a status by legal moves.
pub(crate) fn bring_run(tx: &mut WriteTx<'_>, run: &str, to: Status) -> Result<()> {
    match to {
        Status::Pending => Ok(()),
        Status::Running => workflow::start_run(tx, run),
        Status::Completed => {
            workflow::start_run(tx, run)?;
            workflow::complete_run(tx, run)
        }
        Status::Failed => workflow::fail_run(tx, run, "no"),
        Status::Cancelled => workflow::cancel_run(tx, run),
        Status::Interrupted => {
            workflow::start_run(tx, run)?;
            workflow::interrupt_run(tx, run, "stopped")
        }
    }
}

pub(crate) fn move_run(tx: &mut WriteTx<'_>, run: &str, to: Status) -> Result<()> {
    match to {
        Status::Pending => panic!("there is no such move"),
        Status::Running => workflow::start_run(tx, run),
        Status::Completed => workflow::complete_run(tx, run),
        Status::Failed => workflow::fail_run(tx, run, "no"),
        Status::Cancelled => workflow::cancel_run(tx, run),
        Status::Interrupted => workflow::interrupt_run(tx, run, "stopped"),
    }
}

pub(crate) fn move_unit(tx: &mut WriteTx<'_>, unit: &str, to: Status) -> Result<()> {
    match to {
        Status::Pending => panic!("there is no such move"),
        Status::Running => workflow::start_unit(tx, unit),
        Status::Completed => workflow::complete_unit(tx, unit),
        Status::Failed => workflow::fail_unit(tx, unit, "no"),
        Status::Cancelled => workflow::cancel_unit(tx, unit),
        Status::Interrupted => workflow::interrupt_unit(tx, unit, "stopped"),
    }
}

pub(crate) fn bring_unit(tx: &mut WriteTx<'_>, unit: &str, to: Status) -> Result<()> {
    if matches!(to, Status::Completed | Status::Interrupted) {
        workflow::start_unit(tx, unit)?;
    }
    if to == Status::Pending { Ok(()) } else { move_unit(tx, unit, to) }
}
