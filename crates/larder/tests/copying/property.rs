//! Whatever tables there are: over and back, every row is what it was.

use crate::support::{content, open, places};
use larder::Value;
use larder::copy::Copier;
use larder_kit::Engine;
use proptest::prelude::*;

const TYPES: [&str; 9] =
    ["INTEGER", "TEXT", "REAL", "BLOB", "NUMERIC", "BOOLEAN", "VARCHAR(3)", "DATETIME", ""];

/// A value that a column of that type holds without changing it.
fn value(declared: &'static str) -> BoxedStrategy<Value> {
    let integer = any::<i64>().prop_map(Value::Integer);
    let real =
        any::<f64>().prop_filter("SQLite has one zero", |x| x.is_finite() && *x != 0.0).prop_map(Value::Real);
    let text = "[^\\x00]{0,12}".prop_map(Value::Text);
    let some = match declared {
        "INTEGER" => integer.boxed(),
        "REAL" => real.boxed(),
        "BLOB" => prop::collection::vec(any::<u8>(), 0..20).prop_map(Value::Blob).boxed(),
        "NUMERIC" => {
            prop_oneof![integer, any::<i32>().prop_map(|n| Value::Real(f64::from(n) + 0.25))].boxed()
        }
        "BOOLEAN" => (0..=1_i64).prop_map(Value::Integer).boxed(),
        "DATETIME" => "20[0-9]{2}-0[1-9]-[01][1-9] [01][0-9]:00".prop_map(Value::Text).boxed(),
        _ => text.boxed(),
    };
    prop_oneof![1 => Just(Value::Null), 6 => some].boxed()
}

type Table = (Vec<&'static str>, Vec<Vec<Value>>);

fn table() -> impl Strategy<Value = Table> {
    prop::collection::vec(prop::sample::select(&TYPES[..]), 1..6).prop_flat_map(|types| {
        let row: Vec<_> = types.iter().map(|declared| value(declared)).collect();
        (Just(types), prop::collection::vec(row, 0..70))
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn over_and_back(tables in prop::collection::vec(table(), 1..4)) {
        let (here, server) = places(Engine::Sqlite, Engine::Postgres);
        let (again, _) = places(Engine::Sqlite, Engine::Sqlite);
        let (from, to, back) = (open(&here), open(&server), open(&again));
        for (number, (types, rows)) in tables.iter().enumerate() {
            let columns: Vec<String> =
                types.iter().enumerate().map(|(at, declared)| format!("\"Column {at}\" {declared}")).collect();
            let key = ["id INTEGER PRIMARY KEY AUTOINCREMENT, ", ""][number % 2];
            from.execute(&format!("CREATE TABLE \"Table {number}\" ({key}{})", columns.join(", ")), &[]).unwrap();
            for row in rows {
                let names: Vec<String> = (0..row.len()).map(|at| format!("\"Column {at}\"")).collect();
                let values: Vec<String> = (0..row.len()).map(|at| format!(":v{at}")).collect();
                let sql = format!(
                    "INSERT INTO \"Table {number}\" ({}) VALUES ({})", names.join(", "), values.join(", ")
                );
                let given: Vec<String> = (0..row.len()).map(|at| format!("v{at}")).collect();
                let params: Vec<larder::Param<'_>> =
                    given.iter().map(String::as_str).zip(row.iter().map(|value| value as &dyn larder::ToValue)).collect();
                from.execute(&sql, &params).unwrap();
            }
        }
        let over = Copier::new(&[]).copy(&from, &to).unwrap();
        Copier::new(&[]).copy(&to, &back).unwrap();
        let lower = |mut content: std::collections::BTreeMap<String, Vec<String>>| {
            content = content.into_iter().map(|(name, rows)| (name.to_lowercase(), rows)).collect();
            content
        };
        prop_assert_eq!(lower(content(&back)), lower(content(&from)));
        prop_assert_eq!(over.rows as usize, tables.iter().map(|(_, rows)| rows.len()).sum::<usize>());
        // What counts, counts on.
        for (number, (_, rows)) in tables.iter().enumerate().filter(|(number, _)| number % 2 == 0) {
            let insert = format!("INSERT INTO \"table {number}\" DEFAULT VALUES RETURNING id");
            let next: i64 = to.write(|tx| tx.query_one(&insert, &[])).unwrap();
            prop_assert_eq!(next as usize, rows.len() + 1);
        }
    }
}
