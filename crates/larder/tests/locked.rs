//! "database is locked". Threads and processes read and then write, all at once, beside a program that knows nothing of Larder
//! and holds the write lock as it likes. Each waits its turn, nobody is told of a lock, and no step is lost or done twice.
//!
//! `LARDER_LOCK_SECONDS=60` lets it run for that long.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

mod kit;

use kit::child::{self, Running};
use kit::watchdog;
use larder::{Database, Result, params};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

const THREADS: usize = 8;
const PROCESSES: usize = 16;
const ACCOUNTS: i64 = 20;
const BALANCE: i64 = 1_000;

fn seconds() -> u64 {
    std::env::var("LARDER_LOCK_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(5)
}

fn limit() -> Duration {
    Duration::from_secs(60 + 2 * seconds())
}

/// What somebody did, and the longest that one step took.
#[derive(Default)]
struct Done {
    /// Of each sort of step.
    steps: [i64; 3],
    longest: Duration,
}

impl Done {
    fn line(&self) -> String {
        let [a, b, c] = self.steps;
        format!("{a} {b} {c} {}", self.longest.as_millis())
    }

    fn parse(line: &str) -> Self {
        let words: Vec<i64> = line.split(' ').map(|word| word.parse().unwrap()).collect();
        Self {
            steps: [words[0], words[1], words[2]],
            longest: Duration::from_millis(words[3].try_into().unwrap()),
        }
    }
}

fn make(path: &Path) -> Database {
    let db = Database::open(path).unwrap();
    db.write(|tx| {
        tx.execute("CREATE TABLE counter (id INTEGER PRIMARY KEY, n INTEGER NOT NULL)", &[])?;
        tx.execute("INSERT INTO counter VALUES (0, 0), (1, 0), (2, 0)", &[])?;
        tx.execute("CREATE TABLE account (id INTEGER PRIMARY KEY, balance INTEGER NOT NULL)", &[])?;
        for id in 0..ACCOUNTS {
            tx.execute("INSERT INTO account VALUES (:id, :balance)", params! { id, balance: BALANCE })?;
        }
        Ok(())
    })
    .unwrap();
    db
}

/// Reads inside the write: nobody may come between the two.
fn count_up(db: &Database) -> Result<()> {
    db.write(|tx| {
        let n: i64 = tx.query_one("SELECT n FROM counter WHERE id = 0", &[])?;
        tx.execute("UPDATE counter SET n = :n WHERE id = 0", params! { n: n + 1 })?;
        Ok(())
    })
}

/// A read, and then a write that goes by it.
fn move_one(db: &Database) -> Result<()> {
    let (from, to, sum) = db.read(|tx| {
        let (from, to): (i64, i64) = tx.query_one(
            "SELECT (SELECT id FROM account ORDER BY balance DESC, random() LIMIT 1),
                    (SELECT id FROM account ORDER BY balance, random() LIMIT 1)",
            &[],
        )?;
        Ok((from, to, tx.query_one::<i64>("SELECT sum(balance) FROM account", &[])?))
    })?;
    assert_eq!(sum, ACCOUNTS * BALANCE, "a transfer was seen in its middle");
    db.write(|tx| {
        tx.execute("UPDATE account SET balance = balance - 1 WHERE id = :from", params! { from })?;
        tx.execute("UPDATE account SET balance = balance + 1 WHERE id = :to", params! { to })?;
        tx.execute("UPDATE counter SET n = n + 1 WHERE id = 1", &[])?;
        Ok(())
    })
}

/// One statement by itself.
fn count_alone(db: &Database) -> Result<()> {
    assert_eq!(db.execute("UPDATE counter SET n = n + 1 WHERE id = 2", &[])?, 1);
    Ok(())
}

/// Takes steps until the time is up. An error of any is the end of the test.
fn work(db: &Database, until: Instant) -> Done {
    let steps = [count_up, move_one, count_alone];
    let mut done = Done::default();
    while Instant::now() < until {
        for (step, times) in steps.iter().zip(&mut done.steps) {
            let start = Instant::now();
            step(db).unwrap();
            *times += 1;
            done.longest = done.longest.max(start.elapsed());
        }
    }
    done
}

#[test]
fn worker() {
    let Some(path) = child::told() else { return };
    child::end_with_the_parent();
    let db = Database::open(path).unwrap();
    child::say(work(&db, Instant::now() + Duration::from_secs(seconds())).line());
    db.close().unwrap();
}

/// The program that knows nothing of Larder.
#[test]
fn bare() {
    let Some(path) = child::told() else { return };
    child::end_with_the_parent();
    let plain = rusqlite::Connection::open(path).unwrap();
    plain.busy_timeout(limit()).unwrap();
    let until = Instant::now() + Duration::from_secs(seconds());
    let mut done = Done::default();
    while Instant::now() < until {
        let start = Instant::now();
        plain.execute_batch("BEGIN IMMEDIATE").unwrap();
        done.longest = done.longest.max(start.elapsed());
        plain.execute("UPDATE counter SET n = n + 1 WHERE id < 3", []).unwrap();
        std::thread::sleep(Duration::from_millis(fastrand::u64(1..=50)));
        plain.execute_batch("COMMIT").unwrap();
        done.steps = done.steps.map(|times| times + 1);
        std::thread::sleep(Duration::from_millis(fastrand::u64(0..20)));
    }
    child::say(done.line());
}

fn start(test: &str, path: &Path) -> Running {
    Running::start(test, path.to_str().unwrap())
}

/// Waits for the end of a process, and gives what it did.
fn done(running: Running) -> Done {
    let output = running.end();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}\n{}", String::from_utf8_lossy(&output.stderr));
    Done::parse(text.lines().find_map(|line| Some(line.split_once("child: ")?.1)).unwrap())
}

/// Every step of everybody is there, once. Gives a line on how it went.
fn check(path: &Path, done: &[Done], bare: &Done) -> String {
    let db = Database::open(path).unwrap();
    let counters: Vec<i64> = db.query_all("SELECT n FROM counter ORDER BY id", &[]).unwrap();
    let sum = |sort: usize| done.iter().chain([bare]).map(|done| done.steps[sort]).sum::<i64>();
    assert_eq!(counters, [sum(0), sum(1), sum(2)]);
    let total: i64 = db.query_one("SELECT sum(balance) FROM account", &[]).unwrap();
    assert_eq!(total, ACCOUNTS * BALANCE);
    assert_eq!(db.query_one::<String>("PRAGMA integrity_check", &[]).unwrap(), "ok");
    let longest = done.iter().map(|done| done.longest).max().unwrap();
    // Somebody who never came to it would show nothing.
    assert!(bare.steps[0] > 0 && done.iter().all(|done| done.steps[2] > 0), "somebody did nothing");
    format!(
        "{} in {} s: {counters:?} steps, none told of a lock; the longest took {longest:?}; the bare program {} \
         transactions, and waited up to {:?}",
        done.len(),
        seconds(),
        bare.steps[0],
        bare.longest,
    )
}

fn place() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.db");
    (folder, path)
}

#[test]
fn eight_threads_that_read_and_write_are_never_told_of_a_lock() {
    watchdog::bounded(limit(), || {
        let (_folder, path) = place();
        let db = make(&path);
        let bare = start("bare", &path);
        let until = Instant::now() + Duration::from_secs(seconds());
        let steps: Vec<Done> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(|| work(&db, until))).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        let bare = done(bare);
        db.close().unwrap();
        println!("{}", check(&path, &steps, &bare));
    });
}

#[test]
fn sixteen_processes_that_read_and_write_are_never_told_of_a_lock() {
    watchdog::bounded(limit(), || {
        let (_folder, path) = place();
        make(&path).close().unwrap();
        let bare = start("bare", &path);
        let workers: Vec<_> = (0..PROCESSES).map(|_| start("worker", &path)).collect();
        let steps: Vec<Done> = workers.into_iter().map(done).collect();
        println!("{}", check(&path, &steps, &done(bare)));
    });
}
