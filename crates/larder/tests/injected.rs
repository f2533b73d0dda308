//! Faults that a real engine shows too rarely to wait for, injected between the handle and its driver.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

mod kit;

use kit::Subject;
use kit::faulty::{Faulty, When};
use larder::driver::Driver;
use larder::driver::sqlite::{Place, Settings, Sqlite};
use larder::{Database, Error, ErrorKind, Options, Result, WriteTx};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

const ADD: &str = "INSERT INTO t VALUES (1)";
const COUNT: &str = "SELECT count(*) FROM t";

fn open(subject: &Subject) -> (Arc<Faulty>, Database) {
    let faulty = Faulty::around(subject.driver(|_| {}));
    let db = Options::driver(Arc::clone(&faulty) as Arc<dyn Driver>).open().unwrap();
    db.execute("CREATE TABLE t (n)", &[]).unwrap();
    faulty.log();
    (faulty, db)
}

fn add(tx: &mut WriteTx<'_>) -> Result<u64> {
    tx.execute(ADD, &[])
}

fn count(db: &Database) -> i64 {
    db.query_one(COUNT, &[]).unwrap()
}

#[test]
fn calls_pass_in_their_order() {
    let (subject, add) = (Subject::file(), add);
    let (faulty, db) = open(&subject);
    db.write(|tx| tx.savepoint(add)).unwrap();
    assert_eq!(faulty.log(), ["begin Write", "begin Write", &format!("execute {ADD}"), "commit", "commit"]);
    db.read(|tx| tx.query_one::<i64>(COUNT, &[])).unwrap();
    assert_eq!(faulty.log(), ["connect Read", "begin Read", &format!("query {COUNT}"), "commit"]);
    // One statement needs no transaction, and the reader is used again.
    assert_eq!(count(&db), 1);
    assert_eq!(faulty.log(), [format!("query {COUNT}")]);
    db.write(|_| Err::<(), _>(Error::other("no"))).unwrap_err();
    assert_eq!(faulty.log(), ["begin Write", "rollback"]);
    db.close().unwrap();
    assert_eq!(faulty.log().len(), 1);
}

#[test]
fn a_commit_that_fails_is_rolled_back_and_says_why() {
    let subject = Subject::file();
    let (faulty, db) = open(&subject);
    for kind in [ErrorKind::DiskFull, ErrorKind::Busy, ErrorKind::UnknownOutcome] {
        faulty.fail("commit", When::Instead, kind);
        assert_eq!(db.write(add).unwrap_err().kind(), kind);
        assert_eq!(count(&db), 0);
    }
    assert!(faulty.log().iter().filter(|call| *call == "rollback").count() == 3);
    db.write(add).unwrap();
    assert_eq!(count(&db), 1);
}

/// The worst of all: it happened, and nobody knows. The caller is told so, and the handle goes on.
#[test]
fn a_commit_that_happened_and_failed_is_of_unknown_outcome() {
    let subject = Subject::file();
    let (faulty, db) = open(&subject);
    faulty.fail("commit", When::After, ErrorKind::UnknownOutcome);
    assert_eq!(db.write(add).unwrap_err().kind(), ErrorKind::UnknownOutcome);
    assert!(faulty.all_struck());
    assert_eq!(count(&db), 1);
    db.write(add).unwrap();
    assert_eq!(count(&db), 2);
}

#[test]
fn a_rollback_that_fails_keeps_both_errors_and_the_connection_is_not_used_again() {
    let subject = Subject::file();
    let (faulty, db) = open(&subject);
    faulty.fail("rollback", When::Instead, ErrorKind::Io);
    let error = db
        .write(|tx| {
            add(tx)?;
            Err::<(), _>(Error::new(ErrorKind::NotFound, "the reason"))
        })
        .unwrap_err();
    assert_eq!((error.kind(), error.message()), (ErrorKind::NotFound, "the reason"));
    assert!(format!("{error:?}").contains("this fault was injected"), "{error:?}");
    faulty.log();
    db.write(add).unwrap();
    assert_eq!(faulty.log().first().map(String::as_str), Some("connect Write"));
    assert_eq!(count(&db), 1);

    faulty.fail("rollback", When::Instead, ErrorKind::Io);
    db.read(|_| Err::<(), _>(Error::other("no"))).unwrap_err();
    db.execute(ADD, &[]).unwrap();
    assert!(faulty.all_struck());
    // A reader that still stood in its old transaction would not see the second.
    assert_eq!(count(&db), 2);
}

/// During a panic nobody is told; all the same nothing that follows may become part of what was left open.
#[test]
fn a_rollback_that_fails_in_a_panic_leaves_nothing_open() {
    for subject in [Subject::file(), Subject::memory()] {
        let (faulty, db) = open(&subject);
        faulty.fail("rollback", When::Instead, ErrorKind::Io);
        let panic = catch_unwind(AssertUnwindSafe(|| {
            db.write(|tx| -> Result<()> {
                add(tx)?;
                panic!("in the closure")
            })
        }));
        assert!(panic.is_err() && faulty.all_struck());
        db.write(add).unwrap();
        db.execute(ADD, &[]).unwrap();
        assert_eq!(count(&db), 2);
    }
}

#[test]
fn a_transaction_that_does_not_begin_runs_nothing() {
    let subject = Subject::file();
    let (faulty, db) = open(&subject);
    faulty.fail("begin Write", When::Instead, ErrorKind::Busy);
    let error = db.write(|_| -> Result<()> { panic!("it ran") }).unwrap_err();
    assert!(error.is_transient());
    faulty.fail("connect Read", When::Instead, ErrorKind::CannotOpen);
    assert_eq!(db.query_one::<i64>(COUNT, &[]).unwrap_err().kind(), ErrorKind::CannotOpen);
    faulty.fail("begin Read", When::Instead, ErrorKind::Io);
    assert_eq!(db.read(|_| -> Result<()> { panic!("it ran") }).unwrap_err().kind(), ErrorKind::Io);
    assert!(faulty.all_struck());
    db.write(add).unwrap();
    assert_eq!(count(&db), 1);
}

#[test]
fn a_savepoint_that_fails_leaves_the_transaction_to_its_owner() {
    let subject = Subject::file();
    let (faulty, db) = open(&subject);
    db.write(|tx| {
        add(tx)?;
        faulty.fail_later(0, "begin Write", When::Instead, ErrorKind::Io);
        assert_eq!(tx.savepoint(add).unwrap_err().kind(), ErrorKind::Io);
        faulty.fail("commit", When::Instead, ErrorKind::Io);
        assert_eq!(tx.savepoint(add).unwrap_err().kind(), ErrorKind::Io);
        add(tx)
    })
    .unwrap();
    assert!(faulty.all_struck());
    assert_eq!(count(&db), 2);
}

#[test]
fn what_fails_on_opening_and_closing_is_told() {
    let subject = Subject::file();
    let faulty = Faulty::around(subject.driver(|_| {}));
    faulty.fail("connect Write", When::Instead, ErrorKind::Corrupt);
    let options = Options::driver(Arc::clone(&faulty) as Arc<dyn Driver>);
    assert_eq!(options.clone().open().unwrap_err().kind(), ErrorKind::Corrupt);
    let db = options.open().unwrap();
    faulty.fail("query PRAGMA wal_checkpoint", When::Instead, ErrorKind::DiskFull);
    assert_eq!(db.clone().close().unwrap_err().kind(), ErrorKind::DiskFull);
    // Closed it is all the same.
    assert_eq!(db.query_one::<i64>("SELECT 1", &[]).unwrap_err().kind(), ErrorKind::Closed);
    assert!(faulty.all_struck());
}

/// A driver of one's own brings its place and its settings; what the handle knows of them it asks the driver.
#[test]
fn a_driver_of_ones_own_is_asked_what_it_is() {
    let subject = Subject::file();
    let (_, db) = open(&subject);
    assert_eq!(db.file(), Some(subject.path().as_path()));
    assert_eq!(db.to_string(), format!("{} (wrapped)", subject.path().display()));
    assert!(db.is_healthy() && !db.is_read_only());
    let reading = Options::driver(Arc::clone(db.driver())).read_only(true).open().unwrap();
    assert_eq!(reading.execute(ADD, &[]).unwrap_err().kind(), ErrorKind::ReadOnly);
    assert_eq!(count(&reading), 0);
    std::fs::remove_file(subject.path()).unwrap();
    assert!(!db.is_healthy());

    // Were it not asked whether there may be a second connection, the reads would find an empty database.
    let memory = Sqlite { place: Place::Memory, settings: Settings::default() };
    let db = Options::driver(Faulty::around(Arc::new(memory))).open().unwrap();
    db.execute("CREATE TABLE t (n)", &[]).unwrap();
    db.write(add).unwrap();
    assert_eq!(db.read(|tx| tx.query_one::<i64>(COUNT, &[])).unwrap(), 1);
    assert_eq!((db.to_string().as_str(), db.file()), (":memory: (wrapped)", None));
}
