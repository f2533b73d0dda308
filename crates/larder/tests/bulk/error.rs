//! An error names its row and leaves nothing of the call behind.

use crate::{INSERT, count, insert, open, subjects};
use larder::{Database, Error, ErrorKind, FailedRow, Given, NewRows, Result, ToValue, params};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

/// The rows that an error names.
fn rows_of(error: &Error) -> (u64, u64) {
    let failed = error.find::<FailedRow>().unwrap_or_else(|| panic!("no row in {error:?}"));
    (failed.first, failed.last)
}

#[test]
fn a_broken_constraint_names_its_row_wherever_it_stands() {
    for subject in subjects() {
        let db = open(&subject);
        db.execute("INSERT INTO t VALUES (0, 'before')", &[]).unwrap();
        for row in [1, 2, 15, 16, 17, 18, 63, 64, 65, 200, 511, 512, 513, 777, 1000] {
            let bad = |name: &str| {
                let error = db
                    .write(|tx| {
                        tx.insert_many(INSERT, |rows| {
                            for id in 1..=1000 {
                                let own = format!("name {id}");
                                rows.push(params! { id, name: if id == row { name } else { &own } })?;
                            }
                            Ok(())
                        })
                    })
                    .unwrap_err();
                assert_eq!(
                    (error.kind(), rows_of(&error)),
                    (ErrorKind::Constraint, (row as u64, row as u64))
                );
                assert_eq!(count(&db), 1);
                error
            };
            let error = bad("before");
            assert_eq!(error.message(), format!("row {row}: UNIQUE constraint failed: t.name"));
            assert_eq!(error.constraint().unwrap().columns, ["name"]);
            bad("bad");
            if row > 1 {
                // With a row of the same call, of this statement or one before.
                bad("name 1");
            }
        }
    }
}

#[test]
fn the_transaction_goes_on_after_an_error() {
    for subject in subjects() {
        let db = open(&subject);
        db.write(|tx| {
            tx.execute("INSERT INTO t VALUES (5000, 'mine')", &[])?;
            let clash = |rows: &mut NewRows<'_>| {
                (1..=300).try_for_each(|id| rows.push(params! { id: id % 250, name: format!("{id}") }))
            };
            let error = tx.insert_many(INSERT, clash).unwrap_err();
            assert_eq!(rows_of(&error), (251, 251));
            tx.insert_many(INSERT, |rows| rows.push(params! { id: 1, name: "one" }))?;
            Ok(())
        })
        .unwrap();
        assert_eq!(count(&db), 2);
    }
}

#[test]
fn parameters_that_do_not_fit_name_the_row() {
    for subject in subjects() {
        let db = open(&subject);
        let none: &dyn ToValue = &None::<i64>;
        for (list, message) in [
            (vec![], "row 41: the parameters do not fit the statement (not given: :id, :name)"),
            (vec!["id"], "row 41: the parameters do not fit the statement (not given: :name)"),
            (
                vec!["id", "nam"],
                "row 41: the parameters do not fit the statement (not given: :name; not in the statement: :nam)",
            ),
            (
                vec!["id", "name", "age"],
                "row 41: the parameters do not fit the statement (not in the statement: :age)",
            ),
            (
                vec!["id", "id"],
                "row 41: the parameters do not fit the statement (not given: :name; given more than once: :id)",
            ),
        ] {
            let error = db
                .write(|tx| {
                    tx.insert_many(INSERT, |rows| {
                        for id in 1..=40 {
                            rows.push(params! { id, name: None::<String> })?;
                        }
                        rows.push(&list.iter().map(|name| (*name, none)).collect::<Vec<_>>())
                    })
                })
                .unwrap_err();
            assert_eq!((error.kind(), error.message()), (ErrorKind::Parameter, message));
            assert_eq!(error.help(), Some("the statement has :id, :name"));
            assert_eq!(rows_of(&error), (41, 41));
        }
        for (value, message) in [
            (
                &u64::MAX as &dyn ToValue,
                "row 90: the parameter :id can't be given: a number is too large for the database",
            ),
            (&f64::NAN, "row 90: the parameter :id is not a number (NaN), which SQLite can't store"),
        ] {
            let error = db
                .write(|tx| {
                    tx.insert_many(INSERT, |rows| {
                        for id in 1..=600_i64 {
                            let id: &dyn ToValue = if id == 90 { value } else { &id };
                            rows.push(params! { id, name: None::<String> })?;
                        }
                        Ok(())
                    })
                })
                .unwrap_err();
            assert_eq!(
                (error.kind(), error.message(), rows_of(&error)),
                (ErrorKind::Parameter, message, (90, 90))
            );
        }
        assert_eq!(count(&db), 0);
    }
}

/// The engine's own functions refuse values too, and say so in other words than of a statement that can't be read.
#[test]
fn a_value_that_an_expression_refuses_names_its_row() {
    for subject in subjects() {
        let db = open(&subject);
        let sql = "INSERT INTO t (id, name) VALUES (:id, json(:name))";
        for row in [1, 70] {
            let error = db
                .write(|tx| {
                    tx.insert_many(sql, |rows| {
                        (1..=100).try_for_each(|id| {
                            rows.push(
                                params! { id, name: if id == row { "{".into() } else { id.to_string() } },
                            )
                        })
                    })
                })
                .unwrap_err();
            assert_eq!((error.kind(), rows_of(&error)), (ErrorKind::Statement, (row as u64, row as u64)));
            assert_eq!(error.message(), format!("row {row}: malformed JSON"));
        }
    }
}

#[test]
fn an_error_of_the_closure_comes_back_as_it_is() {
    for subject in subjects() {
        let db = open(&subject);
        let stop = |rows: &mut NewRows<'_>| -> Result<()> {
            (1..=300).try_for_each(|id| rows.push(params! { id, name: format!("{id}") }))?;
            Err(Error::new(ErrorKind::NotFound, "the file ended").with_help("get another"))
        };
        db.write(|tx| {
            let error = tx.insert_many(INSERT, stop).unwrap_err();
            assert_eq!(error.to_string(), "the file ended; get another");
            assert_eq!(tx.query_one::<i64>("SELECT count(*) FROM t", &[])?, 0);
            Ok(())
        })
        .unwrap();
        let panic = catch_unwind(AssertUnwindSafe(|| {
            db.write(|tx| {
                tx.insert_many(INSERT, |rows| {
                    (1..=300).try_for_each(|id| rows.push(params! { id, name: format!("{id}") }))?;
                    panic!("in the closure")
                })
            })
        }));
        assert!(panic.is_err());
        assert_eq!(count(&db), 0);
        insert(&db, INSERT, 1..=300).unwrap();
    }
}

/// Were it taken, rows would be missing and nobody would know.
#[test]
fn an_error_that_the_closure_keeps_to_itself_still_fails_the_call() {
    for subject in subjects() {
        let db = open(&subject);
        for name in [&"bad" as &dyn ToValue, &u64::MAX] {
            let mut later = None;
            let error = db
                .write(|tx| {
                    tx.insert_many(INSERT, |rows| {
                        let _ = rows.push(params! { id: 1, name });
                        later = Some(rows.push(params! { id: 2, name: "fine" }));
                        Ok(())
                    })
                })
                .unwrap_err();
            assert!(error.message().starts_with("row 1: "), "{error:?}");
            assert_eq!(later.unwrap().unwrap_err().kind(), error.kind());
            assert_eq!(count(&db), 0);
        }
    }
}

#[test]
fn what_only_reads_takes_no_rows() {
    let subject = crate::kit::Subject::file();
    insert(&open(&subject), INSERT, 1..=3).unwrap();
    let db = Database::options(subject.path().display().to_string()).read_only(true).open().unwrap();
    assert_eq!(insert(&db, INSERT, 4..=5).unwrap_err().kind(), ErrorKind::ReadOnly);
}

/// Half a row would be left, and the values of all that follow would stand in the wrong columns.
#[test]
fn a_panic_of_a_value_that_the_closure_catches_still_fails_the_call() {
    struct Panics;
    impl ToValue for Panics {
        fn to_value(&self) -> Result<Given<'_>> {
            resume_unwind(Box::new("in the value"))
        }
    }
    for subject in subjects() {
        let db = open(&subject);
        let error = db
            .write(|tx| {
                tx.insert_many(INSERT, |rows| {
                    rows.push(params! { id: 1, name: "one" })?;
                    let caught =
                        catch_unwind(AssertUnwindSafe(|| rows.push(params! { id: 2, name: Panics })));
                    assert!(caught.is_err());
                    let _ = rows.push(params! { id: 3, name: "three" });
                    Ok(())
                })
            })
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Parameter, "{error}");
        assert_eq!(count(&db), 0);
        insert(&db, INSERT, 1..=3).unwrap();
    }
}
