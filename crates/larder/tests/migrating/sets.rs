//! Several sets in one database: elsewhere refused, or mixed up. Each has its own order, some come after others, and two that
//! claim one table are refused with both their names.

use crate::{Open, app, ids, set, tables};
use larder::migrate::{Approval, Migrator};
use larder::{ErrorKind, Migration, MigrationSet};
use larder_kit::{Engine, Place};

const JOURNAL: &str = "CREATE TABLE runs (id TEXT PRIMARY KEY)";

larder_kit::engines! {
fn each_has_its_own_order_and_history(place: &Place) {
    let db = place.open();
    let journal = || set("journal", &[JOURNAL, "CREATE TABLE steps (id TEXT, run_id TEXT REFERENCES runs (id))"]);
    let own = |texts: &[&str]| app(texts).with_after(["journal"]);
    let report =
        db.migrate(&[&own(&["CREATE TABLE notes (run_id TEXT REFERENCES runs (id))"]), &journal()]).unwrap();
    assert_eq!(
        ids(&report),
        ["journal/0001_m", "journal/0002_m", "0001_m"],
        "what others refer to comes first"
    );
    assert_eq!(report.schema_version, Some(1), "the number of the application's own");

    let more = own(&["CREATE TABLE notes (run_id TEXT REFERENCES runs (id))", "CREATE TABLE more (a TEXT)"]);
    assert_eq!(ids(&db.migrate(&[&journal(), &more]).unwrap()), ["0002_m"]);
    assert_eq!(db.migrate(&[&journal(), &more]).unwrap().done.len(), 0);
    // One of them alone is up to date, too, and knows nothing of the other.
    assert_eq!(db.migrate(&[&journal()]).unwrap().done.len(), 0);

    let alone = Place::new(Engine::Sqlite).open().migrate(&[&more]).unwrap_err();
    assert_eq!(alone.kind(), ErrorKind::SetConflict);
    assert!(
        alone.message().contains("\"app\" comes after the set \"journal\", which is not there"),
        "{alone}"
    );
}
}

larder_kit::engines! {
fn two_that_claim_one_table_are_refused_with_both_names(place: &Place) {
    let db = place.open();
    let workflow = || set("workflow", &["CREATE TABLE units (a TEXT)", "CREATE TABLE \"Runs\" (id TEXT)"]);
    let error = db.migrate(&[&set("journal", &[JOURNAL]), &workflow()]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::SetConflict);
    assert!(
        error.message().contains("the sets \"journal\" and \"workflow\" both have a table \"runs\""),
        "{error}"
    );
    assert!(error.help().unwrap().contains("a database file of its own"));
    assert_eq!(tables(&db, "%"), 0, "nothing was made");

    // Also where only the history knows the other one.
    db.migrate(&[&set("journal", &[JOURNAL])]).unwrap();
    let error = db.migrate(&[&workflow()]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::SetConflict, "{error:?}");
    assert!(error.message().contains("\"journal\" and \"workflow\""), "{error}");
    assert_eq!(tables(&db, "units"), 0);
    assert_eq!(Migrator::new(&[&workflow()]).plan(&db).unwrap_err().kind(), ErrorKind::SetConflict);
}
}

larder_kit::engines! {
fn a_table_that_was_renamed_or_dropped_is_free_for_another(place: &Place) {
    let db = place.open();
    db.migrate(&[&set(
        "journal",
        &[JOURNAL, "ALTER TABLE runs RENAME TO old_runs", "CREATE TABLE tmp (a TEXT); DROP TABLE tmp"],
    )])
    .unwrap();
    db.migrate(&[&set("workflow", &["CREATE TABLE runs (id TEXT); CREATE TABLE tmp (a TEXT)"])]).unwrap();
    let error = db.migrate(&[&set("third", &["CREATE TABLE old_runs (id TEXT)"])]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::SetConflict, "{error:?}");
    // A rebuild keeps a table its owner's.
    let rebuilt = "CREATE TABLE n (id TEXT, a TEXT); INSERT INTO n SELECT id, NULL FROM runs; DROP TABLE runs; ALTER TABLE n RENAME TO runs";
    db.migrate(&[&set("workflow", &["CREATE TABLE runs (id TEXT); CREATE TABLE tmp (a TEXT)", rebuilt])]).unwrap();
    let error = db.migrate(&[&set("fourth", &["CREATE TABLE runs (id TEXT)"])]).unwrap_err();
    assert!(error.message().contains("\"workflow\" and \"fourth\""), "{error}");
    db.migrate(&[&set("fifth", &["CREATE TABLE n (id TEXT)"])]).unwrap();
}
}

larder_kit::engines! {
fn what_a_migration_in_rust_made_is_its_set_s_in_the_history(place: &Place) {
    let db = place.open();
    let code = Migration::code("0001_m", |tx| tx.execute("CREATE TABLE runs (id TEXT)", &[]).map(|_| ()));
    db.migrate(&[&MigrationSet::list("journal", vec![code])]).unwrap();
    let error = db.migrate(&[&app(&[JOURNAL])]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::SetConflict, "{error:?}");
}
}

larder_kit::engines! {
fn names_and_circles(place: &Place) {
    let db = place.open();
    let twice = db.migrate(&[&app(&["SELECT 1"]), &app(&["SELECT 2"])]).unwrap_err();
    assert!(twice.message().contains("two sets of migrations have the name \"app\""), "{twice}");
    let a = set("a", &["SELECT 1"]).with_after(["b"]);
    let b = set("b", &["SELECT 1"]).with_after(["a"]);
    let circle = db.migrate(&[&a, &b]).unwrap_err();
    assert!(circle.message().contains("a → b → a"), "{circle}");
    assert_eq!(
        db.migrate(&[&set("Not A Name", &["SELECT 1"])]).unwrap_err().kind(),
        ErrorKind::InvalidMigration
    );
}
}

#[test]
fn an_approved_loss_of_another_set_is_backed_up_under_a_name_that_can_be() {
    let place = Place::new(Engine::Sqlite);
    let db = place.open();
    db.migrate(&[&set("journal", &[JOURNAL])]).unwrap();
    db.execute("INSERT INTO runs VALUES ('a')", &[]).unwrap();
    let both = set("journal", &[JOURNAL, "DROP TABLE runs"]);
    let approve = Approval::Migration("journal/0002_m".into());
    let report = Migrator::new(&[&both]).approve(approve).up(&db).unwrap();
    assert!(report.done[0].backup.as_ref().unwrap().exists());
    // And a target of another set than the application's own.
    let third = set("journal", &[JOURNAL, "DROP TABLE runs", "CREATE TABLE c (a)", "CREATE TABLE d (a)"]);
    assert_eq!(
        ids(&Migrator::new(&[&third, &app(&["SELECT 1"])]).to("journal/3").up(&db).unwrap()),
        ["journal/0003_m"]
    );
}

larder_kit::engines! {
fn tables_of_somebody_else_under_our_names_are_named(place: &Place) {
    let db = place.open();
    db.execute("CREATE TABLE meta (version TEXT)", &[]).unwrap();
    let error = db.migrate(&[&app(&["CREATE TABLE t (a TEXT)"])]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::SetConflict, "{error:?}");
    assert!(error.message().contains("`meta`") && error.help().is_some(), "{error}");
    assert_eq!(tables(&db, "%"), 1, "nothing was made");
}
}
