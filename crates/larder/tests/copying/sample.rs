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
