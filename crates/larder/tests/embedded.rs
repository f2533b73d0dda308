//! The set that `migrations!` embeds, beside the one read from the same folder at run time.

#![allow(clippy::unwrap_used, reason = "a test")]

use larder::migrate::{Approves, Embedded, Script, Way};
use larder::sql::text::Dialect;
use larder::{CodeMigration, ErrorKind, Migration, MigrationSet, WriteTx};
use std::fs;

static EMBEDDED: MigrationSet = larder::migrations!("tests/migrations");
static JOURNAL: MigrationSet =
    larder::migrations!("$CARGO_MANIFEST_DIR/tests/migrations", name = "journal").after(&["app"]);
static WITH_CODE: MigrationSet = larder::migrations!("tests/migrations")
    .named("notes")
    .with_code(const { &[CodeMigration::new("0002_5_x", nothing)] });
static JOINED: MigrationSet = larder::migrations!("tests/migrations").with_code(CODE);
static CODE: &[CodeMigration] =
    &[CodeMigration::new("0005_later", nothing), CodeMigration::new("0004_code", nothing).with_down(nothing)];

fn nothing(_: &mut WriteTx<'_>) -> larder::Result<()> {
    Ok(())
}

fn folder() -> MigrationSet {
    MigrationSet::folder("tests/migrations").unwrap()
}

#[test]
fn the_macro_computes_what_is_computed_at_run_time() {
    for dialect in [Dialect::Sqlite, Dialect::Postgres] {
        let set = folder();
        let at_run_time = set.load(dialect).unwrap();
        assert_eq!(EMBEDDED.fingerprint(dialect).unwrap(), at_run_time.fingerprint());
        assert_eq!(EMBEDDED.load(dialect).unwrap().fingerprint(), at_run_time.fingerprint());
        assert_eq!(at_run_time.fingerprint(), set.fingerprint(dialect).unwrap());
    }
    assert_ne!(
        EMBEDDED.fingerprint(Dialect::Sqlite).unwrap(),
        EMBEDDED.fingerprint(Dialect::Postgres).unwrap()
    );
    assert_eq!(EMBEDDED.newest_id().unwrap(), folder().newest_id().unwrap());
    assert_eq!((EMBEDDED.count().unwrap(), folder().count().unwrap()), (3, 3));
}

#[test]
fn line_ends_make_no_difference() {
    let text = fs::read_to_string("tests/migrations/0002_notes.sql").unwrap();
    assert!(text.contains("\r\n"), "the fixture has lost its line ends");
    let copy = tempfile::tempdir().unwrap();
    for entry in fs::read_dir("tests/migrations").unwrap() {
        let entry = entry.unwrap();
        let text = fs::read_to_string(entry.path()).unwrap();
        let other = if text.contains('\r') { text.replace("\r\n", "\n") } else { text.replace('\n', "\r\n") };
        fs::write(copy.path().join(entry.file_name()), other).unwrap();
    }
    let copy = MigrationSet::folder(copy.path()).unwrap();
    assert_eq!(copy.fingerprint(Dialect::Sqlite).unwrap(), EMBEDDED.fingerprint(Dialect::Sqlite).unwrap());
}

#[test]
fn the_name_and_what_comes_before_stand_in_the_set() {
    let loaded = JOURNAL.load(Dialect::Sqlite).unwrap();
    assert_eq!((loaded.name(), loaded.after()), ("journal", ["app".to_owned()].as_slice()));
    assert_eq!(loaded.history_id(loaded.newest().unwrap()), "journal/0003_index");
    assert_eq!(EMBEDDED.name(), "app");
}

#[test]
fn the_texts_are_those_of_the_engine() {
    let text = |dialect| {
        let set = EMBEDDED.load(dialect).unwrap();
        match set.newest().unwrap().up() {
            Script::Sql(sql) => (sql.file().to_owned(), sql.text().to_owned()),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(text(Dialect::Sqlite).0, "0003_index.sqlite.sql");
    assert!(text(Dialect::Postgres).1.contains("CONCURRENTLY"));
    let set = EMBEDDED.load(Dialect::Sqlite).unwrap();
    let has_down: Vec<bool> = set.migrations().iter().map(|one| one.down().is_some()).collect();
    assert_eq!(has_down, [true, false, false]);
}

#[test]
fn migrations_in_rust_are_joined_in_the_order_of_their_numbers() {
    let loaded = JOINED.load(Dialect::Sqlite).unwrap();
    let ids: Vec<&str> = loaded.migrations().iter().map(Migration::id).collect();
    assert_eq!(ids, ["0001_init", "0002_notes", "0003_index", "0004_code", "0005_later"]);
    assert_eq!(JOINED.fingerprint(Dialect::Sqlite).unwrap(), loaded.fingerprint());
    assert_ne!(JOINED.fingerprint(Dialect::Sqlite).unwrap(), EMBEDDED.fingerprint(Dialect::Sqlite).unwrap());
    assert_eq!(JOINED.newest_id().unwrap().as_deref(), Some("0005_later"));
    assert_eq!(JOINED.count().unwrap(), 5);
    assert!(loaded.migrations()[3].down().is_some() && loaded.migrations()[4].down().is_none());

    let error = WITH_CODE.load(Dialect::Sqlite).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidMigration);
    assert!(error.message().contains("\"0002_5_x\" and \"0002_notes\" have the same number"), "{error}");
}

/// A set as the macro makes it in a debug build, of a folder that holds `files` now.
fn changed(files: &[(&str, &str)]) -> (tempfile::TempDir, MigrationSet) {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        fs::write(folder.path().join(name), text).unwrap();
    }
    let embedded = Embedded {
        files: &[("0001_a.sql", "SELECT 1;", "")],
        folder: folder.path().to_str().unwrap().to_owned().leak(),
        fingerprints: ["embedded"; 2],
        newest: "0001_a",
        count: 1,
    };
    (folder, MigrationSet::embedded("app", embedded))
}

#[test]
fn in_a_debug_build_the_folder_counts_where_it_has_changed() {
    let (_folder, set) = changed(&[("0001_a.sql", "SELECT 1;")]);
    assert_eq!(set.fingerprint(Dialect::Sqlite).unwrap(), "embedded");

    for files in [
        [("0001_a.sql", "SELECT 1;"), ("0002_added.sql", "SELECT 2;")].as_slice(),
        [("0001_a.sql", "SELECT 'edited';")].as_slice(),
        [("0009_instead.sql", "SELECT 1;")].as_slice(),
    ] {
        let (_folder, set) = changed(files);
        let newest = files[files.len() - 1].0.strip_suffix(".sql");
        assert_eq!(set.newest_id().unwrap().as_deref(), newest);
        assert_eq!(set.count().unwrap(), files.len());
        let loaded = set.load(Dialect::Sqlite).unwrap();
        assert_eq!((loaded.newest().map(Migration::id), loaded.migrations().len()), (newest, files.len()));
        assert_eq!(set.fingerprint(Dialect::Sqlite).unwrap(), loaded.fingerprint());
    }

    let (_folder, set) = changed(&[("0001_a.sql", "SELECT 1;"), ("bad.sql", "")]);
    assert_eq!(set.fingerprint(Dialect::Sqlite).unwrap_err().kind(), ErrorKind::InvalidMigration);
}

#[test]
fn where_the_folder_is_gone_or_was_never_named_what_was_embedded_counts() {
    let (folder, set) = changed(&[("0002_b.sql", "SELECT 1;")]);
    drop(folder);
    assert_eq!(set.fingerprint(Dialect::Sqlite).unwrap(), "embedded");
    assert_eq!(set.load(Dialect::Sqlite).unwrap().newest().map(Migration::id), Some("0001_a"));
}

#[test]
fn a_migration_without_a_text_for_the_engine_is_refused_for_that_engine_only() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("0001_a.sqlite.sql"), "SELECT 1").unwrap();
    let set = MigrationSet::folder(folder.path()).unwrap();
    assert!(set.load(Dialect::Sqlite).is_ok());
    let error = set.fingerprint(Dialect::Postgres).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidMigration);
    assert!(
        error.to_string().contains("\"0001_a\" has no text for PostgreSQL; add 0001_a.postgres.sql"),
        "{error}"
    );
}

#[test]
fn a_folder_that_breaks_a_rule_is_refused_when_it_is_read() {
    let missing = MigrationSet::folder("tests/no-such-folder").unwrap_err();
    assert_eq!(missing.kind(), ErrorKind::InvalidMigration);
    assert!(missing.message().contains("there is no folder tests/no-such-folder"), "{missing}");

    let folder = tempfile::tempdir().unwrap();
    assert_eq!(MigrationSet::folder(folder.path()).unwrap().newest_id().unwrap(), None);
    fs::write(folder.path().join("0001_a.sql"), b"SELECT '\xff'").unwrap();
    let error = MigrationSet::folder(folder.path()).unwrap_err();
    assert_eq!(error.message(), "\"0001_a.sql\" is not UTF-8: byte 8 is 0xff");

    fs::write(folder.path().join("0001_a.sql"), "SELECT 1").unwrap();
    fs::write(folder.path().join("0001_b.sql"), "SELECT 1").unwrap();
    fs::write(folder.path().join("c.sql"), "SELECT 1").unwrap();
    let error = MigrationSet::folder(folder.path()).unwrap_err();
    assert!(error.message().starts_with("2 things are wrong"), "{error}");
    assert!(error.message().contains("0001_b") && error.message().contains("c.sql"), "{error}");
}

#[test]
fn a_list_of_values_is_a_set() {
    let set = MigrationSet::list(
        "notes",
        vec![
            Migration::code("0010_seed", |_| Ok(())),
            Migration::sql("9_init", "CREATE TABLE notes(text)").with_down_sql("DROP TABLE notes"),
        ],
    )
    .with_after(["app"]);
    let loaded = set.load(Dialect::Sqlite).unwrap();
    let ids: Vec<&str> = loaded.migrations().iter().map(Migration::id).collect();
    assert_eq!(ids, ["9_init", "0010_seed"]);
    assert_eq!(set.fingerprint(Dialect::Sqlite).unwrap(), loaded.fingerprint());
    assert_eq!(loaded.after(), ["app"]);

    for (set, found) in [
        (MigrationSet::list("a b", vec![]), "is no name for a set"),
        (MigrationSet::list("a", vec![Migration::sql("init", "SELECT 1")]), "does not begin with a number"),
        (
            MigrationSet::list(
                "a",
                vec![Migration::sql("1_a", "SELECT 1"), Migration::sql("1_a", "SELECT 1")],
            ),
            "is there twice",
        ),
        (MigrationSet::list("a", vec![Migration::code("1_a", |_| Ok(())).no_transaction()]), "in Rust"),
    ] {
        let error = set.load(Dialect::Sqlite).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidMigration);
        assert!(error.message().contains(found), "{error}");
    }
}

#[test]
fn the_head_of_a_text_says_how_to_run_it() {
    let load = |up: &str, down: &str| {
        let migration = Migration::sql("1_a", up.to_owned()).with_down_sql(down.to_owned());
        MigrationSet::list("a", vec![migration]).load(Dialect::Sqlite)
    };
    let set =
        load("-- larder: no-transaction\nSELECT 1", "-- larder: destructive table a, table b\nSELECT 1")
            .unwrap();
    let one = &set.migrations()[0];
    assert!(one.is_no_transaction(Way::Up) && !one.is_no_transaction(Way::Down));
    assert_eq!(one.approves(Way::Up), &Approves::Nothing);
    assert_eq!(one.approves(Way::Down), &Approves::Only(vec!["table a".to_owned(), "table b".to_owned()]));
    let set = load("-- larder: destructive table a\n-- larder: destructive\nSELECT 1", "SELECT 1").unwrap();
    assert_eq!(set.migrations()[0].approves(Way::Up), &Approves::Everything);

    for (up, down, found) in [
        ("-- larder: destrutive\nSELECT 1", "SELECT 1", "1_a:1:12: unknown directive destrutive"),
        ("-- nothing\n;;", "SELECT 1", "there is no statement in \"1_a\""),
        ("SELECT 1", "", "there is no statement in \"1_a.down\""),
    ] {
        let error = load(up, down).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidMigration);
        assert!(error.to_string().contains(found), "{error}");
    }
}

#[test]
fn sets_given_to_the_options_one_after_the_other_may_depend_on_each_other() {
    static LATER: MigrationSet = larder::migrations!("tests/migrations", name = "later").after(&["first"]);
    static FIRST: std::sync::LazyLock<MigrationSet> = std::sync::LazyLock::new(|| {
        MigrationSet::list("first", vec![Migration::sql("1_a", "CREATE TABLE a (b)")])
    });
    let db = larder::Database::options(":memory:").migrations(&LATER).migrations(&FIRST).open().unwrap();
    let ids: Vec<String> = db.query_all("SELECT id FROM schema_migrations ORDER BY rowid", &[]).unwrap();
    assert_eq!(ids.first().map(String::as_str), Some("first/1_a"));
    assert!(ids.len() > 1);
}
