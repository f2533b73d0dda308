//! The readers of SQL text against SQLite itself: the same statements, the same parameters in the same order.

#![allow(clippy::unwrap_used, reason = "a test")]

use larder::sql::text::{Dialect, Mapped, split};
use proptest::prelude::*;
use rusqlite::Connection;

fn database() -> Connection {
    let connection = Connection::open_in_memory().unwrap();
    connection.execute_batch("CREATE TABLE t(a, b); CREATE TABLE u(a);").unwrap();
    connection
}

/// Each is one whole statement that SQLite accepts beside any of the others.
const STATEMENTS: [&str; 16] = [
    "SELECT 1",
    "BEGIN IMMEDIATE",
    "END",
    "SELECT ';', \";\", `;`, [;] FROM (SELECT 1 AS \";\")",
    "SELECT 'it''s; -- no comment' /* ; ' \" */ AS x",
    "INSERT INTO t VALUES (:a, CASE :b WHEN 1 THEN ';' END)",
    "CREATE TRIGGER x AFTER INSERT ON t BEGIN SELECT 1; END",
    "create temp trigger y after update on t when case new.a when 1 then 1 end begin\n  update t set b = case a when 1 then \
     ';END;' else 2 end; -- END;\n  select raise(abort, 'no; END;');\r\nend",
    "EXPLAIN QUERY PLAN CREATE TRIGGER z DELETE ON t BEGIN DELETE FROM u; INSERT INTO u VALUES (x'3B'); END",
    "CREATE TABLE trigger_end(a, b DEFAULT ';')",
    "CREATE TABLE \"a;b\"(a)",
    "WITH a AS (SELECT 1) SELECT * FROM a",
    "PRAGMA user_version = 3",
    "SELECT 1 -- it's\n + 2",
    "SELECT 'größe;', 1e+5, .5, 0xFF, 1->>'$', a AS é FROM t",
    "DROP TRIGGER IF EXISTS missing",
];

const SEPARATORS: [&str; 8] =
    [";", ";\n", ";;\r\n;", " ; -- it's; a \"comment\"\n", "/* ;' */;", ";\u{feff}", ";/**/", "\n--\n;"];

fn pairs() -> impl Strategy<Value = Vec<(&'static str, &'static str)>> {
    let pair = (prop::sample::select(STATEMENTS.as_slice()), prop::sample::select(SEPARATORS.as_slice()));
    prop::collection::vec(pair, 0..8)
}

/// Pieces of a SELECT, most orders of which mean something.
const PIECES: [&str; 30] = [
    ":a", ":b", ":a1", ":größe", ":a$", "?", "?3", "@a", "$a", ":1", "'", "''", "\"", "[a]", "`a`", "a", "1",
    "-- :c\n", "/* :d */", "/*", "*/", "::", "(", ")", " ", ",", "||", "=", "x'00'", "':e'",
];

fn soup() -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(PIECES.as_slice()), 1..10)
        .prop_map(|pieces| format!("SELECT {} FROM t", pieces.concat()))
}

fn valid() -> impl Strategy<Value = String> {
    let operand = prop::sample::select(&[":a", ":b", ":größe", "'::a'", "\"a\"", "`b`", "a", "1", "x'00'"]);
    let operator = prop::sample::select(&["||", "=", " AND+", ",", "->>", "-", "/* :z */+", "-- :y\n,"]);
    prop::collection::vec((operand, operator), 1..8).prop_map(|pairs| {
        let body: String = pairs.into_iter().flat_map(|(a, b)| [a, b]).collect();
        format!("SELECT {body} 1 FROM t LIMIT:n")
    })
}

/// What SQLite calls the parameters of `sql`, in the order of their indices. None if it refuses the statement.
fn parameters(sql: &str) -> Option<Vec<String>> {
    let connection = database();
    let statement = connection.prepare(sql).ok()?;
    let name = |index| statement.parameter_name(index).unwrap_or("?").to_owned();
    Some((1..=statement.parameter_count()).map(name).collect())
}

fn with_colons(mapped: &Mapped<'_>) -> Vec<String> {
    mapped.names().iter().map(|name| format!(":{name}")).collect()
}

/// Nothing of a failure is kept beside the source: the message has the input.
fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(cases) }
}

proptest! {
    #![proptest_config(cases(1_500))]

    #[test]
    fn a_script_splits_into_the_statements_it_was_made_of(pairs in pairs()) {
        let script: String = pairs.iter().flat_map(|(statement, separator)| [*statement, separator]).collect();
        let made_of: Vec<_> = pairs.iter().map(|(statement, _)| *statement).collect();
        let found = split(&script, Dialect::Sqlite).unwrap();
        prop_assert_eq!(found.iter().map(|statement| statement.text).collect::<Vec<_>>(), made_of);
    }

    #[test]
    fn parameters_are_those_that_sqlite_finds(sql in valid()) {
        let mapped = Mapped::new(&sql, Dialect::Sqlite).unwrap();
        prop_assert_eq!(mapped.text(), &sql);
        prop_assert_eq!(Some(with_colons(&mapped)), parameters(&sql));
    }

    #[test]
    fn what_sqlite_accepts_has_its_parameters_or_is_refused(sql in soup()) {
        if let (Some(theirs), Ok(mapped)) = (parameters(&sql), Mapped::new(&sql, Dialect::Sqlite)) {
            prop_assert_eq!(with_colons(&mapped), theirs);
        }
    }
}

#[test]
fn each_of_the_statements_is_one_to_sqlite() {
    let connection = database();
    for statement in STATEMENTS {
        connection.prepare(statement).unwrap();
    }
}

#[test]
fn a_parameter_that_sqlite_would_read_otherwise_is_refused() {
    for (sql, theirs) in [("SELECT :a::text", ":a::text"), ("SELECT :a(b)", ":a(b)"), ("SELECT :1", ":1")] {
        assert_eq!(parameters(sql).unwrap(), [theirs]);
        assert!(Mapped::new(sql, Dialect::Sqlite).is_err(), "{sql}");
    }
}

#[test]
fn a_script_run_piece_by_piece_gives_the_same_schema() {
    let script = "\u{feff}-- größe; it's\r\n\
        CREATE TABLE a(id INTEGER PRIMARY KEY, n DEFAULT ';');\r\n\
        CREATE TABLE log(n);\r\n\
        CREATE TRIGGER a_log AFTER UPDATE ON a WHEN CASE WHEN new.n THEN 1 ELSE 0 END BEGIN\r\n\
          INSERT INTO log VALUES (CASE new.n WHEN 1 THEN 'one;' ELSE 'END;' END); -- END;\r\n\
          SELECT CASE WHEN new.n = 9 THEN RAISE(ABORT, 'no; END;') END;\r\n\
        END;\r\n\
        INSERT INTO a(n) VALUES (0); UPDATE a SET n = 1; /* ; */ UPDATE a SET n = 2; -- rest";
    let contents = |connection: &Connection| -> Vec<String> {
        let sql = "SELECT sql FROM sqlite_schema UNION ALL SELECT n FROM log UNION ALL SELECT n FROM a";
        let mut statement = connection.prepare(sql).unwrap();
        let rows = statement.query_map([], |row| row.get::<_, rusqlite::types::Value>(0)).unwrap();
        rows.map(|row| format!("{:?}", row.unwrap())).collect()
    };
    let (whole, pieces) = (database(), database());
    whole.execute_batch(script).unwrap();
    let statements = split(script, Dialect::Sqlite).unwrap();
    assert_eq!(statements.len(), 6);
    for statement in statements {
        pieces.execute(statement.text, []).unwrap();
    }
    let found = contents(&pieces);
    assert!(found.iter().any(|row| row.contains("one;")));
    assert_eq!(found, contents(&whole));
}
