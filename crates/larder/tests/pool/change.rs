//! Hearing of commits on a server.

use larder::{Changes, Database};
use larder_kit::{Engine, Place};
use std::time::{Duration, Instant};

const LONG: Duration = Duration::from_secs(20);

fn open(place: &Place) -> Database {
    Database::options(place.url()).open().unwrap()
}

fn table(db: &Database) {
    db.execute("CREATE TABLE t (id INTEGER PRIMARY KEY)", &[]).unwrap();
}

/// Takes what is still on its way, as far as other tests on the same server let it become quiet.
fn settle(changes: &mut Changes) {
    (0..3).any(|_| !changes.wait(Duration::from_millis(300)).unwrap());
}

#[test]
fn a_commit_of_the_same_handle_wakes_at_once() {
    let place = Place::new(Engine::Postgres);
    let db = open(&place);
    table(&db);
    let mut changes = db.changes().unwrap();
    db.execute("INSERT INTO t VALUES (1)", &[]).unwrap();
    assert!(changes.wait(LONG).unwrap());
}

/// Of two servers' worth of programs, told by what is announced: well before anybody would have asked.
#[test]
fn what_another_announces_is_heard_and_can_be_read() {
    let place = Place::new(Engine::Postgres);
    let (db, other) = (open(&place), open(&place));
    table(&db);
    let mut changes = db.changes().unwrap();
    settle(&mut changes);
    for id in 0..20_i64 {
        other
            .write(|tx| {
                tx.execute("INSERT INTO t VALUES (:id)", larder::params! { id })?;
                tx.announce()
            })
            .unwrap();
        let until = Instant::now() + LONG;
        // What was found by asking may wake as well, and sees the same.
        while db.query_one::<i64>("SELECT count(*) FROM t", &[]).unwrap() <= id {
            assert!(changes.wait(until - Instant::now()).unwrap(), "the announcement {id} was not heard");
        }
    }
}

#[test]
fn what_another_does_not_announce_is_found_by_asking() {
    let place = Place::new(Engine::Postgres);
    let (db, other) = (open(&place), open(&place));
    table(&db);
    let mut changes = db.changes().unwrap();
    settle(&mut changes);
    other.execute("INSERT INTO t VALUES (1)", &[]).unwrap();
    let until = Instant::now() + LONG;
    while db.query_one::<i64>("SELECT count(*) FROM t", &[]).unwrap() == 0 {
        assert!(changes.wait(until - Instant::now()).unwrap(), "the commit was not found");
    }
}

/// An older transaction that commits after a younger one.
#[test]
fn a_late_commit_is_found_too() {
    let place = Place::new(Engine::Postgres);
    let (db, other) = (open(&place), open(&place));
    table(&db);
    let mut changes = db.changes().unwrap();
    let until = Instant::now() + LONG;
    other
        .write(|tx| {
            tx.execute("INSERT INTO t VALUES (1)", &[])?;
            std::thread::scope(|scope| {
                scope.spawn(|| open(&place).execute("INSERT INTO t VALUES (2)", &[]).unwrap());
            });
            settle(&mut changes);
            Ok(())
        })
        .unwrap();
    while db.query_one::<i64>("SELECT count(*) FROM t", &[]).unwrap() < 2 {
        assert!(changes.wait(until - Instant::now()).unwrap(), "the late commit was not found");
    }
}

#[test]
fn many_listen_through_one_connection() {
    let place = Place::new(Engine::Postgres);
    let db = open(&place);
    table(&db);
    let before = connections(&db);
    let all: Vec<Changes> = (0..8).map(|_| db.changes().unwrap()).collect();
    assert_eq!(connections(&db), before + 1);
    std::thread::scope(|scope| {
        for mut changes in all {
            scope.spawn(move || assert!(changes.wait(LONG).unwrap()));
        }
        db.execute("INSERT INTO t VALUES (1)", &[]).unwrap();
    });
}

fn connections(db: &Database) -> i64 {
    db.query_one("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()", &[]).unwrap()
}

#[test]
fn who_listens_goes_on_when_the_connection_was_cut() {
    let place = Place::new(Engine::Postgres);
    let (db, other) = (open(&place), open(&place));
    table(&db);
    let mut changes = db.changes().unwrap();
    settle(&mut changes);
    other
        .query_all::<bool>(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> \
             pg_backend_pid()",
            &[],
        )
        .unwrap();
    other.execute("INSERT INTO t VALUES (1)", &[]).unwrap();
    let until = Instant::now() + LONG;
    while db.query_one::<i64>("SELECT count(*) FROM t", &[]).unwrap() == 0 {
        assert!(changes.wait(until - Instant::now()).unwrap(), "the commit was not found");
    }
    settle(&mut changes);
    other.write(|tx| tx.announce()).unwrap();
    assert!(changes.wait(LONG).unwrap());
}

#[test]
fn closing_ends_the_wait() {
    let place = Place::new(Engine::Postgres);
    let db = open(&place);
    let mut changes = db.changes().unwrap();
    std::thread::scope(|scope| {
        let waiting = scope.spawn(move || {
            loop {
                if let Err(error) = changes.wait(LONG) {
                    return error.kind();
                }
            }
        });
        db.close().unwrap();
        assert_eq!(waiting.join().unwrap(), larder::ErrorKind::Closed);
    });
}
