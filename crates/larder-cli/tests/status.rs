//! `larder status` and `larder plan`

mod support;

use insta::assert_snapshot;
use support::{NOTES, Place, steady, steady_json};

#[test]
fn without_a_database_everything_is_pending_and_nothing_is_made() {
    let place = Place::with(NOTES);
    assert_snapshot!(steady(&place.run(&["status"]).done()), @r"
    data/app.db: not initialised yet, 3 pending

    migration state applied took by
    0001_init pending
    0002_seed pending
    0003_by_author pending
    ");
    assert_snapshot!(steady(&place.run(&["plan"]).done()), @r"
    data/app.db: 3 migrations to apply

    migration file note
    0001_init migrations/0001_init.sql
    0002_seed migrations/0002_seed.sql
    0003_by_author migrations/0003_by_author.sql
    ");
    assert!(!place.path("data").exists());
}

#[test]
fn what_is_applied_is_shown_with_its_time() {
    let place = Place::with(NOTES);
    place.run(&["migrate", "--to", "0002_seed"]).done();
    assert_snapshot!(steady(&place.run(&["db:status"]).done()), @r"
    data/app.db: version 2, 1 pending

    migration state applied took by
    0001_init applied [time] [n] ms larder 0.1.0
    0002_seed applied [time] [n] ms larder 0.1.0
    0003_by_author pending
    ");
    assert_snapshot!(steady(&place.run(&["plan"]).done()), @r"
    data/app.db: 1 migration to apply

    migration file note
    0003_by_author migrations/0003_by_author.sql
    ");
}

#[test]
fn a_check_answers_with_a_code_of_its_own() {
    let place = Place::with(NOTES);
    assert_eq!(place.run(&["status", "--check"]).code, 4);
    place.run(&["migrate"]).done();
    assert_eq!(place.run(&["status", "--check"]).code, 0);
    place.write("migrations/0002_seed.sql", "DELETE FROM notes;\n");
    assert_eq!(place.run(&["status", "--check"]).code, 5);
    assert_eq!(place.run(&["status"]).code, 0, "to say what is wrong is what status is for");
}

#[test]
fn what_does_not_fit_is_shown_and_explained() {
    let place = Place::with_notes();
    place.write("migrations/0002_seed.sql", "DELETE FROM notes;\n");
    let answer = place.run(&["status"]);
    assert_snapshot!(steady(&answer.out), @r"
    data/app.db: version 3, see below

    migration state applied took by
    0001_init applied [time] [n] ms larder 0.1.0
    0002_seed edited [time] [n] ms larder 0.1.0
    0003_by_author applied [time] [n] ms larder 0.1.0
    ");
    assert_snapshot!(steady(&answer.err), @r#"
    error: "0002_seed" was edited after it was applied at [time]
      help: restore its text and write the change as a new migration, or accept the text as it is now: larder repair 0002_seed --accept-edited
    "#);
    let (code, value) = place.json(&["status"]);
    assert!(code == 0 && value["ok"] == false, "{value}");
    assert_snapshot!(steady_json(&value["problem"]), @r#"
    {
      "causes": [],
      "help": "restore its text and write the change as a new migration, or accept the text as it is now: larder repair 0002_seed --accept-edited",
      "kind": "migration_edited",
      "location": null,
      "message": "\"0002_seed\" was edited after it was applied at [time]"
    }
    "#);
}

#[test]
fn as_json_each_migration_has_its_state() {
    let place = Place::with(NOTES);
    place.run(&["migrate", "--to", "1"]).done();
    assert_snapshot!(steady_json(&place.json(&["status"]).1), @r#"
    {
      "applied": 1,
      "command": "status",
      "database": "data/app.db",
      "format": 1,
      "initialized": true,
      "migrations": [
        {
          "applied_at": "[time]",
          "approval": null,
          "duration_ms": "[n]",
          "id": "0001_init",
          "program": "larder 0.1.0",
          "reversible": true,
          "set": "app",
          "state": "applied"
        },
        {
          "applied_at": null,
          "approval": null,
          "duration_ms": null,
          "id": "0002_seed",
          "program": null,
          "reversible": true,
          "set": "app",
          "state": "pending"
        },
        {
          "applied_at": null,
          "approval": null,
          "duration_ms": null,
          "id": "0003_by_author",
          "program": null,
          "reversible": true,
          "set": "app",
          "state": "pending"
        }
      ],
      "newest": "0003_by_author",
      "ok": true,
      "pending": 2,
      "problem": null,
      "schema_version": 1
    }
    "#);
    assert_snapshot!(steady_json(&place.json(&["plan", "--to", "2"]).1), @r#"
    {
      "command": "plan",
      "database": "data/app.db",
      "format": 1,
      "ok": true,
      "steps": [
        {
          "approves_losses": false,
          "file": "migrations/0002_seed.sql",
          "id": "0002_seed",
          "reversible": true,
          "set": "app",
          "transaction": true
        }
      ],
      "up_to_date": false
    }
    "#);
}
