//! What a pool meets when a closure does not behave.

use larder::{Database, ErrorKind, params};
use larder_kit::{Engine, Place, engines};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

engines! {
    /// An error that a closure keeps to itself undoes its savepoint and nothing more.
    fn an_error_that_is_caught_undoes_its_savepoint_alone(place: &Place) {
        let db = Database::options(place.url()).open().unwrap();
        db.execute("CREATE TABLE t (k BIGINT PRIMARY KEY)", &[]).unwrap();
        let insert = "INSERT INTO t VALUES (:k)";
        for round in 0..3_i64 {
            let k = round * 10;
            db.write(|tx| {
                tx.execute(insert, params! { k })?;
                assert!(tx.execute(insert, params! { k }).is_err());
                tx.execute(insert, params! { k: k + 1 })?;
                let undone = tx.savepoint(|tx| {
                    tx.execute(insert, params! { k: k + 2 })?;
                    let inner = tx.savepoint(|tx| {
                        tx.execute(insert, params! { k: k + 3 })?;
                        tx.execute(insert, params! { k })
                    });
                    assert_eq!(inner.unwrap_err().kind(), ErrorKind::Constraint);
                    tx.execute(insert, params! { k: k + 4 })?;
                    tx.query_one::<i64>("SELECT k FROM t WHERE k = -1", &[])
                });
                assert_eq!(undone.unwrap_err().kind(), ErrorKind::NotFound);
                tx.savepoint(|tx| tx.execute(insert, params! { k: k + 5 }))
            })
            .unwrap();
            let there: Vec<i64> =
                db.query_all("SELECT k FROM t WHERE k >= :k ORDER BY k", params! { k }).unwrap();
            assert_eq!(there, [k, k + 1, k + 5]);
        }
    }
}

/// The connection breaks inside a savepoint, and the closure takes no notice of the error.
#[test]
fn who_catches_the_loss_of_its_connection_commits_nothing_alone() {
    let place = Place::new(Engine::Postgres);
    let db = Database::options(place.url()).connections(2).open().unwrap();
    db.execute("CREATE TABLE t (k BIGINT NOT NULL)", &[]).unwrap();
    let attempts = AtomicU32::new(0);
    db.write(|tx| {
        let first = attempts.fetch_add(1, Ordering::SeqCst) == 0;
        tx.execute("INSERT INTO t VALUES (1)", &[])?;
        let _ = tx.savepoint(|tx| {
            tx.execute("INSERT INTO t VALUES (2)", &[])?;
            if first {
                tx.query_all::<bool>("SELECT pg_terminate_backend(pg_backend_pid())", &[])?;
            }
            Ok(())
        });
        let _ = tx.execute("INSERT INTO t VALUES (3)", &[]);
        Ok(())
    })
    .ok();
    let there: Vec<i64> = db.query_all("SELECT k FROM t ORDER BY k", &[]).unwrap();
    assert!(there.is_empty() || there == [1, 2, 3], "{there:?}");
}

/// The server ends a session in whose transaction nothing is asked for too long.
#[test]
fn a_closure_that_sleeps_too_long_hears_of_it_and_nothing_stays() {
    let place = Place::new(Engine::Postgres);
    let url = place.direct_url();
    let url = format!("{url}?options=-c%20idle_in_transaction_session_timeout%3D50");
    let db = Database::options(&url).connections(2).open().unwrap();
    db.execute("CREATE TABLE t (k BIGINT NOT NULL)", &[]).unwrap();
    let attempts = AtomicU32::new(0);
    let error = db
        .write(|tx| {
            attempts.fetch_add(1, Ordering::SeqCst);
            tx.execute("INSERT INTO t VALUES (1)", &[])?;
            std::thread::sleep(Duration::from_millis(300));
            Ok(())
        })
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
    assert!(attempts.load(Ordering::SeqCst) <= 3);
    assert_eq!(db.query_one::<i64>("SELECT count(*) FROM t", &[]).unwrap(), 0);
}

/// The commit itself is refused: all of it is done again, and what it did is there once.
#[test]
fn a_transaction_that_is_refused_at_its_commit_is_done_again_once() {
    let place = Place::new(Engine::Postgres);
    let db = Database::options(place.url()).connections(4).open().unwrap();
    db.execute("CREATE TABLE t (k BIGINT NOT NULL)", &[]).unwrap();
    let other = Database::options(place.url()).connections(1).open().unwrap();
    let attempts = AtomicU32::new(0);
    db.write(|tx| {
        let before: i64 = tx.query_one("SELECT count(*) FROM t", &[])?;
        tx.execute("INSERT INTO t VALUES (:before)", params! { before })?;
        if attempts.fetch_add(1, Ordering::SeqCst) == 0 {
            other
                .write(|tx| {
                    let before: i64 = tx.query_one("SELECT count(*) FROM t", &[])?;
                    tx.execute("INSERT INTO t VALUES (:k)", params! { k: before + 100 })
                })
                .unwrap();
        }
        Ok(())
    })
    .unwrap();
    assert_eq!(attempts.load(Ordering::SeqCst), 2);
    assert_eq!(db.query_all::<i64>("SELECT k FROM t ORDER BY k", &[]).unwrap(), [1, 100]);
}

#[test]
fn a_thousand_threads_are_served_by_a_few_connections() {
    let place = Place::new(Engine::Postgres);
    let db =
        Database::options(place.url()).connections(4).busy_timeout(Duration::from_secs(60)).open().unwrap();
    db.execute("CREATE TABLE t (k BIGINT NOT NULL)", &[]).unwrap();
    std::thread::scope(|scope| {
        for k in 0..1000_i64 {
            let db = &db;
            std::thread::Builder::new()
                .stack_size(256 << 10)
                .spawn_scoped(scope, move || {
                    db.execute("INSERT INTO t VALUES (:k)", params! { k }).unwrap();
                })
                .unwrap();
        }
    });
    assert_eq!(db.query_one::<i64>("SELECT count(DISTINCT k) FROM t", &[]).unwrap(), 1000);
    assert!(db.stats().connections <= 4);
}
