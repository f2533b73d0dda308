//! Many processes that migrate one database on a server at once, and some that are killed while they do.

use crate::kit::child;
use crate::{Open, app, id, one};
use larder::migrate::{Migrator, Repair};
use larder::{Database, ErrorKind, Migration, MigrationSet};
use larder_kit::{Engine, Place};
use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::time::{Duration, Instant};

/// Four migrations that each leave a trace, one of them outside a transaction.
fn set() -> MigrationSet {
    app(&[
        "CREATE TABLE trace (step int)",
        "INSERT INTO trace VALUES (2); CREATE TABLE t (a int)",
        "-- larder: no-transaction\nINSERT INTO trace VALUES (3); CREATE INDEX CONCURRENTLY t_a ON t (a)",
        "INSERT INTO trace VALUES (4); ALTER TABLE t ADD COLUMN b int",
    ])
}

#[test]
fn one_of_many() {
    let Some(url) = child::told() else { return };
    child::end_with_the_parent();
    let db = Database::options(url).open().unwrap();
    child::say("ready");
    let report = db.migrate(&[&set()]).unwrap();
    child::say(format!("done {}", report.done.len()));
}

#[test]
fn sixteen_at_once_do_each_migration_once() {
    for round in 0..20 {
        let place = Place::new(Engine::Postgres);
        let running: Vec<child::Running> =
            (0..16).map(|_| child::Running::start("crowd::one_of_many", place.url())).collect();
        let mut done = 0;
        for one in running {
            let output = one.end();
            let said = String::from_utf8_lossy(&output.stdout).into_owned();
            assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
            done += said
                .lines()
                .filter_map(|line| line.strip_prefix("child: done ")?.parse::<usize>().ok())
                .sum::<usize>();
        }
        assert_eq!(done, 4, "round {round}: each by one of them");
        let db = place.open();
        assert_eq!(db.query_all::<i64>("SELECT step FROM trace ORDER BY 1", &[]).unwrap(), [2, 3, 4]);
        assert_eq!(one::<i64>(&db, "SELECT count(*) FROM schema_migrations WHERE state = 'applied'"), 4);
        assert_eq!(one::<i64>(&db, "SELECT count(*) FROM meta"), 1);
    }
}

/// The migrations up to `last`. For the one that is to be killed each takes a minute in the middle.
fn slow(last: usize) -> MigrationSet {
    let victim = "SELECT pg_sleep(60) WHERE current_setting('application_name') = 'victim'";
    let text = |n: usize| match n {
        1 => "CREATE TABLE trace (step int); CREATE TABLE t (a int)".to_owned(),
        n => format!(
            "INSERT INTO trace VALUES ({n}); ALTER TABLE t ADD COLUMN c{n} int; {victim}; CREATE TABLE t{n} (a int)"
        ),
    };
    MigrationSet::list("app", (1..=last).map(|n| Migration::sql(id(n), text(n))).collect())
}

fn as_victim(url: &str) -> String {
    format!("{url}{}application_name=victim", if url.contains('?') { '&' } else { '?' })
}

#[test]
fn victim() {
    let Some(told) = child::told() else { return };
    child::end_with_the_parent();
    let (last, url) = told.split_once(' ').unwrap();
    let db = Database::options(as_victim(url)).open().unwrap();
    let set = slow(last.parse().unwrap());
    let migrator = Migrator::new(&[&set]).on_progress(|told| {
        if told.statement == 3 {
            child::say("asleep");
        }
    });
    migrator.up(&db).unwrap();
}

#[test]
fn killed_in_the_middle_the_next_goes_on() {
    const ROUNDS: usize = 25;
    let mut took: Vec<Duration> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    let place = Place::new(Engine::Postgres);
                    let db = place.open();
                    db.migrate(&[&slow(1)]).unwrap();
                    (2..2 + ROUNDS).map(|last| killed_once(&place, &db, last)).collect::<Vec<_>>()
                })
            })
            .collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
    });
    took.sort_unstable();
    let (middle, longest) = (took[took.len() / 2], took[took.len() - 1]);
    println!(
        "{} kills; the next was done after {middle:?} in the middle, {longest:?} at the most",
        took.len()
    );
    // Without it the server would sleep for a minute, and keep its locks.
    assert!(longest < Duration::from_secs(20), "{longest:?}");
}

/// Kills one that migrates to `last` in the middle of it, and tells how long the next needs for the same.
fn killed_once(place: &Place, db: &Database, last: usize) -> Duration {
    let mut command = child::command("crowd::victim", &format!("{last} {}", place.url()));
    let mut running =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(running.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().contains("child: asleep")), "it never came to the middle");
    std::thread::sleep(Duration::from_millis(fastrand::u64(0..20)));
    running.kill().unwrap();
    running.wait().unwrap();
    let began = Instant::now();
    assert_eq!(db.migrate(&[&slow(last)]).unwrap().done.len(), 1);
    let took = began.elapsed();
    let traced: i64 = one(db, &format!("SELECT count(*) FROM trace WHERE step = {last}"));
    assert_eq!(traced, 1, "nothing of the one that was killed is there");
    took
}

#[test]
fn killed_while_it_builds_an_index_it_can_be_resumed() {
    let place = Place::new(Engine::Postgres);
    let db = place.open();
    let text = |n: usize| match n {
        1 => "CREATE TABLE t (a int); INSERT INTO t SELECT * FROM generate_series(1, 200000)".to_owned(),
        n => format!("-- larder: no-transaction\nCREATE INDEX CONCURRENTLY i{n} ON t ((a + {n}))"),
    };
    let set =
        |last: usize| MigrationSet::list("app", (1..=last).map(|n| Migration::sql(id(n), text(n))).collect());
    db.migrate(&[&set(1)]).unwrap();
    // Told what to do by the place's own text, so that the child needs no list of its own.
    let mut middle = 0;
    for last in 2..8 {
        let texts: Vec<String> = (1..=last).map(text).collect();
        let file = place.folder().join("told");
        std::fs::write(&file, texts.join("\0")).unwrap();
        let running = child::Running::start("crowd::builder", &format!("{} {}", file.display(), place.url()));
        std::thread::sleep(Duration::from_millis(fastrand::u64(60..250)));
        running.kill();
        match db.migrate(&[&set(last)]) {
            Ok(_) => {}
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::MigrationUnfinished, "{error:?}");
                middle += 1;
                Migrator::new(&[&set(last)]).repair(&db, &id(last), Repair::Resume).unwrap();
            }
        }
        let valid: Vec<bool> =
            db.query_all("SELECT indisvalid FROM pg_index WHERE indrelid = 't'::regclass", &[]).unwrap();
        assert_eq!(valid, vec![true; last - 1], "each index once, and none invalid");
    }
    println!("{middle} of 6 were killed in the middle");
}

#[test]
fn builder() {
    let Some(told) = child::told() else { return };
    child::end_with_the_parent();
    let (file, url) = told.split_once(' ').unwrap();
    let texts = std::fs::read_to_string(file).unwrap();
    let list = texts.split('\0').enumerate();
    let list = list.map(|(at, text)| Migration::sql(id(at + 1), text.to_owned())).collect();
    Database::options(url).open().unwrap().migrate(&[&MigrationSet::list("app", list)]).unwrap();
}
