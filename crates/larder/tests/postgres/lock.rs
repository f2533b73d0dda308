//! Locks by name, and stopping a statement.

use super::{Subject, driver, failure, one, process, run};
use larder::ErrorKind;
use larder::driver::{Access, Driver};
use std::time::Duration;

#[test]
fn one_holds_a_lock_and_the_next_gets_it_afterwards() {
    let subject = Subject::new();
    let (mut a, mut b) = (subject.connect(), subject.connect());
    let held = a.lock("migrate").unwrap();
    let error = failure(b.lock("migrate"));
    assert_eq!(error.kind(), ErrorKind::Busy);
    assert!(error.message().contains("migrate"), "{error}");
    let other = b.lock("other").unwrap();
    drop(held);
    b.lock("migrate").unwrap();
    drop(other);
    // It is apart from the transactions of the connection.
    a.begin(Access::Write).unwrap();
    let held = a.lock("migrate").unwrap();
    a.rollback().unwrap();
    assert_eq!(failure(b.lock("migrate")).kind(), ErrorKind::Busy);
    drop(held);
}

/// As an administrator does, or a server that is started anew.
#[test]
fn a_lock_that_was_lost_says_so() {
    let subject = Subject::new();
    let (mut a, mut b) = (subject.connect(), subject.connect());
    let mut held = a.lock("migrate").unwrap();
    assert!(held.is_held());
    let end = "SELECT count(pg_terminate_backend(pid, 10000)) FROM pg_locks WHERE locktype = 'advisory' \
               AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
    assert_eq!(one(&mut *b, end, &[]), larder::Value::Integer(1));
    assert!(!held.is_held());
    let mut next = b.lock("migrate").unwrap();
    assert!(next.is_held());
}

#[test]
fn a_statement_is_stopped_from_another_thread() {
    let subject = Subject::new();
    let mut it = subject.connect();
    let interrupter = it.interrupter();
    let error = std::thread::scope(|scope| {
        let asking = scope.spawn(|| it.execute("SELECT pg_sleep(60)", &[]));
        while !asking.is_finished() {
            std::thread::sleep(Duration::from_millis(20));
            interrupter.interrupt();
        }
        failure(asking.join().unwrap())
    });
    assert_eq!(error.kind(), ErrorKind::Interrupted);
    // One that came too late may hit what runs next.
    let _ = it.execute("SELECT 1", &[]);
    process(&mut *it);
}

#[test]
fn a_lock_on_a_row_is_not_waited_for_longer_than_the_busy_timeout() {
    let subject = Subject::new();
    let (mut a, mut b) =
        (subject.connect(), driver(&subject.place.direct_url()).connect(Access::Write).unwrap());
    run(&mut *a, "CREATE TABLE t (n int)");
    run(&mut *a, "INSERT INTO t VALUES (1)");
    a.begin(Access::Write).unwrap();
    run(&mut *a, "UPDATE t SET n = 2");
    assert_eq!(failure(b.execute("UPDATE t SET n = 3", &[])).kind(), ErrorKind::Busy);
    a.commit().unwrap();
    run(&mut *b, "UPDATE t SET n = 3");
}
