//! Parameters are named, and strictly so: what does not fit is refused before anything runs.

use crate::kit::{Subject, rows};
use larder::driver::sqlite::with_connection;
use larder::{Database, Error, ErrorKind, Param, ToValue, Value, ValueRef, params};

fn numbers(subject: &Subject) -> Database {
    let db = subject.open();
    db.execute("CREATE TABLE t (n INTEGER PRIMARY KEY)", &[]).unwrap();
    db.execute(
        "INSERT INTO t WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 100) SELECT n FROM s",
        &[],
    )
    .unwrap();
    db
}

pub(crate) fn they_are_found_by_name_in_any_order(subject: &Subject) {
    let db = subject.open();
    let sql = "SELECT CAST(:a AS BIGINT), CAST(:b AS TEXT), CAST(:c AS DOUBLE PRECISION)";
    let expected = (1, "two".to_owned(), 3.5);
    for list in [
        params! { a: 1, b: "two", c: 3.5 },
        params! { c: 3.5, b: "two", a: 1 },
        params! { b: "two", a: 1, c: 3.5 },
    ] {
        assert_eq!(db.query_one::<(i64, String, f64)>(sql, list).unwrap(), expected);
    }
    let text = "SELECT ':a', \":a\" FROM (SELECT 1 AS \":a\") AS s /* :b */ WHERE 1 = :ä_1 -- :c";
    assert_eq!(db.query_one::<(String, i64)>(text, params! { ä_1: 1 }).unwrap(), (":a".into(), 1));
}

pub(crate) fn one_name_many_places_one_value(subject: &Subject) {
    let db = subject.open();
    let sql = "SELECT :x || :y || :x || :y";
    assert_eq!(db.query_one::<String>(sql, params! { y: "b", x: "a" }).unwrap(), "abab");
}

pub(crate) fn those_that_do_not_fit_are_refused_before_anything_runs(subject: &Subject) {
    let db = numbers(subject);
    let insert = "INSERT INTO t VALUES (:n)";
    let one: &dyn ToValue = &1001;
    let none: &[Param<'_>] = &[];
    for (list, named) in [
        (none, "not given: :n"),
        (&[("m", one)][..], ":m"),
        (&[("n", one), ("m", one)][..], "not in the statement: :m"),
        (&[("n", one), ("n", one)][..], "given more than once: :n"),
        (&[(":n", one)][..], "not in the statement"),
        (&[("N", one)][..], ":N"),
    ] {
        let check = |error: Error| {
            assert_eq!(error.kind(), ErrorKind::Parameter, "{error:?}");
            assert!(error.message().contains(named), "{named}: {error}");
            assert_eq!(error.help(), Some("the statement has :n"));
        };
        check(db.execute(insert, list).unwrap_err());
        check(db.write(|tx| tx.execute(insert, list)).unwrap_err());
    }
    assert_eq!(
        db.query_one::<i64>("SELECT 1", params! { n: 1 }).unwrap_err().help(),
        Some("the statement has no parameters")
    );
    assert_eq!(db.query_one::<i64>("SELECT count(*) FROM t", &[]).unwrap(), 100);
}

pub(crate) fn other_forms_are_refused(subject: &Subject) {
    let db = subject.open();
    for sql in ["SELECT ?", "SELECT ?1", "SELECT @x", "SELECT $x", "SELECT :1"] {
        let error = db.query_one::<i64>(sql, params! { x: 1 }).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Parameter, "{sql}: {error:?}");
        let offset = error.location().map(|place| place.offset);
        assert!(offset == Some(7) || subject.is_postgres() && offset.is_none(), "{sql}: {error:?}");
    }
}

pub(crate) fn what_the_database_can_not_hold_is_refused(subject: &Subject) {
    let db = subject.open();
    let list: [&dyn ToValue; 5] = [&u64::MAX, &i128::MAX, &i128::MIN, &u128::MAX, &f64::NAN];
    // PostgreSQL has a place for what is not a number.
    for value in list.into_iter().take(if subject.is_postgres() { 4 } else { 5 }) {
        let error = db.query_one::<Value>("SELECT :v", &[("v", value)]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Parameter, "{error:?}");
    }
    // The statement is not spoilt by it.
    assert_eq!(db.query_one::<i64>("SELECT CAST(:v AS BIGINT)", params! { v: 7 }).unwrap(), 7);
}

pub(crate) fn the_values_of_an_earlier_call_are_gone(subject: &Subject) {
    let db = subject.open();
    let sql = "SELECT CAST(:a AS BIGINT), CAST(:b AS BIGINT)";
    assert_eq!(db.query_one::<(i64, i64)>(sql, params! { a: 1, b: 2 }).unwrap(), (1, 2));
    // The first value is bound before the second is refused.
    db.query_one::<(i64, i64)>(sql, params! { a: 3, b: u64::MAX }).unwrap_err();
    let empty = params! { b: None::<i64>, a: None::<i64> };
    assert_eq!(db.query_one::<(Option<i64>, Option<i64>)>(sql, empty).unwrap(), (None, None));
}

pub(crate) fn values_in_a_list_need_no_names(subject: &Subject) {
    let mut connection = subject.connect();
    let table = format!("CREATE TABLE t (a TEXT, b TEXT, c {})", subject.blob());
    connection.execute(&table, &[]).unwrap();
    let insert = "INSERT INTO t VALUES (:b, CAST(:a AS TEXT) || :b, :c)";
    // The second time a statement with this text stands beside it, which is not to be taken for it.
    for round in 0..2 {
        let text = String::from("text");
        let list = [ValueRef::Text(&text), ValueRef::Integer(7), ValueRef::Blob(&[1, 2])];
        assert_eq!(connection.execute_list(insert, &list).unwrap(), 1);
        let list = [ValueRef::Text(""), ValueRef::Real(0.5), ValueRef::Blob(&[])];
        assert_eq!(connection.execute_list(insert, &list).unwrap(), 1);
        assert_eq!(connection.execute_list(insert, &[ValueRef::Null; 3]).unwrap(), 1);
        drop(text);
        for list in [&[][..], &[ValueRef::Null; 2], &[ValueRef::Null; 4]] {
            assert_eq!(connection.execute_list(insert, list).unwrap_err().kind(), ErrorKind::Parameter);
        }
        if !subject.is_postgres() {
            let list = [ValueRef::Null, ValueRef::Real(f64::NAN), ValueRef::Null];
            let error = connection.execute_list(insert, &list).unwrap_err();
            assert!(error.message().contains(":a"));
        }
        let found = rows(&mut *connection, "SELECT * FROM t", &[]).unwrap();
        let text = |text: &str| Value::Text(text.into());
        let expected = [
            [text("text"), text("7text"), Value::Blob(vec![1, 2])],
            [text(""), text("0.5"), Value::Blob(Vec::new())],
            [Value::Null, Value::Null, Value::Null],
        ];
        assert_eq!(found, expected, "round {round}");
        connection.execute("DROP TABLE t", &[]).unwrap();
        connection.execute(&table, &[]).unwrap();
        if !subject.is_postgres() {
            with_connection(&mut *connection, |raw| drop(raw.prepare_cached(insert).unwrap()));
        }
    }
}

pub(crate) fn a_bound_limit_and_range_are_obeyed(subject: &Subject) {
    let db = numbers(subject);
    // With statistics the planner looks at bound values and prepares again when they change.
    db.execute("ANALYZE", &[]).unwrap();
    let sql = "SELECT n FROM t WHERE n > :from ORDER BY n LIMIT :limit OFFSET :skip";
    // Less than none means all on SQLite, and is refused by PostgreSQL.
    let all = if subject.is_postgres() { 1_000 } else { -1 };
    for (from, limit, skip) in [(0, 3, 0), (50, 1, 2), (99, 10, 0), (100, 10, 0), (10, 0, 0), (98, all, 1)] {
        let found: Vec<i64> = db.query_all(sql, params! { limit, from, skip }).unwrap();
        let most = usize::try_from(limit).unwrap_or(usize::MAX);
        let expected: Vec<i64> = (from + 1..=100).skip(usize::try_from(skip).unwrap()).take(most).collect();
        assert_eq!(found, expected);
    }
}
