//! The server ends connections: while they lie idle, while they read, while they write, and at the commit.

use larder::{Database, ErrorKind, params};
use larder_kit::postgres::Cluster;
use larder_kit::{Engine, Place};
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

const OTHERS: &str = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                      WHERE datname = current_database() AND pid <> pg_backend_pid()";

fn open(place: &Place) -> Database {
    let db = Database::options(place.url()).connections(4).open().unwrap();
    // No key: what is written twice is there twice.
    db.execute("CREATE TABLE IF NOT EXISTS t (k BIGINT NOT NULL)", &[]).unwrap();
    db
}

/// Another program, which ends the connections of all others.
fn killer(place: &Place) -> Database {
    Database::options(place.url()).connections(1).open().unwrap()
}

fn cut(killer: &Database) {
    killer.query_all::<bool>(OTHERS, &[]).unwrap();
}

/// The same, and they are gone when it returns.
fn cut_and_wait(killer: &Database) {
    killer.query_all::<bool>(&OTHERS.replace("(pid)", "(pid, 10000)"), &[]).unwrap();
}

fn count(db: &Database, k: i64) -> i64 {
    db.query_one("SELECT count(*) FROM t WHERE k = :k", params! { k }).unwrap()
}

/// As many as the pool may have.
fn fill(db: &Database) {
    db.read(|_| db.read(|_| db.read(|_| db.query_one::<i64>("SELECT 1", &[])))).unwrap();
}

#[test]
fn who_comes_after_idle_connections_were_cut_notices_nothing() {
    let place = Place::new(Engine::Postgres);
    let (db, killer) = (open(&place), killer(&place));
    for k in 0..8 {
        fill(&db);
        cut_and_wait(&killer);
        match k % 4 {
            0 => assert_eq!(db.execute("INSERT INTO t VALUES (:k)", params! { k }).unwrap(), 1),
            1 => drop(db.write(|tx| tx.execute("INSERT INTO t VALUES (:k)", params! { k })).unwrap()),
            2 => db.read(|tx| tx.query_one::<i64>("SELECT count(*) FROM t", &[])).map(drop).unwrap(),
            _ => db.query_one::<i64>("SELECT count(*) FROM t", &[]).map(drop).unwrap(),
        }
        assert_eq!(count(&db, k), i64::from(k % 4 < 2));
    }
}

#[test]
fn a_write_whose_connection_is_cut_before_the_commit_is_run_again() {
    let place = Place::new(Engine::Postgres);
    let (db, killer) = (open(&place), killer(&place));
    for k in 0..10_i64 {
        let mut attempts = 0;
        db.write(|tx| {
            attempts += 1;
            tx.execute("INSERT INTO t VALUES (:k)", params! { k })?;
            if attempts == 1 {
                cut(&killer);
            }
            tx.query_one::<i64>("SELECT count(*) FROM t", &[])
        })
        .unwrap();
        assert_eq!((attempts, count(&db, k)), (2, 1));
    }
}

/// Without a bound it would go on for as long as a closure itself brings the server down.
#[test]
fn a_write_that_is_cut_each_time_ends() {
    let place = Place::new(Engine::Postgres);
    let (db, killer) = (open(&place), killer(&place));
    let mut attempts = 0;
    let error = db
        .write(|tx| {
            attempts += 1;
            tx.execute("INSERT INTO t VALUES (1)", &[])?;
            cut(&killer);
            tx.execute("INSERT INTO t VALUES (1)", &[])
        })
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
    assert!((2..=4).contains(&attempts), "{attempts}");
    assert_eq!(count(&db, 1), 0);
}

/// The transaction is cut when its closure has returned: nobody can say whether the commit got through, unless it did not
/// leave at all.
#[test]
fn at_the_commit_no_row_is_doubled() {
    let place = Place::new(Engine::Postgres);
    let (db, killer) = (open(&place), killer(&place));
    for k in 0..10_i64 {
        let mut attempts = 0;
        let result = db.write(|tx| {
            attempts += 1;
            tx.execute("INSERT INTO t VALUES (:k)", params! { k })?;
            if attempts == 1 {
                cut(&killer);
            }
            Ok(())
        });
        match result {
            Ok(()) => assert_eq!(count(&db, k), 1),
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::UnknownOutcome, "{error:?}");
                assert!(count(&db, k) <= 1);
                assert_eq!(attempts, 1, "it was run again though nobody knew the outcome");
            }
        }
    }
}

/// Everything at once, for some time, with exact accounts.
#[test]
fn under_fire_what_was_acknowledged_is_there_once_and_nothing_twice() {
    let place = Place::new(Engine::Postgres);
    let (db, killer) = (open(&place), killer(&place));
    let (next, over) = (AtomicI64::new(0), AtomicBool::new(false));
    let mut told: HashMap<i64, Option<ErrorKind>> = HashMap::new();
    std::thread::scope(|scope| {
        let writers: Vec<_> = (0..4_u32)
            .map(|n| {
                let (db, next, over) = (&db, &next, &over);
                scope.spawn(move || {
                    let mut told = Vec::new();
                    while !over.load(Ordering::Relaxed) {
                        let k = next.fetch_add(1, Ordering::Relaxed);
                        let result = match n % 2 {
                            0 => db.execute("INSERT INTO t VALUES (:k)", params! { k }),
                            _ => db.write(|tx| {
                                tx.query_one::<i64>("SELECT 1", &[])?;
                                tx.execute("INSERT INTO t VALUES (:k)", params! { k })
                            }),
                        };
                        told.push((k, result.err().map(|error| error.kind())));
                        if let Err(error) = db.query_one::<i64>("SELECT count(*) FROM t", &[]) {
                            assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
                        }
                    }
                    told
                })
            })
            .collect();
        for _ in 0..120 {
            std::thread::sleep(Duration::from_millis(fastrand(3, 25)));
            cut(&killer);
        }
        over.store(true, Ordering::Relaxed);
        for writer in writers {
            told.extend(writer.join().unwrap());
        }
    });
    let rows: Vec<(i64, i64)> = db.query_all("SELECT k, count(*) FROM t GROUP BY k", &[]).unwrap();
    let rows: HashMap<i64, i64> = rows.into_iter().collect();
    let mut kinds: HashMap<Option<ErrorKind>, u32> = HashMap::new();
    for (k, kind) in told {
        *kinds.entry(kind).or_default() += 1;
        let there = rows.get(&k).copied().unwrap_or(0);
        match kind {
            None => assert_eq!(there, 1, "{k} was acknowledged"),
            Some(ErrorKind::UnknownOutcome) => assert!(there <= 1, "{k} was doubled"),
            Some(ErrorKind::Unavailable) => assert_eq!(there, 0, "{k} was said not to be written"),
            Some(kind) => panic!("{k}: {kind:?}"),
        }
    }
    assert!(kinds.get(&None).is_some_and(|acknowledged| *acknowledged > 100), "{kinds:?}");
    assert!(db.stats().reruns > 0, "nothing was cut in the middle");
}

/// Some number between the two.
fn fastrand(from: u64, to: u64) -> u64 {
    use std::hash::{BuildHasher, RandomState};
    from + RandomState::new().hash_one(0) % (to - from)
}

/// Whoever writes while a server is started anew waits for it, and hears nothing of it, but where a commit was under way.
#[test]
fn a_server_that_comes_back_is_waited_for() {
    let cluster = Cluster::start();
    let patience = Duration::from_secs(60);
    let db = Database::options(cluster.url()).connections(4).busy_timeout(patience).open().unwrap();
    db.execute("CREATE TABLE t (k BIGINT NOT NULL)", &[]).unwrap();
    let over = AtomicBool::new(false);
    let (acknowledged, unknown) = (AtomicI64::new(0), AtomicI64::new(0));
    std::thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| {
                while !over.load(Ordering::Relaxed) {
                    match db.write(|tx| tx.execute("INSERT INTO t VALUES (1)", &[])) {
                        Ok(_) => acknowledged.fetch_add(1, Ordering::Relaxed),
                        Err(error) => {
                            assert_eq!(error.kind(), ErrorKind::UnknownOutcome, "{error:?}");
                            unknown.fetch_add(1, Ordering::Relaxed)
                        }
                    };
                }
            });
        }
        for restart in [Cluster::restart, |cluster: &Cluster| {
            cluster.kill();
            std::thread::sleep(Duration::from_millis(300));
            cluster.start_again();
        }] {
            std::thread::sleep(Duration::from_millis(100));
            restart(&cluster);
            let before = acknowledged.load(Ordering::Relaxed);
            while acknowledged.load(Ordering::Relaxed) < before + 100 {
                std::thread::sleep(Duration::from_millis(5));
            }
        }
        over.store(true, Ordering::Relaxed);
    });
    let (acknowledged, unknown) = (acknowledged.into_inner(), unknown.into_inner());
    let there = count(&db, 1);
    assert!(
        (acknowledged..=acknowledged + unknown).contains(&there),
        "{there}: {acknowledged} and {unknown}"
    );
}

/// A sequence counts how often, for it does not roll back.
#[test]
fn a_function_that_writes_is_not_called_twice_when_its_connection_breaks() {
    let place = Place::new(Engine::Postgres);
    let db = open(&place);
    db.execute("CREATE SEQUENCE calls", &[]).unwrap();
    let call = "SELECT nextval('calls'), pg_terminate_backend(pg_backend_pid()), pg_sleep(10)";
    let calls = || db.query_one::<i64>("SELECT last_value FROM calls", &[]).unwrap();
    for n in 1..=4 {
        let error = match n % 2 {
            0 => db.query_one::<i64>(call, &[]).unwrap_err(),
            _ => db.execute(call, &[]).unwrap_err(),
        };
        assert_eq!(error.kind(), ErrorKind::UnknownOutcome, "{error:?}");
        assert_eq!(calls(), n);
    }
}
