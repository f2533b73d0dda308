//! What lies at the path.

use super::{Place, finds_nothing, names, only, options};
use larder::doctor::{Settings, Severity, State, examine};
use larder::{Database, ErrorKind};
use std::fs;

#[test]
fn a_missing_file_is_not_initialised_yet_and_nothing_is_made() {
    let place = Place::new();
    let checkup = place.examine();
    assert_eq!((checkup.state, checkup.ok), (State::Uninitialized, false));
    let finding = only(&checkup, "file");
    assert_eq!(finding.severity, Severity::Info);
    assert!(finding.message.starts_with("not initialised yet"), "{finding:?}");
    assert_eq!(finding.fix.as_deref(), Some("run `larder migrate`"));
    assert_eq!(fs::read_dir(place.folder.path()).unwrap().count(), 0);

    let fixed = place.fix();
    assert_eq!(fixed.state, State::Uninitialized);
    assert_eq!(fs::read_dir(place.folder.path()).unwrap().count(), 0);
}

#[test]
fn a_missing_folder_is_not_initialised_yet() {
    let place = Place::new();
    let checkup =
        examine(&options(&place.folder.path().join("not/there/app.db")), &[], &Settings::default()).unwrap();
    assert_eq!(checkup.state, State::Uninitialized);
    assert!(checkup.worst() <= Some(Severity::Info), "{checkup:#?}");
}

#[test]
fn an_empty_file_and_an_empty_database_are_not_initialised_yet() {
    let place = Place::new();
    fs::write(place.path(), b"").unwrap();
    let checkup = place.examine();
    assert_eq!(checkup.state, State::Uninitialized);
    assert!(only(&checkup, "file").message.contains("is empty"));

    place.open().close().unwrap();
    let checkup = place.examine();
    assert_eq!(checkup.state, State::Uninitialized);
    assert!(only(&checkup, "history").message.contains("has no tables"), "{checkup:#?}");
}

#[test]
fn a_folder_is_named() {
    let place = Place::new();
    fs::create_dir(place.path()).unwrap();
    let checkup = place.examine();
    names(&checkup, "file", Severity::Error, "is a folder");
    assert_eq!(checkup.state, State::NotADatabase);
}

#[test]
fn a_file_in_place_of_a_folder_is_named() {
    let place = Place::filled();
    let checkup = examine(&options(&place.path().join("app.db")), &[], &Settings::default()).unwrap();
    assert_eq!(checkup.state, State::Unreadable);
    names(&checkup, "file", Severity::Error, "can't be looked at");
}

#[cfg(unix)]
#[test]
fn a_pipe_is_named_and_not_waited_for() {
    let place = Place::new();
    let mode = rustix::fs::Mode::from_raw_mode(0o600);
    rustix::fs::mknodat(rustix::fs::CWD, place.path(), rustix::fs::FileType::Fifo, mode, 0).unwrap();
    let checkup = place.examine();
    names(&checkup, "file", Severity::Error, "not a plain file");
}

#[cfg(unix)]
#[test]
fn a_link_that_leads_nowhere_is_named() {
    let place = Place::new();
    std::os::unix::fs::symlink("nowhere.db", place.path()).unwrap();
    let checkup = place.examine();
    assert_eq!(checkup.state, State::Uninitialized);
    names(&checkup, "file", Severity::Warning, "symbolic link");
}

#[cfg(unix)]
#[test]
fn files_beside_are_looked_for_where_a_link_leads() {
    let place = Place::filled();
    let link = place.folder.path().join("link.db");
    std::os::unix::fs::symlink(place.path(), &link).unwrap();
    fs::write(place.beside("-journal"), b"not of this database").unwrap();
    let checkup = examine(&options(&link), &[], &Settings::default()).unwrap();
    names(&checkup, "open", Severity::Error, "its journal lies beside the database");
}

#[cfg(unix)]
#[test]
fn a_second_name_is_named() {
    let place = Place::filled();
    finds_nothing(&place.examine(), "link");
    fs::hard_link(place.path(), place.folder.path().join("other.db")).unwrap();
    names(&place.examine(), "link", Severity::Warning, "2 names");
}

#[test]
fn copies_of_a_syncing_program_are_named() {
    let place = Place::filled();
    finds_nothing(&place.examine(), "neighbour");
    fs::write(place.folder.path().join("app (conflicted copy 2026-01-01).db"), b"").unwrap();
    fs::write(place.folder.path().join("other.sync-conflict-1.db"), b"").unwrap();
    let checkup = place.examine();
    names(&checkup, "neighbour", Severity::Warning, "app (conflicted copy 2026-01-01).db");
    assert!(!only(&checkup, "neighbour").message.contains("other"));
}

#[cfg(target_os = "linux")]
#[test]
fn a_synced_folder_is_named() {
    let place = Place::filled();
    finds_nothing(&place.examine(), "storage");
    fs::create_dir(place.folder.path().join(".stfolder")).unwrap();
    names(&place.examine(), "storage", Severity::Warning, "Syncthing");
}

#[cfg(target_os = "linux")]
#[test]
fn a_file_deleted_under_an_open_database_is_named() {
    let place = Place::filled();
    finds_nothing(&place.examine(), "moved");
    let db = place.open();
    fs::remove_file(place.path()).unwrap();
    let checkup = place.examine();
    assert_eq!(checkup.state, State::Uninitialized);
    names(&checkup, "moved", Severity::Error, &format!("process {}", std::process::id()));
    drop(db);
}

#[test]
fn what_a_broken_off_backup_left_is_named_and_removed() {
    let place = Place::filled();
    let backups = place.folder.path().join("backups");
    fs::create_dir(&backups).unwrap();
    let (old, new) = (backups.join("app-1.db.partial"), backups.join("app-2.db.partial"));
    let at_work = backups.join("app-3.db.partial");
    for path in [&old, &new, &at_work, &backups.join("other-1.db.partial")] {
        fs::write(path, b"half").unwrap();
    }
    // Whoever makes a backup holds a lock on it.
    let held = fs::File::options().write(true).open(&at_work).unwrap();
    held.lock().unwrap();
    let hours_ago = std::time::SystemTime::now() - std::time::Duration::from_secs(3 * 3600);
    for path in [&old, &at_work] {
        fs::File::options().write(true).open(path).unwrap().set_modified(hours_ago).unwrap();
    }

    names(&place.examine(), "leftover", Severity::Warning, "app-1.db.partial");
    assert!(old.exists());
    let checkup = place.fix();
    assert!(only(&checkup, "leftover").fixed);
    assert!(!old.exists() && new.exists() && at_work.exists());
    finds_nothing(&place.examine(), "leftover");
}

#[test]
fn a_lock_file_that_nobody_holds_is_named_and_removed() {
    let place = Place::filled();
    fs::write(place.beside("-migrate.lock"), b"").unwrap();
    let checkup = place.examine();
    names(&checkup, "leftover", Severity::Info, "stops nobody");
    assert!(place.beside("-migrate.lock").exists());
    assert!(only(&place.fix(), "leftover").fixed);
    assert!(!place.beside("-migrate.lock").exists());
}

#[test]
fn a_lock_that_is_held_is_a_migration_at_work() {
    let place = Place::filled();
    let db = place.open();
    let mut connection = db.driver().connect(larder::driver::Access::Write).unwrap();
    let lock = connection.lock("migrate").unwrap();
    for checkup in [place.examine(), place.fix()] {
        assert!(only(&checkup, "leftover").message.contains("running now"));
        assert!(place.beside("-migrate.lock").exists());
    }
    drop(lock);
    finds_nothing(&place.examine(), "leftover");
}

#[test]
fn the_newest_backup_is_told() {
    let place = Place::filled();
    assert!(only(&place.examine(), "backup").message.contains("no backup"));
    let backups = place.folder.path().join("kept");
    fs::create_dir(&backups).unwrap();
    let days_ago = std::time::SystemTime::now() - std::time::Duration::from_secs(3 * 86_400 + 60);
    for (name, old) in [("app-1.db", true), ("app-2.db.partial", false), ("other-3.db", false)] {
        let file = fs::File::create(backups.join(name)).unwrap();
        if old {
            file.set_modified(days_ago).unwrap();
        }
    }
    let settings = Settings { backups: Some(backups), ..Settings::default() };
    let checkup = place.examine_with(&[], &settings);
    assert!(only(&checkup, "backup").message.contains("3 days old"), "{checkup:#?}");
}

#[test]
fn a_database_in_memory_and_a_url_of_no_use_are_told_apart() {
    let checkup = examine(&Database::options(":memory:"), &[], &Settings::default()).unwrap();
    assert_eq!(checkup.state, State::Uninitialized);
    let error = examine(&Database::options(""), &[], &Settings::default()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    let server = examine(&Database::options("postgres://a:secret@127.0.0.1:1/c"), &[], &Settings::default());
    assert!(!format!("{server:?}").contains("secret"));
    match server {
        Ok(checkup) => assert_eq!(checkup.state, State::Unreadable),
        // Without the feature `postgres`.
        Err(error) => assert_eq!(error.kind(), ErrorKind::Unsupported),
    }
}
