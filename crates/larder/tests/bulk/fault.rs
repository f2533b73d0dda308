//! The engine fails in the middle.

use crate::kit::Subject;
use crate::kit::faulty::{Faulty, When};
use crate::{INSERT, count, insert};
use larder::driver::Driver;
use larder::{Database, ErrorKind, FailedRow, Options};
use std::sync::Arc;

fn open(subject: &Subject) -> (Arc<Faulty>, Database) {
    let faulty = Faulty::around(subject.driver(|_| {}));
    let db = Options::driver(Arc::clone(&faulty) as Arc<dyn Driver>).open().unwrap();
    db.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT)", &[]).unwrap();
    faulty.log();
    (faulty, db)
}

#[test]
fn a_fault_between_the_statements_leaves_nothing() {
    for subject in [Subject::file(), Subject::memory()] {
        let (faulty, db) = open(&subject);
        // The first time takes more statements, for none is prepared yet.
        insert(&db, INSERT, 1..=1000).unwrap();
        db.execute("DELETE FROM t", &[]).unwrap();
        faulty.log();
        insert(&db, INSERT, 1..=1000).unwrap();
        let statements = faulty.log().iter().filter(|call| call.starts_with("execute INSERT")).count();
        assert!(statements > 15, "{statements}");
        db.execute("DELETE FROM t", &[]).unwrap();
        for at in 0..statements {
            for when in [When::Instead, When::After] {
                faulty.fail_later(at, "execute INSERT", when, ErrorKind::Interrupted);
                let error = insert(&db, INSERT, 1..=1000).unwrap_err();
                assert_eq!(
                    (error.kind(), error.message()),
                    (ErrorKind::Interrupted, "this fault was injected")
                );
                assert!(faulty.all_struck());
                assert_eq!(count(&db), 0);
            }
        }
        assert_eq!(insert(&db, INSERT, 1..=1000).unwrap(), 1000);
    }
}

/// The rows one by one break nothing: then only the statement is known.
#[test]
fn a_constraint_that_no_row_breaks_alone_names_all_it_may_be() {
    let subject = Subject::file();
    let (faulty, db) = open(&subject);
    faulty.fail("execute INSERT INTO t (id, name) VALUES (:p0, :p1)", When::Instead, ErrorKind::Constraint);
    let error = insert(&db, INSERT, 1..=100).unwrap_err();
    assert!(faulty.all_struck());
    assert_eq!(error.message(), "one of the rows 17 to 18: this fault was injected");
    let failed = error.find::<FailedRow>().unwrap();
    assert_eq!((failed.first, failed.last), (17, 18));
    assert_eq!(count(&db), 0);
}

#[test]
fn a_full_database_keeps_what_was_there_and_goes_on() {
    let subject = Subject::file();
    let db = subject.open();
    db.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT)", &[]).unwrap();
    insert(&db, INSERT, 1..=100).unwrap();
    db.write(|tx| {
        larder::driver::sqlite::with_connection(tx.connection(), |raw| {
            raw.pragma_update(None, "max_page_count", 40).unwrap();
        });
        Ok(())
    })
    .unwrap();
    let error = insert(&db, INSERT, 101..=100_000).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::DiskFull, "{error:?}");
    assert_eq!(count(&db), 100);
    assert_eq!(insert(&db, INSERT, 101..=200).unwrap(), 100);
}
