//! `larder backup`, `restore` and `vacuum`

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test")]

mod support;

use insta::assert_snapshot;
use support::{Place, steady, steady_json};

fn forget(place: &Place) {
    let database = larder::Database::open(place.path("data/app.db")).unwrap();
    database.execute("DELETE FROM notes", &[]).unwrap();
    database.close().unwrap();
}

#[test]
fn a_backup_brings_back_what_was_there() {
    let place = Place::with_notes();
    assert_snapshot!(steady(&place.run(&["backup", "kept/copy.db"]).done()), @"data/app.db is backed up in kept/copy.db ([n] kB, [n] ms)");
    forget(&place);
    assert_snapshot!(steady(&place.run(&["restore", "kept/copy.db", "--yes"]).done()), @r"
    data/app.db is restored from kept/copy.db, version 3
    what was there before is kept as data/app.db.before-restore-[time]
    ");
    assert_eq!(place.count("SELECT count(*) FROM notes"), 3);
}

#[test]
fn without_a_name_it_goes_into_the_folder_and_the_oldest_go() {
    let place = Place::with_notes();
    place.write("larder.toml", "[backup]\nkeep = 2\n");
    for _ in 0..3 {
        place.run(&["backup"]).done();
    }
    let files = place.files("data/backups");
    assert_eq!(files.len(), 2, "{files:?}");
    place.write("larder.toml", "[backup]\ndir = \"elsewhere\"\n");
    let (_, value) = place.json(&["backup"]);
    assert_snapshot!(steady_json(&value), @r#"
    {
      "backup": "app.db-[path]-[time].db",
      "bytes": "[n]",
      "command": "backup",
      "database": "data/app.db",
      "duration_ms": "[n]",
      "foreign_key_violations": 0,
      "format": 1,
      "ok": true,
      "schema_version": 3
    }
    "#);
    assert_eq!(place.files("elsewhere").len(), 1);
}

#[test]
fn a_restore_over_a_database_needs_a_confirmation() {
    let place = Place::with_notes();
    place.run(&["backup", "copy.db"]).done();
    forget(&place);
    assert_snapshot!(place.run(&["restore", "copy.db"]).failed(3), @r"
    error: this needs a confirmation, and nobody can be asked
      help: add --yes
    ");
    assert_eq!(place.count("SELECT count(*) FROM notes"), 0);
    let (code, value) = place.json(&["restore", "copy.db", "--yes"]);
    assert_eq!(code, 0);
    assert!(value["kept"].is_string() && value["schema_version"] == 3, "{value}");
}

#[test]
fn where_there_is_nothing_to_replace_nobody_is_asked() {
    let place = Place::with_notes();
    place.run(&["backup", "copy.db"]).done();
    place.run(&["restore", "copy.db", "--url", "sqlite:other/new.db"]).done();
    assert!(place.path("other/new.db").is_file());
}

#[test]
fn what_is_no_backup_is_refused() {
    let place = Place::with_notes();
    place.write(
        "copy.db",
        "not a database, and long enough to be told from an empty file: ............................",
    );
    place.run(&["restore", "copy.db", "--yes"]).failed(1);
    assert_eq!(place.count("SELECT count(*) FROM notes"), 3);
    assert_eq!(place.run(&["restore", "copy.db", "--yes", "--url", ":memory:"]).code, 2);
}

#[test]
fn vacuum_says_what_it_won() {
    let place = Place::with_notes();
    assert_snapshot!(steady(&place.run(&["vacuum"]).done()), @"data/app.db: [n] B won, [n] kB before, [n] kB now ([n] ms)");
    let (_, value) = place.json(&["db:vacuum"]);
    assert_snapshot!(steady_json(&value), @r#"
    {
      "after": "[n]",
      "before": "[n]",
      "command": "vacuum",
      "database": "data/app.db",
      "duration_ms": "[n]",
      "format": 1,
      "ok": true,
      "won": "[n]"
    }
    "#);
    let missing = Place::new();
    missing.run(&["vacuum"]).failed(1);
    assert!(missing.files(".").is_empty());
}
