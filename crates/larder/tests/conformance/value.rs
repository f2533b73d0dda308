//! Values: what goes in comes out, into every form that a program may ask for, and what does not fit is told without
//! telling the value.

use crate::kit::Subject;
use jiff::Timestamp;
use larder::{Database, ErrorKind, Json, ToValue, Value, params};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::fmt::Debug;
use ulid::Ulid;
use uuid::Uuid;

/// Through a parameter and a column, and through a parameter alone.
fn same<T: ToValue + DeserializeOwned + PartialEq + Debug + Send>(db: &Database, value: &T) {
    assert_eq!(&db.query_one::<T>("SELECT :v", &[("v", value)]).unwrap(), value);
    let stored: T = db
        .write(|tx| {
            tx.execute("DELETE FROM kept", &[])?;
            tx.execute("INSERT INTO kept VALUES (:v)", &[("v", value)])?;
            tx.query_one("SELECT v FROM kept", &[])
        })
        .unwrap();
    assert_eq!(&stored, value);
}

fn keeping(subject: &Subject) -> Database {
    let db = subject.open();
    db.execute("CREATE TABLE kept (v ANY) STRICT", &[]).unwrap();
    db
}

#[derive(Debug, PartialEq, Clone, Serialize, Deserialize)]
struct Tags {
    list: Vec<String>,
    depth: Option<u8>,
}

pub(crate) fn every_type_comes_back(subject: &Subject) {
    let db = keeping(subject);
    same(&db, &true);
    same(&db, &false);
    same(&db, &-8_i8);
    same(&db, &-16_i16);
    same(&db, &-32_i32);
    same(&db, &-64_i64);
    same(&db, &8_u8);
    same(&db, &16_u16);
    same(&db, &32_u32);
    same(&db, &64_u64);
    same(&db, &64_usize);
    same(&db, &-64_isize);
    same(&db, &-128_i128);
    same(&db, &128_u128);
    same(&db, &0.1_f32);
    same(&db, &-1.5e300_f64);
    same(&db, &"text".to_owned());
    same(&db, &Cow::<str>::Owned("text".into()));
    same(&db, &vec![0_u8, 1, 255]);
    same(&db, &[0_u8, 1, 255]);
    same(&db, &[7_u8; 16]);
    same(&db, &None::<i64>);
    same(&db, &Some(5_i64));
    same(&db, &Some("x".to_owned()));
    same(&db, &Some(vec![1_u8, 2]));
    same(&db, &"2026-01-31T09:30:00.123456Z".parse::<Timestamp>().unwrap());
    same(&db, &Some(Timestamp::UNIX_EPOCH));
    same(&db, &Ulid::from_parts(1_700_000_000_000, 42));
    same(&db, &Uuid::from_u128(0x1234_5678_9abc_def0));
    same(&db, &Json(Tags { list: vec!["a".into(), "\"ü\0".into()], depth: Some(3) }));
    same(&db, &Json(serde_json::json!({"a": [1, null, "x"], "b": {}})));
    assert_eq!(db.query_one::<String>("SELECT :v", params! { v: "borrowed" }).unwrap(), "borrowed");
    assert_eq!(db.query_one::<Vec<u8>>("SELECT :v", params! { v: [1_u8, 2].as_slice() }).unwrap(), [1, 2]);
    let object = serde_json::json!({"a": 1});
    assert_eq!(
        db.query_one::<Json<serde_json::Value>>("SELECT :object", params! { object }).unwrap().0,
        object
    );
    // Bytes of a uuid that another program stored.
    let uuid = Uuid::from_u128(77);
    assert_eq!(db.query_one::<Uuid>("SELECT :v", params! { v: uuid.as_bytes().as_slice() }).unwrap(), uuid);
}

pub(crate) fn every_value_comes_back(subject: &Subject) {
    let db = keeping(subject);
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
            same(&db, &value);
            Ok(())
        })
        .unwrap();
}

pub(crate) fn the_ends_of_the_ranges_come_back(subject: &Subject) {
    let db = keeping(subject);
    same(&db, &i64::MIN);
    same(&db, &i64::MAX);
    same(&db, &u32::MAX);
    same(&db, &f64::MAX);
    same(&db, &f64::MIN_POSITIVE);
    same(&db, &f64::INFINITY);
    same(&db, &f64::NEG_INFINITY);
    same(&db, &f32::MAX);
    same(&db, &String::new());
    same(&db, &Vec::<u8>::new());
    same(&db, &"a\0b\0".to_owned());
    same(&db, &"\u{10ffff}é\u{feff}".to_owned());
    same(&db, &Ulid::nil());
    same(&db, &Uuid::max());
    // A whole number in a column of real numbers is a real number when it is exact, and else refused.
    assert_eq!(db.query_one::<f64>("SELECT 9007199254740992", &[]).unwrap(), 9_007_199_254_740_992.0);
    let error = db.query_one::<f64>("SELECT 9007199254740993", &[]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conversion);
    for sql in ["SELECT 256", "SELECT -1", "SELECT 1.0", "SELECT '1'"] {
        assert_eq!(db.query_one::<u8>(sql, &[]).unwrap_err().kind(), ErrorKind::Conversion, "{sql}");
    }
}

pub(crate) fn large_values_come_back(subject: &Subject) {
    let db = keeping(subject);
    let blob: Vec<u8> = (0..20_000_000_u32).map(|n| n.to_le_bytes()[n as usize % 3]).collect();
    let found: Value = db
        .write(|tx| {
            tx.execute("INSERT INTO kept VALUES (:blob)", params! { blob })?;
            tx.query_one("SELECT v FROM kept", &[])
        })
        .unwrap();
    assert!(found == Value::Blob(blob), "20 MB came back otherwise");
    let text = "é".repeat(3_000_000);
    let length: i64 = db.query_one("SELECT length(:text)", params! { text }).unwrap();
    assert_eq!(length, 3_000_000);
    // Beyond what the engine takes for one value.
    let error = db.query_one::<Value>("SELECT zeroblob(2000000000)", &[]).unwrap_err();
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

const RUN: &str =
    "SELECT x'0102' AS payload, 1 AS done, 'all_done' AS status, 7 AS id, NULL AS note, 5 AS not_asked_for,
    '2026-01-31T09:30:00.000000Z' AS at, '[\"a\"]' AS tags, 1.5 AS raw";

pub(crate) fn structs_take_columns_by_name(subject: &Subject) {
    let db = subject.open();
    let run: Run = db.query_one(RUN, &[]).unwrap();
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
    assert_eq!(db.query_opt::<Run>(RUN, &[]).unwrap().unwrap(), expected);
    assert_eq!(db.query_all::<Run>(RUN, &[]).unwrap(), [expected]);
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
    let sql = "SELECT 1 AS n, 'text' AS t, x'ff' AS b, NULL AS z";
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
fn unfit<T: DeserializeOwned + Debug>(db: &Database, value: &dyn ToValue) {
    let list = [("v", value)];
    let mut errors = vec![db.query_one::<T>("SELECT :v AS v", &list).unwrap_err()];
    errors.push(db.query_one::<(T,)>("SELECT :v AS v", &list).unwrap_err());
    db.read(|tx| {
        tx.query_each("SELECT 1, :v AS v", &list, |row| {
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
    let db = subject.open();
    unfit::<i64>(&db, &SECRET);
    unfit::<u8>(&db, &SECRET);
    unfit::<f64>(&db, &SECRET);
    unfit::<bool>(&db, &SECRET);
    unfit::<bool>(&db, &2);
    unfit::<char>(&db, &SECRET);
    unfit::<Option<i64>>(&db, &SECRET);
    unfit::<Id>(&db, &SECRET);
    unfit::<Status>(&db, &SECRET);
    unfit::<Status>(&db, &1);
    unfit::<Timestamp>(&db, &SECRET);
    unfit::<Timestamp>(&db, &1);
    unfit::<Ulid>(&db, &SECRET);
    unfit::<Uuid>(&db, &SECRET);
    unfit::<std::net::IpAddr>(&db, &SECRET);
    unfit::<Json<Vec<i64>>>(&db, &SECRET);
    unfit::<Json<Vec<i64>>>(&db, &format!("[\"{SECRET}\"]"));
    unfit::<Json<Tags>>(&db, &format!("{{\"{SECRET}\": 1}}"));
    unfit::<Vec<u8>>(&db, &SECRET);
    unfit::<[u8; 3]>(&db, &SECRET.as_bytes());
    unfit::<String>(&db, &SECRET.as_bytes());
    unfit::<String>(&db, &1);
    unfit::<String>(&db, &None::<String>);
    unfit::<i64>(&db, &1.0);
    unfit::<i64>(&db, &None::<i64>);
    unfit::<f64>(&db, &i64::MAX);
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
    let db = subject.open();
    unfit::<Address>(&db, &SECRET);
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
