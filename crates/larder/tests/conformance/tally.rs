//! What a connection counts of its own doing.

use crate::kit::{Subject, number, rows};
use larder::driver::{Access, Counts};
use larder::params;
use std::sync::Arc;
use std::time::Duration;

pub(crate) fn statements_and_what_had_to_be_prepared_are_counted(subject: &Subject) {
    let mut connection = subject.connect();
    let tally = Arc::clone(connection.tally());
    assert_eq!(tally.counts(), Counts::default());
    connection.execute("CREATE TABLE t (n BIGINT)", &[]).unwrap();
    for n in 0..10 {
        connection.execute("INSERT INTO t VALUES (:n)", params! { n }).unwrap();
    }
    // What opens and ends transactions is not counted.
    connection.begin(Access::Read).unwrap();
    assert_eq!(number(connection.as_mut(), "SELECT count(*) FROM t"), 10);
    connection.commit().unwrap();
    connection.execute("SELECT nothing", &[]).unwrap_err();
    // On SQLite that one fails before it runs; to PostgreSQL it goes in one message with the question to run it.
    assert_eq!(tally.counts().statements, if subject.is_postgres() { 13 } else { 12 });
    // An engine may keep a statement from the second time on.
    number(connection.as_mut(), "SELECT count(*) FROM t");
    let prepared = tally.counts().prepared;
    assert!((3..=7).contains(&prepared), "{prepared}");
    number(connection.as_mut(), "SELECT count(*) FROM t");
    assert_eq!(tally.counts().prepared, prepared);
}

pub(crate) fn what_the_engine_prepares_again_is_counted(subject: &Subject) {
    let mut connection = subject.connect();
    let tally = Arc::clone(connection.tally());
    connection.execute("CREATE TABLE t (n)", &[]).unwrap();
    // With rows and without.
    rows(connection.as_mut(), "SELECT * FROM t", &[]).unwrap();
    rows(connection.as_mut(), "SELECT 1 FROM (SELECT count(*) FROM t)", &[]).unwrap();
    assert_eq!(tally.counts().prepared_again, 0);
    connection.execute("CREATE TABLE u (n)", &[]).unwrap();
    for _ in 0..2 {
        rows(connection.as_mut(), "SELECT * FROM t", &[]).unwrap();
        rows(connection.as_mut(), "SELECT 1 FROM (SELECT count(*) FROM t)", &[]).unwrap();
    }
    assert_eq!(tally.counts().prepared_again, 2);
}

pub(crate) fn asking_again_for_a_lock_is_counted(subject: &Subject) {
    let mut holder = subject.connect();
    let Some(mut other) = subject.other(Access::Write, Duration::from_millis(20)) else { return };
    holder.begin(Access::Write).unwrap();
    other.begin(Access::Write).unwrap_err();
    assert!(other.tally().counts().busy_retries > 0);
    assert_eq!(holder.tally().counts().busy_retries, 0);
}
