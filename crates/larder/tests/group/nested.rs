//! What would wait for itself is refused, on whichever thread a closure is run; what would not, is not.

use crate::crowd::Crowd;
use crate::kit::Subject;
use crate::kit::watchdog::bounded;
use crate::{LIMIT, all, insert, tables};
use larder::{Database, ErrorKind, Result};

#[track_caller]
fn nested<T>(result: Result<T>) {
    let Err(error) = result else { panic!("it should have been refused") };
    assert_eq!(error.kind(), ErrorKind::Nested, "{error:?}");
    assert!(error.help().is_some());
}

fn ready(subject: &Subject) -> Database {
    let db = subject.open();
    tables(&db);
    db
}

#[test]
fn in_a_write_and_in_a_read_of_the_same_thread() {
    bounded(LIMIT, || {
        let subject = Subject::file();
        let db = ready(&subject);
        db.write(|tx| {
            nested(db.write(|_| Ok(())));
            nested(db.execute("INSERT INTO t (n) VALUES (1)", &[]));
            // A read inside sees the state before.
            assert_eq!(db.read(|tx| tx.query_one::<i64>("SELECT count(*) FROM t", &[]))?, 0);
            nested(db.write(|_| Ok(())));
            db.read(|_| {
                nested(db.write(|_| Ok(())));
                Ok(())
            })?;
            insert(tx, 2)
        })
        .unwrap();
        db.read(|tx| {
            nested(db.write(|_| Ok(())));
            nested(db.execute("INSERT INTO t (n) VALUES (3)", &[]));
            db.read(|_| Ok(()))?;
            nested(db.write(|_| Ok(())));
            tx.query_one::<i64>("SELECT count(*) FROM t", &[])
        })
        .unwrap();
        // When they have ended, also by an error, the thread may write.
        db.read(|_| Err::<(), _>(larder::Error::other("no"))).unwrap_err();
        db.write(|tx| insert(tx, 4)).unwrap();
        assert_eq!(all(&db), [2, 4]);
    });
}

/// A neighbour's closure may be run by the thread that leads: it is inside its own write there too, and afterwards neither.
#[test]
fn in_the_closures_of_all_who_meet() {
    bounded(LIMIT, || {
        let subject = Subject::file();
        let db = ready(&subject);
        let crowd = Crowd::held(&db);
        let members: Vec<_> = (1..=8)
            .map(|n| {
                crowd.comes(move |db| {
                    let inner = db.clone();
                    let result = db.write(|tx| {
                        nested(inner.write(|_| Ok(())));
                        nested(inner.execute("INSERT INTO t (n) VALUES (1)", &[]));
                        nested(inner.clone().close());
                        inner.read(|tx| tx.query_one::<i64>("SELECT count(*) FROM t", &[]))?;
                        insert(tx, n)
                    });
                    result.and_then(|_| db.write(|tx| insert(tx, 100 + n)))
                })
            })
            .collect();
        crowd.release().join().unwrap().unwrap();
        for member in members {
            member.join().unwrap().unwrap();
        }
        assert_eq!(all(&db).len(), 16);
    });
}

#[test]
fn two_databases_do_not_stand_in_each_others_way() {
    bounded(LIMIT, || {
        let (one, two) = (Subject::file(), Subject::file());
        let (one, two) = (ready(&one), ready(&two));
        one.write(|tx| {
            insert(tx, 1)?;
            two.write(|tx| insert(tx, 2))
        })
        .unwrap();
        one.read(|_| two.write(|tx| insert(tx, 3))).unwrap();
        assert_eq!((all(&one), all(&two)), (vec![1], vec![2, 3]));
    });
}

/// Who leads on `two` is itself inside a transaction of `one`. That is nothing to those whose work it does.
#[test]
fn where_the_leader_is_inside_is_nothing_to_others() {
    bounded(LIMIT, || {
        for inside_a_read in [true, false] {
            let places = (Subject::file(), Subject::file());
            let (one, two) = (ready(&places.0), ready(&places.1));
            let (held, released) = std::sync::mpsc::channel::<()>();
            let (began, begun) = std::sync::mpsc::channel();
            let leader = std::thread::spawn({
                let (one, two) = (one.clone(), two.clone());
                move || {
                    let mut lead = Some(move || {
                        two.write(move |tx| {
                            began.send(()).unwrap();
                            let _ = released.recv();
                            insert(tx, 1)
                        })
                    });
                    let mut lead = move || lead.take().unwrap()();
                    if inside_a_read { one.read(|_| lead()) } else { one.write(|_| lead()) }
                }
            });
            begun.recv().unwrap();
            let inner = one.clone();
            let other = crate::crowd::waiting(&two, move |two| {
                two.write(|tx| {
                    insert(tx, 2)?;
                    inner.write(|tx| insert(tx, 3))
                })
            });
            drop(held);
            leader.join().unwrap().unwrap();
            other.join().unwrap().unwrap();
            assert_eq!((all(&one), all(&two)), (vec![3], vec![1, 2]));
        }
    });
}
