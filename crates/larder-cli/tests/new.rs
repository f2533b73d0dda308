//! `larder new`

mod support;

use insta::assert_snapshot;
use support::Place;

#[test]
fn the_first_migration_makes_the_folder_and_the_next_counts_on() {
    let place = Place::new();
    assert_snapshot!(place.run(&["new", "init"]).done(), @"made migrations/0001_init.sql");
    assert_snapshot!(place.run(&["new", "Add tags", "--down"]).done(), @r"
    made migrations/0002_add_tags.sql
    made migrations/0002_add_tags.down.sql
    ");
    assert_eq!(place.files("migrations"), ["0001_init.sql", "0002_add_tags.down.sql", "0002_add_tags.sql"]);
    assert_eq!(place.read("migrations/0002_add_tags.sql"), "-- add tags\n");
}

#[test]
fn a_folder_numbered_by_time_stays_so() {
    let place = Place::with(&[("20990131120000_init.sql", "")]);
    place.run(&["new", "tags"]).done();
    assert_eq!(place.files("migrations"), ["20990131120000_init.sql", "20990131120001_tags.sql"]);
}

#[test]
fn a_time_can_be_asked_for() {
    let place = Place::new();
    place.run(&["new", "tags", "--timestamp"]).done();
    let name = place.files("migrations").remove(0);
    let (number, rest) = name.split_at(14);
    assert!(number.chars().all(|digit| digit.is_ascii_digit()) && rest == "_tags.sql", "{name}");
}

#[test]
fn as_json_it_names_the_files() {
    let place = Place::new();
    let (code, value) = place.json(&["new", "init", "--dir", "steps"]);
    assert_eq!(code, 0);
    assert_snapshot!(serde_json::to_string_pretty(&value).unwrap(), @r#"
    {
      "command": "new",
      "files": [
        "steps/0001_init.sql"
      ],
      "format": 1,
      "id": "0001_init",
      "ok": true
    }
    "#);
}

#[test]
fn a_name_that_can_not_be_a_file_is_a_usage_error() {
    let place = Place::new();
    assert_snapshot!(place.run(&["new", "../x"]).failed(2), @r"
    error: the name of the migration holds '.'
      help: use letters from a to z, digits, _ and -; the number is put before it
    ");
    assert!(place.files(".").is_empty());
}
