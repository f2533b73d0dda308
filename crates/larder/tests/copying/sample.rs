//! The sample application's database goes to PostgreSQL and comes back.

use crate::support::{content, open, places};
use larder::MigrationSet;
use larder::copy::{Copier, Origin};
use larder_kit::Engine;
use std::path::Path;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/notebook/migrations");

/// The sample's texts without those for PostgreSQL, so that a copy has to translate.
fn without_postgres(into: &Path) -> MigrationSet {
    for entry in std::fs::read_dir(FOLDER).unwrap() {
        let file = entry.unwrap().path();
        let name = file.file_name().unwrap().to_str().unwrap();
        if !name.contains(".postgres.") {
            std::fs::copy(&file, into.join(name)).unwrap();
        }
    }
    MigrationSet::folder(into).unwrap()
}

const COUNTS: &str = "SELECT (SELECT count(*) FROM notebooks), (SELECT count(*) FROM notes), \
    (SELECT count(*) FROM notes WHERE pinned), (SELECT count(*) FROM tags), (SELECT count(*) FROM note_tags), \
    (SELECT count(*) FROM attachments), (SELECT count(*) FROM sync_state WHERE status = 'synced')";

#[test]
fn the_sample_runs_on_a_server_by_its_own_texts_and_its_rows_go_there() {
    let set = MigrationSet::folder(FOLDER).unwrap();
    let (here, server) = places(Engine::Sqlite, Engine::Postgres);
    let (_, fresh) = places(Engine::Sqlite, Engine::Postgres);
    let (from, to, own) = (open(&here), open(&server), open(&fresh));
    from.migrate(&[&set]).unwrap();
    own.migrate(&[&set]).unwrap();
    let report = Copier::new(&[&set]).copy(&from, &to).unwrap();
    assert!(report.tables.iter().all(|table| table.origin == Origin::Set), "{report:?}");
    for db in [&from, &to, &own] {
        let found: (i64, i64, i64, i64, i64, i64, i64) = db.query_one(COUNTS, &[]).unwrap();
        assert_eq!(found, (8, 600, 12, 12, 1300, 180, 1243));
    }
    // What is seeded is the same, value by value.
    let notes = "SELECT id, title, body, legacy_author, word_count FROM notes ORDER BY id";
    type Note = (i64, String, String, Option<String>, i64);
    assert_eq!(from.query_all::<Note>(notes, &[]).unwrap(), own.query_all::<Note>(notes, &[]).unwrap());
    let files = "SELECT id, file_name, sha256, byte_size FROM attachments ORDER BY id";
    type File = (i64, String, Option<String>, i64);
    assert_eq!(from.query_all::<File>(files, &[]).unwrap(), own.query_all::<File>(files, &[]).unwrap());
    let instants = "SELECT created_at, updated_at FROM notes ORDER BY id";
    type Instants = (String, String);
    assert_eq!(
        to.query_all::<Instants>(instants, &[]).unwrap(),
        own.query_all::<Instants>(instants, &[]).unwrap()
    );
    // Words are found, triggers work, and the next note gets a number of its own.
    for db in [&to, &own] {
        let find = "SELECT count(*) FROM notes WHERE search @@ websearch_to_tsquery('simple', :words)";
        let words = larder::params! { words: "quince jam" };
        let add = "INSERT INTO notes (notebook_id, title, body) VALUES (1, 'Quince', 'Jam') RETURNING id";
        assert_eq!(db.query_one::<i64>(find, words).unwrap(), 0);
        assert_eq!(db.write(|tx| tx.query_one::<i64>(add, &[])).unwrap(), 601);
        assert_eq!(db.query_one::<i64>(find, words).unwrap(), 1);
        db.execute("UPDATE notes SET title = 'x' WHERE id = 1", &[]).unwrap();
        let pending = "SELECT count(*) FROM sync_state WHERE note_id = 1 AND status = 'synced'";
        assert_eq!(db.query_one::<i64>(pending, &[]).unwrap(), 0);
    }
}

#[test]
fn what_the_sample_loses_on_a_server_is_told_in_the_same_numbers_and_comes_back() {
    let trial = tempfile::tempdir().unwrap();
    for folder in [FOLDER, concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/notebook/destructive")] {
        for entry in std::fs::read_dir(folder).unwrap() {
            let file = entry.unwrap().path();
            std::fs::copy(&file, trial.path().join(file.file_name().unwrap())).unwrap();
        }
    }
    let set = MigrationSet::folder(trial.path()).unwrap();
    let (here, server) = places(Engine::Sqlite, Engine::Postgres);
    let [one, other] = [&here, &server].map(|place| {
        let db = open(place);
        db.migrate(&[&MigrationSet::folder(FOLDER).unwrap()]).unwrap();
        let refused = db.migrate(&[&set]).unwrap_err();
        assert_eq!(refused.kind(), larder::ErrorKind::ApprovalNeeded);
        (refused.message().to_owned(), refused.help().unwrap().to_owned())
    });
    assert_eq!(one, other);
    let db = open(&server);
    let migrator = || larder::migrate::Migrator::new(&[&set]).approve(larder::migrate::Approval::Everything);
    migrator().up(&db).unwrap();
    migrator().steps(11).down(&db).unwrap();
    assert_eq!(db.query_one::<Option<String>>("SELECT to_regclass('notes')::text", &[]).unwrap(), None);
}

#[test]
fn the_sample_goes_over_and_comes_back_with_every_row() {
    let folder = tempfile::tempdir().unwrap();
    let set = without_postgres(folder.path());
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
    let folder = tempfile::tempdir().unwrap();
    let set = without_postgres(folder.path());
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
