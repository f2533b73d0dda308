//! What was applied and does not fit what the program has: edited, renamed, missing, late, newer. Other tools apply around
//! it in silence, or are stuck for ever. Here it is refused before a byte is written, with what to do, and can be mended.

use crate::{Open, app, assert_noted, id, ids, one, tables};
use larder::migrate::{Migrator, Repair};
use larder::{Database, ErrorKind, Migration, MigrationSet};
use larder_kit::{Engine, Place};
use std::fs;
use std::path::Path;

const ONE: &str = "CREATE TABLE t (\n  a INTEGER\n);\nINSERT INTO t VALUES (1);";
const TWO: &str = "ALTER TABLE t ADD COLUMN b TEXT;";

/// All files beside the database and what is in them, but for the index of the log, which readers change.
fn bytes(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut all: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.path().is_file() && !entry.path().to_string_lossy().ends_with("-shm"))
        .map(|entry| (entry.file_name().to_string_lossy().into_owned(), fs::read(entry.path()).unwrap()))
        // An empty log is none.
        .filter(|(_, content)| !content.is_empty())
        .collect();
    all.sort();
    all
}

larder_kit::engines! {
fn an_edited_migration_is_refused_and_can_be_accepted(place: &Place) {
    let db = place.open();
    db.migrate(&[&app(&[ONE, TWO])]).unwrap();
    let edited = app(&[&ONE.replace("(1)", "(2)"), TWO, "CREATE TABLE new (a TEXT)"]);
    let error = db.migrate(&[&edited]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::MigrationEdited);
    assert!(error.message().contains("\"0001_m\" was edited after it was applied at 20"), "{error}");
    assert!(
        error.help().unwrap().contains("restore its text") && error.help().unwrap().contains("larder repair")
    );
    // A later pending one did not slip through.
    assert_eq!(tables(&db, "new"), 0);

    let nothing = Migrator::new(&[&edited]).repair(&db, "0002_m", Repair::AcceptEdited).unwrap_err();
    assert_eq!(nothing.kind(), ErrorKind::Config);
    Migrator::new(&[&edited]).repair(&db, "0001_m", Repair::AcceptEdited).unwrap();
    assert_eq!(ids(&db.migrate(&[&edited]).unwrap()), ["0003_m"]);
    assert_eq!(one::<i64>(&db, "SELECT a FROM t"), 1, "nothing of it was run again");
    assert_eq!(db.migrate(&[&edited]).unwrap().done.len(), 0);
}
}

#[test]
fn line_ends_and_a_byte_order_mark_change_nothing() {
    let place = Place::new(Engine::Sqlite);
    let folder = place.folder().join("migrations");
    fs::create_dir(&folder).unwrap();
    let write = |text: &str| {
        fs::write(folder.join("0001_init.sql"), text).unwrap();
        MigrationSet::folder(&folder).unwrap()
    };
    let db = place.open();
    assert_eq!(db.migrate(&[&write(ONE)]).unwrap().done.len(), 1);
    for same in [ONE.replace('\n', "\r\n"), ONE.replace('\n', "\r"), format!("\u{feff}{ONE}")] {
        assert_eq!(db.migrate(&[&write(&same)]).unwrap().done.len(), 0, "{same:?}");
        // And where every migration is looked at.
        assert_eq!(Migrator::new(&[&write(&same)]).to("1").up(&db).unwrap().done.len(), 0);
    }
    assert_eq!(db.migrate(&[&write(&format!("{ONE}\n"))]).unwrap_err().kind(), ErrorKind::MigrationEdited);

    // A text that begins with the mark and has the line ends of another system runs, too.
    let second = Place::new(Engine::Sqlite);
    let other = second.open();
    other.migrate(&[&write(&format!("\u{feff}{}", ONE.replace('\n', "\r\n")))]).unwrap();
    assert_eq!(other.migrate(&[&write(ONE)]).unwrap().done.len(), 0);
}

fn numbered(numbers: &[usize]) -> MigrationSet {
    let make = |n: &usize| Migration::sql(id(*n), format!("CREATE TABLE t{n} (a TEXT)"));
    MigrationSet::list("app", numbers.iter().map(make).collect())
}

larder_kit::engines! {
fn one_that_comes_late_is_refused_unless_it_is_allowed(place: &Place) {
    let db = place.open();
    db.migrate(&[&numbered(&[1, 3])]).unwrap();
    let late = numbered(&[1, 2, 3, 4]);
    let error = db.migrate(&[&late]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::MigrationOutOfOrder);
    assert!(error.message().contains("\"0002_m\" is pending, but \"0003_m\" after it"), "{error}");
    assert!(error.help().unwrap().contains("--allow-out-of-order"));
    assert_eq!(db.schema_version().unwrap(), Some(3), "nor was the one after it applied");

    let report = Migrator::new(&[&late]).allow_out_of_order(true).up(&db).unwrap();
    assert_eq!(ids(&report), ["0002_m", "0004_m"]);
    assert_eq!(db.migrate(&[&late]).unwrap().done.len(), 0);
    assert_noted(&db, 4);
}
}

larder_kit::engines! {
fn one_that_is_missing_in_the_middle_is_refused(place: &Place) {
    let db = place.open();
    db.migrate(&[&numbered(&[1, 2, 3])]).unwrap();
    let error = db.migrate(&[&numbered(&[1, 3, 4])]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::MigrationMissing);
    assert!(error.message().contains("0002_m"), "{error}");
    assert!(error.help().is_some());
    assert_eq!(tables(&db, "t4"), 0);
}
}

larder_kit::engines! {
fn a_file_that_was_renamed_is_named_and_can_be_accepted(place: &Place) {
    let db = place.open();
    let set = |name: &'static str| MigrationSet::list("app", vec![Migration::sql(name, ONE)]);
    db.migrate(&[&set("0001_init")]).unwrap();
    let error = db.migrate(&[&set("0001_start")]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::MigrationEdited);
    assert!(
        error.message().contains("\"0001_init\" was applied and is now called \"0001_start\""),
        "{error}"
    );
    Migrator::new(&[&set("0001_start")]).repair(&db, "0001_init", Repair::AcceptEdited).unwrap();
    assert_eq!(db.migrate(&[&set("0001_start")]).unwrap().done.len(), 0);
    assert_eq!(one::<String>(&db, "SELECT id || name FROM schema_migrations"), "0001_startstart");
}
}

static OLD: std::sync::LazyLock<MigrationSet> = std::sync::LazyLock::new(|| numbered(&[1, 2]));

#[test]
fn a_newer_database_is_refused_before_a_byte_changes() {
    let newer = numbered(&[1, 2, 3, 4]);
    for journal in ["wal", "delete"] {
        let place = Place::new(Engine::Sqlite);
        let options =
            || Database::options(place.path().display().to_string()).pragma("journal_mode", journal);
        let db = options().open().unwrap();
        Migrator::new(&[&newer]).program("notes 2.0").up(&db).unwrap();
        db.close().unwrap();
        let before = bytes(place.folder());
        assert_eq!(before.len(), 1);

        let refusals = [
            options().migrations(&OLD).open().map(|_| ()),
            options().open().and_then(|db| db.migrate(&[&OLD]).map(|_| ())),
            options().open().and_then(|db| Migrator::new(&[&OLD]).to("2").up(&db).map(|_| ())),
            options().open().and_then(|db| Migrator::new(&[&OLD]).down(&db).map(|_| ())),
            options().open().and_then(|db| Migrator::new(&[&OLD]).dry_run(&db).map(|_| ())),
            options().open().and_then(|db| Migrator::new(&[&OLD]).baseline(&db, "2").map(|_| ())),
            options().read_only(true).open().and_then(|db| Migrator::new(&[&OLD]).plan(&db).map(|_| ())),
        ];
        for (at, refused) in refusals.into_iter().enumerate() {
            let error = refused.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::SchemaNewer, "{at}: {error:?}");
            for said in
                ["notes 2.0 applied \"0004_m\" and 1 more", "newest migration of this program is \"0002_m\""]
            {
                assert!(error.message().contains(said), "{error}");
            }
            assert!(error.help().is_some());
        }
        assert!(bytes(place.folder()) == before, "a byte was written ({journal})");
        // Looking is allowed, and says the same.
        let db = Database::open(place.path()).unwrap();
        let status = Migrator::new(&[&OLD]).status(&db).unwrap();
        assert_eq!(status.problem.unwrap().kind(), ErrorKind::SchemaNewer);
        assert_eq!(status.schema_version, Some(4));
    }
}

larder_kit::engines! {
fn everything_that_does_not_fit_is_told_at_once(place: &Place) {
    let db = place.open();
    db.migrate(&[&numbered(&[1, 2, 4])]).unwrap();
    let now = MigrationSet::list(
        "app",
        vec![
            Migration::sql("0001_m", "CREATE TABLE other (a TEXT)"),
            Migration::sql("0003_m", "CREATE TABLE t3 (a TEXT)"),
            Migration::sql("0004_m", "CREATE TABLE t4 (a TEXT)"),
        ],
    );
    let error = db.migrate(&[&now]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::MigrationEdited);
    for said in ["3 things stand in the way", "\"0001_m\" was edited", "0002_m", "\"0003_m\" is pending"] {
        assert!(error.message().contains(said), "{error}");
    }
    let status = Migrator::new(&[&now]).status(&db).unwrap();
    let states: Vec<String> = status.rows.iter().map(|row| format!("{} {:?}", row.id, row.state)).collect();
    assert_eq!(states, ["0001_m Edited", "0002_m Missing", "0003_m OutOfOrder", "0004_m Applied"]);
}
}
