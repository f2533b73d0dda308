//! Statements: their text, their rows, and the cache that keeps them.

use crate::kit::{Subject, rows};
use larder::driver::Access;
use larder::{Error, ErrorKind, Value, params};
use std::fmt::Write as _;
use std::ops::ControlFlow;
use std::time::Duration;

pub(crate) fn a_fault_of_the_text_has_its_place(subject: &Subject) {
    let db = subject.open();
    db.execute("CREATE TABLE t (n BIGINT)", &[]).unwrap();
    for (sql, marked) in [
        ("SELECT n,\n  nope FROM t", "nope"),
        ("SELECT * FROM missing_table", "missing_table"),
        ("SELEC 1", "SELEC"),
        ("SELECT n FROM t WHERE é = 1 AND nope = 1", "é"),
        ("SELECT 'ü', wrong(1)", "wrong"),
    ] {
        let error = db.query_one::<i64>(sql, &[]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Statement, "{sql}: {error:?}");
        let Some(place) = error.location() else {
            // The engine gives no place for a missing table.
            assert!(error.message().contains(marked), "{sql}: {error}");
            continue;
        };
        assert_eq!(&place.text[place.offset..place.offset + place.length], marked, "{sql}: {error}");
    }
    let error = db.execute("INSERT INTO t VALUES (1, 2)", &[]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Statement, "{error:?}");
    if !subject.is_postgres() {
        let error = db.query_one::<i64>("SELECT json('{')", &[]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Statement, "{error:?}");
    }
}

pub(crate) fn one_text_is_one_statement(subject: &Subject) {
    let db = subject.open();
    db.execute("CREATE TABLE t (n BIGINT)", &[]).unwrap();
    for sql in [
        "",
        "  \n",
        ";",
        "-- only a comment",
        "/* and another */ ;",
        "INSERT INTO t VALUES (1); INSERT INTO t VALUES (2)",
        "INSERT INTO t VALUES (1); COMMIT",
        "INSERT INTO t VALUES ('a",
        "INSERT INTO t VALUES (1) /* open",
    ] {
        let error = db.execute(sql, &[]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Statement, "{sql:?}: {error:?}");
        let error = db.query_opt::<i64>(sql, &[]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Statement, "{sql:?}: {error:?}");
    }
    assert_eq!(db.query_one::<i64>("SELECT count(*) FROM t", &[]).unwrap(), 0);
    // Around one statement there may be anything that is none.
    for sql in ["INSERT INTO t VALUES (1);", "-- a\nINSERT INTO t VALUES (2) ; -- b\n /* c */ ;\n"] {
        assert_eq!(db.execute(sql, &[]).unwrap(), 1, "{sql}");
    }
    // What holds statements is one.
    let whole = if subject.is_postgres() {
        "DO $$ BEGIN DELETE FROM t WHERE n = 0; PERFORM 1; END $$;"
    } else {
        "CREATE TRIGGER g AFTER INSERT ON t BEGIN DELETE FROM t WHERE n = 0; SELECT 1; END;"
    };
    assert_eq!(db.execute(whole, &[]).unwrap(), 0);
}

pub(crate) fn a_text_with_a_nul_is_refused(subject: &Subject) {
    let db = subject.open();
    db.execute("CREATE TABLE t (n BIGINT)", &[]).unwrap();
    for sql in ["INSERT INTO t VALUES (1)\0", "\0", "INSERT INTO t VALUES ('a\0b')", "SELECT 1 --\0"] {
        assert_eq!(db.execute(sql, &[]).unwrap_err().kind(), ErrorKind::Statement, "{sql:?}");
    }
    assert_eq!(db.query_one::<i64>("SELECT count(*) FROM t", &[]).unwrap(), 0);
}

pub(crate) fn more_statements_than_are_kept_all_work(subject: &Subject) {
    let db = subject.open();
    for _ in 0..2 {
        db.read(|tx| {
            for number in 0..1_200 {
                let sql = format!("SELECT {number}, CAST(:p AS BIGINT) AS \"c{number}\"");
                let both: (i64, i64) = tx.query_one(&sql, params! { p: -number })?;
                assert_eq!(both, (number, -number));
                // One that is used all the time stays.
                assert_eq!(tx.query_one::<i64>("SELECT :p + 1", params! { p: number })?, number + 1);
            }
            Ok(())
        })
        .unwrap();
    }
}

/// The cache looks at the address of a text first; another text at the same address must not be taken for it.
pub(crate) fn a_buffer_that_is_written_again_is_read_again(subject: &Subject) {
    let db = subject.open();
    let mut sql = String::with_capacity(64);
    for number in 0..2_000_i64 {
        sql.clear();
        write!(sql, "SELECT {}", number % 700).unwrap();
        assert_eq!(db.query_one::<i64>(&sql, &[]).unwrap(), number % 700);
    }
}

pub(crate) fn a_change_of_the_schema_changes_the_columns(subject: &Subject) {
    let mut connection = subject.connect();
    connection.execute("CREATE TABLE t (a BIGINT)", &[]).unwrap();
    connection.execute("INSERT INTO t VALUES (1)", &[]).unwrap();
    let mut names = Vec::new();
    let mut look = |connection: &mut dyn larder::driver::Connection| {
        connection
            .query("SELECT * FROM t", &[], &mut |row| {
                names = row.columns().iter().map(ToString::to_string).collect::<Vec<_>>();
                assert_eq!(row.values()?.len(), names.len());
                Ok(ControlFlow::Continue(()))
            })
            .unwrap();
        names.clone()
    };
    assert_eq!(look(connection.as_mut()), ["a"]);
    let change = |connection: &mut dyn larder::driver::Connection, sql: &str| {
        match subject.other(Access::Write, Duration::from_secs(20)) {
            Some(mut other) => other.execute(sql, &[]).unwrap(),
            None => connection.execute(sql, &[]).unwrap(),
        };
    };
    change(connection.as_mut(), "ALTER TABLE t ADD COLUMN b BIGINT DEFAULT 2");
    assert_eq!(look(connection.as_mut()), ["a", "b"]);
    change(connection.as_mut(), "ALTER TABLE t RENAME COLUMN a TO z");
    assert_eq!(look(connection.as_mut()), ["z", "b"]);
    change(connection.as_mut(), "ALTER TABLE t DROP COLUMN z");
    assert_eq!(look(connection.as_mut()), ["b"]);
    // The same text, a table of the same name: nothing of the old one is left.
    change(connection.as_mut(), "DROP TABLE t");
    change(connection.as_mut(), "CREATE TABLE t (x BIGINT, y BIGINT, z BIGINT)");
    change(connection.as_mut(), "INSERT INTO t VALUES (1, 2, 3)");
    assert_eq!(look(connection.as_mut()), ["x", "y", "z"]);
}

pub(crate) fn a_dropped_table_is_missed_and_a_new_one_found(subject: &Subject) {
    let db = subject.open();
    let count = "SELECT count(*) FROM t";
    assert_eq!(db.query_one::<i64>(count, &[]).unwrap_err().kind(), ErrorKind::Statement);
    db.execute("CREATE TABLE t (n BIGINT)", &[]).unwrap();
    assert_eq!(db.query_one::<i64>(count, &[]).unwrap(), 0);
    db.execute("DROP TABLE t", &[]).unwrap();
    assert_eq!(db.query_one::<i64>(count, &[]).unwrap_err().kind(), ErrorKind::Statement);
    db.execute("CREATE TABLE t (n BIGINT)", &[]).unwrap();
    assert_eq!(db.query_one::<i64>(count, &[]).unwrap(), 0);
}

pub(crate) fn rows_end_when_asked_to(subject: &Subject) {
    let mut connection = subject.connect();
    connection.execute("CREATE TABLE t (n INTEGER PRIMARY KEY)", &[]).unwrap();
    let mut seen = 0;
    // A server sends all rows of a question, wanted or not.
    let end = if subject.is_postgres() { "WHERE n < 100000" } else { "" };
    let endless =
        &format!("WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s {end}) SELECT n FROM s");
    for _ in 0..2 {
        connection
            .query(endless, &[], &mut |_| {
                seen += 1;
                Ok(if seen % 5 == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
            })
            .unwrap();
    }
    assert_eq!(seen, 10);
    // One that writes has written all, and committed, wherever its reader stopped.
    let write = "INSERT INTO t VALUES (1), (2), (3) RETURNING n";
    connection.query(write, &[], &mut |_| Ok(ControlFlow::Break(()))).unwrap();
    if let Some(mut other) = subject.other(Access::Read, Duration::from_secs(20)) {
        assert_eq!(rows(other.as_mut(), "SELECT count(*) FROM t", &[]).unwrap(), [[Value::Integer(3)]]);
    }
    connection.begin(Access::Write).unwrap();
    connection.execute("DELETE FROM t", &[]).unwrap();
    connection.commit().unwrap();
}

pub(crate) fn an_error_of_the_reader_comes_back_as_it_is(subject: &Subject) {
    let mut connection = subject.connect();
    let error = connection
        .query("SELECT 1 UNION ALL SELECT 2", &[], &mut |_| Err(Error::other("enough")))
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Application);
    assert_eq!(rows(connection.as_mut(), "SELECT 1 UNION ALL SELECT 2", &[]).unwrap().len(), 2);
}

pub(crate) fn rows_changed_are_counted(subject: &Subject) {
    let db = subject.open();
    let trigger: &[&str] = if subject.is_postgres() {
        &[
            "CREATE FUNCTION g() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO copy VALUES (new.n); RETURN new; END $$",
            "CREATE TRIGGER g AFTER INSERT ON t FOR EACH ROW EXECUTE FUNCTION g()",
        ]
    } else {
        &["CREATE TRIGGER g AFTER INSERT ON t BEGIN INSERT INTO copy VALUES (new.n); END"]
    };
    for sql in ["CREATE TABLE t (n INTEGER PRIMARY KEY, m INTEGER)", "CREATE TABLE copy (n INTEGER)"]
        .iter()
        .chain(trigger)
    {
        assert_eq!(db.execute(sql, &[]).unwrap(), 0, "{sql}");
    }
    for (sql, changed) in [
        ("INSERT INTO t (n) VALUES (1), (2), (3)", 3),
        ("UPDATE t SET m = 1 WHERE n > 1", 2),
        ("UPDATE t SET m = 1 WHERE n > 100", 0),
        ("SELECT * FROM t", 0),
        ("CREATE TABLE again AS SELECT * FROM t", 0),
        ("INSERT INTO t (n) VALUES (1) ON CONFLICT (n) DO UPDATE SET m = 2", 1),
        ("INSERT INTO t (n) VALUES (1), (9) ON CONFLICT DO NOTHING", 1),
        ("WITH w AS (SELECT 1 AS n) DELETE FROM t WHERE n IN (SELECT n FROM w)", 1),
        ("DELETE FROM t", 3),
        ("EXPLAIN DELETE FROM t", 0),
    ] {
        assert_eq!(db.execute(sql, &[]).unwrap(), changed, "{sql}");
    }
    if !subject.is_postgres() {
        db.execute("INSERT INTO t (n) VALUES (1)", &[]).unwrap();
        assert_eq!(db.execute("REPLACE INTO t (n) VALUES (1)", &[]).unwrap(), 1);
        assert_eq!(db.execute("INSERT OR IGNORE INTO t (n) VALUES (1), (9)", &[]).unwrap(), 1);
    }
}

pub(crate) fn one_row_is_one_row(subject: &Subject) {
    let db = subject.open();
    let (none, one, two) = ("SELECT 1 WHERE false", "SELECT 1", "SELECT 1 UNION ALL SELECT 2");
    assert_eq!(db.query_one::<i64>(none, &[]).unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(db.query_opt::<i64>(none, &[]).unwrap(), None);
    assert!(db.query_all::<i64>(none, &[]).unwrap().is_empty());
    assert_eq!(db.query_one::<i64>(one, &[]).unwrap(), 1);
    assert_eq!(db.query_opt::<i64>(one, &[]).unwrap(), Some(1));
    assert_eq!(db.query_one::<i64>(two, &[]).unwrap_err().kind(), ErrorKind::Conversion);
    assert_eq!(db.query_opt::<i64>(two, &[]).unwrap_err().kind(), ErrorKind::Conversion);
    assert_eq!(db.query_all::<i64>(two, &[]).unwrap(), [1, 2]);
}
