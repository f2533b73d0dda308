//! Values: what goes in comes out, into every form that a program may ask for, and what does not fit is told without
//! telling the value.

use crate::kit::Subject;
use jiff::Timestamp;
use larder::{Database, ErrorKind, Json, ToValue, Value, ValueRef, params};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::fmt::Debug;
use ulid::Ulid;
use uuid::Uuid;

/// A table that keeps any value, and how a statement gives one back.
pub(crate) struct Kept<'a> {
    subject: &'a Subject,
    db: Database,
}

impl Kept<'_> {
    /// Where the engine wants to know: the column for such a value, and its type.
    fn column(&self, value: &dyn ToValue) -> (&'static str, &'static str) {
        if !self.subject.is_postgres() {
            return ("v", "");
        }
        match value.to_value().unwrap().as_ref() {
            ValueRef::Integer(_) => ("n", "BIGINT"),
            ValueRef::Real(_) => ("r", "DOUBLE PRECISION"),
            ValueRef::Blob(_) => ("b", "BYTEA"),
            _ => ("t", "TEXT"),
        }
    }

    /// `:v` as a value of its type.
    fn given(&self, value: &dyn ToValue) -> String {
        match self.column(value).1 {
            "" => ":v".to_owned(),
            sort => format!("CAST(:v AS {sort})"),
        }
    }

    fn keep<T: ToValue + DeserializeOwned + Send>(&self, value: &T) -> larder::Result<T> {
        let (column, _) = self.column(value);
        let insert = format!("INSERT INTO kept ({column}) VALUES (:v)");
        let select = format!("SELECT {column} FROM kept");
        self.db.write(|tx| {
            tx.execute("DELETE FROM kept", &[])?;
            tx.execute(&insert, &[("v", value)])?;
            tx.query_one(&select, &[])
        })
    }
}

/// Through a parameter and a column, and through a parameter alone.
fn same<T: ToValue + DeserializeOwned + PartialEq + Debug + Send>(kept: &Kept<'_>, value: &T) {
    let sql = format!("SELECT {}", kept.given(value));
    assert_eq!(&kept.db.query_one::<T>(&sql, &[("v", value)]).unwrap(), value);
    assert_eq!(&kept.keep(value).unwrap(), value);
}

/// The same for a text with a NUL, which PostgreSQL has no place for.
fn same_or_refused(kept: &Kept<'_>, text: &str) {
    if !kept.subject.is_postgres() || !text.contains('\0') {
        return same(kept, &text.to_owned());
    }
    let error = kept.keep(&text.to_owned()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Parameter, "{error:?}");
    let error = kept.db.query_one::<String>("SELECT CAST(:v AS TEXT)", params! { v: text }).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Parameter, "{error:?}");
}

fn keeping(subject: &Subject) -> Kept<'_> {
    let db = subject.open();
    let table = if subject.is_postgres() {
        "CREATE TABLE kept (n BIGINT, r DOUBLE PRECISION, t TEXT, b BYTEA)"
    } else {
        "CREATE TABLE kept (v ANY) STRICT"
    };
    db.execute(table, &[]).unwrap();
    Kept { subject, db }
}

/// Bytes as a word of the engine.
fn bytes(subject: &Subject, hex: &str) -> String {
    if subject.is_postgres() { format!("CAST('\\x{hex}' AS BYTEA)") } else { format!("x'{hex}'") }
}

#[derive(Debug, PartialEq, Clone, Serialize, Deserialize)]
struct Tags {
    list: Vec<String>,
    depth: Option<u8>,
}

pub(crate) fn every_type_comes_back(subject: &Subject) {
    let kept = keeping(subject);
    same(&kept, &true);
    same(&kept, &false);
    same(&kept, &-8_i8);
    same(&kept, &-16_i16);
    same(&kept, &-32_i32);
    same(&kept, &-64_i64);
    same(&kept, &8_u8);
    same(&kept, &16_u16);
    same(&kept, &32_u32);
    same(&kept, &64_u64);
    same(&kept, &64_usize);
    same(&kept, &-64_isize);
    same(&kept, &-128_i128);
    same(&kept, &128_u128);
    same(&kept, &0.1_f32);
    same(&kept, &-1.5e300_f64);
    same(&kept, &"text".to_owned());
    same(&kept, &Cow::<str>::Owned("text".into()));
    same(&kept, &vec![0_u8, 1, 255]);
    same(&kept, &[0_u8, 1, 255]);
    same(&kept, &[7_u8; 16]);
    same(&kept, &None::<i64>);
    same(&kept, &Some(5_i64));
    same(&kept, &Some("x".to_owned()));
    same(&kept, &Some(vec![1_u8, 2]));
    same(&kept, &"2026-01-31T09:30:00.123456Z".parse::<Timestamp>().unwrap());
    same(&kept, &Some(Timestamp::UNIX_EPOCH));
    same(&kept, &Ulid::from_parts(1_700_000_000_000, 42));
    same(&kept, &Uuid::from_u128(0x1234_5678_9abc_def0));
    same(&kept, &Json(Tags { list: vec!["a".into(), "\"ü\0".into()], depth: Some(3) }));
    same(&kept, &Json(serde_json::json!({"a": [1, null, "x"], "b": {}})));
    let db = &kept.db;
    assert_eq!(db.query_one::<String>("SELECT :v", params! { v: "borrowed" }).unwrap(), "borrowed");
    let sql = format!("SELECT CAST(:v AS {})", subject.blob());
    assert_eq!(db.query_one::<Vec<u8>>(&sql, params! { v: [1_u8, 2].as_slice() }).unwrap(), [1, 2]);
    let object = serde_json::json!({"a": 1});
    assert_eq!(
        db.query_one::<Json<serde_json::Value>>("SELECT :object", params! { object }).unwrap().0,
        object
    );
    // Bytes of a uuid that another program stored.
    let uuid = Uuid::from_u128(77);
    assert_eq!(db.query_one::<Uuid>(&sql, params! { v: uuid.as_bytes().as_slice() }).unwrap(), uuid);
}

pub(crate) fn every_value_comes_back(subject: &Subject) {
    let kept = keeping(subject);
    let value = prop_oneof![
        Just(Value::Null),
        any::<i64>().prop_map(Value::Integer),
        // What is not a number is refused; negative nought is nought in the engine.
        any::<f64>().prop_filter("a number", |x| !x.is_nan()).prop_map(|x| Value::Real(x + 0.0)),
        any::<String>().prop_map(Value::Text),
        prop::collection::vec(any::<u8>(), 0..200).prop_map(Value::Blob),
    ];
    let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) };
    TestRunner::new(config)
        .run(&value, |value| {
            match &value {
                Value::Text(text) => same_or_refused(&kept, text),
                value => same(&kept, value),
            }
            Ok(())
        })
        .unwrap();
}

pub(crate) fn the_ends_of_the_ranges_come_back(subject: &Subject) {
    let kept = keeping(subject);
    same(&kept, &i64::MIN);
    same(&kept, &i64::MAX);
    same(&kept, &u32::MAX);
    same(&kept, &f64::MAX);
    same(&kept, &f64::MIN_POSITIVE);
    same(&kept, &f64::INFINITY);
    same(&kept, &f64::NEG_INFINITY);
    same(&kept, &f32::MAX);
    same(&kept, &String::new());
    same(&kept, &Vec::<u8>::new());
    same_or_refused(&kept, "a\0b\0");
    same(&kept, &"\u{10ffff}é\u{feff}".to_owned());
    same(&kept, &Ulid::nil());
    same(&kept, &Uuid::max());
    // A whole number in a column of real numbers is a real number when it is exact, and else refused.
    let db = &kept.db;
    assert_eq!(db.query_one::<f64>("SELECT 9007199254740992", &[]).unwrap(), 9_007_199_254_740_992.0);
    let error = db.query_one::<f64>("SELECT 9007199254740993", &[]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conversion);
    for sql in ["SELECT 256", "SELECT -1", "SELECT 1.0", "SELECT '1'"] {
        assert_eq!(db.query_one::<u8>(sql, &[]).unwrap_err().kind(), ErrorKind::Conversion, "{sql}");
    }
}

pub(crate) fn large_values_come_back(subject: &Subject) {
    let kept = keeping(subject);
    let blob: Vec<u8> = (0..20_000_000_u32).map(|n| n.to_le_bytes()[n as usize % 3]).collect();
    let found = kept.keep(&Value::Blob(blob.clone())).unwrap();
    assert!(found == Value::Blob(blob), "20 MB came back otherwise");
    let text = "é".repeat(3_000_000);
    let length: i64 = kept.db.query_one("SELECT length(CAST(:text AS TEXT))", params! { text }).unwrap();
    assert_eq!(length, 3_000_000);
    // Beyond what the engine takes for one value.
    let sql =
        if subject.is_postgres() { "SELECT repeat('x', 2000000000)" } else { "SELECT zeroblob(2000000000)" };
    let error = kept.db.query_one::<Value>(sql, &[]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Statement, "{error:?}");
}

#[derive(Debug, PartialEq, Deserialize)]
struct Id(i64);

#[derive(Debug, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Status {
    Running,
    AllDone,
}

#[derive(Debug, PartialEq, Deserialize)]
struct Run {
    id: Id,
    status: Status,
    at: Timestamp,
    note: Option<String>,
    tags: Json<Vec<String>>,
    payload: Vec<u8>,
    done: bool,
    #[serde(default)]
    extra: i64,
    raw: Value,
}

fn run(subject: &Subject) -> String {
    let payload = bytes(subject, "0102");
    format!(
        "SELECT {payload} AS payload, 1 AS done, 'all_done' AS status, 7 AS id, NULL AS note, 5 AS not_asked_for,
        '2026-01-31T09:30:00.000000Z' AS at, '[\"a\"]' AS tags, CAST(1.5 AS DOUBLE PRECISION) AS raw"
    )
}

pub(crate) fn structs_take_columns_by_name(subject: &Subject) {
    let db = subject.open();
    let sql = &run(subject);
    let run: Run = db.query_one(sql, &[]).unwrap();
    let expected = Run {
        id: Id(7),
        status: Status::AllDone,
        at: "2026-01-31T09:30:00Z".parse().unwrap(),
        note: None,
        tags: Json(vec!["a".into()]),
        payload: vec![1, 2],
        done: true,
        extra: 0,
        raw: Value::Real(1.5),
    };
    assert_eq!(run, expected);
    assert_eq!(db.query_opt::<Run>(sql, &[]).unwrap().unwrap(), expected);
    assert_eq!(db.query_all::<Run>(sql, &[]).unwrap(), [expected]);
    let map: std::collections::BTreeMap<String, i64> = db.query_one("SELECT 1 AS a, 2 AS b", &[]).unwrap();
    assert_eq!(map.into_iter().collect::<Vec<_>>(), [("a".to_owned(), 1), ("b".to_owned(), 2)]);
}

pub(crate) fn tuples_take_columns_by_position(subject: &Subject) {
    let db = subject.open();
    #[derive(Debug, PartialEq, Deserialize)]
    struct Pair(i64, String);
    let sql = "SELECT 1 AS b, 'x' AS a";
    assert_eq!(db.query_one::<(i64, String)>(sql, &[]).unwrap(), (1, "x".into()));
    assert_eq!(db.query_one::<Pair>(sql, &[]).unwrap(), Pair(1, "x".into()));
    assert_eq!(
        db.query_one::<(Id, Option<Status>)>("SELECT 1, 'running'", &[]).unwrap(),
        (Id(1), Some(Status::Running))
    );
    assert_eq!(db.query_one::<(i64,)>("SELECT 1", &[]).unwrap(), (1,));
    assert_eq!(db.query_one::<Id>("SELECT 1", &[]).unwrap(), Id(1));
    assert_eq!(db.query_one::<Vec<Value>>(sql, &[]).unwrap(), [Value::Integer(1), Value::Text("x".into())]);
    assert_eq!(db.query_one::<Option<(i64, i64)>>("SELECT 1, 2", &[]).unwrap(), Some((1, 2)));
    assert_eq!(db.query_one::<Option<i64>>("SELECT NULL", &[]).unwrap(), None);
    assert_eq!(db.query_opt::<Option<i64>>("SELECT NULL", &[]).unwrap(), Some(None));
    db.query_one::<()>("SELECT 1", &[]).unwrap();
}

pub(crate) fn columns_are_taken_one_by_one(subject: &Subject) {
    let db = subject.open();
    let sql = &format!("SELECT 1 AS n, 'text' AS t, {} AS b, NULL AS z", bytes(subject, "ff"));
    db.read(|tx| {
        tx.query_each(sql, &[], |row| {
            assert_eq!(row.get::<i64>(0)?, 1);
            assert_eq!(row.get::<&str>("t")?, "text");
            assert_eq!(row.get::<Vec<u8>>("b")?, [255]);
            assert_eq!(row.get::<Option<i64>>("z")?, None);
            assert_eq!(row.value("b")?.to_owned(), Value::Blob(vec![255]));
            assert_eq!(row.columns().iter().map(|name| &**name).collect::<Vec<_>>(), ["n", "t", "b", "z"]);
            for error in [
                row.get::<i64>(4).unwrap_err(),
                row.get::<i64>("N").unwrap_err(),
                row.value("x").unwrap_err(),
            ] {
                assert_eq!(error.kind(), ErrorKind::Conversion, "{error:?}");
            }
            assert!(row.get::<i64>("t").unwrap_err().message().contains("column `t` (position 1)"));
            Ok(std::ops::ControlFlow::Continue(()))
        })
    })
    .unwrap();
}

pub(crate) fn enums_are_text(subject: &Subject) {
    let db = subject.open();
    assert_eq!(db.query_one::<Status>("SELECT 'running'", &[]).unwrap(), Status::Running);
    assert_eq!(db.query_all::<Status>("SELECT 'running' UNION ALL SELECT 'all_done'", &[]).unwrap().len(), 2);
    assert_eq!(db.query_one::<Option<Status>>("SELECT NULL", &[]).unwrap(), None);
    let error = db.query_one::<Status>("SELECT 'Hidden' AS v", &[]).unwrap_err();
    assert_eq!(
        error.message(),
        "column `v` (position 0): it holds text that is none of `running`, `all_done`"
    );
}

const SECRET: &str = "hunter2-Swordfish";

/// Reads the value into `T`, by the row and by the column, and looks at what is said.
fn unfit<T: DeserializeOwned + Debug>(kept: &Kept<'_>, value: &dyn ToValue) {
    let (db, list, given) = (&kept.db, [("v", value)], kept.given(value));
    let alone = format!("SELECT {given} AS v");
    let mut errors = vec![db.query_one::<T>(&alone, &list).unwrap_err()];
    errors.push(db.query_one::<(T,)>(&alone, &list).unwrap_err());
    db.read(|tx| {
        tx.query_each(&format!("SELECT 1, {given} AS v"), &list, |row| {
            errors.push(row.get::<T>("v").unwrap_err());
            errors.push(row.to::<(i64, T)>().unwrap_err());
            Ok(std::ops::ControlFlow::Continue(()))
        })
    })
    .unwrap();
    for error in errors {
        let told = format!("{error:?} {error}");
        assert_eq!(error.kind(), ErrorKind::Conversion, "{told}");
        assert!(error.message().contains("column `v`"), "{told}");
        assert!(!told.contains("hunter2") && !told.contains("Swordfish"), "{told}");
    }
}

pub(crate) fn a_value_of_a_wrong_type_names_the_column_and_not_the_value(subject: &Subject) {
    let kept = keeping(subject);
    unfit::<i64>(&kept, &SECRET);
    unfit::<u8>(&kept, &SECRET);
    unfit::<f64>(&kept, &SECRET);
    unfit::<bool>(&kept, &SECRET);
    unfit::<bool>(&kept, &2);
    unfit::<char>(&kept, &SECRET);
    unfit::<Option<i64>>(&kept, &SECRET);
    unfit::<Id>(&kept, &SECRET);
    unfit::<Status>(&kept, &SECRET);
    unfit::<Status>(&kept, &1);
    unfit::<Timestamp>(&kept, &SECRET);
    unfit::<Timestamp>(&kept, &1);
    unfit::<Ulid>(&kept, &SECRET);
    unfit::<Uuid>(&kept, &SECRET);
    unfit::<std::net::IpAddr>(&kept, &SECRET);
    unfit::<Json<Vec<i64>>>(&kept, &SECRET);
    unfit::<Json<Vec<i64>>>(&kept, &format!("[\"{SECRET}\"]"));
    unfit::<Json<Tags>>(&kept, &format!("{{\"{SECRET}\": 1}}"));
    unfit::<Vec<u8>>(&kept, &SECRET);
    unfit::<[u8; 3]>(&kept, &SECRET.as_bytes());
    unfit::<String>(&kept, &SECRET.as_bytes());
    unfit::<String>(&kept, &1);
    unfit::<String>(&kept, &None::<String>);
    unfit::<i64>(&kept, &1.0);
    unfit::<i64>(&kept, &None::<i64>);
    unfit::<f64>(&kept, &i64::MAX);
}

/// An application's own words may quote the value as jiff's do, so none are passed on.
pub(crate) fn what_a_type_says_itself_is_not_repeated(subject: &Subject) {
    #[derive(Debug, Deserialize)]
    #[serde(try_from = "String")]
    struct Address;
    impl TryFrom<String> for Address {
        type Error = String;
        fn try_from(text: String) -> Result<Self, String> {
            Err(format!("{text} is no address"))
        }
    }
    #[derive(Debug, Deserialize)]
    struct Inner {
        #[serde(rename = "v")]
        _address: Address,
    }
    #[derive(Debug, Deserialize)]
    struct Outer {
        #[serde(flatten)]
        _inner: Inner,
    }
    let kept = keeping(subject);
    unfit::<Address>(&kept, &SECRET);
    let db = &kept.db;
    let list = params! { v: SECRET };
    let error = db.query_one::<Inner>("SELECT 1, :v AS v", list).unwrap_err();
    assert!(error.message().starts_with("column `v` (position 1): it holds text that `"), "{error}");
    for error in [error, db.query_one::<Outer>("SELECT 1, :v AS v", list).unwrap_err()] {
        assert_eq!(error.kind(), ErrorKind::Conversion);
        assert!(!format!("{error:?} {error}").contains(SECRET), "{error:?}");
        assert!(format!("{error}").len() > 20, "{error:?}");
    }
}

pub(crate) fn a_row_of_a_wrong_shape(subject: &Subject) {
    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Strict {
        #[serde(rename = "a")]
        _a: i64,
    }
    let db = subject.open();
    let told = |error: larder::Error| {
        assert_eq!(error.kind(), ErrorKind::Conversion, "{error:?}");
        error.message().to_owned()
    };
    for (found, expected) in [
        (
            told(db.query_one::<i64>("SELECT 1, 2", &[]).unwrap_err()),
            "the row has 2 columns and one value was asked for: take a tuple or a struct",
        ),
        (
            told(db.query_one::<(i64, i64)>("SELECT 1, 2, 3", &[]).unwrap_err()),
            "the row has 3 columns and 2 were asked for",
        ),
        (
            told(db.query_one::<Strict>("SELECT 1 AS b", &[]).unwrap_err()),
            "the row has a column `b`, which is not asked for",
        ),
        (told(db.query_one::<Run>("SELECT 1 AS id", &[]).unwrap_err()), "the row has no column `status`"),
        (
            told(db.query_one::<Strict>("SELECT 1 AS a, 2 AS a", &[]).unwrap_err()),
            "the row has two columns `a`: give one another name with AS",
        ),
    ] {
        assert!(found.contains(expected), "{found}");
    }
    assert_eq!(
        told(db.query_one::<(i64, i64)>("SELECT 1 AS a", &[]).unwrap_err()),
        "column `a` (position 0): it holds an integer, and a blob was asked for"
    );
}

pub(crate) fn text_that_is_not_utf8(subject: &Subject) {
    let db = subject.open();
    let sql = "SELECT 1 AS n, CAST(x'61ff62' AS TEXT) AS bad, 'fine' AS good";
    let errors = [
        db.query_one::<(i64, String, String)>(sql, &[]).unwrap_err(),
        db.query_one::<Vec<Value>>(sql, &[]).unwrap_err(),
        db.query_one::<std::collections::HashMap<String, Value>>(sql, &[]).unwrap_err(),
    ];
    for error in errors {
        assert_eq!(error.kind(), ErrorKind::Conversion, "{error:?}");
        assert!(error.message().contains("column `bad`") && error.help().is_some(), "{error}");
    }
    db.read(|tx| {
        tx.query_each(sql, &[], |row| {
            assert_eq!((row.get::<i64>("n")?, row.get::<&str>("good")?), (1, "fine"));
            assert!(row.value("bad").is_err() && row.values().is_err());
            Ok(std::ops::ControlFlow::Continue(()))
        })
    })
    .unwrap();
    let bytes: Vec<u8> = db.query_one("SELECT CAST(CAST(x'61ff62' AS TEXT) AS BLOB)", &[]).unwrap();
    assert_eq!(bytes, [0x61, 0xff, 0x62]);
}

pub(crate) fn text_comes_back_whatever_the_database_keeps_it_in(subject: &Subject) {
    for encoding in ["UTF-8", "UTF-16le", "UTF-16be"] {
        // In a file that is there already the encoding can't be set.
        let subject = &subject.another();
        let db =
            subject.open_with(|settings| settings.pragmas.insert(0, ("encoding".into(), encoding.into())));
        assert_eq!(db.query_one::<String>("PRAGMA encoding", &[]).unwrap(), encoding);
        db.execute("CREATE TABLE texts (t TEXT, b BLOB)", &[]).unwrap();
        for text in ["", "a", "zwölf \u{1F980} Krebse", "with\0zero", &"long ".repeat(5000)] {
            db.execute("DELETE FROM texts", &[]).unwrap();
            let bytes = text.as_bytes();
            db.execute("INSERT INTO texts VALUES (:text, :bytes)", params! { text, bytes }).unwrap();
            let sql = "SELECT t, b, t, :text || t, upper(t) FROM texts";
            let (one, blob, two, both, _): (String, Vec<u8>, String, String, String) =
                db.query_one(sql, params! { text }).unwrap();
            assert_eq!((one.as_str(), blob.as_slice(), two.as_str()), (text, bytes, text), "{encoding}");
            if !text.contains('\0') {
                assert_eq!(both, text.repeat(2), "{encoding}");
            }
        }
    }
}
