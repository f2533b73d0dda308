//! Random rows through random statements: all at once or one by one, the tables end up the same.

use crate::all;
use crate::kit::Subject;
use larder::{Database, Result, Value, params};
use proptest::prelude::*;

const STATEMENTS: [&str; 7] = [
    "INSERT INTO t (k, a, b) VALUES (:k, :a, :b)",
    "INSERT OR IGNORE INTO t (k, a, b) VALUES (:k, :a, :b)",
    "INSERT OR REPLACE INTO t (k, a, b) VALUES (:k, :a, :b)",
    "INSERT INTO t (k, a, b) VALUES (:k, :a, :b) ON CONFLICT (k) DO UPDATE SET a = excluded.a, b = length(b) || excluded.k",
    "INSERT INTO t (k, a, b) VALUES (:k, typeof(:a) || length(:a), coalesce(:b, :k, 'none')) ON CONFLICT DO NOTHING",
    "INSERT INTO t (k, a, b) VALUES (:k, :a, (SELECT count(*) FROM t)) ON CONFLICT (k) DO UPDATE SET b = :b",
    "INSERT INTO t (b, k, a) VALUES (:b, CAST(:k AS TEXT), :a)",
];

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<i64>().prop_map(Value::Integer),
        any::<f64>().prop_filter("not NaN", |x| !x.is_nan()).prop_map(Value::Real),
        Just(Value::Text(String::new())),
        Just(Value::Text("a\0b".into())),
        "\\PC{0,12}".prop_map(Value::Text),
        Just(Value::Blob(Vec::new())),
        prop::collection::vec(any::<u8>(), 0..40).prop_map(Value::Blob),
    ]
}

type Three = (Option<i64>, Value, Value);

/// Few keys, so that they clash; with `None` the key is missing, which breaks the table's rule.
fn rows() -> impl Strategy<Value = Vec<Three>> {
    let key = prop_oneof![60 => (0..5000_i64).prop_map(Some), 1 => Just(None)];
    let clashing = prop_oneof![60 => (0..60_i64).prop_map(Some), 1 => Just(None)];
    prop_oneof![
        prop::collection::vec((key, value(), value()), 0..40),
        prop::collection::vec((clashing, value(), value()), 0..200),
    ]
}

fn open(subject: &Subject) -> Database {
    let db = subject.open();
    db.execute("CREATE TABLE t (k TEXT NOT NULL UNIQUE, a, b TEXT)", &[]).unwrap();
    db
}

fn at_once(db: &Database, sql: &str, rows: &[Three]) -> Result<u64> {
    db.write(|tx| {
        tx.insert_many(sql, |out| rows.iter().try_for_each(|(k, a, b)| out.push(params! { k, a, b })))
    })
}

/// The number of changed rows, or the number of the row that failed.
fn one_by_one(db: &Database, sql: &str, rows: &[Three]) -> Result<u64, u64> {
    let mut failed = 0;
    let changed = db.write(|tx| {
        let mut changed = 0;
        for (number, (k, a, b)) in (1..).zip(rows) {
            failed = number;
            changed += tx.execute(sql, params! { k, a, b })?;
        }
        Ok(changed)
    });
    changed.map_err(|_| failed)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn all_at_once_is_one_by_one(
        first in rows(), second in rows(), one in 0..STATEMENTS.len(), two in 0..STATEMENTS.len()
    ) {
        for subject in [Subject::memory(), Subject::wrapped()] {
            let (left, right) = (open(&subject), Subject::memory());
            let right = open(&right);
            for (sql, rows) in [(STATEMENTS[one], &first), (STATEMENTS[two], &second)] {
                let found = at_once(&left, sql, rows);
                match one_by_one(&right, sql, rows) {
                    Ok(changed) => prop_assert_eq!(found.unwrap(), changed),
                    Err(row) => {
                        let error = found.unwrap_err();
                        let failed = error.find::<larder::FailedRow>().unwrap();
                        prop_assert_eq!((failed.first, failed.last), (row, row));
                    }
                }
                prop_assert_eq!(all(&left, "t"), all(&right, "t"));
            }
        }
    }
}
