//! A handle that only reads changes nothing: not the file, not what is in it, and it makes no database.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

use larder::{Database, ErrorKind, OnOpen, Options};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tempfile::TempDir;

fn filled(folder: &TempDir, journal_mode: &str) -> PathBuf {
    let path = folder.path().join(format!("{journal_mode}.db"));
    let db = Database::options(path.to_str().unwrap()).pragma("journal_mode", journal_mode).open().unwrap();
    db.execute("CREATE TABLE t (n)", &[]).unwrap();
    db.execute("INSERT INTO t VALUES (1)", &[]).unwrap();
    db.close().unwrap();
    path
}

fn reading(path: &Path) -> Options {
    Database::options(path.to_str().unwrap()).read_only(true)
}

struct Change;

impl OnOpen for Change {
    fn opened(&self, database: &Database) -> larder::Result<()> {
        database.execute("CREATE TABLE made_on_open (n)", &[]).map(drop)
    }
}

#[test]
fn nothing_is_written_and_the_file_stays_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    for journal_mode in ["wal", "delete"] {
        let path = filled(&folder, journal_mode);
        let before = std::fs::read(&path).unwrap();
        let modified = std::fs::metadata(&path).unwrap().modified().unwrap();
        let db = reading(&path).on_open(Arc::new(Change)).open().unwrap();
        assert!(db.is_read_only());
        assert_eq!(db.query_all::<i64>("SELECT n FROM t", &[]).unwrap(), [1]);
        assert_eq!(db.read(|tx| tx.query_one::<i64>("SELECT count(*) FROM sqlite_schema", &[])).unwrap(), 1);
        for error in [
            db.execute("INSERT INTO t VALUES (2)", &[]).unwrap_err(),
            db.write(|_| Ok(())).unwrap_err(),
            db.query_opt::<i64>("INSERT INTO t VALUES (2) RETURNING n", &[]).unwrap_err(),
            db.read(|tx| tx.query_opt::<i64>("DELETE FROM t RETURNING n", &[])).unwrap_err(),
        ] {
            assert_eq!(error.kind(), ErrorKind::ReadOnly, "{error:?}");
        }
        db.close().unwrap();
        assert!(std::fs::read(&path).unwrap() == before, "{journal_mode}: the file has changed");
        assert_eq!(std::fs::metadata(&path).unwrap().modified().unwrap(), modified);
    }
}

#[test]
fn another_journal_mode_is_not_switched_to() {
    let folder = tempfile::tempdir().unwrap();
    let path = filled(&folder, "delete");
    let db = reading(&path).open().unwrap();
    assert_eq!(db.query_one::<String>("PRAGMA journal_mode", &[]).unwrap(), "delete");
}

#[test]
fn what_another_writes_is_seen() {
    let folder = tempfile::tempdir().unwrap();
    let path = filled(&folder, "wal");
    let reader = reading(&path).open().unwrap();
    let writer = Database::open(&path).unwrap();
    writer.execute("INSERT INTO t VALUES (2)", &[]).unwrap();
    assert_eq!(reader.query_one::<i64>("SELECT count(*) FROM t", &[]).unwrap(), 2);
    writer.close().unwrap();
    assert_eq!(reader.query_one::<i64>("SELECT count(*) FROM t", &[]).unwrap(), 2);
}

/// The log of a program that died is read, and left as it is for the next that writes.
#[test]
fn a_log_left_behind_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = filled(&folder, "wal");
    let writer = Database::open(&path).unwrap();
    writer.execute("INSERT INTO t VALUES (2)", &[]).unwrap();
    let copy = folder.path().join("copy.db");
    // Nobody writes meanwhile, so file and log fit together.
    std::fs::copy(&path, &copy).unwrap();
    std::fs::copy(folder.path().join("wal.db-wal"), folder.path().join("copy.db-wal")).unwrap();
    let before = std::fs::read(&copy).unwrap();
    let reader = reading(&copy).open().unwrap();
    assert_eq!(reader.query_one::<i64>("SELECT count(*) FROM t", &[]).unwrap(), 2);
    drop(reader);
    assert!(std::fs::read(&copy).unwrap() == before);
    assert_eq!(reading(&copy).open().unwrap().query_one::<i64>("SELECT count(*) FROM t", &[]).unwrap(), 2);
}

#[test]
fn a_missing_file_is_not_made() {
    let folder = tempfile::tempdir().unwrap();
    let error = reading(&folder.path().join("none/app.db")).open().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotInitialized);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}
