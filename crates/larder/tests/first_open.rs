//! The race of the first open: many processes open a missing file at the same moment. The switch to WAL needs the file
//! for itself, and SQLite's own busy timeout does not wait for that, so that most of them would fail.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

mod kit;

use kit::child;
use larder::{Database, params};
use std::io::Read;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::{Child, Stdio};

const PROCESSES: usize = 64;
const ROUNDS: usize = 20;

#[test]
fn child() {
    let Some(place) = child::told() else { return };
    for round in 0..ROUNDS {
        // The barrier: connected means ready, and a byte for each lets all go at once.
        let mut barrier = UnixStream::connect(Path::new(&place).join("barrier")).unwrap();
        let mut go = [0];
        barrier.read_exact(&mut go).unwrap();
        let db = Database::open(Path::new(&place).join(format!("data/{round}.db"))).unwrap();
        db.write(|tx| {
            tx.execute("CREATE TABLE IF NOT EXISTS t (pid INTEGER PRIMARY KEY)", &[])?;
            tx.execute("INSERT INTO t VALUES (:pid)", params! { pid: std::process::id() })
        })
        .unwrap();
        assert_eq!(db.query_one::<String>("PRAGMA journal_mode", &[]).unwrap(), "wal");
        // Some go at once, and with the last of them goes the log; others are still opening.
        if round % 2 == 0 {
            db.close().unwrap();
        }
    }
}

#[test]
fn sixty_four_processes_open_a_missing_file_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let listener = UnixListener::bind(folder.path().join("barrier")).unwrap();
    let told = folder.path().to_str().unwrap();
    let children: Vec<Child> = (0..PROCESSES)
        .map(|_| {
            let mut command = child::command("child", told);
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
        })
        .collect();
    let rounds = std::thread::spawn(move || {
        for _ in 0..ROUNDS {
            let waiting: Vec<UnixStream> =
                (0..PROCESSES).map_while(|_| listener.accept().ok().map(|(stream, _)| stream)).collect();
            for mut stream in waiting {
                let _ = std::io::Write::write_all(&mut stream, b"!");
            }
        }
    });
    let mut failed = Vec::new();
    for child in children {
        let output = child.wait_with_output().unwrap();
        if !output.status.success() {
            failed.push(String::from_utf8_lossy(&output.stderr).into_owned());
            break;
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
    rounds.join().unwrap();
    for round in 0..ROUNDS {
        let db = Database::options(folder.path().join(format!("data/{round}.db")).to_str().unwrap())
            .read_only(true)
            .open()
            .unwrap();
        let rows: usize = db.query_one("SELECT count(*) FROM t", &[]).unwrap();
        assert_eq!(rows, PROCESSES, "round {round}");
        assert_eq!(db.query_one::<String>("PRAGMA integrity_check", &[]).unwrap(), "ok");
    }
}
