//! Losses that hide: behind a second change that seems to undo the first, behind a name, in a trigger, in a table that is
//! not like others. Each of them must be seen, and what looks like them and loses nothing must pass.

use crate::{Open, lost};

const NOTES: &str = "CREATE TABLE notes (id INTEGER PRIMARY KEY, body TEXT, temp TEXT, age INTEGER);
    CREATE TABLE other (id INTEGER PRIMARY KEY, body TEXT, temp TEXT, age INTEGER);
    WITH RECURSIVE n (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 10)
    INSERT INTO notes SELECT i, 'b' || i, 't' || i, i FROM n;
    INSERT INTO other SELECT id + 100, body, temp, age FROM notes WHERE id < 4;";

#[test]
fn a_column_that_is_dropped_and_added_again_lost_its_values() {
    let change = "ALTER TABLE notes DROP COLUMN age; ALTER TABLE notes ADD COLUMN age INTEGER";
    assert_eq!(lost(NOTES, change), ["column notes.age: 10 values turned NULL"]);
}

#[test]
fn a_column_named_temp_is_dropped_like_any_other() {
    assert_eq!(lost(NOTES, "ALTER TABLE notes DROP COLUMN temp"), ["column notes.temp: 10 values"]);
    assert_eq!(lost("CREATE TABLE temp (a); INSERT INTO temp VALUES (1)", "DELETE FROM temp").len(), 1);
}

#[test]
fn renamed_columns_lose_nothing_the_key_included() {
    assert!(lost(NOTES, "ALTER TABLE notes RENAME COLUMN id TO nr").is_empty());
    assert!(lost(NOTES, "ALTER TABLE notes RENAME COLUMN id TO nr; UPDATE notes SET age = age").is_empty());
    let swap = "ALTER TABLE notes RENAME COLUMN body TO x; ALTER TABLE notes RENAME COLUMN temp TO body;
        ALTER TABLE notes RENAME COLUMN x TO temp";
    assert!(lost(NOTES, swap).is_empty());
}

#[test]
fn a_table_that_takes_the_place_of_another_does_not_hide_its_rows() {
    let change = "ALTER TABLE notes RENAME TO old; ALTER TABLE other RENAME TO notes; DROP TABLE old";
    let found = lost(NOTES, change);
    assert!(found.contains(&"rows of notes: 10 rows".to_owned()), "{found:?}");
    let swapped =
        "ALTER TABLE notes RENAME TO x; ALTER TABLE other RENAME TO notes; ALTER TABLE x RENAME TO other;
        DROP TABLE other";
    assert!(!lost(NOTES, swapped).is_empty());
}

#[test]
fn a_temporary_table_of_the_same_name_does_not_stand_for_the_real_one() {
    let change = "CREATE TEMP TABLE notes AS SELECT * FROM main.notes; DELETE FROM main.notes WHERE id < 4";
    assert_eq!(lost(NOTES, change), ["rows of notes: 3 rows"]);
    let dropped = "CREATE TEMP TABLE notes AS SELECT * FROM main.notes; DROP TABLE main.notes";
    assert_eq!(lost(NOTES, dropped), ["table notes: 10 rows"]);
}

#[test]
fn a_temporary_table_of_the_application_does_not_stand_for_the_real_one_either() {
    let place = crate::Place::new(crate::Engine::Sqlite);
    let db = place.open();
    db.migrate(&[&crate::app(&[NOTES])]).unwrap();
    db.execute("CREATE TEMP TABLE notes AS SELECT * FROM main.notes", &[]).unwrap();
    let error = db.migrate(&[&crate::app(&[NOTES, "DELETE FROM main.notes WHERE id < 4"])]).unwrap_err();
    assert_eq!(crate::losses(&error), ["rows of notes: 3 rows"]);
    // It is the application's, and stays.
    let left: i64 = db.write(|tx| tx.query_one("SELECT count(*) FROM temp.notes", &[])).unwrap();
    assert_eq!(left, 10);
}

#[test]
fn a_temporary_table_loses_nothing() {
    let change =
        "CREATE TEMP TABLE work AS SELECT * FROM notes; DELETE FROM work WHERE id < 4; DROP TABLE work;
        CREATE TEMPORARY TABLE work (a); INSERT INTO work VALUES (1); UPDATE work SET a = NULL";
    assert!(lost(NOTES, change).is_empty());
}

#[test]
fn a_trigger_that_deletes_elsewhere_is_counted() {
    let seed = format!(
        "{NOTES} CREATE TRIGGER t AFTER UPDATE OF age ON notes BEGIN DELETE FROM other WHERE id = new.id + 100; END;"
    );
    assert_eq!(lost(&seed, "UPDATE notes SET age = age WHERE id < 3"), ["rows of other: 2 rows"]);
}

#[test]
fn a_trigger_that_replaces_rows_is_counted() {
    let seed = format!(
        "{NOTES} CREATE TABLE slot (nr INTEGER PRIMARY KEY, what TEXT);
        INSERT INTO slot VALUES (1, 'kept'), (2, 'kept');
        CREATE TABLE made (a); CREATE TRIGGER t AFTER INSERT ON made BEGIN
            INSERT OR REPLACE INTO slot VALUES (new.a, 'new'); END;"
    );
    assert_eq!(lost(&seed, "INSERT INTO made VALUES (2), (3)"), ["column slot.what: 1 value overwritten"]);
    assert!(lost(&seed, "INSERT INTO made VALUES (3), (4)").is_empty());
}

#[test]
fn upserts_and_updates_from_another_table_are_counted() {
    let upsert =
        "INSERT INTO notes (id, body) VALUES (1, 'x'), (50, 'y') ON CONFLICT (id) DO UPDATE SET body = 'z'";
    assert_eq!(lost(NOTES, upsert), ["column notes.body: 1 value overwritten"]);
    let nothing = "INSERT INTO notes (id, body) VALUES (1, 'x'), (50, 'y') ON CONFLICT DO NOTHING";
    assert!(lost(NOTES, nothing).is_empty());
    assert!(lost(NOTES, "INSERT OR IGNORE INTO notes (id) VALUES (1), (51)").is_empty());
    let from = "UPDATE notes SET body = o.age FROM other o WHERE o.id = notes.id + 100";
    assert_eq!(lost(NOTES, from), ["column notes.body: 3 values overwritten"]);
    let replace =
        "INSERT OR REPLACE INTO notes (id, body, temp, age) VALUES (1, 'b1', 't1', 1), (2, 'b2', 't2', NULL)";
    assert_eq!(lost(NOTES, replace), ["column notes.age: 1 value turned NULL"]);
    assert_eq!(lost(NOTES, "UPDATE OR REPLACE notes SET id = 2 WHERE id = 1").len(), 4);
}

#[test]
fn a_table_made_of_a_query_keeps_what_it_was_made_of() {
    assert!(lost(NOTES, "CREATE TABLE copy AS SELECT * FROM notes").is_empty());
    let moved = "CREATE TABLE copy AS SELECT * FROM notes; DROP TABLE notes";
    assert!(lost(NOTES, moved).is_empty(), "all rows are in the new table");
    let half = "CREATE TABLE copy AS SELECT * FROM notes WHERE id > 5; DROP TABLE notes";
    assert_eq!(lost(NOTES, half), ["table notes: 10 rows"]);
}

#[test]
fn a_view_that_was_broken_before_is_nobody_s_loss() {
    let seed = format!("{NOTES} CREATE TABLE gone (a); CREATE VIEW v AS SELECT a FROM gone;");
    let place = crate::Place::new(crate::Engine::Sqlite);
    let db = place.open();
    db.migrate(&[&crate::app(&[&seed])]).unwrap();
    db.execute("DROP TABLE gone", &[]).unwrap();
    db.migrate(&[&crate::app(&[&seed, "UPDATE notes SET age = 1 WHERE age IS NULL"])]).unwrap();
    let error = db
        .migrate(&[&crate::app(&[
            &seed,
            "UPDATE notes SET age = 1 WHERE age IS NULL",
            "DROP TABLE other; SELECT 1",
        ])])
        .unwrap_err();
    assert_eq!(crate::losses(&error), ["table other: 3 rows"]);
}

#[test]
fn a_foreign_key_that_never_could_be_checked_stops_nothing() {
    let seed = "CREATE TABLE parent (id INTEGER PRIMARY KEY, code TEXT);
        CREATE TABLE child (id INTEGER PRIMARY KEY, code TEXT REFERENCES parent (code), x);
        INSERT INTO parent VALUES (1, 'a')";
    assert!(lost(seed, "ALTER TABLE child ADD COLUMN y").is_empty());
    assert!(lost(seed, "UPDATE parent SET code = 'b' WHERE code IS NULL; UPDATE child SET x = 1").is_empty());
}

#[test]
fn a_key_that_others_point_at_and_that_is_none_any_more_is_found() {
    let seed = "CREATE TABLE parent (id INTEGER PRIMARY KEY, code TEXT);
        CREATE UNIQUE INDEX codes ON parent (code);
        CREATE TABLE child (id INTEGER PRIMARY KEY, code TEXT REFERENCES parent (code));
        INSERT INTO parent VALUES (1, 'a'); INSERT INTO child VALUES (1, 'a'), (2, NULL)";
    let change = "DROP INDEX codes; UPDATE parent SET code = 'a'";
    let found = lost(seed, change);
    assert!(found.iter().any(|loss| loss.starts_with("foreign key child → parent")), "{found:?}");
}

#[test]
fn the_bookkeeping_is_out_of_reach() {
    for change in [
        "DELETE FROM schema_migrations",
        "UPDATE meta SET schema_version = 9",
        "DROP TABLE schema_migrations",
        "INSERT INTO \"Schema_Migrations\" (id) VALUES ('0009_x')",
        "ALTER TABLE meta ADD COLUMN x",
        "CREATE TRIGGER t AFTER INSERT ON schema_migrations BEGIN SELECT 1; END",
    ] {
        let place = crate::Place::new(crate::Engine::Sqlite);
        let db = place.open();
        db.migrate(&[&crate::app(&[NOTES])]).unwrap();
        let error = db.migrate(&[&crate::app(&[NOTES, change])]).unwrap_err();
        assert_eq!(error.kind(), larder::ErrorKind::InvalidMigration, "{change}: {error:?}");
        assert!(error.message().contains("Larder's own"), "{error}");
        assert_eq!(error.location().map(larder::Location::line), Some(1), "{change}");
        assert_eq!(crate::one::<i64>(&db, "SELECT count(*) FROM schema_migrations"), 1);
    }
}
