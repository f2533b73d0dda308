//! The sample application's database goes to PostgreSQL and comes back.

use crate::support::{content, open, places};
use larder::MigrationSet;
use larder::copy::{Copier, Origin};
use larder_kit::Engine;

#[test]
fn the_sample_goes_over_and_comes_back_with_every_row() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/notebook/migrations");
    let set = MigrationSet::folder(folder).unwrap();
    let (here, server) = places(Engine::Sqlite, Engine::Postgres);
    let from = open(&here);
    from.migrate(&[&set]).unwrap();
    let to = open(&server);
    let report = Copier::new(&[&set]).copy(&from, &to).unwrap();
    assert!(report.tables.iter().all(|table| table.origin == Origin::Translated));
    assert!(report.rows > 1000);

    let (back_place, _) = places(Engine::Sqlite, Engine::Sqlite);
    let back = open(&back_place);
    Copier::new(&[]).copy(&to, &back).unwrap();
    let mut expected = content(&from);
    expected.retain(|table, _| !table.starts_with("note_search"));
    assert_eq!(content(&back), expected);
}

#[test]
fn an_index_of_words_is_made_anew_for_the_rows_that_came() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/notebook/migrations");
    let set = MigrationSet::folder(folder).unwrap();
    let (here, server) = places(Engine::Sqlite, Engine::Postgres);
    let (again, other) = places(Engine::Sqlite, Engine::Sqlite);
    let (from, to) = (open(&here), open(&server));
    from.migrate(&[&set]).unwrap();
    from.execute("INSERT INTO notes (notebook_id, title, body) VALUES (1, 'Quince', 'x')", &[]).unwrap();
    let copies = [open(&again), open(&other)];
    Copier::new(&[&set]).copy(&from, &to).unwrap();
    let report = Copier::new(&[&set]).copy(&to, &copies[0]).unwrap();
    assert_eq!(report.left_out, []);
    assert!(report.tables.iter().all(|table| table.origin == Origin::Set));
    let report = Copier::new(&[&set]).copy(&from, &copies[1]).unwrap();
    assert_eq!(report.left_out, []);
    assert!(report.tables.iter().all(|table| table.origin == Origin::Same));
    for copy in copies {
        let find = "SELECT count(*) FROM note_search WHERE note_search MATCH :word";
        let found = |word: &str| copy.query_one::<i64>(find, larder::params! { word }).unwrap();
        assert_eq!(found("quince"), 1);
        // The triggers are back.
        copy.execute("UPDATE notes SET title = 'Medlar' WHERE title = 'Quince'", &[]).unwrap();
        assert_eq!((found("quince"), found("medlar")), (0, 1));
        assert!(larder::migrate::Migrator::new(&[&set]).verify(&copy).unwrap().is_empty());
    }
}
