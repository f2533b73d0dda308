//! `larder repair`, `baseline` and `verify`

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test")]

mod support;

use insta::assert_snapshot;
use support::{NOTES, Place, steady, steady_json};

#[test]
fn an_edited_migration_is_accepted_knowingly() {
    let place = Place::with_notes();
    place.write("migrations/0002_seed.sql", "-- edited\nDELETE FROM notes;\n");
    assert_snapshot!(steady(&place.run(&["migrate"]).failed(1)), @r#"
    error: "0002_seed" was edited after it was applied at [time]
      help: restore its text and write the change as a new migration, or accept the text as it is now: larder repair 0002_seed --accept-edited
    "#);
    assert_snapshot!(place.run(&["repair", "0002_seed", "--accept-edited"]).done(), @"0002_seed is accepted as it is now");
    place.run(&["migrate"]).done();
    assert_eq!(place.count("SELECT count(*) FROM notes"), 3, "nothing ran");
}

#[test]
fn exactly_one_way_to_repair_must_be_named() {
    let place = Place::with_notes();
    assert_eq!(place.run(&["repair", "0002_seed"]).code, 2);
    assert_eq!(place.run(&["repair", "0002_seed", "--resume", "--forget"]).code, 2);
}

/// As a crash leaves it: the first statement is done, the second is not.
fn unfinished() -> Place {
    let steps = "-- larder: no-transaction\nCREATE TABLE a (x);\nCREATE TABLE b (x);\n";
    let place = Place::with(&[("0001_a.sql", steps)]);
    place.run(&["migrate"]).done();
    let database = larder::Database::open(place.path("data/app.db")).unwrap();
    for sql in [
        "DROP TABLE b",
        "UPDATE schema_migrations SET state = 'started', statements_done = 1",
        "UPDATE meta SET fingerprints = '{}'",
    ] {
        database.execute(sql, &[]).unwrap();
    }
    database.close().unwrap();
    place
}

#[test]
fn a_migration_that_a_crash_interrupted_is_told_and_can_be_settled() {
    let place = unfinished();
    assert_eq!(place.json(&["status"]).1["migrations"][0]["state"], "unfinished");
    assert_snapshot!(steady(&place.run(&["migrate"]).failed(1)), @r#"
    error: "0001_a" runs outside a transaction, was begun at [time] and did not finish; 1 of its statements are done
      help: look at what it did; then `larder repair 0001_a` with --resume goes on after those, with --mark-applied takes it as done, with --forget as never begun
    "#);
    assert_snapshot!(steady(&place.run(&["repair", "0001_a", "--resume"]).done()), @r"
    0001_a was finished
    applied 0001_a ([n] ms): creates table b
    data/app.db is at version 1 (1 migration in [n] ms)
    ");
    assert_eq!(place.count("SELECT count(*) FROM sqlite_schema WHERE name = 'b'"), 1);

    let place = unfinished();
    assert_snapshot!(place.run(&["repair", "0001_a", "--mark-applied"]).done(), @"0001_a is marked as applied");
    assert_snapshot!(steady(&place.run(&["migrate"]).done()), @"data/app.db is up to date at version 1");

    let place = unfinished();
    assert_snapshot!(place.run(&["repair", "0001_a", "--forget"]).done(), @"0001_a is forgotten: it counts as never begun");
    assert_eq!(place.json(&["status"]).1["migrations"][0]["state"], "pending");
}

#[test]
fn a_database_made_by_other_means_is_taken_over() {
    let place = Place::with(NOTES);
    let database = larder::Database::open(place.path("data/app.db")).unwrap();
    database
        .execute("CREATE TABLE notes (id INTEGER PRIMARY KEY, body TEXT NOT NULL, author TEXT)", &[])
        .unwrap();
    database.close().unwrap();
    assert_snapshot!(place.run(&["baseline", "0002_seed"]).done(), @r"
    recorded 0001_init as applied, without running it
    recorded 0002_seed as applied, without running it
    data/app.db is taken over at version 2 (2 migrations); `larder verify` compares its schema
    ");
    place.run(&["migrate"]).done();
    let (code, value) = place.json(&["verify"]);
    assert_eq!(code, 0);
    assert_snapshot!(steady_json(&value), @r#"
    {
      "command": "verify",
      "database": "data/app.db",
      "drift": [],
      "format": 1,
      "ok": true,
      "problem": null,
      "schema_version": 3
    }
    "#);
}

#[test]
fn a_schema_that_was_changed_by_hand_is_told() {
    let place = Place::with_notes();
    assert_snapshot!(place.run(&["verify"]).done(), @"data/app.db: the history fits the files, and the schema is what they make");
    let database = larder::Database::open(place.path("data/app.db")).unwrap();
    for sql in ["DROP INDEX notes_by_author", "CREATE TABLE stray (x)"] {
        database.execute(sql, &[]).unwrap();
    }
    database.close().unwrap();
    let answer = place.run(&["verify"]);
    assert_snapshot!(answer.out, @r"
    data/app.db: the schema is not what the migrations make
      - index notes_by_author on notes is not there
      - table stray is there, and no migration makes it
    ");
    assert_eq!(answer.code, 5);
    let (code, value) = place.json(&["verify"]);
    assert!(code == 5 && value["ok"] == false, "{value}");
    assert_snapshot!(steady_json(&value), @r#"
    {
      "command": "verify",
      "database": "data/app.db",
      "drift": [
        {
          "change": "dropped",
          "name": "notes_by_author",
          "object": "index",
          "table": "notes",
          "text": "index notes_by_author on notes is not there"
        },
        {
          "change": "created",
          "name": "stray",
          "object": "table",
          "table": "stray",
          "text": "table stray is there, and no migration makes it"
        }
      ],
      "format": 1,
      "ok": false,
      "problem": null,
      "schema_version": 3
    }
    "#);
}

#[test]
fn another_order_of_the_columns_is_said_and_is_no_fault() {
    let place = Place::with_notes();
    let database = larder::Database::open(place.path("data/app.db")).unwrap();
    for sql in [
        "DROP TABLE notes",
        "CREATE TABLE notes (id INTEGER PRIMARY KEY, author TEXT, body TEXT NOT NULL)",
        "CREATE INDEX notes_by_author ON notes (author)",
    ] {
        database.execute(sql, &[]).unwrap();
    }
    database.close().unwrap();
    assert_snapshot!(place.run(&["verify"]).done(), @r"
    data/app.db: the history fits the files, and the schema is what they make
      - the order of the columns of notes is another one, which is no fault
    ");
    let (code, value) = place.json(&["verify"]);
    assert_eq!(
        (code, &value["ok"], &value["drift"][0]["table"]),
        (0, &true.into(), &"notes".into()),
        "{value}"
    );
    let (code, value) = place.json(&["doctor"]);
    assert_eq!((code, &value["ok"]), (0, &true.into()), "{value}");
}

#[test]
fn an_edited_migration_is_a_finding_of_verify() {
    let place = Place::with_notes();
    place.write("migrations/0002_seed.sql", "DELETE FROM notes;\n");
    assert_snapshot!(steady(&place.run(&["verify"]).failed(5)), @r#"
    error: "0002_seed" was edited after it was applied at [time]
      help: restore its text and write the change as a new migration, or accept the text as it is now: larder repair 0002_seed --accept-edited
    "#);
}
