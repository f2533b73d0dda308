//! Two start at once. Elsewhere the migration is applied twice and both report success, or all but one fail. Here one
//! migrates and the others wait and go on.

use crate::kit::child;
use crate::{Open, app, one};
use larder::migrate::Migrator;
use larder::{Database, Migration, MigrationSet};
use larder_kit::{Engine, Place};
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::{Arc, Barrier};

/// Applied twice, the second would fail and the third would show in the rows.
fn set() -> MigrationSet {
    app(&[
        "CREATE TABLE t (id INTEGER PRIMARY KEY, a)",
        "CREATE TABLE u (b); INSERT INTO u VALUES (1)",
        "INSERT INTO t (a) VALUES (100)",
        "UPDATE t SET a = a WHERE a IS NULL; ALTER TABLE t ADD COLUMN c",
        "-- larder: no-transaction\nINSERT INTO u VALUES (2); VACUUM",
        "INSERT INTO t (a, c) VALUES (200, 1)",
    ])
}

fn assert_once(db: &Database) {
    let rows: (i64, i64, String, i64) = db
        .query_one(
            "SELECT (SELECT count(*) FROM t), (SELECT count(*) FROM u), \
             (SELECT group_concat(id, ' ') FROM (SELECT id FROM schema_migrations ORDER BY rowid)), \
             (SELECT count(*) FROM meta)",
            &[],
        )
        .unwrap();
    assert_eq!(rows, (2, 2, "0001_m 0002_m 0003_m 0004_m 0005_m 0006_m".into(), 1));
    assert_eq!(one::<String>(db, "PRAGMA integrity_check"), "ok");
}

#[test]
fn threads_with_handles_of_their_own() {
    for _ in 0..5 {
        let place = Place::new(Engine::Sqlite);
        let barrier = Arc::new(Barrier::new(8));
        let threads: Vec<_> = (0..8)
            .map(|_| {
                let (path, barrier) = (place.path(), Arc::clone(&barrier));
                std::thread::spawn(move || {
                    barrier.wait();
                    let db = Database::open(path).unwrap();
                    db.migrate(&[&set()]).unwrap().done.len()
                })
            })
            .collect();
        let done: usize = threads.into_iter().map(|thread| thread.join().unwrap()).sum();
        assert_eq!(done, 6, "each by exactly one of them");
        assert_once(&place.open());
    }
}

#[test]
fn threads_that_share_one_handle() {
    let place = Place::new(Engine::Sqlite);
    let db = place.open();
    let threads: Vec<_> = (0..8)
        .map(|_| {
            let db = db.clone();
            std::thread::spawn(move || db.migrate(&[&set()]).unwrap().done.len())
        })
        .collect();
    assert_eq!(threads.into_iter().map(|thread| thread.join().unwrap()).sum::<usize>(), 6);
    assert_once(&db);
}

#[cfg(unix)]
mod processes {
    use super::*;
    use std::io::{Read, Write};
    use std::os::unix::net::{UnixListener, UnixStream};

    const PROCESSES: usize = 64;
    const ROUNDS: usize = 20;

    #[test]
    fn child() {
        let Some(place) = child::told() else { return };
        let mut done = 0;
        for round in 0..ROUNDS {
            // The barrier: connected means ready, and a byte for each lets all go at once.
            let mut barrier = UnixStream::connect(Path::new(&place).join("barrier")).unwrap();
            barrier.read_exact(&mut [0]).unwrap();
            let db = Database::open(Path::new(&place).join(format!("{round}.db"))).unwrap();
            done += db.migrate(&[&set()]).unwrap().done.len();
            assert_eq!(db.schema_version().unwrap(), Some(6));
            if round % 2 == 0 {
                db.close().unwrap();
            }
        }
        child::say(done);
    }

    #[test]
    fn sixty_four_processes_migrate_a_missing_file_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(folder.path().join("barrier")).unwrap();
        let children: Vec<Child> = (0..PROCESSES)
            .map(|_| {
                let mut command = child::command("start::processes::child", folder.path().to_str().unwrap());
                command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
            })
            .collect();
        let rounds = std::thread::spawn(move || {
            for _ in 0..ROUNDS {
                let waiting: Vec<UnixStream> =
                    (0..PROCESSES).map_while(|_| listener.accept().ok().map(|(stream, _)| stream)).collect();
                for mut stream in waiting {
                    let _ = stream.write_all(b"!");
                }
            }
        });
        let mut children: Vec<Option<Child>> = children.into_iter().map(Some).collect();
        let mut done = 0;
        while children.iter().any(Option::is_some) {
            std::thread::sleep(std::time::Duration::from_millis(5));
            for at in 0..children.len() {
                let Some(mut child) = children[at].take() else { continue };
                let Some(status) = child.try_wait().unwrap() else {
                    children[at] = Some(child);
                    continue;
                };
                let output = child.wait_with_output().unwrap();
                if !status.success() {
                    // The others would wait for it at the barrier.
                    children.iter_mut().flatten().for_each(|other| other.kill().unwrap());
                    panic!("{}", String::from_utf8_lossy(&output.stderr));
                }
                let text = String::from_utf8_lossy(&output.stdout);
                done +=
                    text.lines().find_map(|l| l.strip_prefix("child: ")).unwrap().parse::<usize>().unwrap();
            }
        }
        rounds.join().unwrap();
        assert_eq!(done, 6 * ROUNDS, "each migration of each round by exactly one process");
        for round in 0..ROUNDS {
            assert_once(&Database::open(folder.path().join(format!("{round}.db"))).unwrap());
        }
    }
}

/// While one is at a migration outside a transaction, its mark says that it is begun. That must not look as if it had been
/// left unfinished.
#[test]
fn one_that_is_at_it_outside_a_transaction_is_waited_for() {
    let place = Place::new(Engine::Sqlite);
    let slow = "-- larder: no-transaction
        CREATE TABLE slow (a);
        WITH RECURSIVE n (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 400000) INSERT INTO slow SELECT i FROM n;
        INSERT INTO slow VALUES (-1);";
    let set = move || app(&["CREATE TABLE t (a)", slow, "CREATE TABLE last (a)"]);
    let first = place.open();
    let (begun, is_begun) = std::sync::mpsc::channel();
    let running = std::thread::spawn(move || {
        let told = |progress: &larder::migrate::Progress| {
            if progress.statement == 2 {
                let _ = begun.send(());
            }
        };
        Migrator::new(&[&set()]).on_progress(told).up(&first).unwrap().done.len()
    });
    is_begun.recv().unwrap();
    let second = Database::options(place.path().display().to_string())
        .busy_timeout(std::time::Duration::from_millis(10))
        .open()
        .unwrap();
    let mut waited = 0;
    let told = |progress: &larder::migrate::Progress| {
        waited += usize::from(progress.phase == larder::migrate::Phase::Waiting);
    };
    let own = Migrator::new(&[&set()]).on_progress(told).up(&second).unwrap().done.len();
    assert_eq!(running.join().unwrap() + own, 3);
    assert!(waited > 0, "it did not have to wait, so this shows nothing");
    assert_eq!(one::<i64>(&second, "SELECT count(*) FROM slow"), 400_001);
}

/// Another connection writes all the time: the run takes its turn.
#[test]
fn a_busy_writer_is_waited_for() {
    let place = Place::new(Engine::Sqlite);
    let db = place.open();
    db.migrate(&[&app(&["CREATE TABLE t (id INTEGER PRIMARY KEY, a)"])]).unwrap();
    let stop = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let (path, told) = (place.path(), Arc::clone(&stop));
    let writer = std::thread::spawn(move || {
        let other = Database::open(path).unwrap();
        let mut written = 0_i64;
        while !told.load(std::sync::atomic::Ordering::Relaxed) {
            other.execute("INSERT INTO t (a) VALUES (1)", &[]).unwrap();
            written += 1;
        }
        written
    });
    while one::<i64>(&db, "SELECT count(*) FROM t") < 10 {
        std::thread::yield_now();
    }
    let texts =
        ["CREATE TABLE t (id INTEGER PRIMARY KEY, a)", "ALTER TABLE t ADD COLUMN b; UPDATE t SET b = a * 2"];
    db.migrate(&[&app(&texts)]).unwrap();
    let at = one::<i64>(&db, "SELECT count(*) FROM t");
    while one::<i64>(&db, "SELECT count(*) FROM t") < at + 10 {
        std::thread::yield_now();
    }
    stop.store(true, std::sync::atomic::Ordering::Relaxed);
    let written = writer.join().unwrap();
    assert_eq!(one::<i64>(&db, "SELECT count(*) FROM t"), written, "no row was lost");
}

/// One that holds the lock for good: the run says so once its patience is at an end, and nothing was done.
#[test]
fn patience_ends() {
    let place = Place::new(Engine::Sqlite);
    let options = || {
        let options = Database::options(place.path().display().to_string());
        options.busy_timeout(std::time::Duration::from_millis(5)).open().unwrap()
    };
    let (db, other) = (options(), options());
    other
        .write(|_| {
            let error =
                Migrator::new(&[&set()]).wait(std::time::Duration::from_millis(30)).up(&db).unwrap_err();
            assert_eq!(error.kind(), larder::ErrorKind::Busy);
            assert!(error.is_transient());
            Ok(())
        })
        .unwrap();
    assert_eq!(db.schema_version().unwrap(), None);
    db.migrate(&[&set()]).unwrap();
}

/// A planted bug: who looks at the history before the lock, and not again inside it, applies everything twice. What the tests
/// above look at must show that.
#[test]
fn who_does_not_look_again_inside_the_lock_is_caught() {
    let place = Place::new(Engine::Sqlite);
    let barrier = Arc::new(Barrier::new(2));
    let threads: Vec<_> = (0..2)
        .map(|_| {
            let (path, barrier) = (place.path(), Arc::clone(&barrier));
            std::thread::spawn(move || {
                let db = Database::open(path).unwrap();
                db.execute("CREATE TABLE IF NOT EXISTS history (id)", &[]).unwrap();
                db.execute("CREATE TABLE IF NOT EXISTS u (b)", &[]).unwrap();
                barrier.wait();
                let applied: i64 = one(&db, "SELECT count(*) FROM history");
                barrier.wait();
                db.write(|tx| {
                    if applied == 0 {
                        tx.execute("INSERT INTO u VALUES (1)", &[])?;
                        tx.execute("INSERT INTO history VALUES (1)", &[])?;
                    }
                    Ok(())
                })
                .unwrap();
            })
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    assert_eq!(
        one::<i64>(&place.open(), "SELECT count(*) FROM u"),
        2,
        "applied twice, and both said it went well"
    );
}

#[test]
fn a_handle_in_memory_migrates_once_however_many_ask() {
    let db = Database::open(":memory:").unwrap();
    let list = || MigrationSet::list("app", vec![Migration::sql("1_a", "CREATE TABLE t (a)")]);
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let db = db.clone();
            std::thread::spawn(move || db.migrate(&[&list()]).unwrap().done.len())
        })
        .collect();
    assert_eq!(threads.into_iter().map(|thread| thread.join().unwrap()).sum::<usize>(), 1);
}
