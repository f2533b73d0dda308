//! Transactions that come in between of each other.

use larder::driver::Isolation;
use larder::{Database, Error, ErrorKind, params};
use larder_kit::{Engine, Place, engines};
use std::sync::Barrier;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

fn counter(place: &Place, isolation: Isolation) -> Database {
    let db = Database::options(place.url()).isolation(isolation).open().unwrap();
    db.execute("CREATE TABLE counters (id INTEGER PRIMARY KEY, n INTEGER NOT NULL)", &[]).unwrap();
    db.execute("INSERT INTO counters VALUES (1, 0), (2, 0)", &[]).unwrap();
    db
}

fn add_one(db: &Database, id: i64) -> larder::Result<()> {
    db.write(|tx| {
        let n: i64 = tx.query_one("SELECT n FROM counters WHERE id = :id", params! { id })?;
        let n = n + 1;
        tx.execute("UPDATE counters SET n = :n WHERE id = :id", params! { id, n })?;
        Ok(())
    })
}

fn value(db: &Database, id: i64) -> i64 {
    db.query_one("SELECT n FROM counters WHERE id = :id", params! { id }).unwrap()
}

engines! {
    fn a_hot_row_is_counted_exactly(place: &Place) {
        let db = counter(place, Isolation::Serializable);
        std::thread::scope(|scope| {
            for _ in 0..16 {
                scope.spawn(|| (0..200).for_each(|_| add_one(&db, 1).unwrap()));
            }
        });
        assert_eq!(value(&db, 1), 3200);
        assert_eq!(db.stats().reruns > 0, place.engine() == Engine::Postgres, "the row was not hot");
    }

    /// Two read the same and then write what they have made of it: one update is lost where each statement sees what is
    /// committed when it begins.
    fn no_update_is_lost(place: &Place) {
        let db = counter(place, Isolation::Serializable);
        meet(&db);
        assert_eq!(value(&db, 1), 2);
    }

    /// Each of two sees that both are 0 and sets its own to 1; as if one came after the other, the second would have seen 1.
    fn writes_do_not_cross(place: &Place) {
        let db = counter(place, Isolation::Serializable);
        cross(&db);
        assert_eq!(value(&db, 1) + value(&db, 2), 1);
    }
}

/// Two increments that both read before either writes, where the engine lets them.
fn meet(db: &Database) {
    let (first, met) = (AtomicU32::new(0), Barrier::new(2));
    let is_concurrent = db.driver().is_concurrent();
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let mut attempts = 0;
                db.write(|tx| {
                    let n: i64 = tx.query_one("SELECT n FROM counters WHERE id = 1", &[])?;
                    attempts += 1;
                    if is_concurrent && attempts == 1 {
                        first.fetch_add(1, Ordering::SeqCst);
                        met.wait();
                    }
                    let n = n + 1;
                    tx.execute("UPDATE counters SET n = :n WHERE id = 1", params! { n })
                })
                .unwrap();
            });
        }
    });
}

fn cross(db: &Database) {
    let met = Barrier::new(2);
    let is_concurrent = db.driver().is_concurrent();
    std::thread::scope(|scope| {
        for id in [1_i64, 2] {
            let met = &met;
            scope.spawn(move || {
                let mut attempts = 0;
                db.write(|tx| {
                    let sum: i64 = tx.query_one("SELECT CAST(sum(n) AS INTEGER) FROM counters", &[])?;
                    attempts += 1;
                    if is_concurrent && attempts == 1 {
                        met.wait();
                    }
                    if sum == 0 {
                        tx.execute("UPDATE counters SET n = 1 WHERE id = :id", params! { id })?;
                    }
                    Ok(())
                })
                .unwrap();
            });
        }
    });
}

/// What the option is for: without it both tests above fail.
#[test]
fn read_committed_loses_updates_and_lets_writes_cross() {
    let place = Place::new(Engine::Postgres);
    let db = counter(&place, Isolation::ReadCommitted);
    meet(&db);
    assert_eq!(value(&db, 1), 1);
    db.execute("UPDATE counters SET n = 0", &[]).unwrap();
    cross(&db);
    assert_eq!(value(&db, 1) + value(&db, 2), 2);
}

#[test]
fn a_deadlock_is_run_again() {
    let place = Place::new(Engine::Postgres);
    let db = counter(&place, Isolation::ReadCommitted);
    let met = Barrier::new(2);
    std::thread::scope(|scope| {
        for order in [[1_i64, 2], [2, 1]] {
            let (db, met) = (&db, &met);
            scope.spawn(move || {
                let mut attempts = 0;
                db.write(|tx| {
                    attempts += 1;
                    for id in order {
                        tx.execute("UPDATE counters SET n = n + 1 WHERE id = :id", params! { id })?;
                        if attempts == 1 && id == order[0] {
                            met.wait();
                        }
                    }
                    Ok(())
                })
                .unwrap();
            });
        }
    });
    assert_eq!((value(&db, 1), value(&db, 2)), (2, 2));
    assert!(db.stats().reruns >= 1);
}

/// Several write the same row without a pause. Who was overtaken once found the row taken again and again, for seconds, by
/// those who came anew.
#[test]
fn who_is_run_again_has_his_turn_though_others_never_stop() {
    const WRITERS: u32 = 4;
    const EACH: u32 = 150;
    let place = Place::new(Engine::Postgres);
    let db = counter(&place, Isolation::Serializable);
    let (written, most) = (AtomicU32::new(0), AtomicU32::new(0));
    std::thread::scope(|scope| {
        for _ in 0..WRITERS {
            scope.spawn(|| {
                for _ in 0..EACH {
                    let before = written.load(Ordering::Relaxed);
                    let slowly = db.write(|tx| {
                        tx.execute("UPDATE counters SET n = n + 1 WHERE id = 1", &[])?;
                        std::thread::sleep(Duration::from_millis(2));
                        Ok(())
                    });
                    slowly.unwrap();
                    most.fetch_max(written.fetch_add(1, Ordering::Relaxed) - before, Ordering::Relaxed);
                }
            });
        }
    });
    let most = most.into_inner();
    assert!(most <= 40, "{most} writes of others while one waited");
}

/// One that always comes in between.
#[test]
fn a_conflict_that_does_not_end_is_said_after_the_time_for_it() {
    let place = Place::new(Engine::Postgres);
    counter(&place, Isolation::Serializable);
    let db = Database::options(place.url()).retry_for(Duration::from_millis(200)).open().unwrap();
    let other = Database::options(place.url()).open().unwrap();
    let mut attempts = 0;
    let error = db
        .write(|tx| {
            attempts += 1;
            let n: i64 = tx.query_one("SELECT n FROM counters WHERE id = 1", &[])?;
            std::thread::scope(|scope| scope.spawn(|| add_one(&other, 1)).join().unwrap())?;
            let n = n + 1;
            tx.execute("UPDATE counters SET n = :n WHERE id = 1", params! { n })
        })
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict, "{error:?}");
    assert!(attempts > 2);
    assert!(error.message().contains(&format!("{attempts} attempts")), "{error}");
    assert!(error.help().unwrap().contains("retry_for"));
    // Nothing of it is in force, and the handle goes on.
    assert_eq!(value(&db, 1), attempts);
    add_one(&db, 1).unwrap();
}

engines! {
    fn an_error_of_the_application_comes_back_as_it_is(place: &Place) {
        let db = counter(place, Isolation::Serializable);
        let mut calls = 0;
        let error = db
            .write(|tx| {
                calls += 1;
                tx.execute("UPDATE counters SET n = 7", &[])?;
                Err::<(), _>(Error::other("no"))
            })
            .unwrap_err();
        assert_eq!((error.kind(), calls), (ErrorKind::Application, 1));
        assert_eq!(value(&db, 1), 0);
    }

    fn a_panic_rolls_back_and_goes_on(place: &Place) {
        let db = counter(place, Isolation::Serializable);
        let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            db.write(|tx| -> larder::Result<()> {
                tx.execute("UPDATE counters SET n = 7", &[])?;
                std::panic::panic_any("mine")
            })
        }))
        .unwrap_err();
        assert_eq!(*panic.downcast::<&str>().unwrap(), "mine");
        assert_eq!(value(&db, 1), 0);
        add_one(&db, 1).unwrap();
    }

    fn a_savepoint_that_fails_leaves_the_rest(place: &Place) {
        let db = counter(place, Isolation::Serializable);
        db.write(|tx| {
            tx.execute("UPDATE counters SET n = 1 WHERE id = 1", &[])?;
            let inner = tx.savepoint(|tx| {
                tx.execute("UPDATE counters SET n = 1 WHERE id = 2", &[])?;
                tx.execute("INSERT INTO counters VALUES (1, 1)", &[])
            });
            assert_eq!(inner.unwrap_err().kind(), ErrorKind::Constraint);
            Ok(())
        })
        .unwrap();
        assert_eq!((value(&db, 1), value(&db, 2)), (1, 0));
    }
}

/// A closure that puts the error of a statement into one of its own is run again all the same.
#[test]
fn a_conflict_in_the_applications_own_words_is_run_again() {
    let place = Place::new(Engine::Postgres);
    let db = counter(&place, Isolation::Serializable);
    let mut attempts = 0;
    db.write(|tx| {
        attempts += 1;
        let n: i64 = tx.query_one("SELECT n FROM counters WHERE id = 1", &[])?;
        if attempts == 1 {
            std::thread::scope(|scope| scope.spawn(|| add_one(&db, 1)).join().unwrap())?;
        }
        let n = n + 1;
        tx.execute("UPDATE counters SET n = :n WHERE id = 1", params! { n }).map_err(Error::other)
    })
    .unwrap();
    assert_eq!((attempts, value(&db, 1)), (2, 2));
}
