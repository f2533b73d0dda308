//! `larder rollback`

mod support;

use insta::assert_snapshot;
use support::{Place, steady, steady_json};

#[test]
fn one_step_is_led_back_unless_told_otherwise() {
    let place = Place::with_notes();
    assert_snapshot!(steady(&place.run(&["rollback"]).done()), @r"
    rolled back 0003_by_author ([n] ms): drops index notes_by_author on notes
    data/app.db is at version 2 (1 migration in [n] ms)
    ");
    assert_eq!(place.count("SELECT count(*) FROM sqlite_schema WHERE name = 'notes_by_author'"), 0);
}

#[test]
fn a_rollback_that_loses_rows_needs_an_approval_too() {
    let place = Place::with_notes();
    let answer = place.run(&["rollback", "--steps", "2"]);
    assert_snapshot!(answer.failed(3), @r"
    error: 0002_seed was not led back, for nobody approved what it would lose:
      - rows of notes: 3 rows
      kept: 0003_by_author (before it)
      help: to lose exactly this: --allow-destructive=0002_seed@e91809d9; or change the migration so that it loses nothing
    ");
    assert_snapshot!(steady(&place.run(&["rollback", "--to", "0001", "--allow-destructive"]).done()), @r"
    rolled back 0002_seed ([n] ms)
      lost, as approved: rows of notes: 3 rows
      a backup from before is data/backups/app.db-[path]-[time]-before-0002_seed.db
    data/app.db is at version 1 (1 migration in [n] ms)
    ");
    assert_eq!(place.count("SELECT count(*) FROM notes"), 0);
}

#[test]
fn a_target_stays_as_the_last() {
    let place = Place::with_notes();
    let (code, value) = place.json(&["rollback", "--to", "0002_seed"]);
    assert_eq!(code, 0);
    assert_snapshot!(steady_json(&value), @r#"
    {
      "already": 3,
      "command": "rollback",
      "database": "data/app.db",
      "done": [
        {
          "approval": null,
          "backup": null,
          "changes": [
            "drops index notes_by_author on notes"
          ],
          "direction": "down",
          "duration_ms": "[n]",
          "id": "0003_by_author",
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
}

#[test]
fn a_dry_run_leaves_everything() {
    let place = Place::with_notes();
    assert_snapshot!(steady(&place.run(&["rollback", "--to", "0", "--dry-run"]).done()), @r"
    would roll back 0003_by_author ([n] ms): drops index notes_by_author on notes
    would roll back 0002_seed ([n] ms)
      would lose rows of notes: 3 rows
      would need: --allow-destructive=0002_seed@e91809d9
    would roll back 0001_init ([n] ms): drops table notes
      would lose table notes: 0 rows
      would need: --allow-destructive=0001_init@b932c9ee
    3 migrations rehearsed on data/app.db in [n] ms; the database itself is as it was
    ");
    assert_eq!(place.count("SELECT count(*) FROM notes"), 3);
}

#[test]
fn a_target_and_a_number_of_steps_exclude_each_other() {
    assert_eq!(Place::with_notes().run(&["rollback", "--to", "0001", "--steps", "1"]).code, 2);
}

#[test]
fn without_a_database_there_is_nothing_to_lead_back() {
    let place = Place::with(support::NOTES);
    assert_snapshot!(place.run(&["rollback"]).failed(1), @r"
    error: [here]/data/app.db is not initialised yet: there is no such file
      help: make it with `larder migrate`
    ");
    assert!(!place.path("data").exists());
}
