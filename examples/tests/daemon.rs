//! The daemon, killed in the middle, ten times: nothing is left running, the events say what the rows say, and in the end
//! every step of every unit is done, once.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

use larder::{Database, params};
use larder_stores::workflow::{self, Recovery, Status};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

const KILLS: usize = 10;
/// Nobody waits so long: who does has missed something.
const LONG: Duration = Duration::from_secs(60);

/// The daemon at work; it is gone when this is.
struct Daemon(Child);

impl Daemon {
    fn start(file: &Path, branch: &str) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_daemon"));
        Self(command.env("DAEMON_DB", file).arg(branch).stdout(Stdio::null()).spawn().unwrap())
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn running(db: &Database) -> i64 {
    db.query_one(
        "SELECT (SELECT count(*) FROM runs WHERE status = 'running') + \
         (SELECT count(*) FROM units WHERE status = 'running')",
        params! {},
    )
    .unwrap()
}

fn assert_agrees(db: &Database, run: &str) {
    let found = db.read(|tx| workflow::check(tx, run)).unwrap();
    assert!(found.is_empty(), "{found:?}");
}

#[test]
fn killed_ten_times_it_loses_nothing_and_comes_to_its_end() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("daemon.db");
    let db = Database::options(file.display().to_string()).migrations(&workflow::MIGRATIONS).open().unwrap();
    let mut changes = db.changes().unwrap();
    let (mut kills, mut branches) = (0, 0);
    while kills < KILLS {
        branches += 1;
        let branch = format!("branch-{branches}");
        let (mut interruptions, mut after) = (0, 0);
        let run = loop {
            let mut daemon = Daemon::start(&file, &branch);
            // Some way into its work.
            let run = loop {
                let found = db.read(|tx| workflow::find_run(tx, &branch, "/src/app")).unwrap();
                let far = found.as_ref().is_some_and(|run| {
                    run.status == Status::Running && run.last_sequence > after + 15
                        || run.status.is_finished()
                });
                match found {
                    Some(run) if far => break run,
                    _ => assert!(changes.wait(LONG).unwrap(), "the daemon does nothing"),
                }
            };
            if kills < KILLS {
                daemon.0.kill().unwrap();
            }
            let killed = !daemon.0.wait().unwrap().success();
            let now = db.read(|tx| workflow::run(tx, &run.id)).unwrap();
            assert_agrees(&db, &run.id);
            if !killed || now.status.is_finished() {
                break now;
            }
            assert_eq!(now.status, Status::Running);
            kills += 1;
            interruptions += 1;
            after = now.last_sequence;
            // The next daemon does it too, where nobody did before.
            if kills % 2 == 0 {
                let recovered = db.write(|tx| workflow::recover(tx, Recovery::Dead)).unwrap();
                assert_eq!(recovered.runs, std::slice::from_ref(&run.id));
                assert_eq!(running(&db), 0);
                assert_agrees(&db, &run.id);
            }
        };
        assert_eq!(run.status, Status::Completed, "{run:?}");
        assert_eq!(running(&db), 0);
        let count = |sql: &str| db.query_one::<i64>(sql, params! { run: run.id }).unwrap();
        let interrupted =
            count("SELECT count(*) FROM events WHERE run_id = :run AND event_type = 'run_interrupted'");
        assert_eq!(interrupted, interruptions);
        let units: Vec<(String, i64, i64)> = db
            .query_all(
                "SELECT unit_id, count(*), count(DISTINCT payload_json) FROM events \
                 WHERE run_id = :run AND event_type = 'step' GROUP BY unit_id",
                params! { run: run.id },
            )
            .unwrap();
        assert_eq!(units.len(), 8);
        assert!(units.iter().all(|unit| (unit.1, unit.2) == (40, 40)), "{units:?}");
        let replay = db.read(|tx| workflow::replay(tx, &run.id)).unwrap();
        assert!(replay.units.values().all(|unit| unit.status == Status::Completed));
    }
    assert_eq!(kills, KILLS);
}
