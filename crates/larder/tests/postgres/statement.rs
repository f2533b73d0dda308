//! Statements: prepared when they come again, and still right when others change the schema.

use super::{Subject, failure, one, rows, run};
use larder::driver::Access;
use larder::{ErrorKind, Value, params};

#[test]
fn what_comes_again_is_prepared_and_what_others_change_is_prepared_anew() {
    let subject = Subject::new();
    let (mut it, mut other) = (subject.connect(), subject.connect());
    run(&mut *it, "CREATE TABLE t (a int)");
    run(&mut *it, "INSERT INTO t VALUES (1)");
    let sql = "SELECT * FROM t";
    assert_eq!(one(&mut *it, sql, &[]), Value::Integer(1));
    assert!(!it.is_prepared(sql));
    one(&mut *it, sql, &[]);
    assert!(it.is_prepared(sql));
    run(&mut *other, "ALTER TABLE t ADD COLUMN b text DEFAULT 'x'");
    let row = vec![Value::Integer(1), Value::Text("x".into())];
    // Unprepared, prepared anew, prepared.
    for _ in 0..3 {
        assert_eq!(rows(&mut *it, sql, &[]).unwrap(), std::slice::from_ref(&row));
    }
    run(&mut *other, "ALTER TABLE t ALTER COLUMN a TYPE bigint");
    // The first statement of a transaction begins it again; one after another statement can't be saved.
    it.begin(Access::Read).unwrap();
    assert_eq!(rows(&mut *it, sql, &[]).unwrap(), std::slice::from_ref(&row));
    it.commit().unwrap();
    rows(&mut *it, sql, &[]).unwrap();
    run(&mut *other, "ALTER TABLE t DROP COLUMN b");
    it.begin(Access::Read).unwrap();
    one(&mut *it, "SELECT 1", &[]);
    let error = failure(rows(&mut *it, sql, &[]));
    assert_eq!((error.kind(), it.is_lost()), (ErrorKind::Conflict, true));
    it.rollback().unwrap();
    assert_eq!(rows(&mut *it, sql, &[]).unwrap(), [vec![Value::Integer(1)]]);
}

#[test]
fn a_parameter_whose_column_changes_its_type_still_fits() {
    let subject = Subject::new();
    let (mut it, mut other) = (subject.connect(), subject.connect());
    run(&mut *it, "CREATE TABLE t (a int)");
    let sql = "INSERT INTO t (a) VALUES (:a)";
    for ty in ["bigint", "text", "numeric"] {
        for _ in 0..3 {
            assert_eq!(it.execute(sql, params! { a: 5 }).unwrap(), 1);
        }
        run(&mut *other, &format!("ALTER TABLE t ALTER COLUMN a TYPE {ty} USING a::{ty}"));
    }
    assert_eq!(it.execute(sql, params! { a: 5 }).unwrap(), 1);
    assert_eq!(one(&mut *it, "SELECT count(*) FROM t WHERE a = 5", &[]), Value::Integer(10));
}

#[test]
fn a_session_that_was_reset_goes_on_without_names() {
    let subject = Subject::new();
    let mut it = subject.connect();
    run(
        &mut *it,
        "CREATE FUNCTION forget() RETURNS void LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'DEALLOCATE ALL'; END $$",
    );
    let sql = "SELECT CAST(:a AS int)";
    for _ in 0..3 {
        one(&mut *it, sql, params! { a: 1 });
    }
    run(&mut *it, "SELECT forget()");
    for _ in 0..3 {
        assert_eq!(one(&mut *it, sql, params! { a: 1 }), Value::Integer(1));
    }
    assert!(!it.is_prepared(sql));
}

#[test]
fn more_statements_than_are_kept_push_the_oldest_out() {
    let subject = Subject::new();
    let mut it = subject.connect();
    let sql = |n: i64| format!("SELECT {n}");
    for round in 0..2 {
        for n in 0..300 {
            assert_eq!(one(&mut *it, &sql(n), &[]), Value::Integer(n), "{round}");
            one(&mut *it, &sql(n), &[]);
        }
    }
    assert!(it.is_prepared(&sql(299)) && !it.is_prepared(&sql(0)));
    let kept = one(&mut *it, "SELECT count(*) FROM pg_prepared_statements", &[]);
    assert!(matches!(kept, Value::Integer(n) if n <= 258), "{kept:?}");
}

#[test]
fn several_statements_in_one_text_are_refused_and_so_is_none() {
    let subject = Subject::new();
    let mut it = subject.connect();
    for sql in ["SELECT 1; SELECT 2", "", "-- nothing", ";"] {
        let error = failure(it.execute(sql, &[]));
        assert_eq!(error.kind(), ErrorKind::Statement, "{sql}: {error:?}");
    }
    for sql in ["COPY (SELECT 1) TO STDOUT", "COMMIT", "SET lock_timeout = 0"] {
        assert_eq!(failure(it.execute(sql, &[])).kind(), ErrorKind::Unsupported, "{sql}");
    }
    run(&mut *it, "CREATE TABLE t (a int)");
    assert!(it.execute("COPY t FROM STDIN", &[]).is_err());
    assert_eq!(one(&mut *it, "SELECT 1", &[]), Value::Integer(1));
}
