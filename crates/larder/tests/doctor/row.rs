//! Rows that are wrong, and how they lie in the file.

use super::{Place, fill, finds_nothing, names, only};
use larder::doctor::{Severity, State};

#[test]
fn rows_without_what_they_refer_to_are_counted() {
    let place = Place::filled();
    finds_nothing(&place.examine(), "foreign_key");
    let db = place.options().pragma("foreign_keys", "OFF").open().unwrap();
    db.execute("DELETE FROM note WHERE id IN (10, 20, 30)", &[]).unwrap();
    let checkup = place.examine();
    names(
        &checkup,
        "foreign_key",
        Severity::Error,
        "3 rows refer from tag to rows of note that are not there",
    );
    assert!(!checkup.ok);
    assert_ne!(checkup.state, State::Damaged);
}

#[test]
fn a_key_that_is_declared_wrongly_does_not_hide_the_others() {
    let place = Place::filled();
    let db = place.options().pragma("foreign_keys", "OFF").open().unwrap();
    db.execute("CREATE TABLE a_wrong (title TEXT REFERENCES note (title))", &[]).unwrap();
    db.execute("INSERT INTO a_wrong VALUES ('x')", &[]).unwrap();
    db.execute("DELETE FROM note WHERE id = 10", &[]).unwrap();
    let checkup = place.examine();
    let said: Vec<_> =
        checkup.findings.iter().filter(|f| f.check == "foreign_key").map(|f| f.message.as_str()).collect();
    assert_eq!(said.len(), 2, "{said:?}");
    assert!(said.iter().any(|said| said.contains("mismatch")), "{said:?}");
    assert!(said.iter().any(|said| said.contains("1 row refers from tag")), "{said:?}");
}

#[test]
fn rows_that_break_a_rule_are_not_damage() {
    let place = Place::filled();
    let db = place.open();
    let mut connection = db.driver().connect(larder::driver::Access::Write).unwrap();
    connection.watch(true).unwrap();
    undefended(connection.as_mut());
    for sql in [
        "UPDATE note SET body = NULL WHERE id < 4",
        "PRAGMA writable_schema = ON",
        "UPDATE sqlite_schema SET sql = replace(sql, 'body TEXT', 'body TEXT NOT NULL') WHERE name = 'note'",
        "PRAGMA writable_schema = RESET",
    ] {
        connection.execute(sql, &[]).unwrap();
    }
    let checkup = place.examine();
    names(&checkup, "integrity", Severity::Error, "NULL value in note.body");
    assert_ne!(checkup.state, State::Damaged);
}

#[test]
fn empty_space_is_told_after_much_was_deleted() {
    let place = Place::new();
    let db = place.open();
    fill(&db, 20_000);
    finds_nothing(&place.examine(), "fragmentation");
    db.write(|tx| {
        tx.execute("DELETE FROM tag", &[])?;
        tx.execute("DELETE FROM note WHERE id > 1000", &[])
    })
    .unwrap();
    let checkup = place.examine();
    names(&checkup, "fragmentation", Severity::Info, "% of the file is empty");
    assert!(only(&checkup, "fragmentation").fix.as_ref().is_some_and(|fix| fix.contains("larder vacuum")));
}

#[test]
fn missing_and_old_statistics_are_told_and_gathered() {
    let place = Place::new();
    let db = place.open();
    fill(&db, 20_000);
    names(&place.examine(), "statistics", Severity::Info, "no statistics were ever gathered");
    assert!(only(&place.fix(), "statistics").fixed);
    finds_nothing(&place.examine(), "statistics");
    assert!(db.query_one::<i64>("SELECT count(*) FROM sqlite_stat1 WHERE tbl = 'note'", &[]).unwrap() > 0);

    db.execute("INSERT INTO note (id, title) VALUES (1000000, 'far on')", &[]).unwrap();
    names(&place.examine(), "statistics", Severity::Info, "note has grown more than tenfold");
}

#[test]
fn names_that_need_quotes_are_quoted() {
    let place = Place::new();
    let db = place.open();
    fill(&db, 20_000);
    db.execute("CREATE TABLE \"o\"\"dd 'name'\" (id INTEGER PRIMARY KEY, note REFERENCES note (id))", &[])
        .unwrap();
    db.execute("CREATE INDEX odd ON \"o\"\"dd 'name'\" (note)", &[]).unwrap();
    db.execute("INSERT INTO \"o\"\"dd 'name'\" (note) VALUES (1)", &[]).unwrap();
    assert!(only(&place.fix(), "statistics").fixed);
    let checkup = place.examine();
    finds_nothing(&checkup, "statistics");
    finds_nothing(&checkup, "foreign_key");
}

/// Lets the connection write into the schema, which Larder's own never may.
fn undefended(connection: &mut dyn larder::driver::Connection) {
    use larder::driver::sqlite::rusqlite::config::DbConfig::SQLITE_DBCONFIG_DEFENSIVE;
    let done = larder::driver::sqlite::with_connection(connection, |raw| {
        raw.set_db_config(SQLITE_DBCONFIG_DEFENSIVE, false).unwrap()
    });
    assert_eq!(done, Some(false));
}
