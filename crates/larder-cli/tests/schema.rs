//! `larder schema`

mod support;

use insta::assert_snapshot;
use support::Place;

#[test]
fn the_schema_is_printed_as_sql_or_as_a_diagram() {
    let place = Place::with_notes();
    assert_snapshot!(place.run(&["schema"]).done(), @r"
    CREATE TABLE notes (id INTEGER PRIMARY KEY, body TEXT NOT NULL, author TEXT);
    CREATE INDEX notes_by_author ON notes (author);
    ");
    assert_snapshot!(place.run(&["schema", "diagram"]).done(), @r#"
    erDiagram
        notes {
            INTEGER id PK
            TEXT body "not null"
            TEXT author
        }
    "#);
    let (_, value) = place.json(&["schema", "diagram"]);
    assert_eq!(value["form"], "diagram");
}
