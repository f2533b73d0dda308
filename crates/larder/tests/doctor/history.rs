//! The history of migrations.

use super::{Place, names};
use larder::MigrationSet;
use larder::doctor::{Settings, Severity, State};

#[test]
fn a_database_that_larder_did_not_make_is_named() {
    let place = Place::filled();
    let checkup = place.examine();
    assert_eq!((checkup.state, checkup.ok), (State::Unmanaged, false));
    names(&checkup, "history", Severity::Warning, "has 2 tables and no history of migrations");
}

#[test]
fn the_version_is_held_against_the_newest_migration_and_against_user_version() {
    let place = Place::filled();
    let db = place.open();
    for sql in [
        "CREATE TABLE schema_migrations (id TEXT PRIMARY KEY)",
        "CREATE TABLE meta (id INTEGER PRIMARY KEY CHECK (id = 1), schema_version INTEGER NOT NULL)",
        "INSERT INTO meta VALUES (1, 3)",
    ] {
        db.execute(sql, &[]).unwrap();
    }
    names(&place.examine(), "version", Severity::Warning, "says version 3 and PRAGMA user_version says 0");
    db.close().unwrap();
    drop(place.options().pragma("user_version", "3").open().unwrap());
    for (newest, state) in
        [("0003_index", State::Ready), ("0004_more", State::Pending), ("0002_less", State::Newer)]
    {
        let set = MigrationSet::list("app", vec![larder::Migration::sql(newest, "SELECT 1")]);
        let checkup = place.examine_with(&[&set], &Settings::default());
        assert_eq!((checkup.state, checkup.ok), (state, state == State::Ready), "{checkup:#?}");
        assert_eq!((checkup.schema_version, checkup.newest.as_deref()), (Some(3), Some(newest)));
        assert_eq!(checkup.worst() > Some(Severity::Info), state != State::Ready, "{checkup:#?}");
    }
}
