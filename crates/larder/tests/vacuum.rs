//! Vacuum gives space back, or says why not and changes nothing.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test")]

use larder::backup::vacuum;
use larder::{Database, ErrorKind};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// A database of about a kilobyte a row, with a tenth of its rows left.
fn sparse(path: &Path, rows: i64) -> Database {
    let db = Database::options(path.display().to_string())
        .busy_timeout(Duration::from_millis(200))
        .open()
        .unwrap();
    db.execute("CREATE TABLE notes (id INTEGER PRIMARY KEY, body BLOB)", &[]).unwrap();
    db.write(|tx| {
        for _ in 0..rows {
            tx.execute("INSERT INTO notes (body) VALUES (randomblob(1000))", &[])?;
        }
        Ok(())
    })
    .unwrap();
    db.execute("DELETE FROM notes WHERE id % 10 > 0", &[]).unwrap();
    db
}

fn length(path: &Path) -> u64 {
    std::fs::metadata(path).map_or(0, |found| found.len())
}

#[test]
fn the_space_of_removed_rows_is_won_and_the_log_is_empty() {
    let folder = tempfile::tempdir().unwrap();
    let (path, log) = (folder.path().join("app.db"), folder.path().join("app.db-wal"));
    let db = sparse(&path, 2000);
    let before = length(&path) + length(&log);
    let done = vacuum(&db).unwrap();
    assert_eq!((done.before, done.after), (before, length(&path)));
    assert!(done.won() > 1_000_000 && done.after < 500_000, "{done:?}");
    assert_eq!(length(&log), 0);
    assert_eq!(db.query_one::<i64>("SELECT count(*) FROM notes", &[]).unwrap(), 200);
    db.execute("INSERT INTO notes (body) VALUES ('more')", &[]).unwrap();
    assert_eq!(vacuum(&db).unwrap().after, done.after, "a second time there is nothing to win");
}

#[test]
fn a_database_in_memory_and_one_without_a_log_are_vacuumed_too() {
    let db = sparse(Path::new(":memory:"), 500);
    assert!(vacuum(&db).unwrap().won() > 100_000);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.db").display().to_string();
    let db = Database::options(path.as_str()).pragma("journal_mode", "delete").open().unwrap();
    db.execute("CREATE TABLE t AS SELECT randomblob(1000000) AS a", &[]).unwrap();
    db.execute("DELETE FROM t", &[]).unwrap();
    let done = vacuum(&db).unwrap();
    assert!(done.won() > 990_000, "{done:?}");
}

#[test]
fn one_who_reads_or_writes_is_waited_for_and_then_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.db");
    let db = sparse(&path, 100);
    let other = Database::open(&path).unwrap();
    let error = other
        .write(|tx| {
            tx.execute("DELETE FROM notes WHERE id = 1", &[])?;
            Ok(vacuum(&db).unwrap_err())
        })
        .unwrap();
    assert_eq!(error.kind(), ErrorKind::Busy, "{error}");
    assert!(error.help().is_some());
    // With something in the log, and with an empty one.
    for write in ["DELETE FROM notes WHERE id = 10", "DELETE FROM notes WHERE id = -1"] {
        let error = other
            .read(|tx| {
                let _: i64 = tx.query_one("SELECT count(*) FROM notes", &[])?;
                db.execute(write, &[])?;
                Ok(vacuum(&db).unwrap_err())
            })
            .unwrap();
        assert_eq!(error.kind(), ErrorKind::Busy, "{error}");
        vacuum(&db).unwrap();
    }
}

#[test]
fn this_programs_own_writers_wait() {
    let folder = tempfile::tempdir().unwrap();
    let db = sparse(&folder.path().join("app.db"), 3000);
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for _ in 0..200 {
                db.execute("INSERT INTO notes (body) VALUES ('x')", &[]).unwrap();
            }
        });
        vacuum(&db).unwrap();
        writer.join().unwrap();
    });
    assert_eq!(db.query_one::<i64>("SELECT count(*) FROM notes", &[]).unwrap(), 500);
}

#[test]
fn a_handle_that_only_reads_and_a_file_that_is_gone_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.db");
    let db = sparse(&path, 10);
    let reader = Database::options(path.display().to_string()).read_only(true).open().unwrap();
    assert_eq!(vacuum(&reader).unwrap_err().kind(), ErrorKind::ReadOnly);
    std::fs::rename(&path, folder.path().join("moved.db")).unwrap();
    assert_eq!(vacuum(&db).unwrap_err().kind(), ErrorKind::Backup);
    assert!(!path.exists());
}

#[cfg(target_os = "linux")]
#[test]
fn on_a_disk_without_room_it_is_refused_before_it_begins() {
    let folder = tempfile::tempdir().unwrap();
    let setup = "mount -t tmpfs -o size=3m none \"$LARDER_TEST_PLACE\" && exec \"$1\" --exact inside_a_small_disk --nocapture";
    let run = |way: &[&str]| {
        Command::new("unshare")
            .args(way)
            .args(["sh", "-c", setup, "sh"])
            .arg(std::env::current_exe().unwrap())
            .env("LARDER_TEST_PLACE", folder.path())
            .output()
            .unwrap()
    };
    let allowed = |way: &&[&str]| {
        let tried =
            Command::new("unshare").args(*way).args(["mount", "-t", "tmpfs", "none", "/mnt"]).output();
        tried.is_ok_and(|output| output.status.success())
    };
    let ways: [&[&str]; 2] = [&["-m"], &["-U", "-r", "-m"]];
    let Some(way) = ways.into_iter().find(allowed) else {
        println!("not tested: no file system may be mounted here");
        return;
    };
    let output = run(way);
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}

#[cfg(target_os = "linux")]
#[test]
fn inside_a_small_disk() {
    let Some(disk) = std::env::var_os("LARDER_TEST_PLACE").map(PathBuf::from) else { return };
    let db = sparse(&disk.join("app.db"), 900);
    db.execute("INSERT INTO notes (body) VALUES (randomblob(700000))", &[]).unwrap();
    let error = vacuum(&db).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::DiskFull, "{error:?}");
    assert!(error.to_string().contains("vacuum needs"), "{error}");
    assert_eq!(db.query_one::<i64>("SELECT count(*) FROM notes", &[]).unwrap(), 91);
}
