//! One fails, its neighbours do not notice.

use crate::crowd::Crowd;
use crate::kit::Subject;
use crate::{everywhere, insert, pair, pairs, tables};
use larder::{Error, ErrorKind, Result, params};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::thread::JoinHandle;

#[test]
fn an_error_rolls_back_only_the_rows_of_its_own_closure() {
    everywhere(|subject| {
        let db = subject.open();
        tables(&db);
        db.write(|tx| pair(tx, 1_000)).unwrap();
        let crowd = Crowd::held_by(&db, |tx| pair(tx, 0));
        let members: Vec<(i64, JoinHandle<Result<i64>>)> = (1..=12)
            .map(|n| {
                let member = crowd.writes(move |tx| {
                    let n = pair(tx, n)?;
                    match n % 3 {
                        0 => Err(Error::other(format!("no to {n}"))),
                        // The engine's own.
                        1 => pair(tx, 1_000),
                        _ => Ok(n),
                    }
                });
                (n, member)
            })
            .collect();
        assert_eq!(crowd.release().join().unwrap().unwrap(), 0);
        for (n, member) in members {
            let result = member.join().unwrap();
            match n % 3 {
                0 => {
                    let error = result.unwrap_err();
                    assert_eq!(error.kind(), ErrorKind::Application);
                    assert!(format!("{error:?}").contains(&format!("no to {n}")), "{error:?}");
                }
                1 => {
                    let error = result.unwrap_err();
                    assert_eq!(error.kind(), ErrorKind::Constraint);
                    assert_eq!(error.constraint().unwrap().table.as_deref(), Some("t"), "{error:?}");
                }
                _ => assert_eq!(result.unwrap(), n),
            }
        }
        assert_eq!(pairs(&db), [0, 2, 5, 8, 11, 1_000]);
    });
}

#[test]
fn a_panic_rolls_back_only_its_closure_and_goes_on_where_it_belongs() {
    everywhere(|subject| {
        let db = subject.open();
        tables(&db);
        let crowd = Crowd::held_by(&db, |tx| pair(tx, 0));
        let members: Vec<_> = (1..=9)
            .map(|n| {
                crowd.comes(move |db| {
                    let result = catch_unwind(AssertUnwindSafe(|| {
                        db.write(|tx| {
                            pair(tx, n)?;
                            if n % 3 == 0 {
                                resume_unwind(Box::new(format!("payload {n}")));
                            }
                            Ok(n)
                        })
                    }));
                    // The thread goes on and may write again.
                    db.write(|tx| pair(tx, 100 + n)).unwrap();
                    (n, result)
                })
            })
            .collect();
        crowd.release().join().unwrap().unwrap();
        for member in members {
            match member.join().unwrap() {
                (n, Ok(result)) if n % 3 != 0 => assert_eq!(result.unwrap(), n),
                (n, Err(panic)) if n % 3 == 0 => {
                    assert_eq!(panic.downcast_ref::<String>().unwrap(), &format!("payload {n}"));
                }
                (n, other) => panic!("{n} ended as {:?}", other.map_err(|_| "a panic")),
            }
        }
        assert_eq!(pairs(&db), [0, 1, 2, 4, 5, 7, 8, 101, 102, 103, 104, 105, 106, 107, 108, 109]);
    });
}

/// Who holds the writer fails: those who came meanwhile are not left alone.
#[test]
fn an_error_or_a_panic_of_the_first_harms_nobody_behind_it() {
    everywhere(|subject| {
        let db = subject.open();
        tables(&db);
        for (round, panics) in [(0, false), (100, true)] {
            let crowd = Crowd::held_by(&db, move |tx| -> Result<()> {
                pair(tx, round)?;
                if panics {
                    resume_unwind(Box::new("the first"));
                }
                Err(Error::other("the first"))
            });
            let members: Vec<_> = (1..=6).map(|n| crowd.writes(move |tx| pair(tx, round + n))).collect();
            match crowd.release().join() {
                Ok(result) => assert_eq!(result.unwrap_err().kind(), ErrorKind::Application),
                Err(panic) => assert_eq!(panic.downcast_ref(), Some(&"the first")),
            }
            for member in members {
                member.join().unwrap().unwrap();
            }
        }
        assert_eq!(pairs(&db), [1, 2, 3, 4, 5, 6, 101, 102, 103, 104, 105, 106]);
    });
}

#[test]
fn savepoints_of_a_neighbour_are_its_own() {
    everywhere(|subject| {
        let db = subject.open();
        tables(&db);
        let crowd = Crowd::held(&db);
        let members: Vec<_> = (1..=6)
            .map(|n| {
                crowd.writes(move |tx| {
                    pair(tx, n)?;
                    let inner = tx.savepoint(|tx| {
                        pair(tx, 10 + n)?;
                        tx.savepoint(|tx| pair(tx, 20 + n))?;
                        Err::<(), _>(Error::other("only this"))
                    });
                    assert_eq!(inner.unwrap_err().kind(), ErrorKind::Application);
                    tx.savepoint(|tx| pair(tx, 30 + n))?;
                    if n % 2 == 0 { Err(Error::other("all of it")) } else { Ok(n) }
                })
            })
            .collect();
        crowd.release().join().unwrap().unwrap();
        for (n, member) in (1..).zip(members) {
            assert_eq!(member.join().unwrap().ok(), (n % 2 == 1).then_some(n));
        }
        assert_eq!(pairs(&db), [1, 3, 5, 31, 33, 35]);
    });
}

#[test]
fn single_statements_stand_in_the_same_line() {
    everywhere(|subject| {
        let db = subject.open();
        tables(&db);
        let crowd = Crowd::held_by(&db, |tx| insert(tx, 3));
        let members: Vec<_> = (1..=6)
            .map(|n| {
                crowd.comes(move |db| match n {
                    5 => db.write(|tx| insert(tx, 5)),
                    6 => db.execute("UPDATE t SET filler = x'00'", &[]),
                    _ => db.execute("INSERT INTO t (n) VALUES (:n)", params! { n }),
                })
            })
            .collect();
        crowd.release().join().unwrap().unwrap();
        let results: Vec<_> = members.into_iter().map(|member| member.join().unwrap()).collect();
        // Each sees what those before it did.
        let counts: Vec<_> = results.iter().map(|result| result.as_ref().ok().copied()).collect();
        assert_eq!(counts, [Some(1), Some(1), None, Some(1), Some(1), Some(5)]);
        assert_eq!(results[2].as_ref().unwrap_err().kind(), ErrorKind::Constraint);
        let filled = "SELECT n FROM t WHERE filler IS NOT NULL ORDER BY n";
        assert_eq!(db.query_all::<i64>(filled, &[]).unwrap(), [1, 2, 3, 4, 5]);
    });
}

/// Were it not so, all of the above would show nothing about sharing.
#[test]
fn those_who_meet_share_a_transaction() {
    let subject = Subject::file();
    let (faulty, db) = crate::commit::open(&subject);
    let crowd = Crowd::held(&db);
    let members: Vec<_> = (1..=20).map(|n| crowd.writes(move |tx| pair(tx, n))).collect();
    crowd.release().join().unwrap().unwrap();
    for member in members {
        member.join().unwrap().unwrap();
    }
    let transactions = crate::commit::transactions(&faulty.log());
    // Two or three, but for a machine that is busy with other things.
    assert!(transactions.len() <= 12, "{transactions:?}");
    assert_eq!(pairs(&db).len(), 20);
}

/// Whoever leads: a durable write is never done in a transaction that a power cut may take.
#[test]
fn a_durable_write_is_durable_among_neighbours_that_are_not() {
    crate::watchdog::bounded(crate::LIMIT, || {
        let subject = Subject::file();
        let db = subject.open();
        tables(&db);
        let full = |tx: &mut larder::WriteTx<'_>| tx.query_one::<i64>("PRAGMA synchronous", &[]);
        for round in 0..4 {
            let crowd = Crowd::held(&db);
            let members: Vec<_> = (1..=12)
                .map(|n| {
                    crowd.comes(move |db| {
                        let put = |tx: &mut larder::WriteTx<'_>| {
                            pair(tx, round * 100 + n)?;
                            let level = full(tx)?;
                            // The last of them fails, and leaves nothing of its durability behind.
                            if n == 12 { Err(Error::other("no")) } else { Ok(level) }
                        };
                        if n % 4 == round { db.write_durable(put) } else { db.write(put) }
                    })
                })
                .collect();
            crowd.release().join().unwrap().unwrap();
            for (n, member) in (1..).zip(members) {
                match member.join().unwrap() {
                    Ok(level) => assert!(level == 2 || n % 4 != round, "{n} in round {round}"),
                    Err(error) => assert_eq!((n, error.kind()), (12, ErrorKind::Application)),
                }
            }
            assert_eq!(db.write(full).unwrap(), 1);
        }
        assert_eq!(pairs(&db).len(), 44);
    });
}

/// What changes no rows has the connection for itself, and counts all the same.
#[test]
fn a_statement_that_waited_for_a_turn_of_its_own_is_counted() {
    everywhere(|subject| {
        let db = subject.open();
        tables(&db);
        let before = db.stats().writes;
        let crowd = Crowd::held(&db);
        let made = crowd.comes(|db| db.execute("CREATE TABLE other (n)", &[]));
        crowd.release().join().unwrap().unwrap();
        made.join().unwrap().unwrap();
        assert_eq!(db.stats().writes, before + 2);
    });
}
