//! Transactions end in one of two ways, whatever goes wrong in them.

use crate::kit::{Subject, number};
use larder::driver::{Access, Connection};
use larder::{Database, Error, ErrorKind, Result, WriteTx, params};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

fn table(subject: &Subject) -> Database {
    let db = subject.open();
    db.execute(&format!("CREATE TABLE t (n BIGINT PRIMARY KEY, filler {})", subject.blob()), &[]).unwrap();
    db
}

fn all(db: &Database) -> Vec<i64> {
    db.query_all("SELECT n FROM t ORDER BY n", &[]).unwrap()
}

fn insert(tx: &mut WriteTx<'_>, n: i64) -> Result<u64> {
    tx.execute("INSERT INTO t (n) VALUES (:n)", params! { n })
}

fn refused() -> Error {
    Error::other("the application says no")
}

pub(crate) fn what_is_committed_stays_and_a_value_comes_back(subject: &Subject) {
    let db = table(subject);
    let sum: i64 = db
        .write(|tx| {
            insert(tx, 1)?;
            insert(tx, 2)?;
            tx.query_one("SELECT CAST(sum(n) AS BIGINT) FROM t", &[])
        })
        .unwrap();
    assert_eq!(sum, 3);
    assert_eq!(db.read(|tx| tx.query_one::<i64>("SELECT count(*) FROM t", &[])).unwrap(), 2);
    db.execute("INSERT INTO t (n) VALUES (3)", &[]).unwrap();
    if let Some(mut other) = subject.other(Access::Read, Duration::from_secs(20)) {
        assert_eq!(number(other.as_mut(), "SELECT count(*) FROM t"), 3);
    }
}

pub(crate) fn an_error_rolls_back(subject: &Subject) {
    let db = table(subject);
    let error = db
        .write(|tx| {
            insert(tx, 1)?;
            Err::<(), _>(refused())
        })
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Application);
    let error = db
        .write(|tx| {
            insert(tx, 1)?;
            tx.execute("INSERT INTO nowhere VALUES (1)", &[])
        })
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Statement);
    assert!(all(&db).is_empty());
    // In a transaction that reads too: the next one begins anew.
    db.read(|_| Err::<(), _>(refused())).unwrap_err();
    db.write(|tx| insert(tx, 5)).unwrap();
    assert_eq!(db.read(|tx| tx.query_all::<i64>("SELECT n FROM t", &[])).unwrap(), [5]);
}

pub(crate) fn a_panic_rolls_back(subject: &Subject) {
    let db = table(subject);
    for _ in 0..2 {
        let panic = catch_unwind(AssertUnwindSafe(|| {
            db.write(|tx| -> Result<()> {
                insert(tx, 1)?;
                panic!("in the closure")
            })
        }));
        assert!(panic.is_err());
        let panic =
            catch_unwind(AssertUnwindSafe(|| db.read(|_| -> Result<()> { panic!("in the closure") })));
        assert!(panic.is_err());
        // In the middle of a statement's rows.
        let panic = catch_unwind(AssertUnwindSafe(|| {
            db.write(|tx| {
                insert(tx, 1)?;
                tx.query_each("SELECT n FROM t", &[], |_| panic!("in the rows"))
            })
        }));
        assert!(panic.is_err());
    }
    assert!(all(&db).is_empty());
    db.write(|tx| insert(tx, 2)).unwrap();
    assert_eq!(all(&db), [2]);
}

pub(crate) fn savepoints_nest(subject: &Subject) {
    let db = table(subject);
    db.write(|tx| {
        insert(tx, 1)?;
        tx.savepoint(|tx| {
            insert(tx, 2)?;
            let inner = tx.savepoint(|tx| {
                insert(tx, 3)?;
                tx.savepoint(|tx| insert(tx, 4))?;
                Err::<(), _>(refused())
            });
            assert_eq!(inner.unwrap_err().kind(), ErrorKind::Application);
            assert_eq!(tx.query_all::<i64>("SELECT n FROM t ORDER BY n", &[])?, [1, 2]);
            tx.savepoint(|tx| insert(tx, 5))?;
            Ok(())
        })?;
        let failed = tx.savepoint(|tx| {
            insert(tx, 6)?;
            insert(tx, 1)
        });
        assert_eq!(failed.unwrap_err().kind(), ErrorKind::Constraint);
        insert(tx, 7)
    })
    .unwrap();
    assert_eq!(all(&db), [1, 2, 5, 7]);
    // What the outermost throws away is gone, whatever the savepoints in it said.
    db.write(|tx| {
        tx.savepoint(|tx| insert(tx, 8))?;
        Err::<(), _>(refused())
    })
    .unwrap_err();
    assert_eq!(all(&db), [1, 2, 5, 7]);
    // Many deep.
    fn deep(tx: &mut WriteTx<'_>, depth: i64) -> Result<()> {
        insert(tx, 100 + depth)?;
        if depth == 0 { Err(refused()) } else { tx.savepoint(|tx| deep(tx, depth - 1)).or(Ok(())) }
    }
    db.write(|tx| deep(tx, 50)).unwrap();
    assert_eq!(db.query_one::<i64>("SELECT count(*) FROM t WHERE n > 100", &[]).unwrap(), 50);
}

pub(crate) fn a_panic_in_a_savepoint_rolls_back_only_that(subject: &Subject) {
    let db = table(subject);
    db.write(|tx| {
        insert(tx, 1)?;
        let panic = catch_unwind(AssertUnwindSafe(|| {
            tx.savepoint(|tx| -> Result<()> {
                insert(tx, 2)?;
                panic!("in the savepoint")
            })
        }));
        assert!(panic.is_err());
        insert(tx, 3)
    })
    .unwrap();
    assert_eq!(all(&db), [1, 3]);
}

pub(crate) fn a_full_database_rolls_back_and_goes_on_when_there_is_space(subject: &Subject) {
    let limited = subject.open_with(|settings| settings.pragmas.push(("max_page_count".into(), "40".into())));
    limited.execute("CREATE TABLE t (n INTEGER PRIMARY KEY, filler BLOB)", &[]).unwrap();
    let filler = vec![7_u8; 3_000];
    let put =
        |tx: &mut WriteTx<'_>| tx.execute("INSERT INTO t (filler) VALUES (:filler)", params! { filler });
    limited.write(|tx| put(tx)).unwrap();
    let error = limited
        .write(|tx| {
            for _ in 0..100 {
                put(tx)?;
            }
            Ok(())
        })
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::DiskFull, "{error:?}");
    assert!(error.help().unwrap().contains("free space"), "{error}");
    assert_eq!(all(&limited).len(), 1);
    let mut alone = 0;
    let error = loop {
        match limited.execute("INSERT INTO t (filler) VALUES (:filler)", params! { filler }) {
            Ok(_) => alone += 1,
            Err(error) => break error,
        }
    };
    assert_eq!(error.kind(), ErrorKind::DiskFull, "{error:?}");
    assert_eq!(all(&limited).len(), 1 + alone);
    limited.execute("DELETE FROM t", &[]).unwrap();
    limited.write(|tx| put(tx)).unwrap();
    assert_eq!(all(&limited).len(), 1);
}

/// Begins, writes a row, and lets the engine throw the whole transaction away.
fn lose(connection: &mut dyn Connection) {
    connection.execute("INSERT INTO t (n) VALUES (1)", &[]).unwrap();
    connection.begin(Access::Write).unwrap();
    connection.execute("INSERT INTO t (n) VALUES (2)", &[]).unwrap();
}

pub(crate) fn a_lost_transaction_refuses_what_follows(subject: &Subject) {
    let db = table(subject);
    let mut connection = subject.connect();
    connection.execute("CREATE TABLE IF NOT EXISTS t (n BIGINT PRIMARY KEY, filler BLOB)", &[]).unwrap();
    lose(connection.as_mut());
    let error = connection.execute("INSERT OR ROLLBACK INTO t (n) VALUES (1)", &[]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Constraint);
    // None may slip through: by itself it would commit.
    for _ in 0..2 {
        let insert = connection.execute("INSERT INTO t (n) VALUES (3)", &[]);
        assert_eq!(insert.unwrap_err().kind(), ErrorKind::Closed);
        assert_eq!(
            crate::kit::rows(connection.as_mut(), "SELECT 1", &[]).unwrap_err().kind(),
            ErrorKind::Closed
        );
        assert_eq!(connection.begin(Access::Write).unwrap_err().kind(), ErrorKind::Closed);
        assert_eq!(connection.commit().unwrap_err().kind(), ErrorKind::Closed);
    }
    connection.rollback().unwrap();
    connection.execute("INSERT INTO t (n) VALUES (4)", &[]).unwrap();
    assert_eq!(number(connection.as_mut(), "SELECT sum(n) FROM t"), 5);
    drop(connection);

    // The same through the handle: a closure that swallows the error gets no success for it.
    db.execute("DELETE FROM t", &[]).unwrap();
    db.execute("INSERT INTO t (n) VALUES (1)", &[]).unwrap();
    let result = db.write(|tx| {
        insert(tx, 2)?;
        tx.execute("INSERT OR ROLLBACK INTO t (n) VALUES (1)", &[]).unwrap_err();
        let _ = insert(tx, 3);
        Ok(())
    });
    assert_eq!(result.unwrap_err().kind(), ErrorKind::Closed);
    assert_eq!(all(&db), [1]);
    db.write(|tx| insert(tx, 9)).unwrap();
    assert_eq!(all(&db), [1, 9]);
}

pub(crate) fn a_lost_savepoint_refuses_until_the_outermost(subject: &Subject) {
    let db = table(subject);
    db.execute("INSERT INTO t (n) VALUES (1)", &[]).unwrap();
    let result = db.write(|tx| {
        insert(tx, 2)?;
        let inner = tx.savepoint(|tx| {
            insert(tx, 3)?;
            tx.execute("INSERT OR ROLLBACK INTO t (n) VALUES (1)", &[])
        });
        assert_eq!(inner.unwrap_err().kind(), ErrorKind::Constraint);
        assert_eq!(insert(tx, 4).unwrap_err().kind(), ErrorKind::Closed);
        assert_eq!(tx.savepoint(|tx| insert(tx, 5)).unwrap_err().kind(), ErrorKind::Closed);
        Ok(())
    });
    assert_eq!(result.unwrap_err().kind(), ErrorKind::Closed);
    assert_eq!(all(&db), [1]);
}

const ENDLESS: &str = "WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s)";

/// Runs `f` while another thread stops what the connection runs, again and again.
fn stopped<T>(connection: &mut dyn Connection, f: impl FnOnce(&mut dyn Connection) -> T) -> T {
    let interrupter = connection.interrupter();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Acquire) {
                std::thread::sleep(Duration::from_millis(1));
                interrupter.interrupt();
            }
        });
        let result = f(connection);
        done.store(true, Ordering::Release);
        result
    })
}

pub(crate) fn a_statement_stopped_from_another_thread(subject: &Subject) {
    let mut connection = subject.connect();
    let sql = format!("{ENDLESS} SELECT count(*) FROM s");
    let result = stopped(connection.as_mut(), |connection| crate::kit::rows(connection, &sql, &[]));
    assert_eq!(result.unwrap_err().kind(), ErrorKind::Interrupted);
    // Where nothing runs, nothing happens, now or later.
    connection.interrupter().interrupt();
    assert_eq!(number(connection.as_mut(), "SELECT 1"), 1);
    // It may outlive its connection.
    let interrupter = connection.interrupter();
    drop(connection);
    interrupter.interrupt();
}

pub(crate) fn a_write_stopped_from_another_thread(subject: &Subject) {
    let mut connection = subject.connect();
    connection.execute("CREATE TABLE t (n BIGINT PRIMARY KEY)", &[]).unwrap();
    connection.begin(Access::Write).unwrap();
    connection.execute("INSERT INTO t VALUES (-1)", &[]).unwrap();
    let sql = format!("INSERT INTO t {ENDLESS} SELECT n FROM s");
    let result = stopped(connection.as_mut(), |connection| connection.execute(&sql, &[]));
    assert_eq!(result.unwrap_err().kind(), ErrorKind::Interrupted);
    let after = connection.execute("INSERT INTO t VALUES (-2)", &[]);
    if !subject.is_postgres() {
        // SQLite has rolled the whole transaction back.
        assert_eq!(after.unwrap_err().kind(), ErrorKind::Closed);
    }
    connection.rollback().unwrap();
    assert_eq!(number(connection.as_mut(), "SELECT count(*) FROM t"), 0);
}

pub(crate) fn a_lock_not_had_in_time_is_busy(subject: &Subject) {
    let db = table(subject);
    if subject.is_postgres() {
        return a_row_not_had_in_time_is_busy(subject, &db);
    }
    let patience = Duration::from_millis(60);
    let Some(mut other) = subject.other(Access::Write, patience) else { return };
    let waited = db
        .write(|tx| {
            insert(tx, 1)?;
            let start = Instant::now();
            for _ in 0..2 {
                let error = other.begin(Access::Write).unwrap_err();
                assert_eq!(error.kind(), ErrorKind::Busy, "{error:?}");
                assert!(error.is_transient() && error.message().contains("60 ms"), "{error}");
            }
            let error = other.execute("INSERT INTO t (n) VALUES (2)", &[]).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Busy, "{error:?}");
            // Readers do not wait.
            assert_eq!(number(other.as_mut(), "SELECT count(*) FROM t"), 0);
            Ok(start.elapsed())
        })
        .unwrap();
    assert!(waited >= patience * 2, "{waited:?}");
    other.begin(Access::Write).unwrap();
    other.execute("INSERT INTO t (n) VALUES (2)", &[]).unwrap();
    other.commit().unwrap();
    assert_eq!(all(&db), [1, 2]);
}

/// Any number may write; they wait where they write the same.
fn a_row_not_had_in_time_is_busy(subject: &Subject, db: &Database) {
    db.execute("INSERT INTO t (n) VALUES (1)", &[]).unwrap();
    let (mut holder, patience) = (subject.connect(), Duration::from_millis(60));
    let mut other = subject.other(Access::Write, patience).unwrap();
    holder.begin(Access::Write).unwrap();
    holder.execute("UPDATE t SET n = 2", &[]).unwrap();
    let start = Instant::now();
    for _ in 0..2 {
        other.begin(Access::Write).unwrap();
        let error = other.execute("UPDATE t SET n = 3", &[]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Busy, "{error:?}");
        assert!(error.is_transient());
        // Readers do not wait.
        other.rollback().unwrap();
        assert_eq!(number(other.as_mut(), "SELECT n FROM t"), 1);
    }
    assert!(start.elapsed() >= patience * 2);
    holder.commit().unwrap();
    other.execute("UPDATE t SET n = 3", &[]).unwrap();
    assert_eq!(all(db), [3]);
}

pub(crate) fn two_that_come_in_between_each_other_conflict(subject: &Subject) {
    let db = table(subject);
    db.execute("INSERT INTO t (n) VALUES (1)", &[]).unwrap();
    let (mut one, mut other) = (subject.connect(), subject.connect());
    for connection in [&mut one, &mut other] {
        connection.begin(Access::Write).unwrap();
        assert_eq!(number(connection.as_mut(), "SELECT count(*) FROM t"), 1);
    }
    // Each adds what the other's count did not see: one after the other, that can't be.
    one.execute("INSERT INTO t (n) VALUES (2)", &[]).unwrap();
    one.commit().unwrap();
    let late = other.execute("INSERT INTO t (n) VALUES (3)", &[]).and_then(|_| other.commit());
    let error = late.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict, "{error:?}");
    assert!(error.is_transient());
    other.rollback().unwrap();
    assert_eq!(all(&db), [1, 2]);
    other.begin(Access::Write).unwrap();
    other.execute("INSERT INTO t (n) VALUES (3)", &[]).unwrap();
    other.commit().unwrap();
    assert_eq!(all(&db), [1, 2, 3]);
}

pub(crate) fn an_end_without_a_beginning(subject: &Subject) {
    let mut connection = subject.connect();
    assert_eq!(connection.commit().unwrap_err().kind(), ErrorKind::Internal);
    connection.rollback().unwrap();
    connection.execute("CREATE TABLE t (n BIGINT)", &[]).unwrap();
    connection.begin(Access::Read).unwrap();
    assert_eq!(connection.execute("INSERT INTO t VALUES (1)", &[]).unwrap_err().kind(), ErrorKind::ReadOnly);
    connection.rollback().unwrap();
    connection.execute("INSERT INTO t VALUES (1)", &[]).unwrap();
    // Dropped in the middle of a transaction, it leaves nothing behind.
    connection.begin(Access::Write).unwrap();
    connection.execute("INSERT INTO t VALUES (2)", &[]).unwrap();
    drop(connection);
    if let Some(mut other) = subject.other(Access::Write, Duration::ZERO) {
        assert_eq!(number(other.as_mut(), "SELECT count(*) FROM t"), 1);
        other.begin(Access::Write).unwrap();
    }
}

pub(crate) fn a_read_sees_one_state(subject: &Subject) {
    let db = table(subject);
    let Some(mut other) = subject.other(Access::Write, Duration::from_secs(20)) else { return };
    db.read(|tx| {
        assert_eq!(tx.query_one::<i64>("SELECT count(*) FROM t", &[])?, 0);
        other.execute("INSERT INTO t (n) VALUES (1)", &[])?;
        assert_eq!(tx.query_one::<i64>("SELECT count(*) FROM t", &[])?, 0);
        Ok(())
    })
    .unwrap();
    assert_eq!(all(&db), [1]);
}

pub(crate) fn a_commit_of_another_connection_is_noticed(subject: &Subject) {
    let mut connection = subject.connect();
    connection.execute("CREATE TABLE watched (n)", &[]).unwrap();
    let before = connection.data_version().unwrap();
    assert_eq!(connection.data_version().unwrap(), before);
    let Some(mut other) = subject.other(Access::Write, Duration::from_secs(5)) else { return };
    assert!(before.is_some());
    other.begin(Access::Write).unwrap();
    other.execute("INSERT INTO watched VALUES (1)", &[]).unwrap();
    assert_eq!(connection.data_version().unwrap(), before, "nothing is committed yet");
    other.commit().unwrap();
    let after = connection.data_version().unwrap();
    assert_ne!(after, before);
    assert_eq!(connection.data_version().unwrap(), after);
}
