//! Reads from many threads, inside each other, that panic, and that a `close` meets.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test")]

use larder::{Database, ErrorKind, Result, params};
use std::sync::{Barrier, mpsc};

const NUMBERS: i64 = 1000;

fn filled(folder: &tempfile::TempDir) -> Database {
    let db = Database::open(folder.path().join("app.db")).unwrap();
    db.execute("CREATE TABLE numbers (n INTEGER PRIMARY KEY, square INTEGER NOT NULL)", &[]).unwrap();
    db.execute(
        "WITH RECURSIVE all_of(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM all_of WHERE n < :last)
         INSERT INTO numbers SELECT n, n * n FROM all_of",
        params! { last: NUMBERS },
    )
    .unwrap();
    db
}

fn square(db: &Database, n: i64) -> i64 {
    db.read(|tx| tx.query_one("SELECT square FROM numbers WHERE n = :n", params! { n })).unwrap()
}

#[test]
fn sixty_four_threads_read_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let db = filled(&folder);
    std::thread::scope(|scope| {
        for thread in 0..64 {
            let db = &db;
            scope.spawn(move || {
                for n in 1..200 {
                    let n = (n * 37 + thread) % NUMBERS + 1;
                    assert_eq!(square(db, n), n * n);
                    let single: i64 =
                        db.query_one("SELECT square FROM numbers WHERE n = :n", params! { n }).unwrap();
                    assert_eq!(single, n * n);
                }
            });
        }
    });
}

/// Reads inside `depth` reads, each of which still sees what it saw.
fn nested(db: &Database, depth: i64) -> Result<i64> {
    db.read(|tx| {
        let before: i64 = tx.query_one("SELECT count(*) FROM numbers", &[])?;
        let within = if depth == 0 { 0 } else { nested(db, depth - 1)? };
        let after: i64 = tx.query_one("SELECT count(*) FROM numbers", &[])?;
        assert_eq!(before, after);
        Ok(within + 1)
    })
}

#[test]
fn reads_nest_deeper_than_there_are_connections_kept() {
    let folder = tempfile::tempdir().unwrap();
    let db = filled(&folder);
    assert_eq!(nested(&db, 150).unwrap(), 151);
    // From many threads at once, each of which holds what the others want.
    std::thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| assert_eq!(nested(&db, 20).unwrap(), 21));
        }
    });
}

#[test]
fn a_read_that_others_wait_for_comes_through_when_all_connections_are_held() {
    let folder = tempfile::tempdir().unwrap();
    let db = filled(&folder);
    let holders = std::thread::available_parallelism().map_or(4, usize::from).max(4) * 2;
    let all_hold = Barrier::new(holders + 1);
    let (done, is_done) = mpsc::channel();
    let is_done = std::sync::Mutex::new(is_done);
    std::thread::scope(|scope| {
        for _ in 0..holders {
            scope.spawn(|| {
                db.read(|tx| {
                    let count: i64 = tx.query_one("SELECT count(*) FROM numbers", &[])?;
                    all_hold.wait();
                    // Held until the thread below has read.
                    is_done.lock().unwrap().recv().unwrap();
                    Ok(count)
                })
                .unwrap();
            });
        }
        all_hold.wait();
        assert_eq!(square(&db, 12), 144);
        for _ in 0..holders {
            done.send(()).unwrap();
        }
    });
}

#[test]
fn a_panic_in_a_read_leaves_nothing_open() {
    let folder = tempfile::tempdir().unwrap();
    let db = filled(&folder);
    for _ in 0..20 {
        let read = std::panic::AssertUnwindSafe(|| {
            db.read(|tx| -> Result<()> {
                let _: i64 = tx.query_one("SELECT count(*) FROM numbers", &[])?;
                panic!("on purpose")
            })
        });
        std::panic::catch_unwind(read).unwrap_err();
        assert_eq!(square(&db, 7), 49);
    }
    // A read that was left open would keep the log from being emptied.
    let file = db.file().unwrap().to_owned();
    db.close().unwrap();
    assert!(!file.with_file_name("app.db-wal").exists());
}

#[test]
fn a_read_that_goes_on_while_the_database_is_closed_ends_well() {
    let folder = tempfile::tempdir().unwrap();
    drop(filled(&folder));
    let path = folder.path().join("app.db");
    let patience = std::time::Duration::from_millis(20);
    let db = Database::options(path.to_str().unwrap()).busy_timeout(patience).open().unwrap();
    let other = db.clone();
    let (inside, closed) = (Barrier::new(2), Barrier::new(2));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let count = other.read(|tx| {
                let before: i64 = tx.query_one("SELECT count(*) FROM numbers", &[])?;
                inside.wait();
                closed.wait();
                let after: i64 = tx.query_one("SELECT count(*) FROM numbers", &[])?;
                Ok((before, after))
            });
            assert_eq!(count.unwrap(), (NUMBERS, NUMBERS));
            assert_eq!(other.read(|_| Ok(())).unwrap_err().kind(), ErrorKind::Closed);
        });
        inside.wait();
        // The log can't be emptied beside a reader, which is no error.
        db.close().unwrap();
        closed.wait();
    });
}
