//! Losses that hide, in words that both engines understand: each must count the same. SQLite's own stand in `hidden.rs` and
//! `shape.rs`, PostgreSQL's in `tests/effect`.

use crate::{Open, app, losses, lost};
use larder_kit::{Engine, Place};

const NOTES: &str = "CREATE TABLE notes (id INTEGER PRIMARY KEY, body TEXT, temp TEXT, age INTEGER);
    CREATE TABLE other (id INTEGER PRIMARY KEY, body TEXT, temp TEXT, age INTEGER);
    CREATE TABLE bare (a INTEGER, b TEXT);
    CREATE TABLE two (a TEXT, b INTEGER, c TEXT, PRIMARY KEY (b, a));
    WITH RECURSIVE n (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 10)
    INSERT INTO notes SELECT i, 'b' || i, 't' || i, i FROM n;
    INSERT INTO other SELECT id + 100, body, temp, age FROM notes WHERE id < 4;
    INSERT INTO bare SELECT age % 3, NULL FROM notes;
    INSERT INTO two SELECT 'x' || (age % 2), age, 'c' || age FROM notes;";

/// What `change` would lose on the engine of the place.
fn lost_on(place: &Place, change: &str) -> Vec<String> {
    if place.engine() == Engine::Sqlite {
        return lost(NOTES, change);
    }
    let own = Place::new(Engine::Postgres);
    let db = own.open();
    db.migrate(&[&app(&[NOTES])]).unwrap();
    match db.migrate(&[&app(&[NOTES, change])]) {
        Ok(report) => {
            assert_eq!(report.schema_version, Some(2));
            Vec::new()
        }
        Err(error) => losses(&error),
    }
}

larder_kit::engines! {
fn a_column_with_a_name_that_is_a_word_is_dropped_like_any_other(place: &Place) {
    assert_eq!(lost_on(place, "ALTER TABLE notes DROP COLUMN temp"), ["column notes.temp: 10 values"]);
}

fn renamed_columns_lose_nothing_the_key_included(place: &Place) {
    assert!(lost_on(place, "ALTER TABLE notes RENAME COLUMN id TO nr").is_empty());
    assert!(lost_on(place, "ALTER TABLE notes RENAME COLUMN id TO nr; UPDATE notes SET age = age").is_empty());
    let swap = "ALTER TABLE notes RENAME COLUMN body TO x; ALTER TABLE notes RENAME COLUMN temp TO body;
        ALTER TABLE notes RENAME COLUMN x TO temp";
    assert!(lost_on(place, swap).is_empty());
}

fn a_temporary_table_loses_nothing(place: &Place) {
    let change = "CREATE TEMP TABLE work AS SELECT * FROM notes; DELETE FROM work WHERE id < 4; DROP TABLE work;
        CREATE TEMPORARY TABLE work (a INTEGER); INSERT INTO work VALUES (1); UPDATE work SET a = NULL";
    assert!(lost_on(place, change).is_empty());
}

fn upserts_and_updates_from_another_table_are_counted(place: &Place) {
    let upsert = "INSERT INTO notes (id, body) VALUES (1, 'x'), (50, 'y') ON CONFLICT (id) DO UPDATE SET body = 'z'";
    assert_eq!(lost_on(place, upsert), ["column notes.body: 1 value overwritten"]);
    let nothing = "INSERT INTO notes (id, body) VALUES (1, 'x'), (50, 'y') ON CONFLICT DO NOTHING";
    assert!(lost_on(place, nothing).is_empty());
    let from = "UPDATE notes SET body = o.temp FROM other o WHERE o.id = notes.id + 100";
    assert_eq!(lost_on(place, from), ["column notes.body: 3 values overwritten"]);
}

fn a_table_made_of_a_query_keeps_what_it_was_made_of(place: &Place) {
    assert!(lost_on(place, "CREATE TABLE copy2 AS SELECT * FROM notes").is_empty());
    let moved = "CREATE TABLE copy2 AS SELECT * FROM notes; DROP TABLE notes";
    assert!(lost_on(place, moved).is_empty(), "all rows are in the new table");
    let half = "CREATE TABLE copy2 AS SELECT * FROM notes WHERE id > 5; DROP TABLE notes";
    assert_eq!(lost_on(place, half), ["table notes: 10 rows"]);
}

fn without_a_key_a_row_that_changed_counts_as_lost(place: &Place) {
    assert_eq!(lost_on(place, "DELETE FROM bare WHERE a = 0"), ["rows of bare: 3 rows"]);
    assert_eq!(lost_on(place, "UPDATE bare SET a = 7 WHERE a = 1"), ["rows of bare: 4 rows"]);
    assert!(lost_on(place, "UPDATE bare SET b = 'x' WHERE a > 7").is_empty());
    let moved = "CREATE TABLE n (a INTEGER, b TEXT, c INTEGER); INSERT INTO n SELECT a, b, 1 FROM bare ORDER BY a DESC;
        DROP TABLE bare; ALTER TABLE n RENAME TO bare";
    assert!(lost_on(place, moved).is_empty());
    assert!(lost_on(place, "UPDATE bare SET b = 'x'").is_empty(), "a column that is only filled loses nothing");
}

fn with_a_key_of_several_columns(place: &Place) {
    assert_eq!(lost_on(place, "DELETE FROM two WHERE a = 'x0'"), ["rows of two: 5 rows"]);
    assert_eq!(lost_on(place, "UPDATE two SET c = NULL WHERE b < 4"), ["column two.c: 3 values turned NULL"]);
    assert_eq!(lost_on(place, "UPDATE two SET a = 'z' WHERE b = 1"), ["rows of two: 1 row"]);
    let rebuilt = "CREATE TABLE n (a TEXT, b INTEGER, c TEXT, PRIMARY KEY (a, b)); INSERT INTO n SELECT * FROM two;
        DROP TABLE two; ALTER TABLE n RENAME TO two";
    assert!(lost_on(place, rebuilt).is_empty());
}

fn many_rows_are_counted_to_the_last(place: &Place) {
    let change = "UPDATE notes SET age = age + 1, body = NULL WHERE id % 3 = 0; DELETE FROM notes WHERE id % 5 = 0";
    assert_eq!(
        lost_on(place, change),
        [
            "rows of notes: 2 rows",
            "column notes.body: 3 values turned NULL",
            "column notes.age: 3 values overwritten"
        ]
    );
}

fn a_migration_in_rust_is_measured_too(place: &Place) {
    let db = place.open();
    db.migrate(&[&app(&[NOTES])]).unwrap();
    let code = larder::Migration::code("0002_code", |tx| tx.execute("DELETE FROM notes WHERE id < 4", &[]).map(|_| ()));
    let list = vec![larder::Migration::sql("0001_m", NOTES), code];
    let error = db.migrate(&[&larder::MigrationSet::list("app", list)]).unwrap_err();
    assert_eq!(losses(&error), ["rows of notes: 3 rows"]);
    assert_eq!(crate::one::<i64>(&db, "SELECT count(*) FROM notes"), 10);
}

fn patience_and_a_stop_before_the_beginning(place: &Place) {
    let (db, stop) = (place.open(), larder::migrate::Stop::new());
    stop.stop();
    let error = larder::migrate::Migrator::new(&[&app(&[NOTES])]).stop(&stop).up(&db).unwrap_err();
    assert_eq!(error.kind(), larder::ErrorKind::Interrupted);
    assert_eq!(db.schema_version().unwrap(), None);
    db.migrate(&[&app(&[NOTES])]).unwrap();
    larder::migrate::Migrator::new(&[&app(&[NOTES])]).stop(&stop).up(&db).unwrap();
}

fn a_migration_in_rust_that_fails_or_panics_is_rolled_back(place: &Place) {
    let db = place.open();
    db.migrate(&[&app(&[NOTES])]).unwrap();
    let list = |code: fn(&mut larder::WriteTx<'_>) -> larder::Result<()>| {
        let list = vec![larder::Migration::sql("0001_m", NOTES), larder::Migration::code("0002_code", code)];
        larder::MigrationSet::list("app", list)
    };
    let failing = list(|tx| {
        tx.execute("INSERT INTO bare VALUES (9, 'z')", &[])?;
        Err(larder::Error::other("not today"))
    });
    let error = db.migrate(&[&failing]).unwrap_err();
    assert!(error.message().contains("0002_code failed and was rolled back"), "{error}");
    let panicking = list(|tx| {
        tx.savepoint(|tx| {
            tx.execute("INSERT INTO bare VALUES (9, 'z')", &[])?;
            panic!("a bug in the migration")
        })
    });
    let migrate = std::panic::AssertUnwindSafe(|| db.migrate(&[&panicking]));
    std::panic::catch_unwind(migrate).unwrap_err();
    assert_eq!(crate::one::<i64>(&db, "SELECT count(*) FROM bare"), 10);
    let mended = list(|tx| tx.execute("INSERT INTO bare VALUES (9, 'z')", &[]).map(|_| ()));
    assert_eq!(db.migrate(&[&mended]).unwrap().done.len(), 1);
}
}
