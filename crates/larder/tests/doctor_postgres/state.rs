//! History, drift, backups, and checks of the application's own.

use crate::{finds_nothing, look, look_with, names};
use larder::doctor::{Findings, Inspection, Settings, Severity, State, examine, examine_open, examine_with};
use larder::migrate::Migrator;
use larder::{Database, Migration, MigrationSet, ReadTx, Result};
use larder_kit::postgres::Cluster;
use larder_kit::{Engine, Place};

fn set(texts: &[&'static str]) -> MigrationSet {
    let list = texts.iter().enumerate().map(|(at, text)| Migration::sql(format!("{}_m", at + 1), *text));
    MigrationSet::list("app", list.collect())
}

const FIRST: &str =
    "CREATE TABLE t (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, a text NOT NULL DEFAULT 'x');
    CREATE INDEX t_a ON t (a); CREATE VIEW v AS SELECT a FROM t; CREATE SCHEMA IF NOT EXISTS other";
const SECOND: &str = "ALTER TABLE t ADD COLUMN b bigint";

#[test]
fn the_state_follows_the_history() {
    let place = Place::new(Engine::Postgres);
    let (both, one) = (set(&[FIRST, SECOND]), set(&[FIRST]));
    let settings = Settings::default();
    assert_eq!(look_with(place.url(), &[&both], &settings).state, State::Uninitialized);
    let db = Database::options(place.url()).open().unwrap();
    db.migrate(&[&one]).unwrap();
    let pending = look_with(place.url(), &[&both], &settings);
    assert_eq!(
        (pending.state, pending.schema_version, pending.newest.as_deref()),
        (State::Pending, Some(1), Some("2_m"))
    );
    names(&pending, "history", Severity::Warning, "one migration is pending: 2_m");
    finds_nothing(&pending, "drift");
    db.migrate(&[&both]).unwrap();
    let ready = look_with(place.url(), &[&both], &settings);
    assert_eq!(ready.state, State::Ready, "{ready:#?}");
    assert!(ready.ok);
    assert_eq!(look_with(place.url(), &[&one], &settings).state, State::Newer);
    let edited = set(&["CREATE TABLE t (id int)", SECOND]);
    names(&look_with(place.url(), &[&edited], &settings), "history", Severity::Error, "edited");
    let open = examine_open(&db, &[&both], &settings).unwrap();
    assert!(open.stats.is_some());
}

#[test]
fn drift_is_found_both_ways() {
    let place = Place::new(Engine::Postgres);
    let set = set(&[FIRST, SECOND]);
    let db = Database::options(place.url()).open().unwrap();
    db.migrate(&[&set]).unwrap();
    place
        .client()
        .batch_execute("DROP INDEX t_a; CREATE TABLE mine (a int); ALTER TABLE t ALTER b SET DEFAULT 4")
        .unwrap();
    let checkup = look_with(place.url(), &[&set], &Settings::default());
    let less = names(&checkup, "drift", Severity::Error, "drops index t_a on t");
    assert!(less.message.contains("column t.b"), "{less:?}");
    names(&checkup, "drift", Severity::Warning, "creates table mine");
    assert_eq!(
        place.client().query("SELECT 1 FROM pg_namespace WHERE nspname LIKE 'larder%'", &[]).unwrap().len(),
        0
    );
}

#[test]
fn a_database_that_others_made() {
    let place = Place::new(Engine::Postgres);
    place.client().batch_execute("CREATE TABLE mine (a int)").unwrap();
    let checkup = look(place.url());
    assert_eq!(checkup.state, State::Unmanaged);
    names(&checkup, "history", Severity::Warning, "one table and no history");
}

#[test]
fn the_newest_backup() {
    let place = Place::new(Engine::Postgres);
    let db = Database::options(place.url()).open().unwrap();
    db.migrate(&[&set(&[FIRST])]).unwrap();
    let settings = Settings { backups: Some(place.folder().join("backups")), ..Settings::default() };
    names(&look_with(place.url(), &[], &settings), "backup", Severity::Info, "there is no backup");
    larder::backup::create_in(&db, &place.folder().join("backups"), None, 5).unwrap();
    let checkup = look_with(place.url(), &[], &settings);
    assert!(
        checkup
            .findings
            .iter()
            .any(|it| it.check == "backup" && it.message.contains("less than an hour old")),
        "{checkup:#?}"
    );
}

struct Stock;

impl Inspection for Stock {
    fn name(&self) -> &'static str {
        "stock"
    }

    fn inspect(&self, tx: &mut ReadTx<'_>, findings: &mut Findings) -> Result<()> {
        let count: i64 = tx.query_one("SELECT count(*) FROM t", &[])?;
        findings.warn(format!("{count} rows"), "count again");
        Ok(())
    }
}

#[test]
fn an_applications_own_check() {
    let place = Place::new(Engine::Postgres);
    let options = Database::options(place.url());
    options.clone().open().unwrap().migrate(&[&set(&[FIRST])]).unwrap();
    let checkup = examine_with(&options, &[], &Settings::default(), &[&Stock]).unwrap();
    names(&checkup, "stock", Severity::Warning, "0 rows");
    let json = serde_json::to_value(examine(&options, &[], &Settings::default()).unwrap()).unwrap();
    assert_eq!((json["format"].as_i64(), json["state"].as_str()), (Some(1), Some("ready")));
}

#[test]
fn a_role_that_does_not_migrate() {
    let cluster = Cluster::start();
    let run = |sql: &str| cluster.client().batch_execute(sql).unwrap();
    run("CREATE ROLE service LOGIN");
    run("CREATE ROLE nobody LOGIN");
    let set = set(&[FIRST]);
    Database::open(cluster.url()).unwrap().migrate(&[&set]).unwrap();
    run("GRANT SELECT, INSERT ON ALL TABLES IN SCHEMA public TO service");
    run("CREATE SEQUENCE nobodys");
    let at = |role: &str| {
        look_with(&cluster.url().replace("postgres@", &format!("{role}@")), &[&set], &Settings::default())
    };

    // It may not build a schema to compare with, and need not.
    let checkup = at("service");
    assert!(checkup.ok && checkup.state == State::Ready, "{checkup:#?}");
    names(&checkup, "drift", Severity::Info, "was not looked at");
    finds_nothing(&checkup, "sequence");

    // What lacks is a privilege: the tables are Larder's all the same.
    let checkup = at("nobody");
    assert_eq!(checkup.state, State::Unreadable);
    names(&checkup, "history", Severity::Error, "not permitted: permission denied for table");
    finds_nothing(&checkup, "sequence");
    let options = Database::options(cluster.url().replace("postgres@", "nobody@"));
    let error = Migrator::new(&[&set]).status(&options.open().unwrap()).unwrap_err();
    assert!(error.help().unwrap().contains("GRANT SELECT"), "{error:?}");
}

#[test]
fn other_schemas_are_other_programs() {
    let place = Place::new(Engine::Postgres);
    place.client().batch_execute("CREATE TABLE theirs (a int); CREATE SCHEMA mine").unwrap();
    let separator = if place.url().contains('?') { '&' } else { '?' };
    let url = format!("{}{separator}options=-c%20search_path%3Dmine", place.url());
    assert_eq!(look(&url).state, State::Uninitialized);
    assert_eq!(look(place.url()).state, State::Unmanaged);
}
