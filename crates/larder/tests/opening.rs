//! Opening: from nothing to a database with every setting in force, and what stands in the way is told by its name.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

mod kit;

use kit::child;
use larder::{Database, Durability, Error, ErrorKind, Options, params};
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::time::Duration;
use tempfile::TempDir;

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn options(path: &Path) -> Options {
    Database::options(path.to_str().unwrap())
}

/// Opens, writes and reads, so that it is a database indeed.
fn works(db: &Database) {
    db.execute("CREATE TABLE IF NOT EXISTS works (n)", &[]).unwrap();
    db.write(|tx| tx.execute("INSERT INTO works VALUES (1)", &[])).unwrap();
    assert!(db.read(|tx| tx.query_one::<i64>("SELECT count(*) FROM works", &[])).unwrap() > 0);
}

#[track_caller]
fn refused(result: larder::Result<Database>, kind: ErrorKind, words: &[&str]) -> Error {
    let error = result.unwrap_err();
    assert_eq!(error.kind(), kind, "{error:?}");
    for word in words {
        assert!(error.to_string().contains(word), "{word}: {error:?}");
    }
    error
}

#[test]
fn a_missing_file_is_made_with_its_folders_for_its_owner_only() {
    let folder = folder();
    let path = folder.path().join("some/where/app.db");
    let db = Database::open(&path).unwrap();
    works(&db);
    assert_eq!(db.file(), Some(path.as_path()));
    assert_eq!(db.to_string(), path.display().to_string());
    for (name, expected) in [
        ("some", 0o700),
        ("some/where", 0o700),
        ("some/where/app.db", 0o600),
        ("some/where/app.db-wal", 0o600),
        ("some/where/app.db-shm", 0o600),
    ] {
        assert_eq!(mode(&folder.path().join(name)), expected, "{name}");
    }
}

#[test]
fn the_rights_of_what_is_there_already_are_left() {
    let folder = folder();
    fs::create_dir(folder.path().join("shared")).unwrap();
    fs::set_permissions(folder.path().join("shared"), PermissionsExt::from_mode(0o755)).unwrap();
    let path = folder.path().join("shared/app.db");
    fs::write(&path, "").unwrap();
    fs::set_permissions(&path, PermissionsExt::from_mode(0o640)).unwrap();
    let db = Database::open(&path).unwrap();
    works(&db);
    assert_eq!((mode(path.parent().unwrap()), mode(&path)), (0o755, 0o640));
    assert_eq!(mode(&folder.path().join("shared/app.db-wal")), 0o640);
}

const IN_FORCE: [(&str, &str); 7] = [
    ("journal_mode", "wal"),
    ("foreign_keys", "1"),
    ("busy_timeout", "5000"),
    ("synchronous", "1"),
    ("wal_autocheckpoint", "1000"),
    ("temp_store", "2"),
    ("cache_size", "-64000"),
];

/// As text, on the connection that writes and on one that reads.
fn setting(db: &Database, name: &str) -> [String; 2] {
    let text = |value: larder::Value| value.to_string();
    let sql = format!("PRAGMA {name}");
    [text(db.write(|tx| tx.query_one(&sql, &[])).unwrap()), text(db.query_one(&sql, &[]).unwrap())]
}

#[test]
fn every_setting_is_in_force_on_every_connection() {
    let folder = folder();
    let db = Database::open(folder.path().join("app.db")).unwrap();
    for (name, value) in IN_FORCE {
        // Where Larder itself moves the log, SQLite is not to do it on the connection that writes.
        let on_writer = if name == "wal_autocheckpoint" { "0" } else { value };
        assert_eq!(setting(&db, name), [on_writer, value], "{name}");
    }
    // Readers that are opened later, too: three at once.
    let read =
        |name: &str| db.query_one::<larder::Value>(&format!("PRAGMA {name}"), &[]).unwrap().to_string();
    db.read(|_| {
        db.read(|_| {
            db.read(|_| {
                for (name, value) in IN_FORCE {
                    assert_eq!(read(name), value, "{name}");
                }
                Ok(())
            })
        })
    })
    .unwrap();
    let memory = Database::open(":memory:").unwrap();
    for (name, value) in IN_FORCE.into_iter().skip(1) {
        assert_eq!(setting(&memory, name), [value, value], "{name} in memory");
    }
}

#[test]
fn of_durability_and_its_setting_the_last_wins() {
    let folder = folder();
    let path = folder.path().join("app.db");
    let full = options(&path).durability(Durability::Full);
    for (options, found) in [
        (options(&path), "1"),
        (full.clone(), "2"),
        (full.clone().durability(Durability::Normal), "1"),
        (full.clone().pragma("synchronous", "OFF"), "0"),
        (options(&path).pragma("synchronous", "OFF").durability(Durability::Full), "2"),
    ] {
        assert_eq!(setting(&options.open().unwrap(), "synchronous"), [found, found]);
    }
}

#[test]
fn every_setting_can_be_another() {
    let folder = folder();
    for (name, value, found) in [
        ("journal_mode", "delete", "delete"),
        ("JOURNAL_MODE", "TRUNCATE", "truncate"),
        ("foreign_keys", "off", "0"),
        ("foreign_keys", "TRUE", "1"),
        ("busy_timeout", "77", "77"),
        ("synchronous", "FULL", "2"),
        ("synchronous", "3", "3"),
        ("wal_autocheckpoint", "0", "0"),
        ("temp_store", "file", "1"),
        ("cache_size", "500", "500"),
        ("recursive_triggers", "yes", "1"),
        ("page_size", "8192", "8192"),
        ("auto_vacuum", "incremental", "2"),
        ("encoding", "UTF-16le", "UTF-16le"),
        ("case_sensitive_like", "ON", ""),
        ("mmap_size", "1048576", "1048576"),
    ] {
        let path = folder.path().join(format!("{name}-{value}.db"));
        let db =
            options(&path).pragma(name, value).open().unwrap_or_else(|error| panic!("{name}: {error:?}"));
        works(&db);
        let name = name.to_lowercase();
        // This one never answers.
        if name == "case_sensitive_like" {
            assert!(!db.query_one::<bool>("SELECT 'a' LIKE 'A'", &[]).unwrap());
            continue;
        }
        match (name.as_str(), setting(&db, &name)) {
            // How a rollback journal ends is a matter of who writes.
            ("journal_mode", [writer, _]) => assert_eq!(writer, found),
            (_, both) => assert_eq!(both, [found, found], "{name}"),
        }
    }
    let path = folder.path().join("wait.db");
    let db = options(&path).busy_timeout(Duration::from_millis(1234)).open().unwrap();
    assert_eq!(setting(&db, "busy_timeout"), ["1234", "1234"]);
    let db = options(&path).busy_timeout(Duration::MAX).open().unwrap();
    works(&db);
    let db = options(&path).busy_timeout(Duration::ZERO).open().unwrap();
    works(&db);
}

#[test]
fn a_setting_that_does_not_take_is_an_error() {
    let folder = folder();
    let path = folder.path().join("app.db");
    works(&Database::open(&path).unwrap());
    for (name, value) in [
        ("journal_mode", "banana"),
        ("foreign_keys", "banana"),
        ("busy_timeout", "soon"),
        ("busy_timeout", "-1"),
        ("synchronous", "banana"),
        ("cache_size", "lots"),
        ("no_such_setting", "1"),
        // The file has content already.
        ("page_size", "8192"),
        ("encoding", "UTF-16le"),
        // No name and value at all.
        ("synchronous", "1; DROP TABLE works"),
        ("synchronous = 0; --", "1"),
        ("cache_size", ""),
        ("", "1"),
    ] {
        refused(options(&path).pragma(name, value).open(), ErrorKind::Config, &[]);
    }
    works(&Database::open(&path).unwrap());
}

#[test]
fn a_url_names_a_place() {
    let folder = folder();
    let path = folder.path().join("app.db").display().to_string();
    for url in [path.clone(), format!("sqlite:{path}"), format!("sqlite://{path}")] {
        let db = Database::options(url).open().unwrap();
        works(&db);
        assert_eq!(db.to_string(), path);
    }
    for url in [":memory:", "sqlite::memory:", "sqlite://:memory:"] {
        let db = Database::options(url).open().unwrap();
        works(&db);
        assert_eq!((db.to_string().as_str(), db.file()), (":memory:", None));
    }
    for (url, kind) in [
        ("", ErrorKind::Config),
        ("sqlite:", ErrorKind::Config),
        ("file:app.db?mode=ro", ErrorKind::Config),
        ("sqlite:app.db?mode=rwc", ErrorKind::Config),
        ("mysql://root:hunter2@host/db", ErrorKind::Config),
        // Nobody listens on port 1.
        #[cfg(feature = "postgres")]
        ("postgres://root:hunter2@127.0.0.1:1/db", ErrorKind::Unavailable),
        #[cfg(not(feature = "postgres"))]
        ("postgres://root:hunter2@127.0.0.1:1/db", ErrorKind::Unsupported),
        ("a\0b", ErrorKind::Config),
    ] {
        let error = refused(Database::options(url).open(), kind, &[]);
        assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
    }
    refused(Database::open(""), ErrorKind::Config, &["empty"]);
    refused(Database::options(":memory:").read_only(true).open(), ErrorKind::Config, &["memory"]);
    // A path is a path, whatever it looks like.
    let odd = folder.path().join("file:a?mode=memory#%20é.db");
    works(&Database::open(&odd).unwrap());
    assert!(odd.exists());
}

#[test]
fn what_is_no_database_is_told() {
    let folder = folder();
    let path = folder.path().join("app.db");
    refused(Database::open(folder.path()), ErrorKind::NotADatabase, &["folder", "name the file"]);
    fs::write(&path, "This is a letter to my aunt, and longer than the head of a database is. ".repeat(3))
        .unwrap();
    let before = fs::read(&path).unwrap();
    refused(Database::open(&path), ErrorKind::NotADatabase, &[path.to_str().unwrap(), "check the path"]);
    refused(options(&path).read_only(true).open(), ErrorKind::NotADatabase, &[path.to_str().unwrap()]);
    assert_eq!(fs::read(&path).unwrap(), before);
    let below = path.join("deeper/app.db");
    refused(Database::open(&below), ErrorKind::CannotOpen, &["deeper", "check the path"]);
    refused(options(&below).read_only(true).open(), ErrorKind::CannotOpen, &[]);
    // Opening a pipe would hang until somebody writes into it.
    let pipe = folder.path().join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    refused(Database::open(&pipe), ErrorKind::NotADatabase, &["pipe"]);
    refused(Database::open("/dev/null"), ErrorKind::NotADatabase, &["device"]);
}

#[test]
fn an_almost_empty_file_becomes_a_database() {
    let folder = folder();
    for (name, content) in [("none", &b""[..]), ("one", b"x")] {
        let path = folder.path().join(name);
        fs::write(&path, content).unwrap();
        works(&Database::open(&path).unwrap());
    }
    // Half a head is none.
    let path = folder.path().join("half");
    fs::write(&path, b"SQLite format 3\0").unwrap();
    refused(Database::open(&path), ErrorKind::NotADatabase, &[]);
}

#[test]
fn links_are_followed_also_to_a_file_that_is_still_missing() {
    let folder = folder();
    let real = folder.path().join("real/deep/app.db");
    let link = folder.path().join("app.db");
    symlink("real/deep/app.db", &link).unwrap();
    let db = Database::open(&link).unwrap();
    works(&db);
    assert_eq!((mode(&real), mode(real.parent().unwrap())), (0o600, 0o700));
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    // By either name it is the same database, and beside the real file lies what belongs to it.
    let other = Database::open(&real).unwrap();
    assert_eq!(other.query_one::<i64>("SELECT count(*) FROM works", &[]).unwrap(), 1);
    assert!(folder.path().join("real/deep/app.db-wal").exists());
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);

    let round = folder.path().join("round");
    symlink("round", &round).unwrap();
    refused(Database::open(&round), ErrorKind::CannotOpen, &["round", "check the path"]);
    let nowhere = folder.path().join("nowhere");
    symlink("gone", &nowhere).unwrap();
    refused(options(&nowhere).read_only(true).open(), ErrorKind::NotInitialized, &["nowhere"]);
    assert!(!folder.path().join("gone").exists());
}

#[test]
fn a_missing_file_that_may_not_be_made_is_not_initialised() {
    let folder = folder();
    let path = folder.path().join("no/app.db");
    refused(
        options(&path).read_only(true).open(),
        ErrorKind::NotInitialized,
        &["not initialised yet", "larder migrate"],
    );
    refused(options(&path).create(false).open(), ErrorKind::NotInitialized, &[]);
    assert!(!folder.path().join("no").exists());
}

#[test]
fn a_locked_database_is_busy_and_says_how_long_it_waited() {
    let folder = folder();
    let path = folder.path().join("app.db");
    works(&Database::open(&path).unwrap());
    let holder = rusqlite::Connection::open(&path).unwrap();
    holder
        .execute_batch("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; INSERT INTO works VALUES (2)")
        .unwrap();
    let error = refused(
        options(&path).busy_timeout(Duration::from_millis(50)).open(),
        ErrorKind::Busy,
        &[path.to_str().unwrap(), "50 ms", "try again"],
    );
    assert!(error.is_transient());
    refused(options(&path).busy_timeout(Duration::ZERO).read_only(true).open(), ErrorKind::Busy, &[]);
    drop(holder);
    works(&Database::open(&path).unwrap());
}

/// A relative path means the file of the moment of opening: connections that come later must find the same.
#[test]
fn a_relative_path_survives_a_change_of_the_folder() {
    let folder = folder();
    fs::create_dir(folder.path().join("elsewhere")).unwrap();
    let said = child::run(child::command("child", "relative").current_dir(folder.path()));
    assert_eq!(said, ["1 row, healthy"]);
    assert!(folder.path().join("data/app.db").exists());
    assert_eq!(fs::read_dir(folder.path().join("elsewhere")).unwrap().count(), 0);
}

#[test]
fn child() {
    let Some(_) = child::told() else { return };
    let db = Database::open("data/app.db").unwrap();
    db.execute("CREATE TABLE t (n)", &[]).unwrap();
    std::env::set_current_dir("elsewhere").unwrap();
    db.execute("INSERT INTO t VALUES (:n)", params! { n: 1 }).unwrap();
    let rows: i64 = db.read(|tx| tx.query_one("SELECT count(*) FROM t", &[])).unwrap();
    child::say(format!("{rows} row, {}", if db.is_healthy() { "healthy" } else { "not in its place" }));
    db.close().unwrap();
}
