//! What is legal on one engine and means something else, or nothing, on the other: said or seen to, never lost.

use crate::support::{open, places};
use larder::copy::{Copier, Misfits, Report};
use larder::{Database, ErrorKind, Result};
use larder_kit::{Engine, Place};

fn with(url: &str, parameter: &str) -> Database {
    let sign = if url.contains('?') { '&' } else { '?' };
    Database::options(format!("{url}{sign}{parameter}")).open().unwrap()
}

/// What stands in a table of SQLite's goes to a server.
fn over(sql: &[&str]) -> (Result<Report>, Database, Place) {
    let (here, server) = places(Engine::Sqlite, Engine::Postgres);
    let from = Database::options(here.url()).pragma("foreign_keys", "OFF").open().unwrap();
    for statement in sql {
        from.execute(statement, &[]).unwrap();
    }
    let to = open(&server);
    let done = Copier::new(&[]).copy(&from, &to);
    (done, to, server)
}

/// What stands on a server comes to a file.
fn back(sql: &str) -> (Result<Report>, Database, Place) {
    let (server, here) = places(Engine::Postgres, Engine::Sqlite);
    server.client().batch_execute(sql).unwrap();
    let to = open(&here);
    let done = Copier::new(&[]).copy(&open(&server), &to);
    (done, to, here)
}

fn left_out(report: &Report) -> Vec<String> {
    report.left_out.iter().map(|left| left.object.clone()).collect()
}

#[test]
fn a_source_that_hides_rows_from_the_copier_is_refused() {
    let (server, here) = places(Engine::Postgres, Engine::Sqlite);
    let mut client = server.client();
    let role = format!("reader_{}", std::process::id());
    client
        .batch_execute(&format!(
            "CREATE TABLE notes (id bigint PRIMARY KEY); INSERT INTO notes VALUES (1), (2);
             ALTER TABLE notes ENABLE ROW LEVEL SECURITY; CREATE POLICY one ON notes USING (id = 1);
             CREATE ROLE {role}; GRANT SELECT ON notes TO {role}; GRANT USAGE ON SCHEMA public TO {role}"
        ))
        .unwrap();
    let to = open(&here);
    let from = with(server.url(), &format!("options=-crole%3D{role}"));
    let refused = Copier::new(&[]).copy(&from, &to);
    from.close().unwrap();
    client.batch_execute(&format!("DROP OWNED BY {role}; DROP ROLE {role}")).unwrap();
    let error = refused.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.message().ends_with("may hide rows of notes from this role"), "{error}");
    assert_eq!(Copier::new(&[]).copy(&open(&server), &to).unwrap().rows, 2);
}

#[test]
fn a_table_that_others_inherit_from_has_its_own_rows_only() {
    let (done, to, _here) = back(
        "CREATE TABLE animal (name text); CREATE TABLE cat (lives int) INHERITS (animal);
         INSERT INTO animal VALUES ('fly'); INSERT INTO cat VALUES ('tom', 9);
         CREATE TABLE parts (n int) PARTITION BY RANGE (n);
         CREATE TABLE low PARTITION OF parts FOR VALUES FROM (0) TO (10); INSERT INTO parts VALUES (3)",
    );
    let report = done.unwrap();
    assert_eq!(report.rows, 3);
    assert_eq!(left_out(&report), ["inheritance of cat"]);
    assert_eq!(to.query_one::<String>("SELECT name FROM animal", &[]).unwrap(), "fly");
    assert_eq!(to.query_one::<i64>("SELECT n FROM parts", &[]).unwrap(), 3);
}

#[test]
fn names_that_differ_only_in_case_are_refused() {
    for (sql, what) in [
        ("CREATE TABLE foo (n int); CREATE TABLE \"Foo\" (n int)", "the tables Foo and foo"),
        ("CREATE TABLE foo (n int, \"N\" int)", "the columns of foo n and N"),
    ] {
        let (done, to, _here) = back(sql);
        let error = done.unwrap_err();
        assert_eq!(error.message(), format!("{what} differ only in the case of letters"));
        assert_eq!(to.query_one::<i64>("SELECT count(*) FROM sqlite_schema", &[]).unwrap(), 0);
    }
}

#[test]
fn what_lies_beside_the_tables_is_listed() {
    let (done, _to, _here) = back(
        "CREATE TABLE t (n int); CREATE SCHEMA other; CREATE TABLE other.t (n int); CREATE SEQUENCE numbers;
         CREATE FUNCTION one() RETURNS int LANGUAGE sql AS 'SELECT 1'; CREATE POLICY mine ON t USING (true)",
    );
    let listed = left_out(&done.unwrap());
    assert_eq!(listed, ["function one", "policy mine of t", "schema other", "sequence numbers"]);
}

#[test]
fn a_domain_is_what_lies_under_it() {
    let (done, to, _here) = back(
        "CREATE DOMAIN small AS int CHECK (VALUE < 10); CREATE DOMAIN tiny AS small; CREATE DOMAIN word AS varchar(5);
         CREATE TABLE t (n tiny, w word, b bytea); INSERT INTO t VALUES (3, 'abc', '\\x00')",
    );
    assert_eq!(done.unwrap().rows, 1);
    assert_eq!(to.query_one::<String>("SELECT typeof(n) FROM t", &[]).unwrap(), "integer");
}

#[test]
fn a_target_without_every_character_is_refused() {
    let (here, server) = places(Engine::Sqlite, Engine::Postgres);
    let from = open(&here);
    from.execute("CREATE TABLE t (s TEXT)", &[]).unwrap();
    let name = server.url().rsplit('/').next().unwrap().split('?').next().unwrap();
    let mut client = server.client();
    client
        .batch_execute(&format!(
            "CREATE DATABASE {name}_latin ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0"
        ))
        .unwrap();
    let to = Database::options(server.url().replace(name, &format!("{name}_latin"))).open().unwrap();
    let refused = Copier::new(&[]).copy(&from, &to);
    to.close().unwrap();
    client.batch_execute(&format!("DROP DATABASE {name}_latin WITH (FORCE)")).unwrap();
    let error = refused.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.message().contains("has the encoding LATIN1"), "{error}");
}

#[test]
fn a_source_that_times_out_is_asked_for_patience() {
    let (server, here) = places(Engine::Postgres, Engine::Sqlite);
    server.client().batch_execute("CREATE TABLE t AS SELECT generate_series(1, 20000) AS n").unwrap();
    let hasty = "options=-cidle_in_transaction_session_timeout%3D1%20-cstatement_timeout%3D500";
    let from = with(server.url(), hasty);
    assert_eq!(Copier::new(&[]).copy(&from, &open(&here)).unwrap().rows, 20_000);
}

#[test]
fn a_default_or_a_computed_column_of_another_type_does_not_cost_the_table() {
    let (done, to, _server) = over(&[
        "CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER DEFAULT '', h INTEGER DEFAULT 0x10, at DATETIME DEFAULT CURRENT_TIMESTAMP,
         long INTEGER AS (length(s) > 3), twice INTEGER AS (n * 2) STORED, more INTEGER AS (twice + 1), s TEXT DEFAULT 'x')",
        "INSERT INTO t (id, n, h, at) VALUES (1, 2, 3, 1700000000)",
    ]);
    let report = done.unwrap();
    let mut listed = left_out(&report);
    listed.sort();
    assert_eq!(
        listed,
        [
            "computed column t.long",
            "computed column t.more",
            "default of t.at",
            "default of t.h",
            "default of t.n"
        ]
    );
    let row: (i64, i64, i64, String) = to.query_one("SELECT long, twice, more, s FROM t", &[]).unwrap();
    assert_eq!(row, (0, 4, 5, "x".to_owned()), "what is not computed there has its value");
}

#[test]
fn what_sqlite_compares_without_case_is_no_check_there() {
    let (done, _to, _server) = over(&[
        "CREATE TABLE t (kind TEXT COLLATE NOCASE CHECK (kind IN ('a', 'b')), price NUMERIC, half NUMERIC AS (price / 2),
         tail TEXT AS (substr(kind, -1)))",
        "INSERT INTO t (kind, price) VALUES ('A', 7)",
    ]);
    let listed = left_out(&done.unwrap());
    let expected = [
        "COLLATE NOCASE of t.kind",
        "computed column t.half",
        "computed column t.tail",
        "CHECK (kind IN ('a', 'b')) of t",
    ];
    assert_eq!(listed, expected);
}

#[test]
fn keys_that_only_sqlite_takes_are_named() {
    let (done, _to, _server) = over(&[
        "CREATE TABLE p (k TEXT PRIMARY KEY)",
        "CREATE TABLE c (k TEXT REFERENCES p)",
        "INSERT INTO p VALUES (NULL), (NULL), ('a')",
        "INSERT INTO c VALUES ('b')",
    ]);
    let error = done.unwrap_err();
    let said: Vec<String> = error.find::<Misfits>().unwrap().found.iter().map(ToString::to_string).collect();
    assert_eq!(
        said,
        [
            "p rowid 1, k: NULL where a value must be",
            "p rowid 2, k: NULL where a value must be",
            "c rowid 1: points at a row of p that is not there"
        ]
    );
}

#[test]
fn times_that_no_text_of_a_file_can_tell_are_named() {
    let (done, _to, _here) = back(
        "CREATE TABLE nothing (); CREATE TABLE t (at timestamptz, ti time);
         INSERT INTO t VALUES ('294276-12-31 23:59:59Z', '12:00'), ('0044-03-15 12:00Z BC', '24:00'), ('-infinity', '23:59:59.999999')",
    );
    let error = done.unwrap_err();
    let said: Vec<String> = error.find::<Misfits>().unwrap().found.iter().map(ToString::to_string).collect();
    assert_eq!(
        said,
        [
            "t ctid (0,1), at: text that is no time of the years 0 to 9999",
            "t ctid (0,2), at: text that is no time of the years 0 to 9999",
            "t ctid (0,2), ti: text that is no time of a day"
        ]
    );
}

#[test]
fn two_copies_at_once_do_not_both_go_into_one_database() {
    let (here, server) = places(Engine::Sqlite, Engine::Postgres);
    let (one, two) = (open(&here), Database::open(here.folder().join("two.db")).unwrap());
    one.execute("CREATE TABLE a (n INTEGER)", &[]).unwrap();
    two.execute("CREATE TABLE b (n INTEGER)", &[]).unwrap();
    let (first, second) = (open(&server), open(&server));
    let mut inner = None;
    let done = Copier::new(&[])
        .on_progress(|_| {
            inner.get_or_insert_with(|| Copier::new(&[]).copy(&two, &second).map_err(|error| error.kind()));
        })
        .copy(&one, &first);
    assert_eq!(inner.unwrap().unwrap_err(), ErrorKind::Busy);
    assert_eq!(done.unwrap().tables.len(), 1);
}
