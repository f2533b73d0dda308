//! The measure against an oracle: a table, rows and a migration at random, and beside the measure a plain copy of all rows
//! before and after. What is reported must be what the oracle finds, number for number.
//!
//! `LARDER_MODEL_CASES=2000` lets it try that many.

use larder::migrate::{Approval, LossKind, Migrator, Refused};
use larder::{Database, ErrorKind, Migration, MigrationSet};
use larder_kit::{Engine, Place};
use proptest::prelude::*;
use std::collections::BTreeMap;

/// By key, the values of each column, as texts.
type Rows = BTreeMap<String, BTreeMap<String, Option<String>>>;

const COLUMNS: [(&str, &str); 3] = [("a", "bigint"), ("b", "text"), ("c", "numeric")];

#[derive(Clone, Debug)]
enum Change {
    Delete(i64),
    DeleteAll,
    Truncate,
    Block(i64),
    Set { id: i64, column: usize, value: u8 },
    SetAll { column: usize, value: u8 },
    Same(usize),
    Insert(i64),
    Upsert { id: i64, column: usize, value: u8 },
    Rebuild { keep: Option<i64>, through: Option<usize> },
    AddColumn(u8),
    DropColumn(usize),
    Rename(usize),
    Retype(usize),
    Round,
    Index,
    ThereAndBack(i64),
    Unique,
}

/// What the table looks like while the text of a migration is made.
struct Shape {
    columns: Vec<(String, String)>,
    keyed: bool,
}

fn value(sort: &str, code: u8) -> String {
    match (sort, code % 4) {
        (_, 0) => "NULL".into(),
        ("text", n) => ["''", "'x'", "'1'"][usize::from(n - 1)].into(),
        ("numeric", n) => ["1.5", "2", "10.25"][usize::from(n - 1)].into(),
        (_, n) => n.to_string(),
    }
}

impl Change {
    fn sql(&self, shape: &mut Shape, at: usize) -> String {
        let pick = |column: usize| shape.columns[column % shape.columns.len()].clone();
        let names: Vec<String> = shape.columns.iter().map(|(name, _)| name.clone()).collect();
        match self {
            Self::Delete(id) => format!("DELETE FROM t WHERE id = {id};"),
            Self::DeleteAll => "DELETE FROM t;".into(),
            Self::Truncate => "TRUNCATE t;".into(),
            Self::Block(id) => format!("DO $$ BEGIN EXECUTE 'DELETE FROM t WHERE id = {id}'; END $$;"),
            Self::Set { id, column, value: code } => {
                let (name, sort) = pick(*column);
                format!("UPDATE t SET {name} = {} WHERE id = {id};", value(&sort, *code))
            }
            Self::SetAll { column, value: code } => {
                let (name, sort) = pick(*column);
                format!("UPDATE t SET {name} = {};", value(&sort, *code))
            }
            Self::Same(column) => format!("UPDATE t SET {0} = {0};", pick(*column).0),
            Self::Insert(id) => {
                format!("INSERT INTO t (id) SELECT {0} WHERE {0} NOT IN (SELECT id FROM t);", id + 100)
            }
            Self::Upsert { id, column, value: code } if shape.keyed => {
                let (name, sort) = pick(*column);
                format!(
                    "INSERT INTO t (id) VALUES ({id}) ON CONFLICT (id) DO UPDATE SET {name} = {};",
                    value(&sort, *code)
                )
            }
            Self::Upsert { .. } => String::new(),
            Self::Rebuild { keep, through } => {
                let list: Vec<String> =
                    shape.columns.iter().map(|(name, sort)| format!("{name} {sort}")).collect();
                let from: Vec<String> = shape
                    .columns
                    .iter()
                    .enumerate()
                    .map(|(place, (name, sort))| match through {
                        Some(through) if through % names.len() == place && sort == "text" => format!("{name} || 'y'"),
                        Some(through) if through % names.len() == place => format!("{name} * 3"),
                        _ => name.clone(),
                    })
                    .collect();
                let some = keep.map_or(String::new(), |id| format!(" WHERE id <> {id}"));
                let key = if shape.keyed { "id bigint PRIMARY KEY" } else { "id bigint" };
                format!(
                    "DROP INDEX IF EXISTS i; CREATE TABLE n{at} ({key}, {}); INSERT INTO n{at} SELECT id, {} FROM t{some}; DROP TABLE t;
                     ALTER TABLE n{at} RENAME TO t;",
                    list.join(", "),
                    from.join(", ")
                )
            }
            Self::AddColumn(code) => {
                shape.columns.push((format!("new{at}"), "text".into()));
                format!("ALTER TABLE t ADD COLUMN new{at} text DEFAULT {};", value("text", *code))
            }
            Self::DropColumn(_) if names.len() < 2 => String::new(),
            Self::DropColumn(column) => {
                let (gone, _) = shape.columns.remove(column % names.len());
                format!("ALTER TABLE t DROP COLUMN {gone};")
            }
            Self::Rename(column) => {
                let (name, _) = pick(*column);
                format!("ALTER TABLE t RENAME COLUMN {name} TO other; ALTER TABLE t RENAME COLUMN other TO {name};")
            }
            Self::Retype(column) => {
                let place = column % names.len();
                shape.columns[place].1 = "text".into();
                let name = &shape.columns[place].0;
                format!("ALTER TABLE t ALTER {name} TYPE text USING {name}::text;")
            }
            Self::Round => match shape.columns.iter().find(|(_, sort)| sort == "numeric") {
                Some((name, _)) => format!("ALTER TABLE t ALTER {name} TYPE numeric USING round({name});"),
                None => String::new(),
            },
            Self::Index => format!("CREATE INDEX IF NOT EXISTS i ON t ({});", names[0]),
            Self::ThereAndBack(id) => format!(
                "CREATE TEMP TABLE away AS SELECT * FROM t WHERE id = {id}; DELETE FROM t WHERE id = {id};
                 INSERT INTO t SELECT * FROM away; DROP TABLE away;"
            ),
            Self::Unique => "ALTER TABLE t ADD CHECK (id > 0) NOT VALID; ALTER TABLE t ADD COLUMN at timestamptz DEFAULT clock_timestamp(); ALTER TABLE t DROP COLUMN at;".into(),
        }
    }
}

fn change() -> impl Strategy<Value = Change> {
    let (id, column, code) = (1..9_i64, 0..4_usize, any::<u8>());
    prop_oneof![
        2 => id.clone().prop_map(Change::Delete),
        1 => Just(Change::DeleteAll),
        1 => Just(Change::Truncate),
        2 => id.clone().prop_map(Change::Block),
        3 => (id.clone(), column.clone(), code).prop_map(|(id, column, value)| Change::Set { id, column, value }),
        1 => (column.clone(), code).prop_map(|(column, value)| Change::SetAll { column, value }),
        2 => column.clone().prop_map(Change::Same),
        2 => id.clone().prop_map(Change::Insert),
        2 => (id.clone(), column.clone(), code).prop_map(|(id, column, value)| Change::Upsert { id, column, value }),
        3 => (prop::option::weighted(0.3, id.clone()), prop::option::weighted(0.3, column.clone()))
            .prop_map(|(keep, through)| Change::Rebuild { keep, through }),
        2 => code.prop_map(Change::AddColumn),
        2 => column.clone().prop_map(Change::DropColumn),
        1 => column.clone().prop_map(Change::Rename),
        2 => column.prop_map(Change::Retype),
        1 => Just(Change::Round),
        1 => Just(Change::Index),
        2 => id.prop_map(Change::ThereAndBack),
        1 => Just(Change::Unique),
    ]
}

#[derive(Clone, Debug)]
struct Case {
    keyed: bool,
    rows: Vec<(i64, [u8; 3])>,
    changes: Vec<Change>,
}

fn case() -> impl Strategy<Value = Case> {
    let rows = prop::collection::btree_map(1..9_i64, any::<[u8; 3]>(), 0..8);
    (prop::bool::weighted(0.8), rows, prop::collection::vec(change(), 1..4))
        .prop_map(|(keyed, rows, changes)| Case { keyed, rows: rows.into_iter().collect(), changes })
}

impl Case {
    fn seed(&self) -> String {
        let key = if self.keyed { "id bigint PRIMARY KEY" } else { "id bigint" };
        let list: Vec<String> = COLUMNS.iter().map(|(name, sort)| format!("{name} {sort}")).collect();
        let mut text = format!("CREATE TABLE t ({key}, {});", list.join(", "));
        for (id, codes) in &self.rows {
            let values: Vec<String> =
                COLUMNS.iter().zip(codes).map(|((_, sort), code)| value(sort, *code)).collect();
            text.push_str(&format!("INSERT INTO t VALUES ({id}, {});", values.join(", ")));
        }
        text
    }

    fn change(&self) -> String {
        let columns = COLUMNS.iter().map(|(name, sort)| ((*name).to_owned(), (*sort).to_owned())).collect();
        let mut shape = Shape { columns, keyed: self.keyed };
        let text: String =
            self.changes.iter().enumerate().map(|(at, change)| change.sql(&mut shape, at)).collect();
        text + "SELECT 1;"
    }
}

fn read(db: &Database, keyed: bool) -> Rows {
    let found: Vec<String> = db.query_all("SELECT row_to_json(t)::text FROM t", &[]).unwrap();
    let mut rows = Rows::new();
    for (number, text) in found.iter().enumerate() {
        let row: BTreeMap<String, serde_json::Value> = serde_json::from_str(text).unwrap();
        let row: BTreeMap<String, Option<String>> =
            row.into_iter().map(|(name, value)| (name, plain(&value))).collect();
        let key = if keyed { row["id"].clone().unwrap() } else { number.to_string() };
        rows.insert(key, row);
    }
    rows
}

fn plain(value: &serde_json::Value) -> Option<String> {
    match value {
        serde_json::Value::Null => None,
        serde_json::Value::String(text) => Some(text.clone()),
        other => {
            let text = other.to_string();
            let short =
                if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
            Some(short.to_owned())
        }
    }
}

fn sorts(db: &Database) -> BTreeMap<String, String> {
    let sql = "SELECT attname::text, format_type(atttypid, NULL) FROM pg_attribute WHERE attrelid = 't'::regclass AND attnum > 0 \
               AND NOT attisdropped";
    db.query_all(sql, &[]).unwrap().into_iter().collect()
}

/// What was lost: rows, and by column and sort how many values.
#[derive(Debug, Default, PartialEq, Eq)]
struct Lost {
    rows: u64,
    columns: BTreeMap<(String, LossName), u64>,
}

type LossName = &'static str;

fn compare(
    before: &Rows,
    after: &Rows,
    was: &BTreeMap<String, String>,
    is: &BTreeMap<String, String>,
) -> Lost {
    let mut lost = Lost::default();
    for name in was.keys().filter(|name| !is.contains_key(*name)) {
        let values = before.values().filter(|row| row[name].is_some()).count();
        lost.columns.insert((name.clone(), "dropped"), values as u64);
    }
    for (key, then) in before {
        let Some(now) = after.get(key) else {
            lost.rows += 1;
            continue;
        };
        for name in was.keys().filter(|name| is.contains_key(*name)) {
            let sort = match (&then[name], &now[name]) {
                (a, b) if a == b => continue,
                (None, _) => continue,
                (_, None) => "nulled",
                _ if was[name] != is[name] => "retyped",
                _ => "overwritten",
            };
            *lost.columns.entry((name.clone(), sort)).or_default() += 1;
        }
    }
    lost
}

/// Without a key: how many rows are left over when each is given one that holds all that it held.
fn left_over(before: &Rows, after: &Rows, names: &[&String]) -> u64 {
    let fits = |was: &BTreeMap<String, Option<String>>, is: &BTreeMap<String, Option<String>>| {
        names.iter().all(|name| was[*name].is_none() || was[*name] == is[*name])
    };
    let mut taken: BTreeMap<&String, &String> = BTreeMap::new();
    fn place<'a>(
        at: &'a String,
        edges: &BTreeMap<&'a String, Vec<&'a String>>,
        seen: &mut Vec<&'a String>,
        taken: &mut BTreeMap<&'a String, &'a String>,
    ) -> bool {
        edges[at].iter().any(|to| {
            if seen.contains(to) {
                return false;
            }
            seen.push(to);
            let free = match taken.get(to).copied() {
                None => true,
                Some(other) => place(other, edges, seen, taken),
            };
            if free {
                taken.insert(to, at);
            }
            free
        })
    }
    let edges: BTreeMap<&String, Vec<&String>> = before
        .iter()
        .map(|(key, was)| (key, after.iter().filter(|(_, is)| fits(was, is)).map(|(key, _)| key).collect()))
        .collect();
    before.keys().filter(|key| !place(key, &edges, &mut Vec::new(), &mut taken)).count() as u64
}

fn check(case: &Case) -> Result<bool, TestCaseError> {
    let place = Place::new(Engine::Postgres);
    let db = Database::options(place.url()).open().unwrap();
    let (seed, change) = (case.seed(), case.change());
    let set = |n: usize| {
        let list = vec![Migration::sql("1_seed", seed.clone()), Migration::sql("2_change", change.clone())];
        MigrationSet::list("app", list.into_iter().take(n).collect())
    };
    db.migrate(&[&set(1)]).unwrap();
    let (before, was) = (read(&db, case.keyed), sorts(&db));
    let reported = match db.migrate(&[&set(2)]) {
        Ok(_) => Vec::new(),
        Err(error) => {
            prop_assert_eq!(error.kind(), ErrorKind::ApprovalNeeded, "{:?}\n{}\n{}", error, seed, change);
            prop_assert_eq!(read(&db, case.keyed), before.clone());
            Migrator::new(&[&set(2)]).approve(Approval::Everything).without_backup().up(&db).unwrap();
            error.find::<Refused>().unwrap().losses.clone()
        }
    };
    let (after, is) = (read(&db, case.keyed), sorts(&db));
    let mut found = Lost::default();
    for loss in &reported {
        let column = loss.object.strip_prefix("t.").unwrap_or_default().to_owned();
        let sort = match loss.kind {
            LossKind::Rows => {
                found.rows += loss.count;
                continue;
            }
            LossKind::Column => "dropped",
            LossKind::Nulled => "nulled",
            LossKind::Retyped => "retyped",
            LossKind::Overwritten => "overwritten",
            other => return Err(TestCaseError::fail(format!("{other:?} {reported:?}\n{change}"))),
        };
        found.columns.insert((column, sort), loss.count);
    }
    let mut expected = compare(&before, &after, &was, &is);
    if !case.keyed {
        let names: Vec<&String> = was.keys().filter(|name| is.contains_key(*name)).collect();
        expected.rows = left_over(&before, &after, &names);
        expected.columns.retain(|(_, sort), _| *sort == "dropped");
    }
    prop_assert_eq!(&found, &expected, "\n{}\n{}", seed, change);
    Ok(found != Lost::default())
}

#[test]
fn the_measure_and_the_oracle_agree() {
    let cases = std::env::var("LARDER_MODEL_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(25);
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(cases)
    });
    let (lossy, all) = (std::cell::Cell::new(0), std::cell::Cell::new(0));
    let outcome = runner.run(&case(), |case| {
        let lost = check(&case)?;
        all.set(all.get() + 1);
        lossy.set(lossy.get() + u32::from(lost));
        Ok(())
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
    // Both sides are there, or the test says nothing. Of a few cases all may happen to be of one sort nearly.
    let (lossy, all) = (lossy.get(), all.get());
    assert!(lossy > 0 && lossy < all, "{lossy} of {all}");
    assert!(all < 200 || (lossy > all / 5 && lossy < all * 4 / 5), "{lossy} of {all}");
}
