//! How many connections there are, and waiting for one.

use larder::{Database, ErrorKind};
use larder_kit::{Engine, Place, engines};
use std::sync::Barrier;
use std::time::Duration;

fn open(place: &Place, most: usize, patience: Duration) -> Database {
    Database::options(place.url()).connections(most).busy_timeout(patience).open().unwrap()
}

fn one(db: &Database) -> i64 {
    db.query_one("SELECT 1", &[]).unwrap()
}

#[test]
fn no_more_connections_are_made_than_allowed_and_they_are_used_again() {
    let place = Place::new(Engine::Postgres);
    let db = open(&place, 3, Duration::from_secs(30));
    std::thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| (0..100).for_each(|_| assert_eq!(one(&db), 1)));
        }
    });
    let stats = db.stats();
    assert!((1..=3).contains(&stats.connections), "{}", stats.connections);
    assert_eq!(stats.reads, 1600);
    (0..10).for_each(|_| assert_eq!(one(&db), 1));
    assert_eq!(db.stats().connections, stats.connections);
}

#[test]
fn who_waits_too_long_hears_how_many_there_are_and_what_to_do() {
    let place = Place::new(Engine::Postgres);
    let db = open(&place, 2, Duration::from_millis(50));
    let (taken, over) = (Barrier::new(3), Barrier::new(3));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                db.read(|_| {
                    taken.wait();
                    over.wait();
                    Ok(())
                })
                .unwrap();
            });
        }
        taken.wait();
        let error = db.query_one::<i64>("SELECT 1", &[]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Busy);
        assert!(error.message().contains("all 2 connections"), "{error}");
        assert!(error.help().unwrap().contains("Options::connections"), "{error}");
        over.wait();
    });
    assert_eq!(one(&db), 1);
}

engines! {
    /// Each thread is inside a read and asks for another one: with as many threads as connections, who waited for a
    /// connection would wait for ever.
    fn reads_within_reads_do_not_wait_for_each_other(place: &Place) {
        let db = open(place, 2, Duration::from_secs(30));
        let met = Barrier::new(2);
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    db.read(|_| {
                        met.wait();
                        db.read(|_| Ok(one(&db)))
                    })
                    .unwrap()
                });
            }
        });
        assert!(db.stats().connections <= 2);
    }

    fn a_write_inside_a_write_or_a_read_is_refused(place: &Place) {
        let db = open(place, 2, Duration::from_secs(5));
        let inside_write = db.write(|_| db.write(|_| Ok(()))).unwrap_err();
        assert_eq!(inside_write.kind(), ErrorKind::Nested);
        let inside_read = db.read(|_| db.execute("SELECT 1", &[])).unwrap_err();
        assert_eq!(inside_read.kind(), ErrorKind::Nested);
    }

    fn a_read_inside_a_write_sees_what_was_committed_before(place: &Place) {
        let db = open(place, 1, Duration::from_secs(5));
        db.execute("CREATE TABLE t (id INTEGER PRIMARY KEY)", &[]).unwrap();
        let seen: i64 = db
            .write(|tx| {
                tx.execute("INSERT INTO t VALUES (1)", &[])?;
                db.read(|tx| tx.query_one("SELECT count(*) FROM t", &[]))
            })
            .unwrap();
        assert_eq!(seen, 0);
    }

    fn a_query_does_not_write(place: &Place) {
        let db = open(place, 1, Duration::from_secs(5));
        db.execute("CREATE TABLE t (id INTEGER PRIMARY KEY)", &[]).unwrap();
        let refused = db.query_one::<i64>("INSERT INTO t VALUES (1) RETURNING id", &[]).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::ReadOnly, "{refused:?}");
        let count: i64 = db.query_one("SELECT count(*) FROM t", &[]).unwrap();
        assert_eq!(count, 0);
    }

    fn a_closed_handle_says_so(place: &Place) {
        let db = open(place, 2, Duration::from_secs(5));
        let other = db.clone();
        assert_eq!(one(&db), 1);
        db.close().unwrap();
        assert_eq!(other.query_one::<i64>("SELECT 1", &[]).unwrap_err().kind(), ErrorKind::Closed);
        assert_eq!(other.stats().connections, 0);
    }
}

#[test]
fn a_statement_that_makes_a_table_by_selecting_does_not_get_through() {
    let place = Place::new(Engine::Postgres);
    let db = open(&place, 1, Duration::from_secs(5));
    let error = db.query_all::<i64>("SELECT 1 AS a INTO made", &[]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ReadOnly, "{error:?}");
}

/// Who gets a connection gets it as if it were new.
#[test]
fn what_one_leaves_behind_in_a_session_the_next_does_not_find() {
    let place = Place::new(Engine::Postgres);
    let db = open(&place, 1, Duration::from_secs(5));
    let tables = "SELECT count(*) FROM pg_class WHERE relkind = 'r' AND relnamespace = pg_my_temp_schema()";
    let locks = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()";
    let channels = "SELECT count(*) FROM pg_listening_channels()";
    let settings =
        "SELECT count(*) FROM pg_settings WHERE name IN ('work_mem', 'search_path') AND source = 'session'";
    let cursors = "SELECT count(*) FROM pg_cursors WHERE is_holdable";
    for (leave, look) in [
        ("CREATE TEMP TABLE left_behind (a int)", tables),
        ("CREATE TABLE pg_temp.left_behind AS SELECT 1 AS a", tables),
        ("SELECT pg_advisory_lock(5)", locks),
        ("SELECT pg_try_advisory_lock_shared(5)", locks),
        ("LISTEN somebody", channels),
        ("SELECT set_config('search_path', 'nowhere', false)", settings),
        ("SELECT pg_catalog.set_config('work_mem', '1MB', false)", settings),
    ] {
        for attempt in 0..3 {
            let count: i64 = match attempt {
                0 => {
                    db.execute(leave, &[]).unwrap();
                    db.query_one(look, &[]).unwrap()
                }
                1 => {
                    db.write(|tx| tx.execute(leave, &[])).unwrap();
                    db.query_one(look, &[]).unwrap()
                }
                _ => db.write(|tx| tx.query_one(look, &[])).unwrap(),
            };
            assert_eq!(count, 0, "{leave}");
        }
    }
    db.write(|tx| tx.execute("DECLARE c CURSOR WITH HOLD FOR SELECT 1", &[])).unwrap();
    assert_eq!(db.query_one::<i64>(cursors, &[]).unwrap(), 0);
    // Nothing is left behind, so the connection stays.
    let process = || db.query_one::<i64>("SELECT pg_backend_pid()", &[]).unwrap();
    let before = process();
    db.execute("SELECT set_config('work_mem', '1MB', true), pg_advisory_xact_lock(5)", &[]).unwrap();
    assert_eq!(process(), before);
}
