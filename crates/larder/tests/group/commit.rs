//! The driver fails in the middle of what many share. Who was told `Ok` finds its rows, who was told anything else does not,
//! but where the outcome is unknown.

use crate::crowd::Crowd;
use crate::kit::Subject;
use crate::kit::faulty::{Faulty, When};
use crate::kit::watchdog::bounded;
use crate::{LIMIT, pair, pairs, tables};
use larder::driver::Driver;
use larder::{Database, ErrorKind, Options};
use std::sync::Arc;

pub(crate) fn open(subject: &Subject) -> (Arc<Faulty>, Database) {
    let faulty = Faulty::around(subject.driver(|_| {}));
    let db = Options::driver(Arc::clone(&faulty) as Arc<dyn Driver>).open().unwrap();
    tables(&db);
    faulty.log();
    (faulty, db)
}

/// The calls of each transaction. To be asked only where nobody reads in transactions meanwhile.
pub(crate) fn transactions(log: &[String]) -> Vec<Vec<String>> {
    let (mut all, mut depth) = (Vec::<Vec<String>>::new(), 0);
    for call in log {
        if call.starts_with("begin") {
            if depth == 0 {
                all.push(Vec::new());
            }
            depth += 1;
        }
        if depth > 0 {
            all.last_mut().unwrap().push(call.clone());
        }
        // A rollback also follows a commit that failed.
        if depth > 0 && (call == "commit" || call == "rollback") {
            depth -= 1;
        }
    }
    all
}

#[test]
fn a_commit_that_fails_is_everybodys_failure() {
    bounded(LIMIT, || {
        for subject in [Subject::file(), Subject::memory()] {
            let (faulty, db) = open(&subject);
            let faults = [
                (When::Instead, ErrorKind::DiskFull),
                (When::Instead, ErrorKind::Io),
                (When::Instead, ErrorKind::Busy),
                (When::Instead, ErrorKind::UnknownOutcome),
                // The worst: it happened, and nobody is told.
                (When::After, ErrorKind::UnknownOutcome),
            ];
            let (mut expected, mut most) = (Vec::new(), 0);
            for (round, (when, kind)) in (1..).zip(faults) {
                let base = round * 100;
                faulty.log();
                let crowd = Crowd::held_by(&db, move |tx| pair(tx, base));
                let members: Vec<_> = (1..=6).map(|n| crowd.writes(move |tx| pair(tx, base + n))).collect();
                faulty.fail_outermost("commit", when, kind);
                let mut results = vec![crowd.release().join().unwrap()];
                results.extend(members.into_iter().map(|member| member.join().unwrap()));
                assert!(faulty.all_struck());
                // On a busy machine the last of them may have come into the next transaction.
                let shared =
                    transactions(&faulty.log())[0].iter().filter(|call| call.starts_with("begin")).count();
                most = most.max(shared);
                for (n, result) in (base..).zip(results) {
                    let failed = n < base + i64::try_from(shared).unwrap();
                    if failed {
                        let error = result.unwrap_err();
                        assert_eq!(error.kind(), kind, "{error:?}");
                        assert!(error.message().contains("injected"), "{error:?}");
                    } else {
                        assert_eq!(result.unwrap(), n);
                    }
                    if !failed || when == When::After {
                        expected.push(n);
                    }
                }
                assert_eq!(pairs(&db), expected, "{when:?} {kind:?}");
                // It goes on.
                db.write(|tx| pair(tx, base + 50)).unwrap();
                expected.push(base + 50);
                assert_eq!(pairs(&db), expected);
            }
            assert!(most > 2, "hardly any shared a transaction");
        }
    });
}

#[test]
fn a_transaction_that_does_not_begin_fails_and_the_next_does() {
    bounded(LIMIT, || {
        for kind in [ErrorKind::Busy, ErrorKind::Io, ErrorKind::DiskFull] {
            let subject = Subject::file();
            let (faulty, db) = open(&subject);
            faulty.fail_outermost("begin Write", When::Instead, kind);
            let results: Vec<_> = std::thread::scope(|scope| {
                let threads: Vec<_> = (0..8)
                    .map(|n| {
                        let db = &db;
                        (n, scope.spawn(move || db.write(|tx| pair(tx, n))))
                    })
                    .collect();
                threads.into_iter().map(|(n, thread)| (n, thread.join().unwrap())).collect()
            });
            assert!(faulty.all_struck());
            let mut written = Vec::new();
            for (n, result) in results {
                match result {
                    Ok(_) => written.push(n),
                    Err(error) => assert_eq!(error.kind(), kind, "{error:?}"),
                }
            }
            assert!(written.len() < 8);
            assert_eq!(pairs(&db), written);
            db.write(|tx| pair(tx, 50)).unwrap();
        }
    });
}

/// Every call to the driver that a group of seven makes fails once.
#[test]
fn whichever_call_fails_nobody_is_told_what_is_not_so() {
    bounded(LIMIT, || {
        let mut struck = 0;
        for kind in [ErrorKind::Io, ErrorKind::DiskFull, ErrorKind::UnknownOutcome] {
            for skip in 0.. {
                let subject = Subject::file();
                let (faulty, db) = open(&subject);
                let crowd = Crowd::held_by(&db, move |tx| pair(tx, 0));
                let members: Vec<_> = (1..=6)
                    .map(|n| {
                        crowd.comes(move |db| match n {
                            3 => db.write(|tx| {
                                pair(tx, n)?;
                                Err(larder::Error::other("no"))
                            }),
                            4 => db.execute("INSERT INTO t (n) VALUES (4)", &[]).map(|_| n),
                            _ => db.write(|tx| pair(tx, n)),
                        })
                    })
                    .collect();
                faulty.fail_later(skip, "", When::Instead, kind);
                let mut results = vec![crowd.release().join().unwrap()];
                results.extend(members.into_iter().map(|member| member.join().unwrap()));
                let log = faulty.log();
                if !faulty.all_struck() {
                    // There are no more calls.
                    assert!(results.iter().filter(|result| result.is_ok()).count() == 6, "{results:?}");
                    break;
                }
                struck += 1;
                let rows: Vec<i64> = crate::all(&db);
                for (n, result) in (0..).zip(&results) {
                    let told = result.as_ref().map_err(larder::Error::kind);
                    match told {
                        Ok(_) => {
                            assert!(rows.contains(&n), "{n} is lost, {kind:?} at call {skip} of {log:#?}")
                        }
                        Err(ErrorKind::UnknownOutcome) if n != 3 => {}
                        Err(_) => {
                            assert!(!rows.contains(&n), "{n} is there, {kind:?} at call {skip} of {log:#?}");
                        }
                    }
                }
                assert!(results[3].is_err());
                db.write(|tx| pair(tx, 50)).unwrap();
                assert!(crate::all(&db).contains(&50));
            }
        }
        assert!(struck > 40, "only {struck} faults struck");
    });
}

/// Nothing of Larder's own panics there, but a driver or whoever listens to its traces might. Then too nobody may take what
/// was not committed for written.
#[test]
fn a_panic_between_the_work_and_its_commit_is_no_success() {
    bounded(LIMIT, || {
        for call in ["commit", "begin Write", "rollback"] {
            for skip in 0..30 {
                let subject = Subject::file();
                let (faulty, db) = open(&subject);
                let crowd = Crowd::held_by(&db, |tx| pair(tx, 0));
                let members: Vec<_> = (1..=6)
                    .map(|n| {
                        crowd.writes(move |tx| {
                            pair(tx, n)?;
                            if n == 3 { Err(larder::Error::other("no")) } else { Ok(n) }
                        })
                    })
                    .collect();
                faulty.fail_later(skip, call, When::Panic, ErrorKind::Internal);
                let mut results = vec![crowd.release().join()];
                results.extend(members.into_iter().map(std::thread::JoinHandle::join));
                let struck = faulty.all_struck();
                let rows = pairs(&db);
                for (n, result) in (0..).zip(&results) {
                    let told = result.as_ref().is_ok_and(Result::is_ok);
                    let sure = !matches!(result, Ok(Err(error)) if error.kind() == ErrorKind::UnknownOutcome);
                    let there = rows.contains(&n);
                    assert!(!told || there, "{n} was told of a success, panic at {call} {skip}");
                    assert!(
                        told || !there || !sure || result.is_err(),
                        "{n} is there, panic at {call} {skip}"
                    );
                }
                assert_eq!(struck, results.iter().any(Result::is_err), "{call} {skip}");
                // A fault that has not struck is there still.
                if !struck {
                    break;
                }
                db.write(|tx| pair(tx, 50)).unwrap();
                assert!(pairs(&db).contains(&50));
            }
        }
    });
}

/// What a closure gave may go to pieces when it is thrown away, because everything has to be done again.
#[test]
fn a_value_that_panics_when_it_is_dropped_harms_no_neighbour() {
    struct Touchy(bool);
    impl Drop for Touchy {
        fn drop(&mut self) {
            if std::mem::take(&mut self.0) {
                std::panic::resume_unwind(Box::new("dropped"));
            }
        }
    }
    bounded(LIMIT, || {
        let subject = Subject::file();
        let (_faulty, db) = open(&subject);
        db.execute("INSERT INTO t (n) VALUES (1000)", &[]).unwrap();
        let crowd = Crowd::held_by(&db, |tx| pair(tx, 0));
        let before = crowd.writes(|tx| pair(tx, 1));
        let touchy = crowd.writes(|tx| pair(tx, 2).map(|_| Touchy(true)));
        let culprit = crowd.writes(|tx| tx.execute("INSERT OR ROLLBACK INTO t (n) VALUES (1000)", &[]));
        let after = crowd.writes(|tx| pair(tx, 3));
        let first = crowd.release().join();
        let told = [
            (0, first.is_ok_and(|result| result.is_ok())),
            (1, before.join().is_ok_and(|result| result.is_ok())),
            (2, touchy.join().is_ok_and(|result| result.map(std::mem::forget).is_ok())),
            (3, after.join().is_ok_and(|result| result.is_ok())),
        ];
        assert!(culprit.join().map_or(true, |result| result.is_err()));
        db.write(|tx| pair(tx, 50)).unwrap();
        let rows = crate::all(&db);
        for (n, told) in told {
            assert!(!told || rows.contains(&n), "{n} was told of a success: {rows:?}");
        }
        assert!(rows.contains(&50));
    });
}
