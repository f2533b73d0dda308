//! Pending migrations share a transaction where they may. That must not show: those before one that fails stay whole, nothing
//! of the one that failed does, and nothing is committed unmeasured.

use crate::{Open, app, ids, losses, one};
use larder::ErrorKind;
use larder::migrate::{Failed, Refused};
use larder_kit::{Engine, Place};

#[test]
fn what_a_failed_statement_had_done_goes_also_where_it_does_not_undo_itself() {
    let place = Place::new(Engine::Sqlite);
    let db = place.open();
    let texts = [
        "CREATE TABLE t (a UNIQUE)",
        "CREATE TABLE u (a)",
        "INSERT OR FAIL INTO t VALUES (1), (2), (2), (3)",
        "CREATE TABLE never (a)",
    ];
    let error = db.migrate(&[&app(&texts)]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::MigrationFailed);
    let failed = error.find::<Failed>().unwrap();
    assert_eq!((failed.id.as_str(), failed.statement, failed.statements), ("0003_m", 1, 1));
    assert_eq!(ids(&failed.report), ["0001_m", "0002_m"]);
    assert_eq!(db.schema_version().unwrap(), Some(2));
    assert_eq!(one::<i64>(&db, "SELECT count(*) FROM t"), 0);
    assert_eq!(one::<i64>(&db, "SELECT count(*) FROM sqlite_schema WHERE name = 'never'"), 0);
}

#[test]
fn orphans_of_one_are_found_also_when_a_later_one_fails() {
    for last in ["SELECT * FROM nothing", "CREATE TABLE last (a)"] {
        let place = Place::new(Engine::Sqlite);
        let db = place.open();
        let texts = [
            "CREATE TABLE parent (id INTEGER PRIMARY KEY)",
            "CREATE TABLE child (id INTEGER PRIMARY KEY, p REFERENCES parent (id))",
            "INSERT INTO child VALUES (1, 7), (2, NULL)",
            last,
        ];
        let error = db.migrate(&[&app(&texts)]).unwrap_err();
        assert_eq!(
            losses(&error),
            ["foreign key child → parent: 1 row would point at a row that is not there"]
        );
        assert_eq!(ids(&error.find::<Refused>().unwrap().report), ["0001_m", "0002_m"]);
        assert_eq!(one::<i64>(&db, "SELECT count(*) FROM child"), 0);
    }
}

#[test]
fn orphans_that_the_next_one_gives_a_parent_are_none() {
    let place = Place::new(Engine::Sqlite);
    let db = place.open();
    let texts = [
        "CREATE TABLE parent (id INTEGER PRIMARY KEY)",
        "CREATE TABLE child (id INTEGER PRIMARY KEY, p REFERENCES parent (id))",
        "INSERT INTO child VALUES (1, 7)",
        "INSERT INTO parent VALUES (7)",
    ];
    assert_eq!(db.migrate(&[&app(&texts)]).unwrap().done.len(), 4);
}

#[test]
fn a_trigger_that_comes_between_two_equal_statements_is_seen() {
    let seed = "CREATE TABLE a (x); CREATE TABLE b (id INTEGER PRIMARY KEY); INSERT INTO b VALUES (1), (2)";
    let change =
        "INSERT INTO a VALUES (1); CREATE TRIGGER t AFTER INSERT ON a BEGIN DELETE FROM b WHERE id = 1; END;
        INSERT INTO a VALUES (1)";
    assert_eq!(crate::lost(seed, change), ["rows of b: 1 row"]);
}

#[test]
fn one_that_belongs_to_larder_is_refused_alone_on_a_new_database_too() {
    let place = Place::new(Engine::Sqlite);
    let db = place.open();
    let error =
        db.migrate(&[&app(&["CREATE TABLE t (a)", "INSERT INTO schema_migrations (id) VALUES ('x')"])]);
    assert_eq!(error.unwrap_err().kind(), ErrorKind::InvalidMigration);
    assert_eq!(one::<String>(&db, "SELECT group_concat(id) FROM schema_migrations"), "0001_m");
}
