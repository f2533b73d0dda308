//! An examination changes nothing, and works beside those who use the database.

use super::{Finding, Place, fill};
use larder::doctor::{Settings, Severity, State};
use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

#[test]
fn not_a_byte_of_the_database_changes() {
    for mode in ["wal", "delete"] {
        let place = Place::new();
        let db = place.options().pragma("journal_mode", mode).open().unwrap();
        fill(&db, 500);
        db.close().unwrap();
        let before = fs::read(place.path()).unwrap();
        let long_ago = SystemTime::now() - Duration::from_secs(100_000);
        fs::File::options().write(true).open(place.path()).unwrap().set_modified(long_ago).unwrap();
        for thorough in [false, true] {
            place.examine_with(&[], &Settings { thorough, ..Settings::default() });
        }
        assert!(fs::read(place.path()).unwrap() == before, "{mode}");
        assert_eq!(fs::metadata(place.path()).unwrap().modified().unwrap(), long_ago, "{mode}");
    }
}

#[test]
fn a_log_that_a_crash_left_stays_as_it_is() {
    let place = Place::new();
    let db = place.open();
    fill(&db, 500);
    // As a crash leaves it: the files as they are while the program runs.
    let crashed = Place::new();
    fs::copy(place.path(), crashed.path()).unwrap();
    fs::copy(place.beside("-wal"), crashed.beside("-wal")).unwrap();
    let before = (fs::read(crashed.path()).unwrap(), fs::read(crashed.beside("-wal")).unwrap());
    let checkup = crashed.examine();
    assert_eq!(checkup.state, State::Unmanaged);
    assert!(checkup.findings.iter().any(|finding| finding.message.contains("has 2 tables")), "{checkup:#?}");
    assert!(before == (fs::read(crashed.path()).unwrap(), fs::read(crashed.beside("-wal")).unwrap()));
}

#[test]
fn it_works_beside_a_writer_at_work() {
    let place = Place::filled();
    let db = place.open();
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            let mut rows = 0;
            while !stop.load(Ordering::Relaxed) {
                db.execute("UPDATE note SET title = title || '.' WHERE id = 1", &[]).unwrap();
                rows += 1;
            }
            rows
        });
        for _ in 0..10 {
            let checkup = place.examine();
            // The log of a writer that never rests may grow.
            let grave = |f: &&Finding| f.severity > Severity::Info && !["history", "wal"].contains(&f.check);
            let grave = checkup.findings.iter().find(grave);
            assert!(grave.is_none(), "{grave:?}");
        }
        stop.store(true, Ordering::Relaxed);
        assert!(writer.join().unwrap() > 0);
    });
}

/// Closing a file that SQLite has open in the same process would drop its locks, and another process could then take the
/// log away under it. So the doctor must not open it.
#[test]
fn the_locks_of_the_program_itself_stay() {
    let place = Place::new();
    let db = place.options().pragma("journal_mode", "delete").open().unwrap();
    fill(&db, 10);
    let checkup = db
        .write(|tx| {
            tx.execute("INSERT INTO note (title) VALUES ('held')", &[])?;
            let checkup = place.examine();
            // Another process would get the lock here if it had been dropped.
            let other = std::process::Command::new(std::env::current_exe().unwrap())
                .args(["--exact", "harmless::helper_takes_the_lock", "--nocapture"])
                .env("LARDER_TEST_TAKE", place.path())
                .output()
                .unwrap();
            let said = String::from_utf8_lossy(&other.stdout).into_owned();
            assert!(said.contains("refused: Busy"), "{said}");
            Ok(checkup)
        })
        .unwrap();
    assert_eq!(checkup.state, State::Unmanaged, "{checkup:#?}");
}

/// Does nothing unless another test runs it in a process of its own.
#[test]
fn helper_takes_the_lock() {
    let Some(path) = std::env::var_os("LARDER_TEST_TAKE") else { return };
    let options = super::options(path.as_ref()).pragma("journal_mode", "delete");
    let result = options
        .busy_timeout(Duration::from_millis(50))
        .open()
        .and_then(|db| db.execute("DELETE FROM note", &[]));
    match result {
        Ok(_) => println!("taken"),
        Err(error) => println!("refused: {:?}", error.kind()),
    }
}

#[test]
fn an_examination_can_be_written_as_json_of_a_known_shape() {
    let place = Place::new();
    let json = serde_json::to_value(place.examine()).unwrap();
    assert_eq!(json["format"], 1);
    assert_eq!(json["ok"], false);
    assert_eq!(json["state"], "uninitialized");
    let keys: Vec<_> = json.as_object().unwrap().keys().map(String::as_str).collect();
    let expected =
        ["checked", "database", "engine", "findings", "format", "newest", "ok", "schema_version", "state"];
    let mut keys = keys;
    keys.sort_unstable();
    assert_eq!(keys, expected);
    let finding = &json["findings"][0];
    assert_eq!(
        (&finding["check"], &finding["severity"], &finding["fixed"]),
        (&"file".into(), &"info".into(), &false.into())
    );
}

/// The words of the states in JSON and in `Display` are the same.
#[test]
fn a_state_has_one_word() {
    for state in [
        State::Ready,
        State::Pending,
        State::Uninitialized,
        State::Unmanaged,
        State::Newer,
        State::Unreadable,
        State::NotADatabase,
        State::Damaged,
    ] {
        assert_eq!(serde_json::to_value(state).unwrap(), state.word());
    }
}
