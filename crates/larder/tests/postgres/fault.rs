//! Which fault becomes which error.

use super::{Subject, driver, failure, one, process, rows, run};
use larder::driver::{Access, Driver};
use larder::{ConstraintKind, ErrorKind, Value, params};
use larder_kit::postgres::Cluster;

#[test]
fn each_constraint_is_named_with_its_table_and_columns() {
    let subject = Subject::new();
    let mut it = subject.connect();
    run(&mut *it, "CREATE TABLE p (id int PRIMARY KEY)");
    run(
        &mut *it,
        "CREATE TABLE t (a text NOT NULL, b text, c int CONSTRAINT small CHECK (c < 9), p int REFERENCES p, UNIQUE (a, b))",
    );
    run(
        &mut *it,
        "CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'rows stay'; END $$",
    );
    run(&mut *it, "CREATE TRIGGER no BEFORE DELETE ON t FOR EACH ROW EXECUTE FUNCTION no()");
    run(&mut *it, "INSERT INTO p VALUES (1)");
    run(&mut *it, "INSERT INTO t (a, b) VALUES ('secret', 'y')");
    use ConstraintKind as K;
    for (sql, kind, table, columns) in [
        ("INSERT INTO p VALUES (1)", K::PrimaryKey, Some("p"), vec!["id"]),
        ("INSERT INTO t (a, b) VALUES ('secret', 'y')", K::Unique, Some("t"), vec!["a", "b"]),
        ("INSERT INTO t (b) VALUES ('secret')", K::NotNull, Some("t"), vec!["a"]),
        ("INSERT INTO t (a, c) VALUES ('secret', 10)", K::Check, Some("t"), vec![]),
        ("INSERT INTO t (a, p) VALUES ('secret', 5)", K::ForeignKey, Some("t"), vec!["p"]),
        ("DELETE FROM t", K::Other, None, vec![]),
    ] {
        let error = failure(it.execute(sql, &[]));
        let constraint = error.constraint().unwrap();
        assert_eq!((error.kind(), constraint.kind), (ErrorKind::Constraint, kind), "{sql}: {error:?}");
        assert_eq!(
            (constraint.table.as_deref(), constraint.columns.iter().map(String::as_str).collect::<Vec<_>>()),
            (table, columns),
            "{sql}"
        );
    }
    assert_eq!(failure(it.execute("DELETE FROM t", &[])).message(), "rows stay");
}

#[test]
fn a_fault_in_the_text_has_its_place() {
    let subject = Subject::new();
    let mut it = subject.connect();
    let sql = "SELECT :a, 'é',\n  nothing FROM x";
    let error = failure(it.execute("SELECT :a::text, 'é',\n  nothing", params! { a: "secret" }));
    let location = error.location().unwrap();
    assert_eq!((error.kind(), location.line(), location.column()), (ErrorKind::Statement, 2, 3));
    assert_eq!(failure(it.execute(sql, params! { a: "secret" })).kind(), ErrorKind::Statement);
    assert_eq!(failure(it.execute("SELEC 1", &[])).location().unwrap().column(), 1);
}

#[test]
fn a_value_that_the_server_quotes_is_not_shown() {
    let subject = Subject::new();
    let mut it = subject.connect();
    for sql in [
        "SELECT CAST(CAST(:a AS text) AS int)",
        "SELECT CAST(:a AS date)",
        "SELECT CAST(:a AS uuid)",
        "SELECT CAST(:a AS jsonb)",
        "SELECT to_date(:a, 'YYYY')",
    ] {
        for _ in 0..2 {
            let error = failure(it.execute(sql, params! { a: "secret" }));
            assert!(matches!(error.kind(), ErrorKind::Parameter | ErrorKind::Conversion), "{sql}: {error:?}");
        }
    }
}

#[test]
fn a_server_that_went_away_is_told_apart_from_a_write_that_may_have_happened() {
    let cluster = Cluster::start();
    let driver = driver(&cluster.url());
    let connect = || driver.connect(Access::Write).unwrap();
    let (mut killer, mut idle, mut reading, mut writing, mut calling, mut inside) =
        (connect(), connect(), connect(), connect(), connect(), connect());
    run(&mut *killer, "CREATE TABLE t (a int)");
    let mut end = |pid: i64| {
        one(&mut *killer, "SELECT pg_terminate_backend(:pid, 5000)", params! { pid });
    };
    // Before anything is sent.
    end(process(&mut *idle));
    assert_eq!(failure(idle.execute("INSERT INTO t VALUES (1)", &[])).kind(), ErrorKind::Unavailable);
    assert!(idle.is_broken());
    // In a transaction: nothing of it was committed.
    inside.begin(Access::Write).unwrap();
    run(&mut *inside, "INSERT INTO t VALUES (2)");
    end(process(&mut *inside));
    assert_eq!(failure(inside.execute("INSERT INTO t VALUES (3)", &[])).kind(), ErrorKind::Unavailable);
    assert!(inside.is_lost());
    inside.rollback().unwrap();
    // While it runs.
    for (it, sql, kind) in [
        (&mut reading, "SELECT pg_sleep(60)", ErrorKind::Unavailable),
        (&mut writing, "INSERT INTO t SELECT 4 FROM pg_sleep(60)", ErrorKind::UnknownOutcome),
        // Nobody wants its rows, so it is asked for what it does.
        (&mut calling, "SELECT pg_sleep(60)", ErrorKind::UnknownOutcome),
    ] {
        let pid = process(&mut **it);
        let error = std::thread::scope(|scope| {
            let asked = scope.spawn(|| match kind {
                ErrorKind::Unavailable => rows(&mut **it, sql, &[]).map(|_| 0),
                _ => it.execute(sql, &[]),
            });
            let busy = "SELECT count(*) FROM pg_stat_activity WHERE pid = :pid AND wait_event = 'PgSleep'";
            let mut watcher = connect();
            while one(&mut *watcher, busy, params! { pid }) == Value::Integer(0) {}
            end(pid);
            failure(asked.join().unwrap())
        });
        assert_eq!(error.kind(), kind, "{sql}: {error:?}");
    }
    let mut committing = connect();
    committing.begin(Access::Write).unwrap();
    run(&mut *committing, "INSERT INTO t VALUES (5)");
    cluster.kill();
    assert_eq!(failure(committing.commit()).kind(), ErrorKind::UnknownOutcome);
    committing.rollback().unwrap();
    assert_eq!(failure(driver.connect(Access::Write).map(|_| ())).kind(), ErrorKind::Unavailable);
}
