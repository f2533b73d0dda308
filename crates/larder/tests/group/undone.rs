//! One closure makes the engine throw the whole transaction away, or makes the commit impossible. Only that one fails; its
//! neighbours' closures may run again and are committed once.

use crate::crowd::Crowd;
use crate::kit::Subject;
use crate::{all, everywhere, insert, pair, tables};
use larder::{Database, ErrorKind, Result, WriteTx, params};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

const TAKEN: i64 = 1_000;

/// Puts `culprit` between neighbours, as the third in the line or as the one who holds the writer.
fn between(
    db: &Database,
    first: bool,
    culprit: impl FnMut(&mut WriteTx<'_>) -> Result<()> + Send + 'static,
) -> Result<()> {
    let runs = Arc::new(AtomicUsize::new(0));
    let neighbour = |n: i64| {
        let runs = Arc::clone(&runs);
        move |tx: &mut WriteTx<'_>| {
            runs.fetch_add(1, Ordering::Relaxed);
            pair(tx, n)
        }
    };
    let base = db.query_one::<i64>("SELECT coalesce(max(n), 0) FROM t WHERE n < 1000", &[]).unwrap();
    let before = all(db);
    let (members, result) = if first {
        let crowd = Crowd::held_by(db, culprit);
        let members: Vec<_> = (1..=6).map(|n| crowd.writes(neighbour(base + n))).collect();
        (members, crowd.release().join().unwrap())
    } else {
        let crowd = Crowd::held_by(db, neighbour(base + 1));
        let mut members: Vec<_> = (2..=3).map(|n| crowd.writes(neighbour(base + n))).collect();
        let culprit = crowd.writes(culprit);
        members.extend((4..=6).map(|n| crowd.writes(neighbour(base + n))));
        members.push(crowd.release());
        (members, culprit.join().unwrap())
    };
    for member in members {
        member.join().unwrap().unwrap();
    }
    let mut expected: Vec<i64> = before.into_iter().chain((1..=6).map(|n| base + n)).collect();
    expected.sort_unstable();
    assert_eq!(all(db), expected, "each neighbour's rows once, and none of the other");
    assert!(runs.load(Ordering::Relaxed) >= 6);
    result
}

fn ready(subject: &Subject) -> Database {
    let db = subject.open();
    tables(&db);
    db.execute("INSERT INTO t (n) VALUES (:n)", params! { n: TAKEN }).unwrap();
    db.execute("CREATE TABLE trap (n)", &[]).unwrap();
    db.execute(
        "CREATE TRIGGER sprung BEFORE INSERT ON trap BEGIN SELECT raise(ROLLBACK, 'sprung'); END",
        &[],
    )
    .unwrap();
    db
}

#[test]
fn a_deferred_reference_left_open_fails_only_who_left_it() {
    everywhere(|subject| {
        let db = ready(subject);
        for first in [false, true] {
            let error = between(&db, first, |tx| {
                insert(tx, 900)?;
                tx.execute("INSERT INTO child (n, t) VALUES (900, -1)", &[])?;
                Ok(())
            })
            .unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Constraint, "{error:?}");
        }
    });
}

#[test]
fn a_deferred_reference_that_is_made_good_in_time_is_none() {
    everywhere(|subject| {
        let db = ready(subject);
        let crowd = Crowd::held(&db);
        let members: Vec<_> = (1..=6)
            .map(|n| {
                crowd.writes(move |tx| {
                    tx.execute("INSERT INTO child (n, t) VALUES (:n, :n)", params! { n })?;
                    insert(tx, n)
                })
            })
            .collect();
        crowd.release().join().unwrap().unwrap();
        for member in members {
            member.join().unwrap().unwrap();
        }
        assert_eq!(all(&db), [1, 2, 3, 4, 5, 6, TAKEN]);
    });
}

#[test]
fn a_rollback_by_the_engine_fails_only_who_caused_it() {
    everywhere(|subject| {
        let db = ready(subject);
        for first in [false, true] {
            for sql in ["INSERT OR ROLLBACK INTO t (n) VALUES (1000)", "INSERT INTO trap VALUES (1)"] {
                let error = between(&db, first, move |tx| {
                    insert(tx, 900)?;
                    tx.execute(sql, &[]).map(drop)
                })
                .unwrap_err();
                assert_eq!(error.kind(), ErrorKind::Constraint, "{sql}: {error:?}");
                // Swallowed, it is no success either.
                let error = between(&db, first, move |tx| {
                    insert(tx, 900)?;
                    let _ = tx.execute(sql, &[]);
                    let _ = insert(tx, 901);
                    Ok(())
                })
                .unwrap_err();
                assert_eq!(error.kind(), ErrorKind::Closed, "{sql}: {error:?}");
                // In a savepoint it takes all with it just so.
                let error = between(&db, first, move |tx| {
                    let _ = tx.savepoint(|tx| tx.execute(sql, &[]));
                    Ok(())
                })
                .unwrap_err();
                assert_eq!(error.kind(), ErrorKind::Closed, "{sql}: {error:?}");
            }
        }
    });
}

#[test]
fn a_rollback_by_a_single_statement_fails_only_that() {
    everywhere(|subject| {
        let db = ready(subject);
        let crowd = Crowd::held_by(&db, |tx| pair(tx, 1));
        let before = crowd.comes(|db| db.execute("INSERT INTO t (n) VALUES (2)", &[]));
        let culprits = [
            crowd.comes(|db| db.execute("INSERT OR ROLLBACK INTO t (n) VALUES (1000)", &[])),
            crowd.comes(|db| db.execute("INSERT INTO trap VALUES (1)", &[])),
        ];
        let after = crowd.comes(|db| db.execute("INSERT INTO t (n) VALUES (3)", &[]));
        crowd.release().join().unwrap().unwrap();
        for culprit in culprits {
            assert_eq!(culprit.join().unwrap().unwrap_err().kind(), ErrorKind::Constraint);
        }
        assert_eq!((before.join().unwrap().unwrap(), after.join().unwrap().unwrap()), (1, 1));
        assert_eq!(all(&db), [1, 2, 3, TAKEN]);
    });
}

#[test]
fn several_at_once_fail_each_by_its_own_fault() {
    everywhere(|subject| {
        let db = ready(subject);
        let crowd = Crowd::held_by(&db, |tx| pair(tx, 1));
        let members: Vec<_> = (2..=13)
            .map(|n| {
                crowd.writes(move |tx| {
                    pair(tx, n)?;
                    match n % 4 {
                        0 => tx.execute("INSERT INTO child (n, t) VALUES (:n, -1)", params! { n: n + 500 }),
                        1 => tx.execute("INSERT OR ROLLBACK INTO t (n) VALUES (1000)", &[]),
                        2 => tx.execute("INSERT INTO t (n) VALUES (1000)", &[]),
                        _ => Ok(0),
                    }
                })
            })
            .collect();
        crowd.release().join().unwrap().unwrap();
        for (n, member) in (2..).zip(members) {
            let kind = member.join().unwrap().err().map(|error| error.kind());
            assert_eq!(kind, (n % 4 < 3).then_some(ErrorKind::Constraint), "{n}");
        }
        assert_eq!(all(&db), [1, 3, 7, 11, TAKEN]);
    });
}

/// What somebody is told must not rest on rows of a neighbour that never came to be.
#[test]
fn nobody_is_refused_because_of_a_row_that_was_never_committed() {
    everywhere(|subject| {
        let db = ready(subject);
        let crowd = Crowd::held(&db);
        // Alone it fails, so its row 5 never was.
        let culprit = crowd.writes(|tx| {
            insert(tx, 5)?;
            tx.execute("INSERT INTO child (n, t) VALUES (900, -1)", &[])
        });
        let closure = crowd.writes(|tx| insert(tx, 5));
        let statement =
            crowd.comes(|db| db.execute("INSERT INTO child (n) SELECT count(*) FROM t WHERE n < 9", &[]));
        crowd.release().join().unwrap().unwrap();
        assert_eq!(culprit.join().unwrap().unwrap_err().kind(), ErrorKind::Constraint);
        closure.join().unwrap().unwrap();
        statement.join().unwrap().unwrap();
        assert_eq!(db.query_all::<i64>("SELECT n FROM t WHERE n < 9", &[]).unwrap(), [5]);
        assert_eq!(db.query_all::<i64>("SELECT n FROM child", &[]).unwrap(), [1]);
    });
}

#[test]
fn an_interrupt_fails_only_whose_statement_it_stopped() {
    everywhere(|subject| {
        let db = ready(subject);
        for first in [false, true] {
            let error = between(&db, first, |tx| {
                let interrupter = tx.connection().interrupter();
                std::thread::scope(|scope| {
                    let (done, end) = std::sync::mpsc::channel::<()>();
                    scope.spawn(move || {
                        // Until the statement is over; none before it has begun is stopped.
                        while end.recv_timeout(Duration::from_millis(1))
                            == Err(std::sync::mpsc::RecvTimeoutError::Timeout)
                        {
                            interrupter.interrupt();
                        }
                    });
                    let endless = "INSERT INTO t (n) WITH RECURSIVE s (n) AS
                        (SELECT 2000 UNION ALL SELECT n + 1 FROM s) SELECT n FROM s";
                    let result = tx.execute(endless, &[]).map(drop);
                    drop(done);
                    result
                })
            })
            .unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Interrupted, "{error:?}");
        }
    });
}

/// Thirty-two threads write what need not all fit. Gives the keys of those that were told it did; every other was told
/// that the disk is full.
fn fill(db: &Database) -> Vec<i64> {
    let put = |tx: &mut WriteTx<'_>, n: i64| {
        pair(tx, n)?;
        let size = if n % 5 == 0 { 40_000 } else { 600 };
        tx.execute("UPDATE t SET filler = zeroblob(:size) WHERE n = :n", params! { size, n })
    };
    let fits = |n: &i64| match db.write(|tx| put(tx, *n)) {
        Ok(rows) => rows == 1,
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::DiskFull, "{error:?}");
            false
        }
    };
    let mut kept: Vec<i64> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..32)
            .map(|thread| {
                scope.spawn(move || (1 + thread * 20..=20 + thread * 20).filter(fits).collect::<Vec<_>>())
            })
            .collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    kept.sort_unstable();
    assert!(!kept.is_empty() && kept.len() < 640, "{} of 640 fitted", kept.len());
    kept
}

/// Who is told that it is full has written nothing, who is not has.
#[test]
fn a_full_database_fails_those_that_did_not_fit() {
    everywhere(|subject| {
        let db = subject.open_with(|settings| settings.pragmas.push(("max_page_count".into(), "120".into())));
        tables(&db);
        for round in 0..3 {
            let kept = fill(&db);
            assert_eq!(crate::pairs(&db), kept, "round {round}");
            // With room again, it goes on.
            db.write(|tx| {
                tx.execute("DELETE FROM child", &[])?;
                tx.execute("DELETE FROM t", &[])
            })
            .unwrap();
        }
    });
}

/// The same on a disk that really is full. Only the superuser may mount one.
#[cfg(unix)]
#[test]
fn a_full_disk_fails_those_that_did_not_fit() {
    use crate::kit::child::Mounted;
    crate::watchdog::bounded(crate::LIMIT, || {
        let folder = tempfile::tempdir().unwrap();
        let Some(disk) = Mounted::tmpfs(&folder.path().join("disk"), "size=2m") else { return };
        let db = Database::open(disk.path.join("app.db")).unwrap();
        tables(&db);
        let kept = fill(&db);
        assert_eq!(crate::pairs(&db), kept);
        disk.again("remount,size=64m");
        db.write(|tx| pair(tx, 10_000)).unwrap();
        db.close().unwrap();
        let again = Database::open(disk.path.join("app.db")).unwrap();
        assert_eq!(crate::pairs(&again).len(), kept.len() + 1);
        again.close().unwrap();
    });
}
