//! The write-ahead log and the rollback journal.

use super::{Place, fill, finds_nothing, names, only};
use larder::doctor::{Severity, State};
use std::fs;

const MANY: &str = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000) \
                    INSERT INTO note (title, body) SELECT 'more', hex(randomblob(1000)) FROM n";

#[test]
fn a_log_that_a_reader_keeps_large_is_named_and_emptied_when_the_reader_is_gone() {
    let place = Place::filled();
    finds_nothing(&place.examine(), "wal");
    let (db, reader) = (place.open(), place.open());
    reader
        .read(|tx| {
            let _: i64 = tx.query_one("SELECT count(*) FROM note", &[])?;
            for _ in 0..8 {
                db.execute(MANY, &[]).unwrap();
            }
            let checkup = place.examine();
            names(&checkup, "wal", Severity::Warning, "MiB");
            #[cfg(target_os = "linux")]
            names(&checkup, "wal", Severity::Warning, &format!("(process {})", std::process::id()));
            // It can't be emptied as long as somebody reads what was before.
            let checkup = super::examine(
                &place.options().busy_timeout(std::time::Duration::from_millis(50)),
                &[],
                &super::Settings { fix: true, ..super::Settings::default() },
            )
            .unwrap();
            names(&checkup, "wal", Severity::Warning, "could not finish");
            assert!(!only(&checkup, "wal").fixed);
            Ok(())
        })
        .unwrap();
    let checkup = place.fix();
    assert!(only(&checkup, "wal").fixed, "{checkup:#?}");
    assert_eq!(fs::metadata(place.beside("-wal")).unwrap().len(), 0);
    finds_nothing(&place.examine(), "wal");
    assert_eq!(db.query_one::<i64>("SELECT count(*) FROM note", &[]).unwrap(), 500 + 8 * 3000);
}

#[test]
fn a_log_without_its_database_is_named_and_kept() {
    let place = Place::new();
    let db = place.open();
    fill(&db, 100);
    let orphan = Place::new();
    fs::copy(place.beside("-wal"), orphan.beside("-wal")).unwrap();
    for with_empty_file in [false, true] {
        if with_empty_file {
            fs::write(orphan.path(), b"").unwrap();
        }
        let checkup = orphan.fix();
        assert_eq!(checkup.state, State::Uninitialized);
        names(&checkup, "wal", Severity::Error, "whose file is gone");
        assert!(fs::metadata(orphan.beside("-wal")).unwrap().len() > 0);
    }
}

/// A database in the middle of a transaction in DELETE mode, as a crash leaves it.
fn interrupted() -> Place {
    let place = Place::new();
    let db = place.options().pragma("journal_mode", "delete").pragma("cache_size", "2").open().unwrap();
    fill(&db, 300);
    let crashed = Place::new();
    db.write(|tx| {
        tx.execute("UPDATE note SET body = hex(randomblob(200))", &[])?;
        fs::copy(place.path(), crashed.path()).unwrap();
        fs::copy(place.beside("-journal"), crashed.beside("-journal")).unwrap();
        Ok(())
    })
    .unwrap();
    crashed
}

#[test]
fn a_hot_journal_is_named_and_kept() {
    let place = interrupted();
    let before = fs::read(place.path()).unwrap();
    let checkup = place.examine();
    assert_eq!((checkup.state, checkup.ok), (State::Unreadable, false));
    names(&checkup, "open", Severity::Error, "interrupted by a crash");
    assert!(fs::read(place.path()).unwrap() == before);
    assert!(place.beside("-journal").exists());
}

#[test]
fn a_hot_journal_is_rolled_back_when_asked() {
    let place = interrupted();
    let checkup = place.fix();
    assert!(only(&checkup, "open").fixed, "{checkup:#?}");
    assert_eq!(checkup.state, State::Unmanaged);
    finds_nothing(&checkup, "integrity");
    assert!(!place.beside("-journal").exists());
    // The mode of the journal is the file's own and was not asked to change.
    names(&place.examine(), "pragma", Severity::Warning, "journal_mode is delete, not wal");
}
