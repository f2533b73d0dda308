//! The handle: who waits for whom, what is refused rather than waited for without end, and its end.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

use larder::{Database, Error, ErrorKind, params};
use std::path::PathBuf;
use std::sync::{Mutex, mpsc};
use tempfile::TempDir;

struct Place {
    folder: TempDir,
}

impl Place {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("app.db")
    }

    fn beside(&self, end: &str) -> PathBuf {
        self.folder.path().join(format!("app.db{end}"))
    }

    fn open(&self) -> Database {
        let db = Database::open(self.path()).unwrap();
        db.execute("CREATE TABLE IF NOT EXISTS t (n INTEGER PRIMARY KEY, filler)", &[]).unwrap();
        db
    }
}

const COUNT: &str = "SELECT count(*) FROM t";
const ADD: &str = "INSERT INTO t (filler) VALUES (randomblob(3000))";

#[test]
fn a_read_keeps_its_state_while_others_write() {
    let place = Place::new();
    let db = place.open();
    db.read(|tx| {
        assert_eq!(tx.query_one::<i64>(COUNT, &[])?, 0);
        // By another handle, and by another thread.
        place.open().execute(ADD, &[])?;
        std::thread::scope(|scope| scope.spawn(|| db.execute(ADD, &[])).join().unwrap())?;
        assert_eq!(tx.query_one::<i64>(COUNT, &[])?, 0);
        assert_eq!(db.query_one::<i64>(COUNT, &[])?, 2);
        // A read inside has a state of its own.
        db.read(|inner| {
            assert_eq!(inner.query_one::<i64>(COUNT, &[])?, 2);
            Ok(())
        })?;
        assert_eq!(tx.query_one::<i64>(COUNT, &[])?, 0);
        Ok(())
    })
    .unwrap();
    assert_eq!(db.read(|tx| tx.query_one::<i64>(COUNT, &[])).unwrap(), 2);
}

/// Were a reader to wait for the writer, this would never end: the write goes on only when the reads are done.
#[test]
fn reads_do_not_wait_for_a_long_write() {
    let place = Place::new();
    let db = place.open();
    db.write(|tx| {
        tx.execute(ADD, &[])?;
        assert_eq!(db.query_one::<i64>(COUNT, &[])?, 0);
        assert_eq!(db.read(|inner| inner.query_one::<i64>(COUNT, &[]))?, 0);
        std::thread::scope(|scope| {
            let readers: Vec<_> = (0..8)
                .map(|_| scope.spawn(|| db.read(|inner| inner.query_one::<i64>(COUNT, &[])).unwrap()))
                .collect();
            for reader in readers {
                assert_eq!(reader.join().unwrap(), 0);
            }
        });
        let other = Database::options(place.path().to_str().unwrap()).read_only(true).open()?;
        assert_eq!(other.query_one::<i64>(COUNT, &[])?, 0);
        assert_eq!(tx.query_one::<i64>(COUNT, &[])?, 1);
        Ok(())
    })
    .unwrap();
    assert_eq!(db.query_one::<i64>(COUNT, &[]).unwrap(), 1);
}

#[test]
fn writers_take_turns() {
    let place = Place::new();
    let handles = [place.open(), place.open()];
    std::thread::scope(|scope| {
        for number in 0..8 {
            let db = handles[number % 2].clone();
            scope.spawn(move || {
                for _ in 0..25 {
                    // Reading first and writing then: nobody else may come between.
                    db.write(|tx| {
                        let next: i64 = tx.query_one("SELECT coalesce(max(n), 0) + 1 FROM t", &[])?;
                        tx.execute("INSERT INTO t (n) VALUES (:next)", params! { next })
                    })
                    .unwrap();
                }
            });
        }
    });
    assert_eq!(
        handles[0].query_one::<(i64, i64)>("SELECT count(*), max(n) FROM t", &[]).unwrap(),
        (200, 200)
    );
}

#[track_caller]
fn nested<T>(result: larder::Result<T>) {
    let Err(error) = result else { panic!("it should have been refused") };
    assert_eq!(error.kind(), ErrorKind::Nested, "{error:?}");
    assert!(error.help().is_some());
}

#[test]
fn what_would_wait_for_itself_is_refused() {
    let place = Place::new();
    let db = place.open();
    db.write(|tx| {
        nested(db.write(|_| Ok(())));
        nested(db.execute(ADD, &[]));
        nested(db.clone().write(|_| Ok(())));
        nested(db.clone().close());
        // The refusals have harmed nothing.
        tx.execute(ADD, &[])
    })
    .unwrap();
    assert_eq!(db.query_one::<i64>(COUNT, &[]).unwrap(), 1);
    // Another thread waits its turn instead, and gets it.
    let (started, ready) = mpsc::channel();
    let ready = Mutex::new(ready);
    std::thread::scope(|scope| {
        db.write(|tx| {
            let (db, started) = (&db, started.clone());
            scope.spawn(move || {
                started.send(()).unwrap();
                db.execute(ADD, &[]).unwrap();
            });
            ready.lock().unwrap().recv().unwrap();
            tx.execute(ADD, &[])
        })
        .unwrap();
    });
    assert_eq!(db.query_one::<i64>(COUNT, &[]).unwrap(), 3);
    // After a panic the thread may write again.
    let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        db.write(|_| -> larder::Result<()> { panic!("in the closure") })
    }));
    assert!(panic.is_err());
    db.execute(ADD, &[]).unwrap();
}

/// There all goes through one connection.
#[test]
fn in_memory_a_read_inside_a_write_is_refused_too() {
    let db = Database::open(":memory:").unwrap();
    db.execute("CREATE TABLE t (n INTEGER PRIMARY KEY, filler)", &[]).unwrap();
    db.write(|tx| {
        nested(db.read(|_| Ok(())));
        nested(db.query_one::<i64>(COUNT, &[]));
        nested(db.write(|_| Ok(())));
        tx.execute(ADD, &[])
    })
    .unwrap();
    db.read(|tx| {
        nested(db.read(|_| Ok(())));
        nested(db.execute(ADD, &[]));
        tx.query_one::<i64>(COUNT, &[])
    })
    .unwrap();
    assert_eq!(db.query_one::<i64>(COUNT, &[]).unwrap(), 1);
    assert!(db.health().unwrap().is_healthy());
    db.close().unwrap();
}

#[test]
fn closing_moves_the_log_into_the_file() {
    let place = Place::new();
    let db = place.open();
    for _ in 0..20 {
        db.execute(ADD, &[]).unwrap();
    }
    db.read(|tx| tx.query_one::<i64>(COUNT, &[])).unwrap();
    assert!(std::fs::metadata(place.beside("-wal")).unwrap().len() > 50_000);
    db.close().unwrap();
    assert!(!place.beside("-wal").exists() && !place.beside("-shm").exists());
    assert_eq!(std::fs::read_dir(place.folder.path()).unwrap().count(), 1);
    // Whoever else has it open keeps the log, emptied.
    let (first, second) = (place.open(), place.open());
    first.execute(ADD, &[]).unwrap();
    first.close().unwrap();
    assert_eq!(std::fs::metadata(place.beside("-wal")).unwrap().len(), 0);
    second.execute(ADD, &[]).unwrap();
    // In silence, the last handle that goes does the same.
    let clone = second.clone();
    drop(second);
    assert!(place.beside("-wal").exists());
    assert_eq!(clone.query_one::<i64>(COUNT, &[]).unwrap(), 22);
    drop(clone);
    assert!(!place.beside("-wal").exists());
}

#[test]
fn a_closed_handle_says_so() {
    let place = Place::new();
    let db = place.open();
    let (other, inside) = (db.clone(), db.clone());
    let closed = |error: Error| assert_eq!(error.kind(), ErrorKind::Closed, "{error:?}");
    // Closed while another thread waits for its turn to write: it must not open the file again.
    let (started, ready) = mpsc::channel();
    let ready = Mutex::new(ready);
    let waiting = db
        .write(|tx| {
            let db = db.clone();
            let started = started.clone();
            let waiting = std::thread::spawn(move || {
                started.send(()).unwrap();
                db.execute(ADD, &[]).map(drop)
            });
            ready.lock().unwrap().recv().unwrap();
            tx.execute(ADD, &[])?;
            Ok(waiting)
        })
        .unwrap();
    // Inside a read one may close; the reader in use goes with its transaction.
    db.read(|tx| {
        inside.close()?;
        assert!(tx.query_one::<i64>(COUNT, &[])? > 0);
        Ok(())
    })
    .unwrap();
    // It got its turn before the end, or was told of the end.
    if let Err(error) = waiting.join().unwrap() {
        closed(error);
    }
    closed(other.execute(ADD, &[]).unwrap_err());
    closed(other.write(|_| Ok(())).unwrap_err());
    closed(other.read(|_| Ok(())).unwrap_err());
    closed(other.query_one::<i64>(COUNT, &[]).unwrap_err());
    closed(other.health().unwrap_err());
    assert!(!other.is_healthy());
    assert!(other.to_string().ends_with("app.db"));
    other.close().unwrap();
    assert!(!place.beside("-wal").exists(), "somebody still has the file open");
    assert_eq!(place.open().query_one::<i64>("SELECT count(*) > 0 FROM t", &[]).unwrap(), 1);
}

#[cfg(unix)]
#[test]
fn health_notices_a_file_that_is_gone_or_another() {
    let place = Place::new();
    let db = place.open();
    let health = db.health().unwrap();
    assert!(health.is_healthy() && health.in_place && health.writable && db.is_healthy());
    let away = place.folder.path().join("moved.db");
    std::fs::rename(place.path(), &away).unwrap();
    assert!(!db.health().unwrap().in_place && !db.is_healthy());
    std::fs::write(place.path(), "").unwrap();
    assert!(!db.is_healthy());
    std::fs::rename(&away, place.path()).unwrap();
    assert!(db.is_healthy());
    std::fs::remove_file(place.path()).unwrap();
    assert!(!db.is_healthy());
}

#[cfg(unix)]
#[test]
fn health_of_a_handle_that_only_reads() {
    let place = Place::new();
    drop(place.open());
    let db = Database::options(place.path().to_str().unwrap()).read_only(true).open().unwrap();
    let health = db.health().unwrap();
    assert!(health.is_healthy() && !health.writable && db.is_read_only());
    std::fs::remove_file(place.path()).unwrap();
    assert!(!db.is_healthy());
}

/// A long transaction must not leave a handle behind that is neither open nor closed.
#[test]
fn a_close_that_waited_too_long_closed_nothing() {
    let place = Place::new();
    place.open();
    let db = Database::options(place.path().to_str().unwrap())
        .busy_timeout(std::time::Duration::from_millis(100))
        .open()
        .unwrap();
    let ((begun, begins), (go, goes)) = (mpsc::channel(), mpsc::channel());
    let goes = Mutex::new(goes);
    std::thread::scope(|scope| {
        let writing = scope.spawn(|| {
            db.write(|tx| {
                begun.send(()).unwrap();
                goes.lock().unwrap().recv().unwrap();
                tx.execute(ADD, &[])
            })
        });
        begins.recv().unwrap();
        let error = db.clone().close().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Busy);
        assert_eq!(db.query_one::<i64>(COUNT, &[]).unwrap(), 0);
        go.send(()).unwrap();
        writing.join().unwrap().unwrap();
    });
    db.execute(ADD, &[]).unwrap();
    assert_eq!(db.query_one::<i64>(COUNT, &[]).unwrap(), 2);
    db.close().unwrap();
}
