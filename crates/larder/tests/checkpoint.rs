//! The write-ahead log is moved into the file beside the writers, and stays small; what stands in the way is said and
//! loses nothing.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

mod kit;

use kit::faulty::{Faulty, When};
use larder::driver::sqlite::{Place, Settings, Sqlite};
use larder::{Database, Durability, ErrorKind, LogStats, Options, params};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// From so many pages on a checkpoint is due.
const THRESHOLD: u32 = 50;
/// A log without a reader in its way has no more pages, but for what one transaction adds.
const BOUND: u32 = 8 * THRESHOLD;

fn folder() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.db");
    (folder, path)
}

fn options(path: &Path) -> Options {
    Database::options(path.display().to_string()).pragma("wal_autocheckpoint", THRESHOLD.to_string())
}

fn table(options: Options) -> Database {
    let db = options.open().unwrap();
    db.execute("CREATE TABLE IF NOT EXISTS t (n INTEGER PRIMARY KEY, filler BLOB)", &[]).unwrap();
    db
}

fn insert(db: &Database) -> u32 {
    db.write(|tx| {
        tx.execute("INSERT INTO t (filler) VALUES (randomblob(:length))", params! { length: 3000 })
    })
    .unwrap();
    db.stats().log.pages
}

fn count(db: &Database) -> i64 {
    db.query_one("SELECT count(*) FROM t", &[]).unwrap()
}

/// Writes until `stats` are as wanted.
fn write_until(db: &Database, wanted: impl Fn(&LogStats) -> bool) -> LogStats {
    let begun = Instant::now();
    loop {
        let stats = db.stats().log;
        if wanted(&stats) {
            return stats;
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "{stats:?}");
        insert(db);
    }
}

#[test]
fn a_writer_without_a_pause_does_not_outrun_the_checkpoints() {
    for durability in [Durability::Normal, Durability::Full] {
        let (_folder, path) = folder();
        let db = table(options(&path).durability(durability));
        let rows = if durability == Durability::Full { 800 } else { 3000 };
        let done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            // Short reads, one after the other: there is always somebody who reads the log.
            for _ in 0..2 {
                scope.spawn(|| {
                    while !done.load(Ordering::Relaxed) {
                        db.read(|tx| tx.query_all::<i64>("SELECT n FROM t ORDER BY n DESC LIMIT 5", &[]))
                            .unwrap();
                    }
                });
            }
            let longest = (0..rows).map(|_| insert(&db)).max().unwrap();
            done.store(true, Ordering::Relaxed);
            // Twice the bound, for a thread that reads may be put aside by the system; without checkpoints it is 9,000.
            assert!(longest <= 2 * BOUND + 20, "{longest} pages, {durability:?}, {:?}", db.stats().log);
        });
        let stats = db.stats().log;
        assert!(stats.checkpoints > 3 && stats.failed == 0 && stats.last_error.is_none(), "{stats:?}");
        assert_eq!(count(&db), rows);
        db.close().unwrap();
        assert!(!path.with_file_name("app.db-wal").exists());
    }
}

#[test]
fn a_small_tool_has_no_checkpoint_and_a_large_transaction_leaves_no_large_file() {
    let (_folder, path) = folder();
    let db = table(options(&path));
    insert(&db);
    assert_eq!(db.stats().log.checkpoints, 0);
    db.write(|tx| {
        (0..2000)
            .try_for_each(|_| tx.execute("INSERT INTO t (filler) VALUES (randomblob(3000))", &[]).map(drop))
    })
    .unwrap();
    // It is cut when the log begins anew.
    insert(&db);
    let log = std::fs::metadata(path.with_file_name("app.db-wal")).unwrap().len();
    assert!(log <= u64::from(BOUND) * 4096 + 100_000, "{log} bytes, {:?}", db.stats().log);
    assert!(db.stats().log.pages < THRESHOLD, "{:?}", db.stats().log);
}

#[test]
fn switched_off_nothing_is_moved() {
    let (_folder, path) = folder();
    let db = table(options(&path).pragma("wal_autocheckpoint", "0"));
    for _ in 0..500 {
        insert(&db);
    }
    assert_eq!(db.stats().log, LogStats::default());
    assert!(std::fs::metadata(path.with_file_name("app.db-wal")).unwrap().len() > 500 * 4096);
}

#[test]
fn a_checkpoint_that_fails_is_told_and_tried_again() {
    for (durability, call) in
        [(Durability::Normal, "checkpoint Beside"), (Durability::Full, "checkpoint Between")]
    {
        let (_folder, path) = folder();
        let mut settings = Settings::default();
        settings.pragmas.push(("wal_autocheckpoint".into(), THRESHOLD.to_string()));
        if durability == Durability::Full {
            settings.pragmas.push(("synchronous".into(), "FULL".into()));
        }
        let driver = Faulty::around(Arc::new(Sqlite { place: Place::File(path), settings }));
        let db = table(Options::driver(Arc::clone(&driver) as _));
        driver.fail(call, When::Instead, ErrorKind::DiskFull);
        let stats = write_until(&db, |stats| stats.failed > 0);
        assert_eq!(stats.last_error.as_deref(), Some("this fault was injected"));
        // It is left alone for a while, and no write fails or waits.
        let stats = write_until(&db, |stats| stats.last_error.is_none());
        assert_eq!(stats.failed, 1);
        write_until(&db, |stats| stats.pages < THRESHOLD);
        assert!(driver.all_struck());
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_told_and_after_there_is_space_all_is_well() {
    let (folder, _) = folder();
    let Some(disk) = kit::child::Mounted::tmpfs(&folder.path().join("disk"), "size=4m") else { return };
    let db = table(options(&disk.path.join("app.db")).pragma("journal_size_limit", "2000000"));
    write_until(&db, |stats| stats.checkpoints > 0);
    // As much as leaves room for a part of the log, but not for the file to take it.
    let used = || {
        std::fs::read_dir(&disk.path)
            .unwrap()
            .map(|file| file.unwrap().metadata().unwrap().len())
            .sum::<u64>()
    };
    let mut rows = count(&db);
    let error = loop {
        match db.execute("INSERT INTO t (filler) VALUES (randomblob(3000))", &[]) {
            Ok(_) => rows += 1,
            Err(error) => break error,
        }
        assert!(used() <= 4 << 20);
    };
    assert_eq!(error.kind(), ErrorKind::DiskFull);
    let begun = Instant::now();
    while db.stats().log.last_error.is_none() {
        assert!(begun.elapsed() < Duration::from_secs(60), "{:?}", db.stats().log);
        let _ = db.execute("INSERT INTO t (filler) VALUES (randomblob(3000))", &[]).map(|_| rows += 1);
    }
    assert!(db.stats().log.last_error.unwrap().contains("full"));
    disk.again("remount,size=40m");
    // Without a single commit.
    let begun = Instant::now();
    while db.stats().log.last_error.is_some() {
        assert!(begun.elapsed() < Duration::from_secs(60), "{:?}", db.stats().log);
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(count(&db), rows);
    insert(&db);
    db.close().unwrap();
}
