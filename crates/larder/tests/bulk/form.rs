//! Which statements are taken.

use crate::{all, count, open, subjects};
use larder::{ErrorKind, Value, params};

#[test]
fn every_way_to_write_one_row_is_taken() {
    for subject in subjects() {
        let db = subject.open();
        db.execute(
            "CREATE TABLE \"odd ) VALUES (\" (id INTEGER PRIMARY KEY, \"a,b\" TEXT, n INTEGER UNIQUE)",
            &[],
        )
        .unwrap();
        let forms = [
            "INSERT INTO \"odd ) VALUES (\" (\"a,b\", n) VALUES (:a, :n)",
            "insert or abort into main.[odd ) VALUES (] (\"a,b\", n) values (:a, :n);",
            "/* VALUES (1) */ INSERT INTO main.`odd ) VALUES (` AS t -- (x\n (\"a,b\", n) -- VALUES (\n VALUES -- (1)\n\
             ( -- one\n :a /* ) */ , -- two\n :n) -- end",
            "INSERT INTO \"odd ) VALUES (\" (\"a,b\", n) VALUES (coalesce(:a, ')'), (:n)) ON CONFLICT (n) DO NOTHING ; -- end",
            "INSERT OR REPLACE INTO \"odd ) VALUES (\" (\"a,b\", n) VALUES (:a || '', CAST(:n AS INTEGER))",
            "REPLACE INTO \"odd ) VALUES (\" (\"a,b\", n) VALUES (CASE WHEN :n > 0 THEN :a ELSE ':n' END, :n)",
        ];
        for sql in forms {
            db.execute("DELETE FROM \"odd ) VALUES (\"", &[]).unwrap();
            let inserted = db.write(|tx| {
                tx.insert_many(sql, |rows| (1..=200).try_for_each(|n| rows.push(params! { a: "x", n })))
            });
            assert_eq!(inserted.unwrap(), 200, "{sql}");
            let found = all(&db, "\"odd ) VALUES (\"");
            assert!(
                found
                    .iter()
                    .zip(1..)
                    .all(|(row, n)| row[1..] == [Value::Text("x".into()), Value::Integer(n)]),
                "{sql}"
            );
        }
    }
}

#[test]
fn other_statements_are_refused_before_anything_runs() {
    const FORM: Option<&str> = Some("write the statement for one row, as INSERT INTO t (a) VALUES (:a)");
    let db = open(&crate::kit::Subject::memory());
    for (sql, message, help) in [
        ("", "many rows can be given to an INSERT only", FORM),
        ("SELECT :id, :name", "many rows can be given to an INSERT only", FORM),
        ("UPDATE t SET name = :name", "many rows can be given to an INSERT only", FORM),
        ("WITH x AS (SELECT 1) INSERT INTO t VALUES (:id)", "many rows can be given to an INSERT only", FORM),
        ("VALUES (:id)", "many rows can be given to an INSERT only", FORM),
        ("INSERT INTO t (id)", "the INSERT has no VALUES", FORM),
        ("INSERT INTO t (id); VALUES (:id)", "the INSERT has no VALUES", FORM),
        ("INSERT INTO t DEFAULT VALUES", "the INSERT has DEFAULT VALUES", FORM),
        ("INSERT INTO t SELECT :id, :name", "the INSERT takes its rows from a SELECT", FORM),
        (
            "INSERT INTO t WITH x AS (VALUES (:id)) SELECT * FROM x",
            "the INSERT takes its rows from a SELECT",
            FORM,
        ),
        ("INSERT INTO t VALUES", "there is no tuple after VALUES", Some("write VALUES (:a, :b)")),
        ("INSERT INTO t VALUES :id", "there is no tuple after VALUES", Some("write VALUES (:a, :b)")),
        ("INSERT INTO t VALUES (:id, (:name)", "this parenthesis does not close", None),
        (
            "INSERT INTO t VALUES (:id, :name), (:id, :name)",
            "the INSERT has several tuples",
            Some("write the one of a single row: it is repeated for each row given"),
        ),
        (
            "INSERT INTO t VALUES (:id, :name) RETURNING id",
            "the INSERT gives rows back",
            Some("leave RETURNING away, or use `query_one` for each row"),
        ),
        (
            "INSERT INTO t VALUES (:id, :name) ON CONFLICT (id) DO UPDATE SET name = (1) RETURNING id",
            "the INSERT gives rows back",
            Some("leave RETURNING away, or use `query_one` for each row"),
        ),
        (
            "INSERT INTO t VALUES (:id, :name) UNION ALL SELECT 1, 2",
            "only ON CONFLICT can follow the tuple",
            FORM,
        ),
        (
            "INSERT INTO t VALUES (:id, :name); DELETE FROM t",
            "the text holds several statements",
            Some("run each by itself"),
        ),
        (
            "INSERT OR FAIL INTO t VALUES (:id, :name)",
            "many rows are inserted wholly or not at all, so OR FAIL can't be",
            Some("leave it away; OR IGNORE and OR REPLACE can be used"),
        ),
        (
            "INSERT OR rollback INTO t VALUES (:id, :name)",
            "many rows are inserted wholly or not at all, so OR rollback can't be",
            Some("leave it away; OR IGNORE and OR REPLACE can be used"),
        ),
        ("INSERT INTO t VALUES (:id, 'x", "this string does not end", Some("close it with '")),
    ] {
        let error =
            db.write(|tx| -> larder::Result<u64> { tx.insert_many(sql, |_| panic!("it ran")) }).unwrap_err();
        assert_eq!(
            (error.kind(), error.message(), error.help()),
            (ErrorKind::Statement, message, help),
            "{sql}"
        );
        assert!(error.location().is_some(), "{sql}");
    }
    let error = db.write(|tx| tx.insert_many("INSERT INTO t VALUES (?, ?)", |_| Ok(()))).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Parameter);
    assert_eq!(count(&db), 0);
}

/// Its fault is not that of a row.
#[test]
fn a_statement_that_the_engine_refuses_names_no_row() {
    for subject in subjects() {
        let db = open(&subject);
        for (sql, message) in [
            ("INSERT INTO missing (id, name) VALUES (:id, :name)", "no such table: missing"),
            ("INSERT INTO t (id, nam) VALUES (:id, :name)", "table t has no column named nam"),
            ("INSERT INTO t (id) VALUES (:id, :name)", "2 values for 1 columns"),
            ("INSERT INTO t (id, name) VALUES (:id + , :name)", "near \",\": syntax error"),
        ] {
            let error = crate::insert(&db, sql, 1..=100).unwrap_err();
            assert_eq!((error.kind(), error.message()), (ErrorKind::Statement, message));
            assert!(error.find::<larder::FailedRow>().is_none());
            if let Some(location) = error.location() {
                assert_eq!(&*location.text, sql);
            }
        }
    }
}
