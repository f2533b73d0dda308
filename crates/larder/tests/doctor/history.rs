//! The history of migrations, and the schema that they build.

use super::{Place, finds_nothing, names, only};
use larder::doctor::{Checkup, Settings, Severity, State};
use larder::{Database, Migration, MigrationSet};

const INIT: &str = "CREATE TABLE note (id INTEGER PRIMARY KEY, title TEXT NOT NULL)";
const TAG: &str = "CREATE TABLE tag (note INTEGER NOT NULL REFERENCES note (id), word TEXT NOT NULL)";
const INDEX: &str = "CREATE INDEX tag_by_word ON tag (word)";

fn set(migrations: &[(&'static str, &'static str)]) -> MigrationSet {
    let migrations = migrations.iter().map(|(id, sql)| Migration::sql(*id, *sql)).collect();
    MigrationSet::list("app", migrations)
}

fn all() -> MigrationSet {
    set(&[("0001_init", INIT), ("0002_tag", TAG), ("0003_index", INDEX)])
}

/// A database with all three, and a row in it.
fn migrated() -> (Place, Database) {
    let place = Place::new();
    let db = place.open();
    db.migrate(&[&all()]).unwrap();
    db.execute("INSERT INTO note (title) VALUES ('first')", &[]).unwrap();
    (place, db)
}

fn examine(place: &Place, set: &MigrationSet) -> Checkup {
    place.examine_with(&[set], &Settings::default())
}

#[test]
fn a_healthy_database_is_ready_and_nothing_is_to_be_done() {
    let (place, db) = migrated();
    for closed in [false, true] {
        if closed {
            db.clone().close().unwrap();
        }
        for settings in [
            Settings::default(),
            Settings { thorough: true, ..Settings::default() },
            Settings { fix: true, ..Settings::default() },
        ] {
            let checkup = place.examine_with(&[&all()], &settings);
            assert_eq!((checkup.ok, checkup.state), (true, State::Ready), "{checkup:#?}");
            assert!(checkup.worst() <= Some(Severity::Info), "{checkup:#?}");
            assert_eq!(checkup.schema_version, Some(3));
            assert_eq!(checkup.newest.as_deref(), Some("0003_index"));
            assert!(checkup.findings.iter().all(|finding| !finding.fixed), "{checkup:#?}");
        }
    }
    assert!(place.examine().ok, "without migrations to hold it against, a migrated database is ready");
}

#[test]
fn a_missing_database_tells_the_newest_migration() {
    let checkup = examine(&Place::new(), &all());
    assert_eq!((checkup.state, checkup.ok), (State::Uninitialized, false));
    assert_eq!((checkup.schema_version, checkup.newest.as_deref()), (None, Some("0003_index")));
}

#[test]
fn a_database_that_larder_did_not_make_is_named() {
    let place = Place::filled();
    let checkup = examine(&place, &all());
    assert_eq!((checkup.state, checkup.ok), (State::Unmanaged, false));
    names(&checkup, "history", Severity::Warning, "has 2 tables and no history of migrations");
    finds_nothing(&checkup, "drift");
}

#[test]
fn a_history_that_is_somebody_elses_is_named() {
    let place = Place::new();
    let db = place.open();
    db.execute("CREATE TABLE schema_migrations (version TEXT)", &[]).unwrap();
    let checkup = examine(&place, &all());
    assert_eq!(checkup.state, State::Unmanaged);
    names(&checkup, "history", Severity::Error, "not Larder's");
}

#[test]
fn pending_migrations_are_counted_and_named() {
    let (place, _db) = migrated();
    let more =
        set(&[("0001_init", INIT), ("0002_tag", TAG), ("0003_index", INDEX), ("0004_more", "SELECT 1")]);
    let checkup = examine(&place, &more);
    assert_eq!((checkup.state, checkup.ok), (State::Pending, false));
    names(&checkup, "history", Severity::Warning, "one migration is pending: 0004_more");
    assert_eq!((checkup.schema_version, checkup.newest.as_deref()), (Some(3), Some("0004_more")));
    finds_nothing(&checkup, "drift");
}

#[test]
fn a_newer_database_is_named() {
    let (place, _db) = migrated();
    let checkup = examine(&place, &set(&[("0001_init", INIT)]));
    assert_eq!((checkup.state, checkup.ok), (State::Newer, false));
    names(&checkup, "history", Severity::Error, "newer than this program");
    assert!(only(&checkup, "history").message.contains("0002_tag, 0003_index"), "{checkup:#?}");
    finds_nothing(&checkup, "drift");
}

#[test]
fn an_edited_a_missing_and_a_late_migration_are_named() {
    let (place, _db) = migrated();
    let edited = set(&[("0001_init", INIT), ("0002_tag", "SELECT 'edited'"), ("0003_index", INDEX)]);
    let renamed = set(&[("0001_init", INIT), ("0002_word", TAG), ("0003_index", INDEX)]);
    let missing = set(&[("0001_init", INIT), ("0003_index", INDEX)]);
    for (set, words) in [
        (edited, "one migration is edited or renamed after being applied: 0002_tag"),
        (missing, "one migration is applied and not among the program's: 0002_tag"),
    ] {
        let checkup = examine(&place, &set);
        assert!(!checkup.ok);
        names(&checkup, "history", Severity::Error, words);
        finds_nothing(&checkup, "drift");
    }
    let checkup = examine(&place, &renamed);
    assert!(checkup.findings.iter().any(|f| f.severity == Severity::Error && f.message.contains("0002_tag")));
    assert!(!checkup.ok);

    let place = Place::new();
    let db = place.open();
    db.migrate(&[&set(&[("0001_init", INIT), ("0003_tag", TAG)])]).unwrap();
    let checkup = examine(&place, &set(&[("0001_init", INIT), ("0002_late", "SELECT 1"), ("0003_tag", TAG)]));
    names(&checkup, "history", Severity::Error, "pending before others that are applied: 0002_late");
    assert_eq!(checkup.state, State::Pending);
}

#[test]
fn an_unfinished_migration_is_named_unless_it_runs_now() {
    let (place, db) = migrated();
    db.execute("UPDATE schema_migrations SET state = 'started' WHERE id = '0003_index'", &[]).unwrap();
    let checkup = examine(&place, &all());
    names(
        &checkup,
        "history",
        Severity::Error,
        "0003_index runs outside a transaction and was begun but not finished",
    );
    assert!(!checkup.ok);
    let mut connection = db.driver().connect(larder::driver::Access::Write).unwrap();
    let lock = connection.lock("migrate").unwrap();
    let checkup = examine(&place, &all());
    assert_eq!(only(&checkup, "history").severity, Severity::Info);
    assert_eq!((checkup.state, checkup.ok), (State::Pending, false));
    drop(lock);
}

#[test]
fn a_row_of_the_history_that_can_not_be_read_is_a_finding() {
    let (place, db) = migrated();
    for sql in [
        "UPDATE schema_migrations SET applied_at = 'yesterday' WHERE id = '0003_index'",
        "UPDATE schema_migrations SET version = 'three' WHERE id = '0003_index'",
        "UPDATE schema_migrations SET effects = '{' WHERE id = '0003_index'",
        "UPDATE meta SET schema_version = 'three'",
    ] {
        db.execute(sql, &[]).unwrap();
        let checkup = examine(&place, &all());
        assert!(
            checkup.findings.iter().any(|f| f.check == "history" && f.severity == Severity::Error),
            "{checkup:#?}"
        );
        assert!(!checkup.ok);
    }
}

#[test]
fn a_schema_that_was_changed_by_hand_is_named() {
    let (place, db) = migrated();
    finds_nothing(&examine(&place, &all()), "drift");
    db.execute("ALTER TABLE note ADD COLUMN body TEXT", &[]).unwrap();
    let checkup = examine(&place, &all());
    names(&checkup, "drift", Severity::Warning, "note.body");
    assert!(checkup.ok, "more than is needed is no error: {checkup:#?}");

    db.execute("DROP INDEX tag_by_word", &[]).unwrap();
    let checkup = examine(&place, &all());
    let found: Vec<_> = checkup.findings.iter().filter(|finding| finding.check == "drift").collect();
    assert_eq!(found.len(), 2, "{found:?}");
    assert_eq!(found[0].severity, Severity::Error);
    assert!(found[0].message.contains("tag_by_word"), "{found:?}");
    assert!(!checkup.ok);
}

#[test]
fn another_order_of_the_columns_is_good_to_know_and_nothing_more() {
    let place = Place::new();
    let db = place.open();
    let two = set(&[("0001_pair", "CREATE TABLE pair (a INTEGER, b TEXT)")]);
    db.migrate(&[&two]).unwrap();
    db.execute("DROP TABLE pair", &[]).unwrap();
    db.execute("CREATE TABLE pair (b TEXT, a INTEGER)", &[]).unwrap();
    let checkup = examine(&place, &two);
    let finding = only(&checkup, "drift");
    assert!(finding.severity == Severity::Info && finding.message.contains("in pair;"), "{finding:?}");
    assert!(checkup.ok && finding.fix.is_none() && !finding.message.contains("somebody"), "{checkup:#?}");
}

#[test]
fn the_tables_of_sets_that_were_not_given_are_no_drift() {
    let (place, db) = migrated();
    let other =
        MigrationSet::list("journal", vec![Migration::sql("0001_init", "CREATE TABLE run (id TEXT)")]);
    db.migrate(&[&all(), &other]).unwrap();
    let checkup = examine(&place, &all());
    assert!(checkup.ok, "{checkup:#?}");
    let finding = only(&checkup, "drift");
    assert_eq!(finding.severity, Severity::Info);
    assert!(finding.message.contains("journal"));
    let both = place.examine_with(&[&all(), &other], &Settings::default());
    assert!(both.ok);
    finds_nothing(&both, "drift");
    let newest = place.examine_with(&[&other], &Settings::default()).newest;
    assert_eq!(newest.as_deref(), Some("journal/0001_init"));
}

#[test]
fn migrations_that_need_rows_to_run_are_no_error() {
    let place = Place::new();
    let db = place.open();
    db.migrate(&[&set(&[("0001_init", INIT)])]).unwrap();
    db.execute("INSERT INTO note (title) VALUES ('first')", &[]).unwrap();
    let needy = MigrationSet::list(
        "app",
        vec![
            Migration::sql("0001_init", INIT),
            Migration::code("0002_needy", |tx| {
                tx.query_one::<i64>("SELECT id FROM note WHERE title = 'first'", &[]).map(|_| ())
            }),
        ],
    );
    db.migrate(&[&needy]).unwrap();
    let checkup = examine(&place, &needy);
    assert!(checkup.ok, "{checkup:#?}");
    names(&checkup, "drift", Severity::Warning, "don't build a schema to compare with");
}

#[test]
fn migrations_that_break_a_rule_are_named_once() {
    let (place, _db) = migrated();
    let twice = set(&[("0001_init", INIT), ("0001_again", TAG)]);
    for place in [&place, &Place::new()] {
        let checkup = examine(place, &twice);
        assert!(!checkup.ok);
        names(&checkup, "migrations", Severity::Error, "0001_again");
    }
}

#[test]
fn the_two_places_of_the_version_are_held_against_each_other() {
    let (place, db) = migrated();
    finds_nothing(&examine(&place, &all()), "version");
    db.execute("UPDATE meta SET schema_version = 2", &[]).unwrap();
    names(
        &examine(&place, &all()),
        "version",
        Severity::Warning,
        "says version 2 and PRAGMA user_version says 3",
    );
}

#[test]
fn a_version_that_is_a_time_fits() {
    let place = Place::new();
    let timed = set(&[("20260131120000_init", INIT)]);
    place.open().migrate(&[&timed]).unwrap();
    let checkup = examine(&place, &timed);
    assert!(checkup.ok, "{checkup:#?}");
    assert_eq!(checkup.schema_version, Some(20_260_131_120_000));
    finds_nothing(&checkup, "version");
}

/// A damaged database with a history: whatever the rows have become, it is a checkup.
#[test]
fn whatever_has_become_of_the_history_gives_a_checkup() {
    let (place, db) = migrated();
    db.close().unwrap();
    let sound = std::fs::read(place.path()).unwrap();
    let mut seed = 0x2545_f491_4f6c_dd1d_u64;
    let mut random = move |below: usize| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        usize::try_from(seed % below as u64).unwrap()
    };
    for case in 0..150 {
        let folder = Place::new();
        let mut bytes = sound.clone();
        for _ in 0..=random(30) {
            let at = random(bytes.len());
            bytes[at] ^= 1 << random(8);
        }
        std::fs::write(folder.path(), &bytes).unwrap();
        let settings = Settings { fix: case % 2 == 0, thorough: case % 5 == 0, ..Settings::default() };
        let checkup = folder.examine_with(&[&all()], &settings);
        assert!(
            settings.fix || std::fs::read(folder.path()).unwrap() == bytes,
            "case {case} changed the file"
        );
        assert!(checkup.checked.contains(&"open"), "{checkup:#?}");
    }
}

/// With a rebuilt table, triggers, views and a full-text index, whose own tables are nobody's.
#[test]
fn the_sample_application_is_healthy() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/notebook/migrations");
    let sample = MigrationSet::folder(folder).unwrap();
    let place = Place::new();
    place.open().migrate(&[&sample]).unwrap();
    let checkup = place.examine_with(&[&sample], &Settings { thorough: true, ..Settings::default() });
    assert!(checkup.ok && checkup.worst() <= Some(Severity::Info), "{checkup:#?}");
    assert_eq!((checkup.schema_version, checkup.newest.as_deref()), (Some(10), Some("0010_search")));
}
