//! Who waits for a commit hears of it, whoever made it, and misses none: the version is looked at first, then the database,
//! then it is waited.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

mod kit;

use kit::child::{self, Running};
use kit::watchdog::bounded;
use larder::{Database, ErrorKind, Result};
use std::path::Path;
use std::time::Duration;

/// Nobody waits so long: who does has missed something.
const LONG: Duration = Duration::from_secs(60);
const ROUNDS: i64 = 300;

fn made(db: &Database) {
    db.execute("CREATE TABLE counters (n INTEGER NOT NULL) STRICT", &[]).unwrap();
    db.execute("INSERT INTO counters VALUES (0)", &[]).unwrap();
}

fn count(db: &Database) -> i64 {
    db.query_one("SELECT n FROM counters", &[]).unwrap()
}

fn count_up(db: &Database) -> Result<u64> {
    db.write(|tx| tx.execute("UPDATE counters SET n = n + 1", &[]))
}

/// Pauses of no length, of the length of a commit, and of that of a look.
fn pause() {
    match fastrand::u8(..8) {
        0 => std::thread::sleep(Duration::from_millis(fastrand::u64(..20))),
        1 | 2 => std::thread::sleep(Duration::from_micros(fastrand::u64(..300))),
        3 => std::thread::yield_now(),
        _ => {}
    }
}

/// Reads and waits until the counter has come to `end`.
fn follow(db: &Database, end: i64) {
    let mut changes = db.changes().unwrap();
    loop {
        let found = count(db);
        if found >= end {
            return;
        }
        if fastrand::bool() {
            pause();
        }
        assert!(changes.wait(LONG).unwrap(), "at {found} of {end} nothing came any more");
    }
}

#[test]
fn a_commit_of_the_same_handle_of_another_and_of_a_migration_ends_the_wait() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.db");
    let db = Database::open(&path).unwrap();
    made(&db);
    let other = Database::open(&path).unwrap();
    let mut changes = db.changes().unwrap();
    assert!(!changes.wait(Duration::ZERO).unwrap());
    assert!(!changes.wait(Duration::from_millis(30)).unwrap(), "nothing was committed");

    count_up(&db.clone()).unwrap();
    assert!(changes.wait(LONG).unwrap());
    db.execute("UPDATE counters SET n = 7", &[]).unwrap();
    assert!(changes.wait(LONG).unwrap());
    count_up(&other).unwrap();
    assert!(changes.wait(LONG).unwrap());
    while changes.wait(Duration::ZERO).unwrap() {}

    // What is rolled back is no commit.
    db.write(|tx| {
        tx.execute("UPDATE counters SET n = 0", &[])?;
        Err::<(), _>(larder::Error::other("no"))
    })
    .unwrap_err();
    assert!(!changes.wait(Duration::ZERO).unwrap());
    larder::backup::vacuum(&db).unwrap();
    assert!(changes.wait(LONG).unwrap());
}

#[test]
fn two_threads_miss_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let file = Database::open(folder.path().join("app.db")).unwrap();
    for db in [file, Database::open(":memory:").unwrap()] {
        made(&db);
        let follower = db.clone();
        bounded(2 * LONG, move || {
            std::thread::scope(|scope| {
                scope.spawn(|| follow(&follower, 2 * ROUNDS));
                for _ in 0..2 {
                    scope.spawn(|| {
                        for _ in 0..ROUNDS {
                            count_up(&db).unwrap();
                            pause();
                        }
                    });
                }
            });
        });
    }
}

#[test]
fn two_processes_miss_nothing() {
    if let Some(path) = child::told() {
        child::end_with_the_parent();
        let db = Database::open(path).unwrap();
        for _ in 0..ROUNDS {
            count_up(&db).unwrap();
            pause();
        }
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.db");
    let db = Database::open(&path).unwrap();
    made(&db);
    let writer = Running::start("two_processes_miss_nothing", path.to_str().unwrap());
    bounded(2 * LONG, move || follow(&db, ROUNDS));
    assert!(writer.end().status.success());
}

#[test]
fn another_journal_mode_has_it_too() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.db").display().to_string();
    let open = || Database::options(path.clone()).pragma("journal_mode", "delete").open().unwrap();
    let (db, other) = (open(), open());
    made(&db);
    let mut changes = db.changes().unwrap();
    count_up(&other).unwrap();
    assert!(changes.wait(LONG).unwrap());
    assert!(!changes.wait(Duration::ZERO).unwrap());
}

#[test]
fn a_wait_ends_when_somebody_ends_it_or_the_handle_is_closed() {
    let folder = tempfile::tempdir().unwrap();
    for path in [folder.path().join("app.db").as_path(), Path::new(":memory:")] {
        let db = Database::open(path).unwrap();
        let mut changes = db.changes().unwrap();
        changes.waker().wake();
        assert!(changes.wait(LONG).unwrap());
        bounded(LONG, move || {
            let waker = changes.waker();
            let waiting = std::thread::spawn(move || {
                let woken = changes.wait(Duration::MAX).unwrap();
                (woken, changes)
            });
            pause();
            waker.wake();
            let (woken, mut changes) = waiting.join().unwrap();
            assert!(woken);
            let waiting = std::thread::spawn(move || changes.wait(Duration::MAX).unwrap_err().kind());
            pause();
            db.close().unwrap();
            assert_eq!(waiting.join().unwrap(), ErrorKind::Closed);
        });
    }
}

/// What this process has read so far with calls that read: how many, and how many bytes.
#[cfg(target_os = "linux")]
fn read_so_far() -> (u64, u64) {
    let text = std::fs::read_to_string("/proc/self/io").unwrap();
    let number = |name: &str| {
        text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": ")?.parse().ok()).unwrap()
    };
    (number("syscr"), number("rchar"))
}

/// In a process of its own, where nobody else reads.
#[cfg(target_os = "linux")]
#[test]
fn waiting_reads_no_file() {
    if let Some(path) = child::told() {
        let db = Database::open(path).unwrap();
        let mut changes = db.changes().unwrap();
        // What it keeps of the first look is there; and what it costs to look at the counters is known.
        changes.wait(Duration::from_millis(20)).unwrap();
        let (first, second) = (read_so_far(), read_so_far());
        assert!(!changes.wait(Duration::from_millis(500)).unwrap());
        let third = read_so_far();
        child::say(third.0 - second.0 == second.0 - first.0);
        // A file that is read is seen by this measure.
        std::fs::read(std::env::current_exe().unwrap()).unwrap();
        child::say(read_so_far().0 - third.0 > second.0 - first.0);
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.db");
    let db = Database::open(&path).unwrap();
    made(&db);
    let said = child::run(&mut child::command("waiting_reads_no_file", path.to_str().unwrap()));
    assert_eq!(said, ["true", "true"]);
}
