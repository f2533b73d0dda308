//! The settings in force, and the engine.

use super::{Place, fill, finds_nothing, names, only};
use larder::doctor::{Settings, Severity, State, examine};
use std::time::Duration;

#[test]
fn larders_own_settings_are_in_force() {
    finds_nothing(&Place::filled().examine(), "pragma");
}

#[test]
fn settings_that_endanger_are_warned_of_and_others_told() {
    let place = Place::filled();
    for (name, value, severity, words) in [
        ("foreign_keys", "OFF", Severity::Warning, "foreign_keys is OFF, not ON"),
        ("synchronous", "OFF", Severity::Warning, "synchronous is OFF, not NORMAL"),
        ("synchronous", "FULL", Severity::Info, "synchronous is FULL, not NORMAL"),
        ("wal_autocheckpoint", "0", Severity::Warning, "the log grows"),
        ("cache_size", "-2000", Severity::Info, "cache_size is -2000"),
        ("temp_store", "FILE", Severity::Info, "temp_store is FILE, not MEMORY"),
        ("busy_timeout", "0", Severity::Warning, "busy_timeout is 0"),
        ("busy_timeout", "100", Severity::Info, "busy_timeout is 100"),
    ] {
        let checkup = examine(&place.options().pragma(name, value), &[], &Settings::default()).unwrap();
        let finding = only(&checkup, "pragma");
        assert_eq!(finding.severity, severity, "{finding:?}");
        assert!(finding.message.contains(words), "{finding:?}");
    }
}

#[test]
fn another_journal_mode_is_named() {
    let place = Place::new();
    let db = place.options().pragma("journal_mode", "truncate").open().unwrap();
    fill(&db, 10);
    db.close().unwrap();
    names(&place.examine(), "pragma", Severity::Warning, "journal_mode is ");
}

#[test]
fn a_setting_that_sqlite_does_not_take_is_a_finding() {
    let place = Place::filled();
    let checkup =
        examine(&place.options().pragma("synchronous", "sometimes"), &[], &Settings::default()).unwrap();
    assert_eq!(checkup.state, State::Unreadable);
    names(&checkup, "open", Severity::Error, "synchronous");
}

#[test]
fn a_database_that_somebody_holds_for_himself_is_named() {
    let place = Place::new();
    let db =
        place.options().pragma("journal_mode", "delete").pragma("locking_mode", "EXCLUSIVE").open().unwrap();
    fill(&db, 10);
    let options = place.options().busy_timeout(Duration::from_millis(50));
    let checkup = examine(&options, &[], &Settings::default()).unwrap();
    assert_eq!((checkup.state, checkup.ok), (State::Unreadable, false));
    names(&checkup, "open", Severity::Error, "locked by another process");
}

#[test]
fn what_the_build_of_sqlite_costs_is_told() {
    let place = Place::filled();
    let checkup = place.examine();
    let built: Vec<String> = place.open().query_all("PRAGMA compile_options", &[]).unwrap();
    let one_lock = built.iter().any(|option| option == "ENABLE_MEMORY_MANAGEMENT");
    let told = checkup
        .findings
        .iter()
        .any(|f| f.check == "engine" && f.message.contains("ENABLE_MEMORY_MANAGEMENT"));
    assert_eq!(told, one_lock, "{checkup:#?}");
}
