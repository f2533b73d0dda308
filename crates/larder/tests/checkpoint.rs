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
            // More than the bound, for a thread that reads may be put aside by the system; a third of what it would be
            // without checkpoints.
            assert!(i64::from(longest) <= rows, "{longest} pages, {durability:?}, {:?}", db.stats().log);
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

/// The warnings of the log's care, as a listener of the application's would see them.
#[derive(Clone, Default)]
struct Listener(Arc<std::sync::Mutex<Vec<String>>>);

impl Listener {
    /// From here on, and for all threads of this process: the one that does the checkpoints is not ours to set it for.
    fn listen() -> Self {
        static ONE: std::sync::OnceLock<Listener> = std::sync::OnceLock::new();
        ONE.get_or_init(|| {
            let listener = Self::default();
            tracing::subscriber::set_global_default(listener.clone()).unwrap();
            listener
        })
        .clone()
    }

    /// The warnings about the database in `path` that say `words`.
    fn heard(&self, path: &Path, words: &str) -> Vec<String> {
        let path = path.display().to_string();
        self.0
            .lock()
            .unwrap()
            .iter()
            .filter(|line| line.contains(&path) && line.contains(words))
            .cloned()
            .collect()
    }
}

impl tracing::Subscriber for Listener {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        *metadata.level() == tracing::Level::WARN
    }

    fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        tracing::span::Id::from_u64(1)
    }

    fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}
    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}
    fn enter(&self, _: &tracing::span::Id) {}
    fn exit(&self, _: &tracing::span::Id) {}

    fn event(&self, event: &tracing::Event<'_>) {
        struct Line(String);
        impl tracing::field::Visit for Line {
            fn record_debug(&mut self, field: &tracing::field::Field, value: &dyn std::fmt::Debug) {
                self.0.push_str(&format!("{field}={value:?} "));
            }
        }
        let mut line = Line(String::new());
        event.record(&mut line);
        self.0.lock().unwrap().push(line.0);
    }
}

fn log_bytes(path: &Path) -> u64 {
    std::fs::metadata(path.with_file_name("app.db-wal")).unwrap().len()
}

/// A load with a reader that is held and released, again and again: a few seconds here, ten minutes with
/// `LARDER_WAL_SECONDS=600`.
#[test]
fn a_reader_that_is_held_is_named_and_when_it_is_gone_the_log_is_small_again() {
    let listener = Listener::listen();
    let (_folder, path) = folder();
    let db = table(options(&path).long_read(Duration::from_millis(400)));
    let seconds = std::env::var("LARDER_WAL_SECONDS").map_or(3, |seconds| seconds.parse().unwrap());
    let until = Instant::now() + Duration::from_secs(seconds);
    let mut rounds = 0;
    while rounds == 0 || Instant::now() < until {
        rounds += 1;
        // Nobody is held: the log keeps its bound, whatever its file was before.
        for _ in 0..500 {
            let pages = insert(&db);
            assert!(pages <= 2 * BOUND, "{pages} pages: {:?}", db.stats().log);
        }
        let line = std::thread::scope(|scope| {
            let (release, held) = std::sync::mpsc::channel::<()>();
            let (ready, is_held) = std::sync::mpsc::channel();
            let reader = std::thread::Builder::new().name("report".into());
            let db_of_reader = &db;
            let thread = reader
                .spawn_scoped(scope, move || {
                    let line = line!() + 1;
                    let all = db_of_reader.read(|tx| {
                        let before: i64 = tx.query_one("SELECT count(*) FROM t", &[])?;
                        ready.send(()).unwrap();
                        let _ = held.recv();
                        Ok((before, tx.query_one::<i64>("SELECT count(*) FROM t", &[])?))
                    });
                    let (before, after) = all.unwrap();
                    assert_eq!(before, after);
                    line
                })
                .unwrap();
            is_held.recv().unwrap();
            let stats = write_until(&db, |stats| !stats.long_reads.is_empty());
            let long = &stats.long_reads[0];
            assert_eq!(long.thread.as_deref(), Some("report"));
            assert!(long.lasting >= Duration::from_millis(400));
            drop(release);
            thread.join().unwrap()
        });
        let place = format!("tests/checkpoint.rs:{line}:");
        let heard = listener.heard(&path, &place);
        assert_eq!(heard.len(), rounds, "{heard:#?}");
        assert!(heard[0].contains("thread report") && heard[0].contains("log_pages="), "{heard:#?}");
        // Also without a write in between it is moved; the next write begins it anew and cuts the file.
        write_until(&db, |stats| stats.pages < THRESHOLD);
        assert!(log_bytes(&path) <= u64::from(2 * BOUND) * 4200, "{} bytes", log_bytes(&path));
        assert!(db.stats().log.long_reads.is_empty());
    }
    db.close().unwrap();
}

#[cfg(unix)]
#[test]
fn another_process_reads_for_long() {
    let Some(told) = kit::child::told() else { return };
    let db = Database::options(told).open().unwrap();
    db.read(|tx| {
        let _: i64 = tx.query_one("SELECT count(*) FROM t", &[])?;
        kit::child::say("reads");
        let _ = std::io::stdin().read_line(&mut String::new());
        Ok(())
    })
    .unwrap();
}

#[cfg(target_os = "linux")]
#[test]
fn a_reader_of_another_process_is_named() {
    use std::io::{BufRead, BufReader};
    let listener = Listener::listen();
    let (_folder, path) = folder();
    let db = table(options(&path).long_read(Duration::from_millis(400)));
    insert(&db);
    let mut child = kit::child::command("another_process_reads_for_long", &path.display().to_string())
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().contains("child: reads")));
    let stats = write_until(&db, |stats| !stats.long_reads.is_empty());
    let place = format!("(process {})", child.id());
    assert!(stats.long_reads[0].place.contains(&place), "{stats:?}");
    assert_eq!(listener.heard(&path, &place).len(), 1);
    drop(child.stdin.take());
    assert!(child.wait().unwrap().success());
    write_until(&db, |stats| stats.pages < THRESHOLD);
}

/// In a process that runs no other test, for it counts threads.
#[cfg(target_os = "linux")]
#[test]
fn the_thread_ends_with_the_handle_however_that_goes() {
    let threads = || {
        let tasks = std::fs::read_dir("/proc/self/task").unwrap();
        let names =
            tasks.map(|task| std::fs::read_to_string(task.unwrap().path().join("comm")).unwrap_or_default());
        names.filter(|name| name.starts_with("larder-checkpo")).count()
    };
    // A thread has its name, and is forgotten, a moment after it was made or waited for.
    let be = |expected| {
        let begun = Instant::now();
        while threads() != expected {
            assert!(begun.elapsed() < Duration::from_secs(20), "{} threads", threads());
        }
    };
    const NAME: &str = "the_thread_ends_with_the_handle_however_that_goes";
    if kit::child::told().is_none() {
        kit::child::run(&mut kit::child::command(NAME, "count"));
        return;
    }
    for round in 0..40 {
        let (_folder, path) = folder();
        let db = table(options(&path));
        be(0);
        // At the end a checkpoint is under way, or not yet, or no more.
        write_until(&db, |stats| stats.checkpoints > round % 4);
        for _ in 0..round {
            insert(&db);
        }
        be(1);
        let rows = count(&db);
        if round % 2 == 0 {
            db.close().unwrap()
        } else {
            drop(db)
        }
        be(0);
        assert!(!path.with_file_name("app.db-wal").exists());
        assert_eq!(count(&table(options(&path))), rows);
    }
}

#[cfg(unix)]
#[test]
fn one_of_two_processes_that_write() {
    let Some(told) = kit::child::told() else { return };
    let db = table(options(Path::new(&told)));
    for _ in 0..300 {
        insert(&db);
    }
    let stats = db.stats().log;
    assert_eq!((stats.failed, &stats.last_error), (0, &None), "{stats:?}");
    db.close().unwrap();
}

#[cfg(unix)]
#[test]
fn two_processes_share_a_log() {
    let (_folder, path) = folder();
    let db = table(options(&path));
    let told = path.display().to_string();
    let mut others =
        [(); 2].map(|()| kit::child::command("one_of_two_processes_that_write", &told).spawn().unwrap());
    for _ in 0..300 {
        insert(&db);
    }
    assert!(others.iter_mut().all(|other| other.wait().unwrap().success()));
    // Each meets the checkpoints of the others, which is no failure.
    assert_eq!(db.stats().log.failed, 0);
    assert_eq!(count(&db), 900);
    write_until(&db, |stats| stats.pages < THRESHOLD);
}
