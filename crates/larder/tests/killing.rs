//! Killed under load. Sixty-four threads write, each acknowledges what it was told is committed, and the process is killed at
//! a moment nobody chose. What was acknowledged is there afterwards, and each closure's rows are there together or not at
//! all; rows of closures that failed or panicked beside the others are not.
//!
//! A killed process loses nothing that it handed to the operating system, so no acknowledged row may be missing with `NORMAL`
//! either: that durability differs from `FULL` only when the power goes.
//!
//! `LARDER_KILLS=1000` makes it a thousand.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

mod kit;

use kit::child::{self, Running};
use kit::watchdog;
use larder::{Database, Durability, Error, ErrorKind, Result, WriteTx, params};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::process::ExitStatusExt;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

const THREADS: i64 = 64;
const WORKERS: usize = 4;
/// One database is killed so often before the next.
const CYCLES: i64 = 16;

/// How the killed process opens its database: durability, and after how many pages of log it is moved into the file.
#[derive(Clone, Copy)]
struct Mode {
    durability: Durability,
    checkpoint: &'static str,
}

const MODES: [Mode; 4] = [
    Mode { durability: Durability::Full, checkpoint: "1000" },
    Mode { durability: Durability::Normal, checkpoint: "1000" },
    // Killed while checkpointing.
    Mode { durability: Durability::Full, checkpoint: "8" },
    Mode { durability: Durability::Normal, checkpoint: "8" },
];

/// A database, and the ledger of what was acknowledged.
struct Place {
    folder: PathBuf,
    mode: usize,
}

impl Place {
    fn open(&self) -> Database {
        let Mode { durability, checkpoint } = MODES[self.mode];
        Database::options(self.folder.join("app.db").to_str().unwrap())
            .busy_timeout(Duration::from_secs(20))
            .durability(durability)
            .pragma("wal_autocheckpoint", checkpoint)
            .open()
            .unwrap()
    }

    fn ledger(&self) -> PathBuf {
        self.folder.join("ledger")
    }

    fn acknowledged(&self) -> BTreeSet<i64> {
        let bytes = std::fs::read(self.ledger()).unwrap_or_default();
        let (keys, rest) = bytes.as_chunks::<8>();
        assert!(rest.is_empty(), "an entry of the ledger is torn: the test itself is wrong");
        keys.iter().map(|key| i64::from_le_bytes(*key)).collect()
    }
}

fn key(cycle: i64, thread: i64, n: i64) -> i64 {
    (cycle << 40) | (thread << 32) | n
}

fn parts(key: i64) -> (i64, i64, i64) {
    (key >> 40, (key >> 32) & 0xff, key & 0xffff_ffff)
}

/// What becomes of a thread's write number `n`.
#[derive(PartialEq)]
enum Fate {
    Kept,
    Refused,
    Panics,
}

fn fate(n: i64) -> Fate {
    match n % 16 {
        5 => Fate::Refused,
        13 => Fate::Panics,
        _ => Fate::Kept,
    }
}

/// Two rows in two tables.
fn put(tx: &mut WriteTx<'_>, id: i64) -> Result<()> {
    let (_, thread, n) = parts(id);
    tx.execute("INSERT INTO entry (id, thread) VALUES (:id, :thread)", params! { id, thread })?;
    tx.execute(
        "INSERT INTO mirror (entry, filler) VALUES (:id, zeroblob(:size))",
        params! { id, size: n % 300 },
    )?;
    match fate(n) {
        Fate::Kept => Ok(()),
        Fate::Refused => Err(Error::other("the application says no")),
        // Not `panic!`, which would print each.
        Fate::Panics => resume_unwind(Box::new("as planned")),
    }
}

#[test]
fn child() {
    let Some(told) = child::told() else { return };
    let words: Vec<&str> = told.splitn(3, ' ').collect();
    let place = Place { folder: words[2].into(), mode: words[0].parse().unwrap() };
    let cycle: i64 = words[1].parse().unwrap();
    child::end_with_the_parent();
    let db = place.open();
    let ledger = OpenOptions::new().append(true).create(true).open(place.ledger()).unwrap();
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let (db, ledger) = (&db, &ledger);
            scope.spawn(move || load(db, ledger, cycle, thread));
        }
    });
}

/// Writes until it is killed.
fn load(db: &Database, mut ledger: &File, cycle: i64, thread: i64) {
    for n in 0.. {
        let key = key(cycle, thread, n);
        // One in seven must be durable at once, whatever the others are.
        let result = catch_unwind(AssertUnwindSafe(|| match n % 7 {
            3 => db.write_durable(|tx| put(tx, key)),
            _ => db.write(|tx| put(tx, key)),
        }));
        match (fate(n), result) {
            // One call, which is done or not when the process dies.
            (Fate::Kept, Ok(Ok(()))) => ledger.write_all(&key.to_le_bytes()).unwrap(),
            (Fate::Refused, Ok(Err(error))) if error.kind() == ErrorKind::Application => {}
            (Fate::Panics, Err(panic)) if panic.downcast_ref() == Some(&"as planned") => {}
            (_, wrong) => {
                // A panic would end this thread only, and go under with the others.
                let _ = writeln!(std::io::stderr(), "write {n} of thread {thread} ended as {wrong:?}");
                std::process::exit(101);
            }
        }
    }
}

fn start(place: &Place, cycle: i64) -> Running {
    Running::start("child", &format!("{} {cycle} {}", place.mode, place.folder.display()))
}

/// Kills it, which must have run until then.
fn kill(running: Running) {
    let output = running.kill();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.signal(), Some(9), "{}: {said}", output.status);
}

/// Waits for the moment of the kill: now and then while the file is being opened, mostly under load.
fn wait_for_the_moment(place: &Place, before: usize) {
    let pause = Duration::from_micros(fastrand::u64(0..40_000));
    if fastrand::u8(0..8) > 0 {
        let start = Instant::now();
        let size = || std::fs::metadata(place.ledger()).map_or(0, |ledger| ledger.len());
        while size() <= before as u64 * 8 {
            assert!(start.elapsed() < Duration::from_secs(30), "nothing was acknowledged");
            std::thread::sleep(Duration::from_micros(200));
        }
    }
    std::thread::sleep(pause);
}

/// What the kills did, added up.
#[derive(Default)]
struct Tally {
    kills: AtomicUsize,
    /// Killed after the first acknowledgement of the process.
    middle: AtomicUsize,
    /// Writes that were acknowledged, and writes that were committed when the kill came before their acknowledgement.
    acknowledged: AtomicUsize,
    unheard: AtomicUsize,
    /// Kills that came between commits and their acknowledgement.
    between: AtomicUsize,
}

/// What must be so after the last kill. The cycles since `first` have not been looked at before.
fn check(place: &Place, first: i64, tally: &Tally) {
    let db = place.open();
    assert_eq!(db.query_one::<String>("PRAGMA integrity_check", &[]).unwrap(), "ok");
    assert_eq!(db.query_one::<i64>("SELECT count(*) FROM pragma_foreign_key_check", &[]).unwrap(), 0);
    let entries: BTreeSet<i64> = db.query_all("SELECT id FROM entry", &[]).unwrap().into_iter().collect();
    let mirrors: BTreeSet<i64> = db.query_all("SELECT entry FROM mirror", &[]).unwrap().into_iter().collect();
    let torn: Vec<_> = entries.symmetric_difference(&mirrors).map(|key| parts(*key)).collect();
    assert!(torn.is_empty(), "one of two rows of (cycle, thread, write): {torn:?}");
    let acknowledged = place.acknowledged();
    let lost: Vec<_> = acknowledged.difference(&entries).map(|key| parts(*key)).collect();
    let durability = MODES[place.mode].durability;
    assert!(lost.is_empty(), "{durability:?}: acknowledged and lost, as (cycle, thread, write): {lost:?}");

    // Of each thread the writes are there without a gap, and at most the last of each cycle was not heard of.
    let mut threads: BTreeMap<(i64, i64), Vec<i64>> = BTreeMap::new();
    for (cycle, thread, n) in entries.iter().map(|key| parts(*key)) {
        threads.entry((cycle, thread)).or_default().push(n);
    }
    let mut unheard = BTreeMap::new();
    for ((cycle, thread), there) in threads {
        let expected: Vec<i64> = (0..).filter(|n| fate(*n) == Fate::Kept).take(there.len()).collect();
        assert_eq!(there, expected, "cycle {cycle}, thread {thread}");
        let silent = there.iter().filter(|n| !acknowledged.contains(&key(cycle, thread, **n))).count();
        assert!(silent <= 1, "thread {thread} went on without an answer");
        if cycle >= first && silent > 0 {
            *unheard.entry(cycle).or_insert(0) += silent;
        }
    }
    tally.unheard.fetch_add(unheard.values().sum(), Ordering::Relaxed);
    tally.between.fetch_add(unheard.len(), Ordering::Relaxed);
}

fn kill_again_and_again(folder: &Path, worker: usize, kills: usize, tally: &Tally) {
    let mut left = kills;
    for round in 0.. {
        let folder = folder.join(format!("{worker}-{round}"));
        std::fs::create_dir(&folder).unwrap();
        let place = Place { folder, mode: (worker + round) % MODES.len() };
        let db = place.open();
        db.execute("CREATE TABLE entry (id INTEGER PRIMARY KEY, thread INTEGER NOT NULL)", &[]).unwrap();
        db.execute("CREATE TABLE mirror (entry INTEGER PRIMARY KEY REFERENCES entry (id), filler BLOB)", &[])
            .unwrap();
        db.execute("CREATE INDEX by_thread ON entry (thread)", &[]).unwrap();
        db.close().unwrap();
        let mut first = 0;
        for cycle in 0..CYCLES {
            if left == 0 {
                return;
            }
            left -= 1;
            let before = place.acknowledged().len();
            let running = start(&place, cycle);
            wait_for_the_moment(&place, before);
            kill(running);
            let heard = place.acknowledged().len() - before;
            tally.kills.fetch_add(1, Ordering::Relaxed);
            tally.middle.fetch_add(usize::from(heard > 0), Ordering::Relaxed);
            tally.acknowledged.fetch_add(heard, Ordering::Relaxed);
            // Now and then it is the next to be killed that finds what this one left.
            if left == 0 || cycle + 1 == CYCLES || fastrand::u8(0..4) > 0 {
                check(&place, first, tally);
                first = cycle + 1;
            }
        }
        std::fs::remove_dir_all(&place.folder).unwrap();
    }
}

#[test]
fn killed_under_load_no_acknowledged_write_is_lost_and_none_is_torn() {
    let kills: usize = std::env::var("LARDER_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(200);
    let limit = Duration::from_secs(60) + Duration::from_secs(2) * u32::try_from(kills).unwrap();
    watchdog::bounded(limit, move || {
        let start = Instant::now();
        let (folder, tally) = (tempfile::tempdir().unwrap(), Tally::default());
        std::thread::scope(|scope| {
            for worker in 0..WORKERS {
                let (folder, tally) = (folder.path(), &tally);
                let share = kills / WORKERS + usize::from(worker < kills % WORKERS);
                scope.spawn(move || kill_again_and_again(folder, worker, share, tally));
            }
        });
        let Tally { kills: done, middle, acknowledged, unheard, between } = tally;
        let (done, middle) = (done.into_inner(), middle.into_inner());
        println!(
            "{done} kills in {:.1} s, {middle} of them under load; {} writes acknowledged and there; {} committed and \
             not yet acknowledged, in {} kills",
            start.elapsed().as_secs_f64(),
            acknowledged.into_inner(),
            unheard.into_inner(),
            between.into_inner(),
        );
        assert_eq!(done, kills);
        assert!(middle * 2 > kills, "only {middle} of {kills} kills hit in the middle: this shows nothing");
    });
}
