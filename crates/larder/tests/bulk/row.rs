//! Which rows arrive, and how many are counted.

use crate::kit::Subject;
use crate::{INSERT, all, count, insert, open, subjects};
use larder::{Value, params};

/// Every number of rows up to beyond the largest statement, and the borders around some larger ones.
#[test]
fn any_number_of_rows_arrives() {
    for subject in subjects() {
        let db = open(&subject);
        let borders = (0..=40).chain(
            [16, 32, 64, 128, 256, 512, 1024, 2048]
                .into_iter()
                .flat_map(|border| [border - 1, border, border + 1]),
        );
        for rows in borders {
            db.execute("DELETE FROM t", &[]).unwrap();
            assert_eq!(insert(&db, INSERT, 1..=rows).unwrap(), rows as u64);
            let (number, sum, names): (i64, i64, i64) = db
                .query_one("SELECT count(*), coalesce(sum(id), 0), count(*) FILTER (WHERE name = 'name ' || id) FROM t", &[])
                .unwrap();
            assert_eq!((number, sum, names), (rows, rows * (rows + 1) / 2, rows));
        }
    }
}

#[test]
fn only_rows_inserted_or_changed_are_counted() {
    for subject in subjects() {
        let db = open(&subject);
        insert(&db, INSERT, 1..=700).unwrap();
        assert_eq!(
            insert(&db, "INSERT OR IGNORE INTO t (id, name) VALUES (:id, :name)", 501..=1500).unwrap(),
            800
        );
        let upsert = "INSERT INTO t (id, name) VALUES (:id, :name || '!')
                      ON CONFLICT (id) DO UPDATE SET name = excluded.name WHERE excluded.id <= 10";
        assert_eq!(insert(&db, upsert, 1..=1600).unwrap(), 110);
        assert_eq!(count(&db), 1600);
        let changed: i64 = db.query_one("SELECT count(*) FROM t WHERE name LIKE '%!'", &[]).unwrap();
        assert_eq!(changed, 110);
        assert_eq!(insert(&db, "REPLACE INTO t (id, name) VALUES (:id, :name)", 1..=300).unwrap(), 300);
        let nothing = "INSERT INTO t (id, name) VALUES (:id, :name) ON CONFLICT DO NOTHING;";
        assert_eq!(insert(&db, nothing, 1..=300).unwrap(), 0);
    }
}

#[test]
fn parameters_come_in_any_order_and_more_than_once() {
    for subject in subjects() {
        let db = subject.open();
        db.execute("CREATE TABLE t (a, b, c, d)", &[]).unwrap();
        db.write(|tx| {
            tx.insert_many("INSERT INTO t VALUES (:x, :y || :x, 'c :x', /* :z */ :y)", |rows| {
                for n in 0..100 {
                    rows.push(params! { x: n, y: "y" })?;
                    rows.push(params! { y: "y", x: n })?;
                }
                Ok(())
            })
        })
        .unwrap();
        let found = all(&db, "t");
        assert_eq!(found.len(), 200);
        for (n, row) in found.iter().enumerate() {
            let x = n as i64 / 2;
            let expected = [
                Value::Integer(x),
                Value::Text(format!("y{x}")),
                Value::Text("c :x".into()),
                Value::Text("y".into()),
            ];
            assert_eq!(*row, expected);
        }
    }
}

#[test]
fn rows_larger_than_what_is_held_arrive() {
    for subject in subjects() {
        let db = subject.open();
        db.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT, b BLOB)", &[]).unwrap();
        db.write(|tx| {
            tx.insert_many("INSERT INTO t (a, b) VALUES (:a, :b)", |rows| {
                for n in 0..60_usize {
                    let size = if n % 20 == 7 { 3 << 20 } else { n * 1000 };
                    rows.push(params! { a: "é".repeat(size / 2), b: vec![n as u8; size] })?;
                }
                Ok(())
            })
        })
        .unwrap();
        for n in [0, 7, 27, 30, 59] {
            let size = if n % 20 == 7 { 3 << 20 } else { n * 1000 };
            let (a, b): (String, Value) =
                db.query_one("SELECT a, b FROM t WHERE id = :id", params! { id: n + 1 }).unwrap();
            assert_eq!(a.chars().count(), size / 2);
            assert_eq!(b, Value::Blob(vec![n as u8; size]));
        }
    }
}

#[test]
fn a_table_as_wide_as_can_be() {
    let subject = Subject::file();
    let db = subject.open();
    let names: Vec<String> = (0..2000).map(|n| format!("c{n}")).collect();
    db.execute(&format!("CREATE TABLE t ({})", names.join(", ")), &[]).unwrap();
    let sql = format!("INSERT INTO t VALUES (:{})", names.join(", :"));
    db.write(|tx| {
        tx.insert_many(&sql, |rows| {
            for row in 0..20_i64 {
                let list: Vec<_> =
                    names.iter().map(|name| (name.as_str(), &row as &dyn larder::ToValue)).collect();
                rows.push(&list)?;
            }
            Ok(())
        })
    })
    .unwrap();
    let found: (i64, i64) = db.query_one("SELECT sum(c0), sum(c1999) FROM t", &[]).unwrap();
    assert_eq!(found, (190, 190));
}

#[test]
fn a_row_may_have_no_parameters() {
    for subject in subjects() {
        let db = subject.open();
        db.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, a)", &[]).unwrap();
        let inserted = db.write(|tx| {
            tx.insert_many("INSERT INTO t (a) VALUES (7)", |rows| {
                (0..100).try_for_each(|_| rows.push(params! {}))
            })
        });
        assert_eq!(inserted.unwrap(), 100);
        assert_eq!(count(&db), 100);
    }
}

/// In one statement these would see the table as it was before its first row.
#[test]
fn what_looks_at_the_rows_before_sees_them() {
    for subject in subjects() {
        let db = subject.open();
        db.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, n)", &[]).unwrap();
        for value in ["(SELECT count(*) FROM t)", "last_insert_rowid()", "(SELECT max(id) FROM t)"] {
            db.execute("DELETE FROM t", &[]).unwrap();
            let sql = format!("INSERT INTO t (id, n) VALUES (:id, {value})");
            let push = |one_by_one: bool| {
                db.write(|tx| {
                    if one_by_one {
                        for id in 1..=200 {
                            tx.execute(&sql, params! { id })?;
                        }
                        return Ok(());
                    }
                    tx.insert_many(&sql, |rows| (1..=200).try_for_each(|id| rows.push(params! { id })))?;
                    Ok(())
                })
                .unwrap();
                all(&db, "t")
            };
            // Both begin after the same last insert.
            db.execute("INSERT INTO t VALUES (1000, 0)", &[]).unwrap();
            db.execute("DELETE FROM t", &[]).unwrap();
            let expected = push(true);
            db.execute("DELETE FROM t", &[]).unwrap();
            db.execute("INSERT INTO t VALUES (1000, 0)", &[]).unwrap();
            db.execute("DELETE FROM t", &[]).unwrap();
            assert_eq!(push(false), expected, "{value}");
        }
        db.execute("DELETE FROM t", &[]).unwrap();
        let sql = "INSERT INTO t (id, n) VALUES (:id, 1) ON CONFLICT (id) DO UPDATE SET n = n + :by";
        db.write(|tx| {
            tx.insert_many(sql, |rows| (0..300).try_for_each(|n| rows.push(params! { id: n % 3, by: n })))
        })
        .unwrap();
        let sum: i64 = db.query_one("SELECT sum(n) FROM t", &[]).unwrap();
        assert_eq!(sum, 3 + (3..300).sum::<i64>());
    }
}

#[test]
fn triggers_and_defaults_run_for_each_row() {
    for subject in subjects() {
        let db = open(&subject);
        db.execute("CREATE TABLE log (id INTEGER PRIMARY KEY, of, seen)", &[]).unwrap();
        db.execute(
            "CREATE TRIGGER logged AFTER INSERT ON t BEGIN
               INSERT INTO log (of, seen) VALUES (new.id, (SELECT count(*) FROM t)); END",
            &[],
        )
        .unwrap();
        insert(&db, INSERT, 1..=300).unwrap();
        let right: i64 = db.query_one("SELECT count(*) FROM log WHERE id = of AND of = seen", &[]).unwrap();
        assert_eq!(right, 300);
    }
}

/// A batch of a hundred takes few statements once batches before it have left the long ones prepared.
#[test]
fn later_batches_begin_with_the_statements_that_earlier_ones_left() {
    for subject in subjects() {
        let db = open(&subject);
        let mut taken = Vec::new();
        for batch in 0..6 {
            let before = db.stats().statements;
            insert(&db, INSERT, batch * 100 + 1..=batch * 100 + 100).unwrap();
            taken.push(db.stats().statements - before);
        }
        assert_eq!(count(&db), 600);
        // Begin, savepoint, release and commit are among them.
        assert!(taken[0] > 30 && taken[5] < 15, "{taken:?}");
    }
}
