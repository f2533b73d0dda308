//! However it ends, by panics or by closing, nobody is left hanging.

use crate::crowd::Crowd;
use crate::kit::Subject;
use crate::kit::watchdog::bounded;
use crate::{LIMIT, all, everywhere, pair, pairs, tables};
use larder::{Database, Error, ErrorKind, Result};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Barrier;

/// One leads after another, and each dies of it.
#[test]
fn threads_that_die_while_they_lead_leave_nobody_behind() {
    everywhere(|subject| {
        let db = subject.open();
        tables(&db);
        for round in 0..20 {
            let crowd = Crowd::held_by(&db, move |tx| -> Result<()> {
                pair(tx, round * 100)?;
                resume_unwind(Box::new("it dies"))
            });
            let members: Vec<_> = (1..=8)
                .map(|n| {
                    crowd.writes(move |tx| {
                        let value = pair(tx, round * 100 + n)?;
                        if n % 2 == 0 { resume_unwind(Box::new("it dies")) } else { Ok(value) }
                    })
                })
                .collect();
            assert!(crowd.release().join().is_err());
            for (n, member) in (1..).zip(members) {
                match member.join() {
                    Ok(result) => assert_eq!((n % 2, result.unwrap()), (1, round * 100 + n)),
                    Err(_) => assert_eq!(n % 2, 0),
                }
            }
        }
        assert_eq!(pairs(&db).len(), 20 * 4);
    });
}

#[test]
fn a_storm_of_errors_and_panics_leaves_what_was_acknowledged() {
    everywhere(|subject| {
        let db = subject.open();
        tables(&db);
        let kept: Vec<i64> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..24)
                .map(|thread| {
                    let db = &db;
                    scope.spawn(move || {
                        let mut kept = Vec::new();
                        for n in (0..60).map(|n| thread * 60 + n) {
                            let result = catch_unwind(AssertUnwindSafe(|| db.write(|tx| storm(tx, n))));
                            match (n % 12, result) {
                                (2, Err(_)) => {}
                                (3..=6, Ok(Err(_))) => {}
                                (3..=6, other) | (2, other) => panic!("{n} ended as {:?}", other.is_ok()),
                                (_, result) => kept.push(result.unwrap().unwrap()),
                            }
                        }
                        kept
                    })
                })
                .collect();
            threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
        });
        assert_eq!(pairs(&db), kept);
    });
}

fn storm(tx: &mut larder::WriteTx<'_>, n: i64) -> Result<i64> {
    pair(tx, n)?;
    match n % 12 {
        2 => resume_unwind(Box::new("as planned")),
        3 => Err(Error::other("no")),
        4 => tx.execute("INSERT OR ROLLBACK INTO t SELECT n, NULL FROM t LIMIT 1", &[]).map(|_| n),
        5 => tx.execute("INSERT INTO nowhere VALUES (1)", &[]).map(|_| n),
        6 => tx.execute("INSERT INTO child VALUES (-:n - 1, -5)", larder::params! { n }).map(|_| n),
        _ => Ok(n),
    }
}

/// Each of them is told that it was closed, or has written.
#[test]
fn closing_while_others_write() {
    bounded(LIMIT, || {
        for round in 0..30 {
            let subject = Subject::file();
            let db = subject.open();
            tables(&db);
            let barrier = Barrier::new(9);
            let mut written: Vec<i64> = std::thread::scope(|scope| {
                let threads: Vec<_> = (0..8_i64)
                    .map(|thread| {
                        let (db, barrier) = (db.clone(), &barrier);
                        scope.spawn(move || {
                            barrier.wait();
                            write_until_closed(&db, thread * 1_000_000)
                        })
                    })
                    .collect();
                barrier.wait();
                std::thread::sleep(std::time::Duration::from_micros(fastrand::u64(0..5_000)));
                db.clone().close().unwrap();
                threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
            });
            assert_eq!(
                db.execute("INSERT INTO t (n) VALUES (-1)", &[]).unwrap_err().kind(),
                ErrorKind::Closed
            );
            drop(db);
            written.sort_unstable();
            let again = subject.open();
            assert_eq!(pairs(&again), written, "round {round}");
        }
    });
}

fn write_until_closed(db: &Database, base: i64) -> Vec<i64> {
    let mut written = Vec::new();
    loop {
        let n = base + written.len() as i64;
        match db.write(|tx| pair(tx, n)) {
            Ok(n) => written.push(n),
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Closed, "{error:?}");
                return written;
            }
        }
    }
}

/// Closed while one is at work and others wait: those that got their turn before the end have written.
#[test]
fn closing_behind_a_crowd() {
    bounded(LIMIT, || {
        let subject = Subject::file();
        let db = subject.open();
        tables(&db);
        let crowd = Crowd::held_by(&db, |tx| pair(tx, 0));
        let before: Vec<_> = (1..=4).map(|n| crowd.writes(move |tx| pair(tx, n))).collect();
        let closing = crowd.comes(|db| db.clone().close());
        let after: Vec<_> = (5..=8).map(|n| crowd.writes(move |tx| pair(tx, n))).collect();
        crowd.release().join().unwrap().unwrap();
        closing.join().unwrap().unwrap();
        let mut written = vec![0];
        for member in before.into_iter().chain(after) {
            match member.join().unwrap() {
                Ok(n) => written.push(n),
                Err(error) => assert_eq!(error.kind(), ErrorKind::Closed, "{error:?}"),
            }
        }
        drop(db);
        assert_eq!(all(&subject.open()), written);
    });
}
