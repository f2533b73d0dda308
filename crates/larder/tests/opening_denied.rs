//! Opening where somebody has no right to, where nothing can be written, and where no space is left. The superuser is
//! stopped by no permission, so these run as nobody in a process of their own.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

mod kit;

use kit::child;
use larder::{Database, ErrorKind};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

fn allow(path: &Path, mode: u32) {
    fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
}

/// A folder that everybody may read.
fn open_folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    allow(folder.path(), 0o755);
    folder
}

/// A database of one row in `journal_mode`, closed, which everybody may read and only its owner may write.
fn database(path: &Path, journal_mode: &str) {
    let db = Database::options(path.to_str().unwrap()).pragma("journal_mode", journal_mode).open().unwrap();
    db.execute("CREATE TABLE t (n)", &[]).unwrap();
    db.execute("INSERT INTO t VALUES (1)", &[]).unwrap();
    db.close().unwrap();
    allow(path, 0o444);
}

/// What opening `path` says to nobody: `read` or `write`, then what came of it.
fn as_nobody(folder: &TempDir, how: &str, path: &Path) -> String {
    let told = format!("{how} {}", path.display());
    let said = child::run(&mut child::command_as_nobody(folder.path(), "child", &told));
    said.join("\n")
}

#[test]
fn child() {
    let Some(told) = child::told() else { return };
    let (how, path) = told.split_once(' ').unwrap();
    child::say(outcome(how, path));
}

fn outcome(how: &str, path: &str) -> String {
    let opened = Database::options(path).read_only(how == "read").open();
    let db = match opened {
        Ok(db) => db,
        Err(error) => return format!("{:?}: {error}", error.kind()),
    };
    match db.query_one::<i64>("SELECT count(*) FROM t", &[]) {
        Ok(rows) => format!("read {rows}"),
        Err(error) => format!("opened, then {:?}: {error}", error.kind()),
    }
}

#[track_caller]
fn assert_says(said: &str, kind: ErrorKind, words: &[&str]) {
    assert!(said.starts_with(&format!("{kind:?}: ")), "{said}");
    for word in words {
        assert!(said.contains(word), "{word}: {said}");
    }
}

#[test]
fn a_folder_or_a_file_that_can_not_be_made() {
    let folder = open_folder();
    // Where the test runs as nobody itself, the owner is denied as well.
    let denied = folder.path().join("denied");
    fs::create_dir(&denied).unwrap();
    allow(&denied, 0o555);
    let said = as_nobody(&folder, "write", &denied.join("sub/app.db"));
    assert_says(&said, ErrorKind::CannotOpen, &["the folder", "sub can't be made", "permissions above it"]);
    let said = as_nobody(&folder, "write", &denied.join("app.db"));
    assert_says(&said, ErrorKind::CannotOpen, &["app.db can't be made", "permissions on its folder"]);
    assert_eq!(fs::read_dir(&denied).unwrap().count(), 0);
}

#[test]
fn a_folder_that_can_not_be_entered() {
    let folder = open_folder();
    let denied = folder.path().join("denied");
    fs::create_dir(&denied).unwrap();
    fs::write(denied.join("app.db"), "").unwrap();
    allow(&denied, 0o000);
    let read = as_nobody(&folder, "read", &denied.join("app.db"));
    let write = as_nobody(&folder, "write", &denied.join("app.db"));
    allow(&denied, 0o700);
    assert_says(&read, ErrorKind::CannotOpen, &["can't be looked at", "folders above it"]);
    assert_says(&write, ErrorKind::CannotOpen, &["app.db"]);
}

#[test]
fn a_file_that_can_not_be_read() {
    let folder = open_folder();
    allow(folder.path(), 0o777);
    let path = folder.path().join("app.db");
    database(&path, "wal");
    allow(&path, 0o000);
    for how in ["read", "write"] {
        let said = as_nobody(&folder, how, &path);
        assert_says(&said, ErrorKind::CannotOpen, &[path.to_str().unwrap(), "permission"]);
    }
}

#[test]
fn a_file_that_can_not_be_written_is_told_when_it_is_opened() {
    for journal_mode in ["wal", "delete"] {
        let folder = open_folder();
        let denied = folder.path().join("denied");
        fs::create_dir(&denied).unwrap();
        let path = denied.join("app.db");
        database(&path, journal_mode);
        for mode in [0o777, 0o555] {
            allow(&denied, mode);
            let before = fs::read(&path).unwrap();
            let said = as_nobody(&folder, "write", &path);
            assert_says(
                &said,
                ErrorKind::ReadOnly,
                &[path.to_str().unwrap(), "can't be written", "open it read-only"],
            );
            assert_eq!(fs::read(&path).unwrap(), before);
        }
        allow(&denied, 0o755);
    }
}

#[test]
fn a_database_in_a_folder_that_can_not_be_written_is_read_only_or_says_why_not() {
    let folder = open_folder();
    let denied = folder.path().join("denied");
    fs::create_dir(&denied).unwrap();
    let (wal, plain) = (denied.join("wal.db"), denied.join("plain.db"));
    database(&wal, "wal");
    database(&plain, "delete");
    allow(&denied, 0o555);
    assert_eq!(as_nobody(&folder, "read", &plain), "read 1");
    let said = as_nobody(&folder, "read", &wal);
    assert_says(
        &said,
        ErrorKind::ReadOnly,
        &[wal.to_str().unwrap(), "in WAL mode even a reader makes files beside it"],
    );
    assert_eq!(fs::read_dir(&denied).unwrap().count(), 2);
    allow(&denied, 0o755);
}

/// On a file system that is mounted only for reading; where this user may mount one.
#[test]
fn a_place_that_only_reads() {
    let folder = open_folder();
    let Some(place) = child::Mounted::tmpfs(&folder.path().join("place"), "size=1m,mode=755") else { return };
    let (wal, plain) = (place.path.join("wal.db"), place.path.join("plain.db"));
    database(&wal, "wal");
    database(&plain, "delete");
    place.again("remount,ro");
    let missing = place.path.join("missing.db");
    assert_says(
        &outcome("write", missing.to_str().unwrap()),
        ErrorKind::ReadOnly,
        &["missing.db", "can't be made"],
    );
    let below = place.path.join("sub/missing.db");
    assert_says(&outcome("write", below.to_str().unwrap()), ErrorKind::ReadOnly, &["sub can't be made"]);
    for path in [&wal, &plain] {
        assert_says(&outcome("write", path.to_str().unwrap()), ErrorKind::ReadOnly, &["can't be written"]);
    }
    assert_eq!(outcome("read", plain.to_str().unwrap()), "read 1");
    assert_says(&outcome("read", wal.to_str().unwrap()), ErrorKind::CannotOpen, &["WAL"]);
    place.again("remount,rw");
    assert_eq!(outcome("write", wal.to_str().unwrap()), "read 1");
}

/// On a real disk of 256 KB that is full; where this user may mount one. `conformance` has the simulated one.
#[test]
fn a_disk_that_is_full() {
    let folder = open_folder();
    let Some(place) = child::Mounted::tmpfs(&folder.path().join("small"), "size=256k,mode=755") else {
        return;
    };
    let path = |name: &str| -> PathBuf { place.path.join(name) };
    let db = Database::open(path("app.db")).unwrap();
    db.execute("CREATE TABLE t (n INTEGER PRIMARY KEY, filler)", &[]).unwrap();
    let fill = |db: &Database| db.execute("INSERT INTO t (filler) VALUES (randomblob(4000))", &[]);
    let mut rows = 0;
    let error = loop {
        match fill(&db) {
            Ok(_) => rows += 1,
            Err(error) => break error,
        }
    };
    assert_eq!(error.kind(), ErrorKind::DiskFull, "{error:?}");
    let error = db
        .write(|tx| {
            tx.execute("UPDATE t SET filler = randomblob(4000)", &[])?;
            Ok(())
        })
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::DiskFull, "{error:?}");
    // Reading goes on, and nothing that was acknowledged is gone.
    assert_eq!(db.query_one::<i64>("SELECT count(*) FROM t", &[]).unwrap(), rows);

    // Opening another beside it, with the last bytes gone.
    while fs::write(path("padding"), vec![1; 1 << 18]).is_ok() {}
    let error = Database::open(path("other.db")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::DiskFull, "{error:?}");
    assert!(error.to_string().contains("other.db"), "{error}");
    let error = Database::open(path("sub/other.db")).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::DiskFull), "{error:?}");

    // With space again, the same handle goes on.
    place.again("remount,size=4m");
    fill(&db).unwrap();
    assert_eq!(db.query_one::<String>("PRAGMA integrity_check", &[]).unwrap(), "ok");
    db.close().unwrap();
    let db = Database::open(path("app.db")).unwrap();
    assert_eq!(db.query_one::<i64>("SELECT count(*) FROM t", &[]).unwrap(), rows + 1);
    drop(db);
    drop(Database::open(path("other.db")).unwrap());
}
