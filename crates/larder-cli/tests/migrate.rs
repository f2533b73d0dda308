//! `larder migrate`

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test")]

mod support;

use insta::assert_snapshot;
use serde_json::Value;
use support::{LOSSY, NOTES, Place, steady, steady_json};

#[test]
fn the_first_run_says_what_it_did_and_the_second_that_nothing_is_to_do() {
    let place = Place::with(NOTES);
    assert_snapshot!(steady(&place.run(&["migrate"]).done()), @r"
    applied 0001_init ([n] ms): creates table notes
    applied 0002_seed ([n] ms): adds 3 rows to notes
    applied 0003_by_author ([n] ms): creates index notes_by_author on notes
    data/app.db is at version 3 (3 migrations in [n] ms)
    ");
    assert_snapshot!(steady(&place.run(&["migrate"]).done()), @"data/app.db is up to date at version 3");
    assert_eq!(place.count("SELECT count(*) FROM notes"), 3);
}

#[test]
fn db_migrate_is_the_same_command() {
    let place = Place::with(NOTES);
    assert!(place.run(&["db:migrate"]).done().contains("is at version 3"));
}

#[test]
fn as_json_each_migration_is_there_with_its_effects() {
    let place = Place::with(NOTES);
    let (code, value) = place.json(&["migrate", "--to", "0002"]);
    assert_eq!(code, 0);
    assert_snapshot!(steady_json(&value), @r#"
    {
      "already": 0,
      "command": "migrate",
      "database": "data/app.db",
      "done": [
        {
          "approval": null,
          "backup": null,
          "changes": [
            "creates table notes"
          ],
          "direction": "up",
          "duration_ms": "[n]",
          "id": "0001_init",
          "losses": [],
          "set": "app"
        },
        {
          "approval": null,
          "backup": null,
          "changes": [
            "adds 3 rows to notes"
          ],
          "direction": "up",
          "duration_ms": "[n]",
          "id": "0002_seed",
          "losses": [],
          "set": "app"
        }
      ],
      "dry_run": false,
      "duration_ms": "[n]",
      "format": 1,
      "ok": true,
      "schema_version": 2
    }
    "#);
    let (_, again) = place.json(&["migrate", "--to", "0002"]);
    assert!(again["ok"] == true && again["done"] == serde_json::json!([]), "{again}");
    assert_eq!(again["already"], 2);
}

#[test]
fn a_dry_run_says_what_would_be_and_leaves_everything() {
    let place = Place::with(NOTES);
    assert_snapshot!(steady(&place.run(&["migrate", "--dry-run"]).done()), @r"
    would apply 0001_init ([n] ms): creates table notes
    would apply 0002_seed ([n] ms): adds 3 rows to notes
    would apply 0003_by_author ([n] ms): creates index notes_by_author on notes
    3 migrations rehearsed on data/app.db in [n] ms; the database itself is as it was
    ");
    assert!(!place.path("data").exists(), "nothing is made, not even the folder");
    let place = Place::with_notes();
    place.write(&format!("migrations/{}", LOSSY.0), LOSSY.1);
    assert_snapshot!(steady(&place.run(&["migrate", "--dry-run"]).done()), @r"
    would apply 0004_forget_author ([n] ms): drops column notes.author; drops index notes_by_author on notes
      would lose column notes.author: 2 values
      would need: --allow-destructive=0004_forget_author@9eddf89b
    1 migration rehearsed on data/app.db in [n] ms; the database itself is as it was
    ");
    let (_, value) = place.json(&["migrate", "--dry-run"]);
    assert_eq!(
        (&value["done"][0]["approval"], &value["already"]),
        (&Value::Null, &Value::from(3)),
        "{value}"
    );
    let flag = "--allow-destructive=0004_forget_author@9eddf89b";
    let approved = place.run(&["migrate", "--dry-run", flag]).done();
    assert!(!approved.contains("would need"), "{approved}");
    assert_eq!(place.count("SELECT count(author) FROM notes"), 2);
}

#[test]
fn an_empty_approval_approves_nothing() {
    let place = Place::with_notes();
    place.write(&format!("migrations/{}", LOSSY.0), LOSSY.1);
    assert_snapshot!(place.run(&["migrate", "--allow-destructive="]).failed(2), @r"
    error: --allow-destructive= has an empty value, which approves nothing
      help: give a migration's id; to approve whatever this run loses, leave out the `=`. If a variable stands there, it is not set
    ");
    place.run(&["migrate", "--allow-destructive= "]).failed(2);
    place.run(&["rollback", "--allow-destructive="]).failed(2);
    assert_eq!(place.count("SELECT count(author) FROM notes"), 2);
    let (_, value) = place.json(&["migrate", "--allow-destructive"]);
    assert_eq!(value["already"], 3, "{value}");
}

#[test]
fn a_loss_is_refused_where_nobody_can_be_asked_and_the_flag_that_approves_it_is_told() {
    let place = Place::with_notes();
    place.write(&format!("migrations/{}", LOSSY.0), LOSSY.1);
    assert_snapshot!(place.run(&["migrate", "--yes"]).failed(3), @r"
    error: 0004_forget_author was rolled back, for nobody approved what it would lose:
      - column notes.author: 2 values
      help: to lose exactly this: --allow-destructive=0004_forget_author@9eddf89b; or change the migration so that it loses nothing
    ");
    assert_eq!(place.count("SELECT count(author) FROM notes"), 2);
    let (code, value) = place.json(&["migrate"]);
    assert_eq!(code, 3);
    assert_snapshot!(steady_json(&value), @r#"
    {
      "command": "migrate",
      "done": [],
      "error": {
        "causes": [],
        "help": "to lose exactly this: --allow-destructive=0004_forget_author@9eddf89b; or change the migration so that it loses nothing",
        "kind": "approval_needed",
        "location": null,
        "message": "0004_forget_author was rolled back, for nobody approved what it would lose:\n  - column notes.author: 2 values"
      },
      "format": 1,
      "ok": false,
      "refused": {
        "flag": "--allow-destructive=0004_forget_author@9eddf89b",
        "id": "0004_forget_author",
        "losses": [
          {
            "count": 2,
            "kind": "column",
            "object": "notes.author",
            "text": "column notes.author: 2 values"
          }
        ],
        "token": "0004_forget_author@9eddf89b"
      }
    }
    "#);
}

#[test]
fn the_flag_that_the_refusal_names_approves_exactly_that() {
    let place = Place::with_notes();
    place.write(&format!("migrations/{}", LOSSY.0), LOSSY.1);
    let (_, value) = place.json(&["migrate"]);
    let flag = value["refused"]["flag"].as_str().unwrap().to_owned();
    // One more value: what was approved is no longer what would be lost.
    let database = larder::Database::open(place.path("data/app.db")).unwrap();
    database.execute("UPDATE notes SET author = 'bob' WHERE author IS NULL", &[]).unwrap();
    place.run(&["migrate", &flag]).failed(3);
    database.execute("UPDATE notes SET author = NULL WHERE author = 'bob'", &[]).unwrap();
    drop(database);
    assert_snapshot!(steady(&place.run(&["migrate", &flag]).done()), @r"
    applied 0004_forget_author ([n] ms): drops column notes.author; drops index notes_by_author on notes
      lost, as approved: column notes.author: 2 values
      a backup from before is data/backups/app.db-[path]-[time]-before-0004_forget_author.db
    data/app.db is at version 4 (1 migration in [n] ms)
    ");
    assert_eq!(place.files("data/backups").len(), 1);
}

#[test]
fn a_loss_can_be_approved_by_migration_or_for_the_whole_run() {
    for flag in ["--allow-destructive=0004_forget_author", "--allow-destructive"] {
        let place = Place::with_notes();
        place.write(&format!("migrations/{}", LOSSY.0), LOSSY.1);
        place.run(&["migrate", "--allow-destructive=0002_seed"]).failed(3);
        place.run(&["migrate", flag]).done();
    }
    let told = Place::with_notes().run(&["migrate", "--allow-destructive=0002_sede"]).failed(2);
    assert_snapshot!(told, @r"
    error: --allow-destructive=0002_sede: there is no such migration
      help: did you mean `0002_seed`?
    ");
    let told = Place::with_notes().run(&["migrate", "--allow-destructive=0004_x@nonsense"]).failed(2);
    assert_snapshot!(told, @r"
    error: `0004_x@nonsense` approves nothing
      help: give a migration's id, or the id and the 8 digits that the refusal showed: 0005_x@3f2a9c01
    ");
}

#[test]
fn a_failing_migration_shows_its_line_and_what_is_kept() {
    let place = Place::with(NOTES);
    place.write(
        "migrations/0004_bad.sql",
        "-- Two statements, and the second is wrong.\nCREATE TABLE tags (name TEXT);\n\nINSERT INTO tgas (name)\n  VALUES ('a');\n",
    );
    let answer = place.run(&["migrate"]);
    assert_snapshot!(steady(&answer.out), @r"
    applied 0001_init ([n] ms): creates table notes
    applied 0002_seed ([n] ms): adds 3 rows to notes
    applied 0003_by_author ([n] ms): creates index notes_by_author on notes
    ");
    assert_snapshot!(answer.failed(1), @r"
    error: 0004_bad failed and was rolled back: no such table: tgas
       ,-[migrations/0004_bad.sql:4:1]
     2 | CREATE TABLE tags (name TEXT);
     3 |
     4 | INSERT INTO tgas (name)
       : ^^^^^^
     5 |   VALUES ('a');
       `----
      kept: 0001_init, 0002_seed, 0003_by_author (before it)
    ");
    assert_eq!(place.count("SELECT count(*) FROM sqlite_schema WHERE name = 'tags'"), 0);
    let (code, value) = place.json(&["migrate"]);
    assert_eq!(code, 1);
    assert_snapshot!(steady_json(&value), @r#"
    {
      "command": "migrate",
      "done": [],
      "error": {
        "causes": [],
        "help": null,
        "kind": "migration_failed",
        "location": {
          "column": 1,
          "file": "migrations/0004_bad.sql",
          "length": 6,
          "line": 4,
          "text": "INSERT INTO tgas (name)"
        },
        "message": "0004_bad failed and was rolled back: no such table: tgas"
      },
      "format": 1,
      "ok": false
    }
    "#);
}

#[test]
fn a_folder_that_is_not_there_is_told_before_a_database_is_made() {
    let place = Place::new();
    assert_snapshot!(place.run(&["migrate"]).failed(1), @r"
    error: there is no folder migrations
      help: make it, or name the folder of the migrations (the folder comes from the default)
    ");
    assert!(place.files(".").is_empty());
}

#[test]
fn where_a_url_that_does_not_work_comes_from_is_told() {
    let place = Place::with(NOTES);
    let mut command = place.command(&["migrate"]);
    command.env("DATABASE_URL", "mysql://ada:s3cret@db/app");
    assert_snapshot!(support::Answer::of(&mut command, &place.path(".")).failed(2), @r"
    error: there is no engine for `mysql://`
      help: give a path, `sqlite:PATH`, `:memory:` or `postgres://…` (the URL comes from the environment variable DATABASE_URL)
    ");
}

#[test]
fn an_older_program_leaves_a_newer_database_alone() {
    let place = Place::with_notes();
    std::fs::remove_file(place.path("migrations/0003_by_author.sql")).unwrap();
    std::fs::remove_file(place.path("migrations/0003_by_author.down.sql")).unwrap();
    let before = std::fs::read(place.path("data/app.db")).unwrap();
    assert_snapshot!(place.run(&["migrate"]).failed(1), @r#"
    error: the database is newer than this program: larder 0.1.0 applied "0003_by_author", and the newest migration of this program is "0002_seed"
      help: use a program at least as new as that one, or restore a backup from before
    "#);
    assert!(before == std::fs::read(place.path("data/app.db")).unwrap(), "not one byte has changed");
}
