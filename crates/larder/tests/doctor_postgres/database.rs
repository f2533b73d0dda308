//! What is wrong in one database.

use crate::{finds_nothing, look, look_with, names};
use larder::doctor::{Settings, Severity};
use larder_kit::{Engine, Place};

fn made(script: &str) -> Place {
    let place = Place::new(Engine::Postgres);
    let mut client = place.client();
    client.batch_execute(script).unwrap();
    place
}

#[test]
fn nothing_is_said_of_what_is_well() {
    let place = made(
        "CREATE TABLE a (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY); CREATE TABLE b (a bigint REFERENCES a); \
         CREATE INDEX ON b (a); INSERT INTO a DEFAULT VALUES",
    );
    let checkup = look(place.url());
    for check in [
        "index",
        "constraint",
        "sequence",
        "unlogged",
        "extension",
        "statistics",
        "prepared",
        "transaction",
        "wraparound",
        "collation",
        "replication",
        "connection",
        "drift",
    ] {
        finds_nothing(&checkup, check);
    }
    assert!(checkup.engine.as_deref().unwrap().starts_with("PostgreSQL 1"), "{:?}", checkup.engine);
}

#[test]
fn an_index_that_was_never_finished() {
    let place = made("CREATE TABLE t (a int); INSERT INTO t VALUES (1), (1)");
    let mut client = place.client();
    assert!(client.batch_execute("CREATE UNIQUE INDEX CONCURRENTLY odd ON t (a)").is_err());
    names(&look(place.url()), "index", Severity::Warning, "public.odd is invalid");
}

#[test]
fn a_reference_without_an_index() {
    let place = made(
        "CREATE TABLE a (x int, y int, PRIMARY KEY (x, y)); \
         CREATE TABLE b (y int, z int, x int, FOREIGN KEY (x, y) REFERENCES a); CREATE INDEX ON b (z, x); \
         CREATE TABLE c (x int, y int, FOREIGN KEY (x, y) REFERENCES a); CREATE INDEX ON c (y, x); \
         INSERT INTO b SELECT NULL, 1, NULL FROM generate_series(1, 2000); INSERT INTO c SELECT NULL FROM generate_series(1, 2000); \
         ANALYZE",
    );
    let checkup = look(place.url());
    let finding = names(&checkup, "index", Severity::Info, "b (y, x)");
    assert!(!finding.message.contains("c ("), "{finding:?}");
}

#[test]
fn constraints_that_may_not_hold() {
    let place = made(
        "CREATE TABLE a (id int PRIMARY KEY); CREATE TABLE b (a int REFERENCES a); CREATE TABLE c (a int); \
         INSERT INTO c VALUES (-1); ALTER TABLE c ADD CONSTRAINT above CHECK (a > 0) NOT VALID; \
         ALTER TABLE b DISABLE TRIGGER ALL; \
         CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END'; \
         CREATE TRIGGER g BEFORE INSERT ON c FOR EACH ROW EXECUTE FUNCTION f(); ALTER TABLE c DISABLE TRIGGER g",
    );
    let checkup = look(place.url());
    names(&checkup, "constraint", Severity::Warning, "above of c");
    names(&checkup, "constraint", Severity::Error, "foreign keys of b");
    names(&checkup, "constraint", Severity::Warning, "a trigger of c");
}

#[test]
fn sequences_near_their_end() {
    let place = made(
        "CREATE TABLE t (id serial, small smallserial); SELECT setval('t_id_seq', 2100000000); \
         SELECT setval('t_small_seq', 25000); CREATE SEQUENCE down INCREMENT -1 MINVALUE -10 START -1; SELECT setval('down', -8)",
    );
    let checkup = look(place.url());
    names(&checkup, "sequence", Severity::Error, "public.t_id_seq has used 97 %");
    names(&checkup, "sequence", Severity::Warning, "public.t_small_seq has used 76 %");
    names(&checkup, "sequence", Severity::Warning, "public.down has used 80 %");
}

#[test]
fn unlogged_tables() {
    let place = made("CREATE UNLOGGED TABLE scratch (a int)");
    names(&look(place.url()), "unlogged", Severity::Warning, "public.scratch");
}

#[test]
fn statistics_that_are_missing_are_gathered_by_fix() {
    let place = made(
        "CREATE TABLE \"Odd t\" (a int) WITH (autovacuum_enabled = off); INSERT INTO \"Odd t\" SELECT generate_series(1, 20000); \
         SELECT pg_stat_force_next_flush()",
    );
    names(&look(place.url()), "statistics", Severity::Info, "public.Odd t");
    let fixed = look_with(place.url(), &[], &Settings { fix: true, ..Settings::default() });
    assert!(names(&fixed, "statistics", Severity::Info, "public.Odd t").fixed);
    finds_nothing(&look(place.url()), "statistics");
    place
        .client()
        .batch_execute("DELETE FROM \"Odd t\" WHERE a > 5000; SELECT pg_stat_force_next_flush()")
        .unwrap();
    names(&look(place.url()), "statistics", Severity::Warning, "15000 dead rows beside 5000 live ones");
}

#[test]
fn extensions_and_collations_that_do_not_fit_the_system() {
    let place = made(
        "CREATE TABLE t (a text COLLATE \"en-x-icu\"); \
         UPDATE pg_collation SET collversion = '0' WHERE collname = 'en-x-icu'; \
         UPDATE pg_extension SET extversion = '0.1' WHERE extname = 'plpgsql'",
    );
    let checkup = look(place.url());
    names(&checkup, "collation", Severity::Error, "en-x-icu");
    names(&checkup, "extension", Severity::Info, "plpgsql is at version 0.1");
}
