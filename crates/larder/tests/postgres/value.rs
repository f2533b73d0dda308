//! Values there and back.

use super::{Subject, failure, one, rows, run};
use larder::driver::Connection;
use larder::sql::ValueRef;
use larder::{ErrorKind, Json, ToValue, Value, params};
use proptest::prelude::*;
use std::ops::ControlFlow;

/// Asks three times: unprepared, prepared and run in one, and prepared.
#[track_caller]
fn thrice(connection: &mut dyn Connection, sql: &str, value: &dyn ToValue) -> Value {
    let first = one(connection, sql, &[("x", value)]);
    for _ in 0..2 {
        assert_eq!(one(connection, sql, &[("x", value)]), first, "{sql}");
    }
    assert!(connection.is_prepared(sql));
    first
}

#[test]
fn each_type_comes_as_the_value_that_is_documented() {
    let subject = Subject::new();
    let mut it = subject.connect();
    run(&mut *it, "CREATE TYPE mood AS ENUM ('sad', 'glad')");
    run(&mut *it, "CREATE DOMAIN small AS smallint CHECK (VALUE < 100)");
    run(&mut *it, "CREATE DOMAIN raw AS bytea");
    run(&mut *it, "CREATE TYPE pair AS (a int, b text)");
    let text = |text: &str| Value::Text(text.into());
    for (ty, given, expected) in [
        ("boolean", Value::Integer(1), Value::Integer(1)),
        ("smallint", Value::Integer(-32768), Value::Integer(-32768)),
        ("integer", Value::Integer(7), Value::Integer(7)),
        ("bigint", Value::Integer(i64::MIN), Value::Integer(i64::MIN)),
        ("oid", Value::Integer(4_000_000_000), Value::Integer(4_000_000_000)),
        ("small", Value::Integer(99), Value::Integer(99)),
        ("real", Value::Real(0.5), Value::Real(0.5)),
        ("double precision", Value::Real(0.1), Value::Real(0.1)),
        ("double precision", Value::Integer(3), Value::Real(3.0)),
        ("double precision", Value::Real(f64::INFINITY), Value::Real(f64::INFINITY)),
        ("numeric", text("123456789012345678901234567890.0100"), text("123456789012345678901234567890.0100")),
        ("numeric(10,2)", Value::Real(1.5), text("1.50")),
        ("text", text("é\n'\"\\"), text("é\n'\"\\")),
        ("text", Value::Integer(5), text("5")),
        ("varchar(3)", text("abc"), text("abc")),
        ("char(3)", text("a"), text("a  ")),
        ("bytea", Value::Blob(vec![0, 1, 255]), Value::Blob(vec![0, 1, 255])),
        ("bytea", Value::Blob(vec![]), Value::Blob(vec![])),
        ("timestamptz", text("2026-01-31T09:30:00.000000Z"), text("2026-01-31T09:30:00.000000Z")),
        ("timestamptz", text("2026-01-31 15:00:00.5+05:30"), text("2026-01-31T09:30:00.500000Z")),
        ("timestamptz", text("infinity"), text("infinity")),
        ("timestamptz", text("-infinity"), text("-infinity")),
        ("timestamptz", text("0044-03-15 00:00:00Z BC"), text("0044-03-15T00:00:00.000000Z BC")),
        ("timestamptz", text("12026-01-31 00:00:00Z"), text("12026-01-31T00:00:00.000000Z")),
        ("timestamp", text("2026-01-31 09:30:00.25"), text("2026-01-31T09:30:00.250000")),
        ("date", text("2026-01-31"), text("2026-01-31")),
        ("date", text("0044-03-15 BC"), text("0044-03-15 BC")),
        ("date", text("infinity"), text("infinity")),
        ("time", text("09:30:00.5"), text("09:30:00.5")),
        ("interval", text("1 day 02:03:04"), text("1 day 02:03:04")),
        ("uuid", text("67E55044-10B1-426F-9247-BB680E5FE0C8"), text("67e55044-10b1-426f-9247-bb680e5fe0c8")),
        ("json", text("{\"b\": 1}"), text("{\"b\": 1}")),
        ("jsonb", text("{\"b\":1,\"a\":[true]}"), text("{\"a\": [true], \"b\": 1}")),
        ("mood", text("glad"), text("glad")),
        ("integer[]", text("{1,NULL,3}"), text("{1,NULL,3}")),
        ("text[]", text("{a,\"b c\"}"), text("{a,\"b c\"}")),
        ("mood[]", text("{sad,glad}"), text("{sad,glad}")),
        ("inet", text("10.0.0.1/8"), text("10.0.0.1/8")),
        ("point", text("(1,2)"), text("(1,2)")),
        ("int4range", text("[1,5)"), text("[1,5)")),
        ("pair", text("(1,x)"), text("(1,x)")),
    ] {
        let sql = format!("SELECT CAST(:x AS {ty})");
        assert_eq!(thrice(&mut *it, &sql, &given), expected, "{ty}");
        assert_eq!(thrice(&mut *it, &sql, &Value::Null), Value::Null, "{ty}");
    }
    let domain = one(&mut *it, "SELECT CAST(:x AS raw)", params! { x: text("\\x01ff") });
    assert_eq!(domain, Value::Blob(vec![1, 255]));
}

#[test]
fn a_value_that_does_not_fit_is_refused_without_being_shown() {
    let subject = Subject::new();
    let mut it = subject.connect();
    run(&mut *it, "CREATE TABLE t (s smallint, n integer, b boolean, t text, x bytea, at timestamptz)");
    let secret = Value::Text("secret".into());
    for (column, value, kind) in [
        ("s", Value::Integer(70_000), ErrorKind::Parameter),
        ("n", Value::Integer(1 << 40), ErrorKind::Parameter),
        ("b", Value::Integer(2), ErrorKind::Parameter),
        ("n", secret.clone(), ErrorKind::Parameter),
        ("n", Value::Real(1.5), ErrorKind::Parameter),
        ("at", secret.clone(), ErrorKind::Parameter),
        ("t", Value::Text("se\0cret".into()), ErrorKind::Parameter),
        ("b", secret, ErrorKind::Parameter),
    ] {
        let sql = format!("INSERT INTO t ({column}) VALUES (:value)");
        for round in 0..3 {
            let error = failure(it.execute(&sql, params! { value }));
            assert_eq!(error.kind(), kind, "{column} {value:?} {round}: {error:?}");
            assert!(error.message().contains(":value"), "{error:?}");
            // What does fit has it prepared.
            it.execute(&sql, params! { value: Value::Null }).unwrap();
        }
    }
    for column in ["n", "t", "at"] {
        let sql = format!("INSERT INTO t ({column}) VALUES (:value)");
        let error = failure(it.execute(&sql, params! { value: [1u8, 2] }));
        assert!(matches!(error.kind(), ErrorKind::Parameter | ErrorKind::Statement), "{error:?}");
    }
    assert_eq!(
        one(&mut *it, "SELECT count(*) FROM t WHERE coalesce(t, n::text, s::text, b::text) IS NOT NULL", &[]),
        Value::Integer(0)
    );
}

#[test]
fn rows_become_types() {
    let subject = Subject::new();
    let mut it = subject.connect();
    let at: jiff::Timestamp = "2026-01-31T09:30:00.123456Z".parse().unwrap();
    let id: uuid::Uuid = "67e55044-10b1-426f-9247-bb680e5fe0c8".parse().unwrap();
    let tags = Json(vec!["a".to_owned(), "b".to_owned()]);
    for _ in 0..3 {
        let mut seen = None;
        it.query(
            "SELECT CAST(:at AS timestamptz), CAST(:id AS uuid), CAST(:tags AS jsonb), CAST(:yes AS boolean), CAST(:n AS int)",
            params! { at, id, tags: tags, yes: true, n: 5 },
            &mut |row| {
                seen = Some(row.to::<(jiff::Timestamp, uuid::Uuid, Json<Vec<String>>, bool, i32)>()?);
                Ok(ControlFlow::Continue(()))
            },
        )
        .unwrap();
        assert_eq!(seen.unwrap(), (at, id, tags.clone(), true, 5));
    }
}

#[test]
fn parameters_without_a_type_have_that_of_their_value() {
    let subject = Subject::new();
    let mut it = subject.connect();
    for depth in 0..2 {
        assert_eq!(one(&mut *it, "SELECT :a + :b", params! { a: 7, b: 1 }), Value::Integer(8));
        assert_eq!(one(&mut *it, "SELECT :a", params! { a: "x" }), Value::Text("x".into()));
        if depth == 0 {
            it.begin(larder::driver::Access::Write).unwrap();
        }
    }
    it.commit().unwrap();
}

#[test]
fn names_of_columns_are_known_without_rows() {
    let subject = Subject::new();
    let mut it = subject.connect();
    for _ in 0..3 {
        it.query("SELECT 1 AS a, 'x' AS \"Ä b\"", &[], &mut |row| {
            assert_eq!(row.columns(), ["a".into(), "Ä b".into()]);
            Ok(ControlFlow::Continue(()))
        })
        .unwrap();
    }
}

#[test]
fn a_large_value_and_many_rows_pass() {
    let subject = Subject::new();
    let mut it = subject.connect();
    let large = vec![7u8; 5_000_000];
    for _ in 0..3 {
        assert_eq!(
            one(&mut *it, "SELECT CAST(:x AS bytea)", params! { x: large }),
            Value::Blob(large.clone())
        );
    }
    let mut sum = 0;
    it.query("SELECT n, repeat('x', n % 300) FROM generate_series(1, 50000) n", &[], &mut |row| {
        sum += row.get::<i64>(0)?;
        assert_eq!(row.get::<&str>(1)?.len() as i64, row.get::<i64>(0)? % 300);
        Ok(ControlFlow::Continue(()))
    })
    .unwrap();
    assert_eq!(sum, 50_000 * 50_001 / 2);
    let mut seen = 0;
    it.query("SELECT n FROM generate_series(1, 50000) n", &[], &mut |_| {
        seen += 1;
        Ok(if seen == 3 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
    })
    .unwrap();
    assert_eq!((seen, one(&mut *it, "SELECT 1", &[])), (3, Value::Integer(1)));
}

#[test]
fn what_comes_is_what_the_server_makes_of_it_as_text() {
    let subject = Subject::new();
    let connection = std::cell::RefCell::new(subject.connect());
    let same = |ty: &str, given: Value| {
        let mut it = connection.borrow_mut();
        let sql = format!("SELECT CAST(:x AS {ty}), CAST(CAST(:x AS {ty}) AS text)");
        for row in rows(&mut **it, &sql, params! { x: given }).unwrap() {
            let said = match &row[1] {
                Value::Text(text) => text.clone(),
                other => panic!("{other:?}"),
            };
            let expected = match ty {
                "timestamptz" => format!("{}Z", said.replace(' ', "T").trim_end_matches("+00")),
                _ => said,
            };
            match (&row[0], ty) {
                (Value::Text(text), "timestamptz") => {
                    // The server leaves zeros away.
                    let (whole, fraction) = text.trim_end_matches('Z').split_once('.').unwrap();
                    let fraction = fraction.trim_end_matches('0');
                    let short =
                        if fraction.is_empty() { whole.to_owned() } else { format!("{whole}.{fraction}") };
                    assert_eq!(format!("{short}Z"), expected);
                }
                (Value::Real(x), _) => {
                    assert!(x.is_nan() && expected == "NaN" || *x == expected.parse::<f64>().unwrap())
                }
                (value, _) => assert_eq!(value.to_string(), expected),
            }
        }
    };
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
        cases: 150,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let strategy =
        (any::<i64>(), any::<f64>(), "[^\0]{0,12}", -62_135_596_800_000_000_i64..253_402_300_799_999_999);
    runner
        .run(&strategy, |(n, x, text, micros)| {
            same("bigint", Value::Integer(n));
            same("integer", Value::Integer(n >> 32));
            same("double precision", Value::Real(x));
            same("text", Value::Text(text));
            same("numeric", Value::Text(format!("{n}.{:04}", n.unsigned_abs() % 10_000)));
            let at = jiff::Timestamp::from_microsecond(micros).unwrap();
            same("timestamptz", at.to_value().unwrap().into_value());
            Ok(())
        })
        .unwrap();
}

#[test]
fn a_list_of_values_goes_in_the_order_of_the_names() {
    let subject = Subject::new();
    let mut it = subject.connect();
    run(&mut *it, "CREATE TABLE t (a int, b text)");
    for _ in 0..3 {
        let values = [ValueRef::Text("x"), ValueRef::Integer(1)];
        assert_eq!(it.execute_list("INSERT INTO t (b, a) VALUES (:b, :a)", &values).unwrap(), 1);
    }
    let error = it.execute_list("INSERT INTO t (b, a) VALUES (:b, :a)", &[ValueRef::Null]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Parameter);
    assert_eq!(rows(&mut *it, "SELECT a, b FROM t", &[]).unwrap().len(), 3);
}
