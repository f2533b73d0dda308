//! On PostgreSQL a column declares a type: what goes in is converted to it, and comes out as the same value that SQLite would give.

use crate::kit::Subject;
use jiff::Timestamp;
use larder::{ErrorKind, Json, ToValue, Value};
use uuid::Uuid;

pub(crate) fn what_a_column_declares_is_what_comes_back(subject: &Subject) {
    let db = subject.open();
    db.execute("CREATE TYPE mood AS ENUM ('sad', 'fine')", &[]).unwrap();
    let text = |text: &str| Value::Text(text.to_owned());
    let (uuid, at) = (Uuid::from_u128(77), "2026-01-31T09:30:00.5Z".parse::<Timestamp>().unwrap());
    let json = Json(serde_json::json!({"b": [1, null], "a": "x"}));
    let cases: Vec<(&str, Box<dyn ToValue>, Value)> = vec![
        ("BOOLEAN", Box::new(true), Value::Integer(1)),
        ("BOOLEAN", Box::new(0), Value::Integer(0)),
        ("SMALLINT", Box::new(-32_768), Value::Integer(-32_768)),
        ("INTEGER", Box::new(2_147_483_647), Value::Integer(2_147_483_647)),
        ("BIGINT", Box::new(i64::MIN), Value::Integer(i64::MIN)),
        ("REAL", Box::new(0.5), Value::Real(0.5)),
        ("DOUBLE PRECISION", Box::new(0.1), Value::Real(0.1)),
        // A whole number is one of these too.
        ("DOUBLE PRECISION", Box::new(7), Value::Real(7.0)),
        ("NUMERIC(20, 2)", Box::new("12345678901234567.50"), text("12345678901234567.50")),
        ("NUMERIC", Box::new(5), text("5")),
        ("TEXT", Box::new("zwölf"), text("zwölf")),
        ("VARCHAR(5)", Box::new("abc"), text("abc")),
        ("BYTEA", Box::new(vec![0_u8, 255]), Value::Blob(vec![0, 255])),
        ("UUID", Box::new(uuid), text(&uuid.to_string())),
        ("TIMESTAMPTZ", Box::new(at), text("2026-01-31T09:30:00.500000Z")),
        ("TIMESTAMPTZ", Box::new("2026-01-31T10:30:00+01:00"), text("2026-01-31T09:30:00.000000Z")),
        ("TIMESTAMPTZ", Box::new("infinity"), text("infinity")),
        ("DATE", Box::new("2026-01-31"), text("2026-01-31")),
        ("JSON", Box::new(json), text("{\"a\":\"x\",\"b\":[1,null]}")),
        ("JSONB", Box::new("[1, 2]"), text("[1, 2]")),
        ("INTEGER[]", Box::new("{1,2,NULL}"), text("{1,2,NULL}")),
        ("mood", Box::new("fine"), text("fine")),
        ("mood", Box::new(None::<String>), Value::Null),
    ];
    for (number, (sort, given, expected)) in cases.iter().enumerate() {
        let table = format!("typed_{number}");
        db.execute(&format!("CREATE TABLE {table} (v {sort})"), &[]).unwrap();
        // Once, and prepared.
        for _ in 0..6 {
            db.execute(&format!("INSERT INTO {table} VALUES (:v)"), &[("v", given.as_ref())]).unwrap();
        }
        assert_eq!(
            db.query_all::<Value>(&format!("SELECT v FROM {table}"), &[]).unwrap(),
            vec![expected.clone(); 6],
            "{sort}"
        );
        let again = &format!("SELECT count(*) FROM {table} WHERE v = :v");
        if !sort.starts_with("JSON") && *expected != Value::Null {
            assert_eq!(db.query_one::<i64>(again, &[("v", given.as_ref())]).unwrap(), 6, "{sort}");
        }
    }
}

pub(crate) fn what_does_not_fit_a_column_is_refused(subject: &Subject) {
    let db = subject.open();
    let cases: Vec<(&str, Box<dyn ToValue>)> = vec![
        ("SMALLINT", Box::new(70_707)),
        ("INTEGER", Box::new(70_707_070_707_i64)),
        ("INTEGER", Box::new(1.5)),
        ("INTEGER", Box::new("hunter2")),
        ("UUID", Box::new("hunter2")),
        ("TIMESTAMPTZ", Box::new("hunter2")),
        ("JSONB", Box::new("hunter2")),
        ("BOOLEAN", Box::new("hunter2")),
        ("INTEGER[]", Box::new("hunter2")),
    ];
    for (number, (sort, given)) in cases.iter().enumerate() {
        let table = format!("typed_{number}");
        db.execute(&format!("CREATE TABLE {table} (v {sort})"), &[]).unwrap();
        let error =
            db.execute(&format!("INSERT INTO {table} VALUES (:v)"), &[("v", given.as_ref())]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Parameter, "{sort}: {error:?}");
        assert!(error.message().contains(":v"), "{sort}: {error}");
        let told = format!("{error:?} {error}");
        assert!(!told.contains("hunter2") && !told.contains("70707"), "{told}");
        assert_eq!(db.query_one::<i64>(&format!("SELECT count(*) FROM {table}"), &[]).unwrap(), 0);
    }
}
