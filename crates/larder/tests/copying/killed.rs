//! A copy that is killed, or stopped, leaves the target as it was, and is begun again.

use crate::support::{open, places};
use larder::copy::{Copier, Phase};
use larder::migrate::Stop;
use larder::{Database, ErrorKind};
use larder_kit::Engine;
use std::process::{Command, Stdio};

const ROWS: &str = "WITH RECURSIVE c (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 20000) \
                    INSERT INTO items SELECT n, 'item ' || n FROM c";

fn filled(url: &str) -> Database {
    let from = Database::options(url).open().unwrap();
    from.execute("CREATE TABLE items (id INTEGER PRIMARY KEY, name TEXT NOT NULL)", &[]).unwrap();
    from.execute(ROWS, &[]).unwrap();
    from
}

const PHASES: [(&str, Phase); 5] = [
    ("checking", Phase::Checking),
    ("loading", Phase::Loading),
    ("finishing", Phase::Finishing),
    ("verifying", Phase::Verifying),
    ("committing", Phase::Committing),
];

/// The other process: it copies, and dies where it is told to. Run by itself it does nothing.
#[test]
fn child() {
    let Ok(plan) = std::env::var("LARDER_COPY_CHILD") else { return };
    let [phase, from, to] = plan.split('\n').collect::<Vec<_>>().try_into().unwrap();
    let (_, phase) = PHASES.into_iter().find(|(name, _)| *name == phase).unwrap();
    let (from, to) = (Database::options(from).open().unwrap(), Database::options(to).open().unwrap());
    let die = |at: &larder::copy::Progress| {
        if at.phase == phase {
            let _ = Command::new("kill").args(["-9", &std::process::id().to_string()]).status();
            std::thread::sleep(std::time::Duration::from_secs(60));
        }
    };
    Copier::new(&[]).on_progress(die).copy(&from, &to).unwrap();
}

fn killed(to: Engine) {
    let (here, there) = places(Engine::Sqlite, to);
    let from = filled(here.url());
    for (name, _) in PHASES {
        let status = Command::new(std::env::current_exe().unwrap())
            .args(["killed::child", "--exact", "--nocapture"])
            .env("LARDER_COPY_CHILD", [name, here.url(), there.url()].join("\n"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .unwrap();
        assert!(!status.success(), "it was to die while {name}");
        let check = Copier::new(&[]).check(&from, &open(&there));
        assert!(check.is_ok(), "killed while {name}: {check:?}");
    }
    let to = open(&there);
    let report = Copier::new(&[]).copy(&from, &to).unwrap();
    assert_eq!(report.rows, 20_000);
    assert_eq!(to.query_one::<i64>("SELECT count(*) FROM items", &[]).unwrap(), 20_000);
}

#[test]
fn killed_on_the_way_to_a_server() {
    killed(Engine::Postgres);
}

#[test]
fn killed_on_the_way_to_a_file() {
    killed(Engine::Sqlite);
}

#[test]
fn stopped_at_any_moment_the_target_is_as_it_was() {
    let (here, server) = places(Engine::Sqlite, Engine::Postgres);
    let (from, to) = (filled(here.url()), open(&server));
    for (name, phase) in PHASES {
        let stop = Stop::new();
        let asked = stop.clone();
        let ask = move |at: &larder::copy::Progress| {
            if at.phase == phase {
                asked.stop();
            }
        };
        let error = Copier::new(&[]).stop(&stop).on_progress(ask).copy(&from, &to).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Interrupted, "{name}: {error:?}");
    }
    assert_eq!(Copier::new(&[]).copy(&from, &to).unwrap().rows, 20_000);
}
