//! Transactions: sent with their first statement, and alive after a statement that failed.

use super::{Subject, driver, failure, one, run};
use larder::driver::{Access, Driver, Durability};
use larder::{ErrorKind, Value, params};

#[test]
fn a_transaction_without_statements_sends_nothing() {
    let subject = Subject::new();
    let (mut it, mut other) = (subject.connect(), subject.connect());
    let process = super::process(&mut *it);
    let state = "SELECT query FROM pg_stat_activity WHERE pid = :process";
    for access in [Access::Read, Access::Write] {
        it.begin(access).unwrap();
        it.begin(access).unwrap();
        it.commit().unwrap();
        it.commit().unwrap();
        let last = one(&mut *other, state, params! { process });
        assert_eq!(last, Value::Text("SELECT pg_backend_pid()".into()));
    }
}

#[test]
fn a_transaction_goes_on_after_a_statement_that_failed() {
    let subject = Subject::new();
    let mut it = subject.connect();
    run(&mut *it, "CREATE TABLE t (a int PRIMARY KEY, b int)");
    for round in 0..3 {
        it.begin(Access::Write).unwrap();
        let insert = "INSERT INTO t (a) VALUES (:a)";
        it.execute(insert, params! { a: round }).unwrap();
        assert_eq!(failure(it.execute(insert, params! { a: round })).kind(), ErrorKind::Constraint);
        assert_eq!(failure(it.execute("INSERT INTO missing VALUES (1)", &[])).kind(), ErrorKind::Statement);
        assert_eq!(failure(it.execute("SELECT nonsense", &[])).kind(), ErrorKind::Statement);
        it.begin(Access::Write).unwrap();
        it.execute("UPDATE t SET b = 1", &[]).unwrap();
        assert!(it.execute(insert, params! { a: round }).is_err());
        it.rollback().unwrap();
        it.execute(insert, params! { a: round + 100 }).unwrap();
        assert!(!it.is_lost());
        it.commit().unwrap();
    }
    assert_eq!(one(&mut *it, "SELECT count(*) FROM t WHERE b IS NULL", &[]), Value::Integer(6));
}

#[test]
fn a_read_that_failed_is_mended_by_rolling_its_savepoint_back() {
    let subject = Subject::new();
    let mut it = subject.connect();
    let sql = "SELECT 1 / CAST(:n AS int)";
    for _ in 0..2 {
        one(&mut *it, sql, params! { n: 1 });
    }
    it.begin(Access::Write).unwrap();
    one(&mut *it, "SELECT 1", &[]);
    it.begin(Access::Write).unwrap();
    assert_eq!(failure(it.execute(sql, params! { n: 0 })).kind(), ErrorKind::Conversion);
    assert_eq!(failure(it.execute("SELECT 1", &[])).kind(), ErrorKind::Closed);
    assert_eq!(failure(it.commit()).kind(), ErrorKind::Closed);
    it.rollback().unwrap();
    one(&mut *it, "SELECT 1", &[]);
    it.commit().unwrap();
}

#[test]
fn who_reads_cannot_write() {
    let subject = Subject::new();
    let mut it = subject.connect();
    run(&mut *it, "CREATE TABLE t (a int)");
    it.begin(Access::Read).unwrap();
    assert_eq!(failure(it.execute("INSERT INTO t VALUES (1)", &[])).kind(), ErrorKind::ReadOnly);
    it.rollback().unwrap();
    let mut reader = subject.driver().connect(Access::Read).unwrap();
    for _ in 0..3 {
        assert_eq!(failure(reader.execute("INSERT INTO t VALUES (1)", &[])).kind(), ErrorKind::ReadOnly);
        assert_eq!(one(&mut *reader, "SELECT count(*) FROM t", &[]), Value::Integer(0));
    }
    assert_eq!(failure(reader.begin(Access::Write)).kind(), ErrorKind::ReadOnly);
}

#[test]
fn transactions_that_come_in_between_are_a_conflict() {
    let subject = Subject::new();
    let (mut a, mut b) = (subject.connect(), subject.connect());
    run(&mut *a, "CREATE TABLE t (a int)");
    run(&mut *a, "INSERT INTO t VALUES (1)");
    for it in [&mut a, &mut b] {
        it.begin(Access::Write).unwrap();
        one(&mut **it, "SELECT count(*) FROM t", &[]);
    }
    run(&mut *a, "INSERT INTO t VALUES (2)");
    run(&mut *b, "INSERT INTO t VALUES (3)");
    a.commit().unwrap();
    assert_eq!(failure(b.commit()).kind(), ErrorKind::Conflict);
    assert!(b.is_lost());
    b.rollback().unwrap();
    assert_eq!(one(&mut *b, "SELECT count(*) FROM t", &[]), Value::Integer(2));
}

#[test]
fn a_constraint_that_waits_for_the_commit_rolls_back() {
    let subject = Subject::new();
    let mut it = subject.connect();
    run(&mut *it, "CREATE TABLE p (id int PRIMARY KEY)");
    run(&mut *it, "CREATE TABLE c (p int REFERENCES p DEFERRABLE INITIALLY DEFERRED)");
    it.begin(Access::Write).unwrap();
    run(&mut *it, "INSERT INTO c VALUES (7)");
    let error = failure(it.commit());
    assert_eq!(
        (error.kind(), error.constraint().unwrap().columns.as_slice()),
        (ErrorKind::Constraint, &["p".to_owned()][..])
    );
    it.rollback().unwrap();
    assert_eq!(one(&mut *it, "SELECT count(*) FROM c", &[]), Value::Integer(0));
}

#[test]
fn a_commit_is_made_durable_where_the_server_is_not() {
    let subject = Subject::new();
    let relaxed = format!("{}?options=-c%20synchronous_commit%3Doff", subject.place.direct_url());
    let mut it = driver(&relaxed).connect(Access::Write).unwrap();
    let now = "SELECT current_setting('synchronous_commit')";
    for (durability, expected) in
        [(Durability::Normal, "off"), (Durability::Full, "on"), (Durability::Normal, "off")]
    {
        it.set_durability(durability).unwrap();
        it.begin(Access::Write).unwrap();
        assert_eq!(one(&mut *it, now, &[]), Value::Text(expected.into()));
        it.commit().unwrap();
        run(&mut *it, "CREATE TABLE IF NOT EXISTS t (a text)");
        run(&mut *it, "INSERT INTO t VALUES (current_setting('synchronous_commit'))");
        let said = one(&mut *it, "SELECT a FROM t ORDER BY ctid DESC LIMIT 1", &[]);
        assert_eq!(said, Value::Text(expected.into()));
    }
}
