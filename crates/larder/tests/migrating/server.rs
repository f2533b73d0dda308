//! On a server: who migrates takes turns, nobody waits behind a migration, and what is killed lets go.

use crate::{Open, app, ids, one};
use larder::migrate::Migrator;
use larder_kit::{Engine, Place};

fn place() -> Place {
    Place::new(Engine::Postgres)
}

#[test]
fn up_and_down_and_the_state() {
    let place = place();
    let db = place.open();
    let set =
        app(&["CREATE TABLE t (a int)", "INSERT INTO t VALUES (1), (2)", "CREATE VIEW v AS SELECT a FROM t"]);
    let report = db.migrate(&[&set]).unwrap();
    assert_eq!(ids(&report), ["0001_m", "0002_m", "0003_m"]);
    assert_eq!(db.schema_version().unwrap(), Some(3));
    assert!(db.migrate(&[&set]).unwrap().done.is_empty());
    let status = Migrator::new(&[&set]).status(&db).unwrap();
    assert_eq!(status.pending(), 0);
    assert!(status.problem.is_none());
    assert_eq!(one::<i64>(&db, "SELECT count(*) FROM t"), 2);
}

#[test]
fn what_another_schema_of_the_path_holds_is_not_its_own() {
    let place = place();
    let mut client = place.client();
    client.batch_execute("CREATE SCHEMA a").unwrap();
    let set = app(&["CREATE TABLE t (a int)"]);
    place.open().migrate(&[&set]).unwrap();
    let inner = format!(
        "{}{}options=-csearch_path%3Da,public",
        place.url(),
        if place.url().contains('?') { '&' } else { '?' }
    );
    let db = larder::Database::options(inner).open().unwrap();
    assert_eq!(db.schema_version().unwrap(), None, "the history of public is not that of a");
    db.migrate(&[&set]).unwrap();
    let count = client.query_one("SELECT count(*) FROM a.schema_migrations", &[]).unwrap().get::<_, i64>(0);
    assert_eq!(count, 1);
}

#[test]
fn a_migration_leaves_the_connection_and_the_bookkeeping_as_they_were() {
    let place = place();
    let db = place.open();
    let texts = [
        "CREATE SCHEMA other; SET LOCAL search_path TO other; CREATE TEMP TABLE helper (a int); CREATE TABLE t (a int)",
        "CREATE TEMP TABLE helper (a int); CREATE TABLE t (a int)",
    ];
    db.migrate(&[&app(&texts)]).unwrap();
    assert_eq!(one::<i64>(&db, "SELECT count(*) FROM pg_class WHERE relname = 't' AND relkind = 'r'"), 2);
    assert_eq!(one::<i64>(&db, "SELECT count(*) FROM public.schema_migrations"), 2);
    let list =
        texts.into_iter().chain(["DO $$ BEGIN DELETE FROM schema_migrations; END $$"]).collect::<Vec<_>>();
    let error = db.migrate(&[&app(&list)]).unwrap_err();
    assert_eq!(error.kind(), larder::ErrorKind::InvalidMigration, "{error:?}");
    assert_eq!(one::<i64>(&db, "SELECT count(*) FROM public.schema_migrations"), 2);
}
