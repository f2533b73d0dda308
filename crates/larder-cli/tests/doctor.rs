//! `larder doctor`

mod support;

use insta::assert_snapshot;
use support::{NOTES, Place};

#[test]
fn a_missing_file_is_not_initialised_yet_and_no_failure() {
    let place = Place::with(NOTES);
    let answer = place.run(&["doctor"]).done();
    assert!(answer.starts_with("[here]/data/app.db: not initialised yet"), "{answer}");
    let (code, value) = place.json(&["doctor"]);
    assert_eq!(code, 0);
    assert!(value["ok"] == false && value["state"] == "uninitialized", "{value}");
    assert!(!place.path("data").exists());
}

#[test]
fn a_migrated_database_is_ready_at_the_version_of_the_newest_migration() {
    let place = Place::with_notes();
    let (code, value) = place.json(&["doctor"]);
    assert_eq!(code, 0);
    let told = ["ok", "state", "schema_version", "newest"].map(|key| value[key].to_string()).join(" ");
    assert_eq!(told, "true \"ready\" 3 \"0003_by_author\"", "{value}");
    let text = place.run(&["doctor"]).done();
    assert!(text.contains(": ready, version 3"), "{text}");
}

#[test]
fn pending_migrations_are_told() {
    let place = Place::with(NOTES);
    place.run(&["migrate", "--to", "2"]).done();
    let (_, value) = place.json(&["doctor"]);
    assert!(value["ok"] == false && value["state"] == "pending", "{value}");
}

#[test]
fn something_wrong_has_an_exit_code_of_its_own() {
    let place = Place::with(NOTES);
    place.write(
        "data/app.db",
        "this is a letter and not a database, however long it is looked at .................",
    );
    let answer = place.run(&["doctor"]);
    assert_eq!((answer.code, answer.err.as_str()), (5, ""), "{answer:?}");
    assert!(answer.out.contains("error:"), "{answer:?}");
}

#[test]
fn without_a_folder_of_migrations_the_database_is_examined_all_the_same() {
    let place = Place::new();
    let answer = place.run(&["doctor"]).done();
    assert!(answer.ends_with("there is no folder migrations: no migrations were compared\n"), "{answer}");
    let (_, value) = place.json(&["doctor"]);
    assert_eq!(value["state"], "uninitialized");
    assert_snapshot!(place.run(&["doctor", "--dir", "nowhere"]).failed(1), @r"
    error: there is no folder nowhere
      help: make it, or name the folder of the migrations
    ");
}
