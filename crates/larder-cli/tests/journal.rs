//! The program's own journal: what it writes down, where, and that it stands in nobody's way.

#![allow(clippy::indexing_slicing, reason = "a test")]

mod support;

use serde_json::Value;
use support::{NOTES, Place};

const ENABLED: &str = "[journal]\nenabled = true\n";

fn place(settings: &str) -> Place {
    let place = Place::with(NOTES);
    place.write("larder.toml", settings);
    place
}

fn runs(place: &Place) -> Vec<Value> {
    let (_, value) = place.json(&["run", "list"]);
    value["runs"].as_array().cloned().unwrap_or_default()
}

fn show(place: &Place, run: &Value) -> Value {
    place.json(&["run", "show", run["run_id"].as_str().unwrap_or_default()]).1
}

#[test]
fn every_migration_is_a_step_with_its_measured_effects() {
    let place = place(ENABLED);
    place.run(&["migrate", "--to", "1"]).done();
    let runs = runs(&place);
    assert_eq!(runs.len(), 1, "{runs:?}");
    assert_eq!(
        (&runs[0]["status"], &runs[0]["args"]),
        (&"completed".into(), &serde_json::json!(["migrate", "--to", "1"]))
    );
    assert!(runs[0]["actor"].as_str().is_some_and(|actor| !actor.is_empty()), "{runs:?}");
    let value = show(&place, &runs[0]);
    let step = &value["steps"][0];
    assert!(step["name"].as_str().is_some_and(|name| name.starts_with("0001")), "{value}");
    assert!(step["stats"]["changes"].as_array().is_some_and(|changes| !changes.is_empty()), "{value}");
    assert_eq!(
        (&value["entries"][0]["scope"], &value["entries"][0]["event"]),
        (&"larder".into(), &"migrate".into())
    );
    assert!(step["started_at"].as_str() >= value["run"]["created_at"].as_str(), "{value}");
}

#[test]
fn what_changes_nothing_is_not_recorded_and_what_fails_is() {
    let place = place(ENABLED);
    place.run(&["migrate", "--dry-run"]).done();
    place.run(&["migrate"]).done();
    place.run(&["migrate"]).done();
    place.run(&["status"]).done();
    place.run(&["doctor"]).done();
    assert_eq!(runs(&place).len(), 1);
    place.write(
        "migrations/0009_bad.sql",
        "CREATE TABLE ok (id INTEGER PRIMARY KEY); INSERT INTO nowhere VALUES ('x');",
    );
    place.run(&["migrate"]).failed(1);
    let runs = runs(&place);
    assert_eq!((runs.len(), &runs[0]["status"]), (2, &"failed".into()), "{runs:?}");
    assert!(runs[0]["error"].as_str().is_some_and(|error| error.contains("0009_bad")), "{runs:?}");
}

#[test]
fn vacuum_backup_rollback_and_restore_are_recorded_and_the_applications_version_stays() {
    let place = place(ENABLED);
    place.run(&["migrate"]).done();
    let (_, before) = place.json(&["status"]);
    place.run(&["vacuum"]).done();
    place.run(&["backup", "copy.db"]).done();
    let (_, after) = place.json(&["status"]);
    assert_eq!(before["schema_version"], after["schema_version"]);
    assert!(place.run(&["verify"]).done().contains("the schema is what they make"));
    place.run(&["restore", "copy.db", "--yes"]).done();
    let names: Vec<String> =
        runs(&place).iter().map(|run| run["args"][0].as_str().unwrap_or_default().to_owned()).collect();
    // The copy was made before the backup was recorded.
    assert_eq!(names, ["restore", "vacuum", "migrate"]);
}

#[test]
fn it_is_off_unless_it_is_turned_on() {
    let place = place("");
    place.run(&["migrate"]).done();
    let text = place.run(&["run", "list"]).failed(1);
    assert!(text.contains("has no store `journal` yet"), "{text}");
}

#[test]
fn it_may_have_a_database_of_its_own() {
    let place = place("[journal]\nenabled = true\nurl = \"log/journal.db\"\n");
    place.run(&["migrate"]).done();
    assert_eq!(runs(&place).len(), 1);
    assert_eq!(place.files("log").first().map(String::as_str), Some("journal.db"));
    let (_, value) = place.json(&["schema"]);
    assert!(!value.to_string().contains("audit_log"), "{value}");
}

#[test]
fn where_the_application_has_such_a_table_nothing_is_done_and_both_are_named() {
    let place = place(ENABLED);
    place.write("migrations/0009_runs.sql", "CREATE TABLE runs (id INTEGER PRIMARY KEY);");
    let text = place.run(&["migrate"]).failed(1);
    assert!(text.contains("\"app\" and \"journal\" both have a table \"runs\""), "{text}");
    assert!(text.contains("[journal]"), "{text}");
    assert!(!place.path("data/app.db").exists(), "nothing was begun");
    // As it says.
    place.write("larder.toml", "[journal]\nenabled = true\nurl = \"journal.db\"\n");
    place.run(&["migrate"]).done();
    assert_eq!(runs(&place).len(), 1);
}

#[test]
fn a_table_that_no_migration_made_is_found_too() {
    let place = Place::new();
    place.write("migrations/0001_init.sql", "CREATE TABLE notes (id INTEGER PRIMARY KEY);");
    place.run(&["migrate"]).done();
    // A table made by hand, as far as the history tells.
    place.write("migrations/0002_runs.sql", "CREATE TABLE run_steps (id INTEGER PRIMARY KEY);");
    place.run(&["migrate"]).done();
    std::fs::remove_file(place.path("migrations/0002_runs.sql")).unwrap_or_default();
    place.write("larder.toml", ENABLED);
    let text = place.run(&["vacuum"]).failed(1);
    assert!(text.contains("run_steps") && text.contains("journal"), "{text}");
}

#[test]
fn a_journal_that_cannot_be_kept_is_a_warning_and_the_work_stays_done() {
    let place = place("[journal]\nenabled = true\nurl = \"folder\"\n");
    std::fs::create_dir(place.path("folder")).unwrap_or_default();
    let answer = place.run(&["migrate"]);
    assert_eq!(answer.code, 0, "{answer:?}");
    assert!(answer.err.contains("warning: migrate is not recorded in the journal"), "{answer:?}");
    let (_, value) = place.json(&["status", "--check"]);
    assert_eq!(value["pending"], 0, "{value}");
}

#[test]
fn a_rollback_is_of_the_applications_own_and_is_recorded() {
    let place = Place::new();
    place.write("larder.toml", ENABLED);
    place.write("migrations/0001_init.sql", "CREATE TABLE notes (id INTEGER PRIMARY KEY);");
    place.write("migrations/0002_tag.sql", "CREATE TABLE tags (id INTEGER PRIMARY KEY);");
    place.write("migrations/0002_tag.down.sql", "DROP TABLE tags;");
    place.run(&["migrate"]).done();
    let text = place.run(&["rollback", "--allow-destructive"]).done();
    assert!(text.contains("rolled back 0002_tag"), "{text}");
    let runs = runs(&place);
    assert_eq!((runs.len(), &runs[0]["args"][0]), (2, &"rollback".into()), "{runs:?}");
    assert_eq!(show(&place, &runs[0])["steps"][0]["stats"]["direction"], "down");
}

#[test]
fn a_restore_over_a_damaged_file_is_not_hindered_and_is_recorded() {
    let place = place("");
    place.run(&["migrate"]).done();
    place.run(&["backup", "copy.db"]).done();
    place.write("data/app.db", &"no database ".repeat(1000));
    place.write("larder.toml", ENABLED);
    let answer = place.run(&["restore", "copy.db", "--yes"]);
    assert_eq!((answer.code, answer.err.as_str()), (0, ""), "{answer:?}");
    let runs = runs(&place);
    assert_eq!((runs.len(), &runs[0]["args"][0]), (1, &"restore".into()), "{runs:?}");
}

#[test]
fn what_is_recorded_has_no_secret() {
    let place = place(ENABLED);
    // The name of a file like any other, to SQLite.
    let url = "data/app.db?password=Zqmark";
    place.run(&["migrate", "--url", url]).done();
    let (_, value) = place.json(&["run", "list", "--url", url]);
    assert_eq!(value["runs"][0]["args"], serde_json::json!(["migrate", "--url", "data/app.db?password=***"]));
    assert!(!value["runs"].to_string().contains("Zqmark"), "{value}");
}

#[test]
fn what_a_command_of_a_store_writes_is_recorded_and_what_it_reads_is_not() {
    // A database that is named holds the registry too, which else is the user's own.
    let place = place(&format!("url = \"data/app.db\"\n{ENABLED}"));
    place.run(&["migrate", "--store", "registry"]).done();
    place.run(&["tool", "cycles"]).done();
    place.run(&["tool", "list"]).done();
    let names: Vec<Value> = runs(&place).iter().map(|run| run["args"][0].clone()).collect();
    assert_eq!(names, ["tool", "migrate"], "{names:?}");
}

#[test]
fn a_store_that_has_the_tables_of_the_journal_is_refused_before_anything_is_done() {
    let place = Place::new();
    place.write("larder.toml", "url = \"app.db\"\nstores = [\"workflow\"]\n[journal]\nenabled = true\n");
    let text = place.run(&["migrate"]).failed(1);
    assert!(text.contains("\"workflow\" and \"journal\" both have a table \"runs\""), "{text}");
    assert!(text.contains("[journal]") && !place.path("app.db").exists(), "{text}");
}
