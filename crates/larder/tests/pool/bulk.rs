//! `insert_many` on both engines: what it inserts is what one statement a row would have inserted, and an error names its row
//! and leaves nothing behind.

use larder::{Database, Error, ErrorKind, FailedRow, Result, params};
use larder_kit::{Place, engines};

const INSERT: &str = "INSERT INTO t (id, name) VALUES (:id, :name)";
const UPSERT: &str =
    "INSERT INTO t (id, name) VALUES (:id, upper(:name)) ON CONFLICT (id) DO UPDATE SET name = excluded.name";
const IGNORE: &str = "INSERT INTO t (id, name) VALUES (:id, :name) ON CONFLICT DO NOTHING";

fn open(place: &Place) -> Database {
    let db = Database::options(place.url()).open().unwrap();
    db.execute("CREATE TABLE t (id BIGINT PRIMARY KEY, name TEXT UNIQUE CHECK (name <> 'bad'))", &[])
        .unwrap();
    db
}

fn insert(db: &Database, sql: &str, rows: &[(i64, String)]) -> Result<u64> {
    db.write(|tx| {
        tx.insert_many(sql, |new| rows.iter().try_for_each(|(id, name)| new.push(params! { id, name })))
    })
}

fn all(db: &Database) -> Vec<(i64, String)> {
    db.query_all("SELECT id, name FROM t ORDER BY id", &[]).unwrap()
}

fn row_of(error: &Error) -> u64 {
    let failed = error.find::<FailedRow>().unwrap_or_else(|| panic!("no row in {error:?}"));
    assert_eq!(failed.first, failed.last, "{error:?}");
    failed.first
}

fn rows(ids: impl IntoIterator<Item = i64>) -> Vec<(i64, String)> {
    ids.into_iter().map(|id| (id, format!("name {id}"))).collect()
}

engines! {
    fn any_number_of_rows_is_inserted(place: &Place) {
        let db = open(place);
        for count in [0, 1, 2, 3, 7, 63, 64, 65, 1000, 5003] {
            let rows = rows(1..=count);
            assert_eq!(insert(&db, INSERT, &rows).unwrap(), rows.len() as u64);
            assert_eq!(all(&db), rows);
            db.execute("DELETE FROM t", &[]).unwrap();
        }
    }

    fn the_row_that_breaks_a_constraint_is_named(place: &Place) {
        let db = open(place);
        db.execute("INSERT INTO t VALUES (0, 'before')", &[]).unwrap();
        for row in [1, 2, 3, 16, 17, 500, 777, 2000] {
            for bad in ["before", "bad", "name 1"] {
                if (row, bad) == (1, "name 1") {
                    continue;
                }
                let mut rows = rows(1..=2000);
                rows[row - 1].1 = bad.into();
                let error = insert(&db, INSERT, &rows).unwrap_err();
                assert_eq!((error.kind(), row_of(&error)), (ErrorKind::Constraint, row as u64), "{bad}");
                assert_eq!(all(&db).len(), 1);
            }
        }
    }

    fn the_transaction_goes_on_after_an_error(place: &Place) {
        let db = open(place);
        db.write(|tx| {
            tx.execute("INSERT INTO t VALUES (5000, 'mine')", &[])?;
            let error = tx
                .insert_many(INSERT, |new| {
                    (1..=300_i64).try_for_each(|n| new.push(params! { id: n % 250, name: format!("{n}") }))
                })
                .unwrap_err();
            assert_eq!((error.kind(), row_of(&error)), (ErrorKind::Constraint, 251));
            tx.insert_many(INSERT, |new| new.push(params! { id: 1, name: "other" }))
        })
        .unwrap();
        assert_eq!(all(&db), [(1, "other".into()), (5000, "mine".into())]);
    }

    /// One statement of PostgreSQL does not change a row twice.
    fn a_row_that_comes_twice_is_changed_twice(place: &Place) {
        let db = open(place);
        let twice: Vec<_> = (0..2000_i64).map(|n| (n % 700, format!("v{n}"))).collect();
        assert_eq!(insert(&db, UPSERT, &twice).unwrap(), 2000);
        let found = all(&db);
        assert_eq!(found.len(), 700);
        assert_eq!(found[0], (0, "V1400".into()));
        assert_eq!(found[699], (699, "V1399".into()));
    }

    fn rows_that_are_there_are_left_alone(place: &Place) {
        let db = open(place);
        insert(&db, INSERT, &rows(1..=100)).unwrap();
        assert_eq!(insert(&db, IGNORE, &rows(51..=1050)).unwrap(), 950);
        assert_eq!(all(&db), rows(1..=1050));
    }

    fn a_statement_that_is_wrong_for_every_row_names_none(place: &Place) {
        let db = open(place);
        let sql = "INSERT INTO missing (id, name) VALUES (:id, :name)";
        let error = insert(&db, sql, &rows(1..=100)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Statement);
        assert!(error.find::<FailedRow>().is_none(), "{error:?}");
    }

    fn values_of_all_sorts_arrive(place: &Place) {
        let db = open(place);
        let bytes = if place.is_postgres() { "BYTEA" } else { "BLOB" };
        db.execute(&format!("CREATE TABLE v (id BIGINT PRIMARY KEY, a TEXT, b {bytes}, x DOUBLE PRECISION)"), &[])
            .unwrap();
        db.write(|tx| {
            tx.insert_many("INSERT INTO v (id, a, b, x) VALUES (:id, :a, :b, :x)", |new| {
                for id in 0..600_i64 {
                    let a = (id % 3 != 0).then(|| "é".repeat(id as usize % 50));
                    let b = (id % 4 != 0).then(|| vec![id as u8; id as usize % 30]);
                    let b = b.as_deref().map(larder::ValueRef::Blob).unwrap_or(larder::ValueRef::Null);
                    new.push(params! { id, a, b, x: id as f64 / 3.0 })?;
                }
                Ok(())
            })
        })
        .unwrap();
        let found: Vec<(i64, Option<String>, Option<i64>, f64)> =
            db.query_all("SELECT id, a, length(b), x FROM v ORDER BY id", &[]).unwrap();
        assert_eq!(found.len(), 600);
        for (id, a, b, x) in found {
            assert_eq!(a, (id % 3 != 0).then(|| "é".repeat(id as usize % 50)));
            assert_eq!(b, (id % 4 != 0).then_some(id % 30));
            assert_eq!(x, id as f64 / 3.0);
        }
    }
}
