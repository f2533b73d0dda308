//! Tables of every shape: without a key, with a key of several columns, without rowids, strict, computed, virtual, with names
//! that must be quoted, with text that is no text. What each loses is counted, and what loses nothing passes.

use crate::{Open, lost};

/// In place of a row's contents: ten rows from 1 on.
const TEN: &str = "WITH RECURSIVE n (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 10)";

#[test]
fn without_a_key_a_row_that_changed_counts_as_lost() {
    let seed = format!("CREATE TABLE t (a, b); {TEN} INSERT INTO t SELECT i % 3, NULL FROM n;");
    assert_eq!(lost(&seed, "DELETE FROM t WHERE a = 0"), ["rows of t: 3 rows"]);
    assert_eq!(lost(&seed, "UPDATE t SET a = 7 WHERE a = 1"), ["rows of t: 4 rows"]);
    assert!(lost(&seed, "UPDATE t SET b = 'x' WHERE 0").is_empty());
    let moved = "CREATE TABLE n (a, b, c); INSERT INTO n SELECT a, b, 1 FROM t ORDER BY a DESC; DROP TABLE t;
        ALTER TABLE n RENAME TO t";
    assert!(lost(&seed, moved).is_empty());
    // One of several equal rows is a row.
    assert_eq!(lost(&seed, "DELETE FROM t WHERE rowid = 3"), ["rows of t: 1 row"]);
    // A column that is only filled loses nothing.
    assert!(lost(&seed, "UPDATE t SET b = a").is_empty());
}

#[test]
fn with_a_key_of_several_columns_without_rowids_and_strict() {
    let seed = format!(
        "CREATE TABLE t (a TEXT, b INTEGER, c TEXT, PRIMARY KEY (b, a)) STRICT, WITHOUT ROWID;
        {TEN} INSERT INTO t SELECT 'x' || (i % 2), i, 'c' || i FROM n;"
    );
    assert_eq!(lost(&seed, "DELETE FROM t WHERE a = 'x0'"), ["rows of t: 5 rows"]);
    assert_eq!(lost(&seed, "UPDATE t SET c = NULL WHERE b < 4"), ["column t.c: 3 values turned NULL"]);
    assert_eq!(lost(&seed, "UPDATE t SET a = 'z' WHERE b = 1"), ["rows of t: 1 row"]);
    let rebuilt = "CREATE TABLE n (a TEXT, b INTEGER, c ANY, PRIMARY KEY (a, b)) STRICT;
        INSERT INTO n SELECT * FROM t; DROP TABLE t; ALTER TABLE n RENAME TO t";
    assert!(lost(&seed, rebuilt).is_empty());
    let text = "CREATE TABLE n (a TEXT, b TEXT, c TEXT, PRIMARY KEY (b, a));
        INSERT INTO n SELECT * FROM t; DROP TABLE t; ALTER TABLE n RENAME TO t";
    assert!(!lost(&seed, text).is_empty(), "numbers became text, in the key");
}

#[test]
fn a_text_key_may_be_null_and_there_twice() {
    let seed = "CREATE TABLE t (k TEXT PRIMARY KEY, v); INSERT INTO t VALUES (NULL, 1), (NULL, 2), ('a', 3)";
    assert_eq!(lost(seed, "DELETE FROM t WHERE v = 2"), ["rows of t: 1 row"]);
    assert!(lost(seed, "INSERT INTO t VALUES (NULL, 9)").is_empty());
}

#[test]
fn a_computed_column_holds_nothing_of_its_own() {
    let seed = format!(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, a INTEGER, twice INTEGER AS (a * 2), kept INTEGER AS (a * 3) STORED);
        {TEN} INSERT INTO t (a) SELECT i FROM n;"
    );
    assert!(lost(&seed, "ALTER TABLE t DROP COLUMN twice").is_empty());
    assert_eq!(lost(&seed, "UPDATE t SET a = 0 WHERE id = 1"), ["column t.a: 1 value overwritten"]);
    let made_real = "CREATE TABLE n (id INTEGER PRIMARY KEY, a INTEGER, twice INTEGER);
        INSERT INTO n SELECT id, a, twice FROM t; DROP TABLE t; ALTER TABLE n RENAME TO t";
    assert!(lost(&seed, made_real).is_empty());
}

#[test]
fn names_that_must_be_quoted() {
    let seed = format!(
        r#"CREATE TABLE "a b" ("sel""ect" INTEGER PRIMARY KEY, "größe ☃" TEXT, [from] TEXT, `x'y` BLOB);
        CREATE INDEX "in dex" ON "a b" ("größe ☃");
        CREATE VIEW "v;w" AS SELECT "from" FROM "a b";
        {TEN} INSERT INTO "a b" SELECT i, 'g' || i, 'f', x'00' FROM n;"#
    );
    assert_eq!(lost(&seed, r#"DELETE FROM "A B" WHERE "sel""ect" = 1"#), ["rows of a b: 1 row"]);
    assert_eq!(
        lost(&seed, r#"UPDATE [a b] SET "größe ☃" = NULL WHERE "sel""ect" < 3"#),
        ["column a b.größe ☃: 2 values turned NULL"]
    );
    assert_eq!(lost(&seed, r#"DROP VIEW "v;w"; DROP TABLE 'a b'"#), ["table a b: 10 rows"]);
    let rebuilt = r#"CREATE TABLE "new ""t""" ("sel""ect" INTEGER PRIMARY KEY, "größe ☃" TEXT, [from] TEXT, `x'y` BLOB);
        INSERT INTO "new ""t""" SELECT * FROM "a b"; DROP TABLE "a b"; ALTER TABLE "new ""t""" RENAME TO "a b";"#;
    let found = lost(&seed, rebuilt);
    assert_eq!(found, ["index in dex of a b: gone without a DROP INDEX"]);
    assert!(lost(&seed, &format!(r#"{rebuilt} CREATE INDEX "IN DEX" ON "A b" ("größe ☃")"#)).is_empty());
}

#[test]
fn the_case_of_a_name_does_not_count() {
    let seed = format!(
        "CREATE TABLE Users (Id INTEGER PRIMARY KEY, Email); {TEN} INSERT INTO USERS SELECT i, i FROM n;"
    );
    assert_eq!(lost(&seed, "DELETE FROM uSERS WHERE iD > 8"), ["rows of Users: 2 rows"]);
    let rebuilt = "CREATE TABLE N (iD INTEGER PRIMARY KEY, eMAIL); INSERT INTO n SELECT id, email FROM users;
        DROP TABLE uSERS; ALTER TABLE n RENAME TO USERS";
    assert!(lost(&seed, rebuilt).is_empty());
}

#[test]
fn text_that_is_not_utf_8_is_compared_all_the_same() {
    let seed = "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT);
        INSERT INTO t VALUES (1, CAST(x'ff01' AS TEXT)), (2, CAST(x'ff02' AS TEXT)), (3, 'fine')";
    assert!(lost(seed, "UPDATE t SET a = a").is_empty());
    assert_eq!(
        lost(seed, "UPDATE t SET a = CAST(x'ff03' AS TEXT) WHERE id < 3"),
        ["column t.a: 2 values overwritten"]
    );
    assert_eq!(lost(seed, "UPDATE t SET a = CAST(a AS BLOB)"), ["column t.a: 3 values changed in type"]);
}

#[test]
fn the_rows_of_a_full_text_table_are_rows() {
    let seed = "CREATE VIRTUAL TABLE docs USING fts5 (title, body);
        INSERT INTO docs VALUES ('a', 'one'), ('b', 'two'), ('c', 'three');
        CREATE TABLE t (id INTEGER PRIMARY KEY, a); INSERT INTO t VALUES (1, 'x')";
    assert_eq!(lost(seed, "DROP TABLE docs"), ["table docs: 3 rows"]);
    assert_eq!(lost(seed, "DELETE FROM docs WHERE title = 'b'"), ["rows of docs: 1 row"]);
    assert_eq!(lost(seed, "UPDATE docs SET body = 'x' WHERE title = 'b'"), ["rows of docs: 1 row"]);
    assert!(
        lost(seed, "INSERT INTO docs VALUES ('d', 'four'); INSERT INTO docs (docs) VALUES ('optimize')")
            .is_empty()
    );
    assert!(
        lost(
            seed,
            "CREATE VIRTUAL TABLE more USING fts5 (x); INSERT INTO more VALUES ('y'); DELETE FROM more"
        )
        .is_empty()
    );
    // Its rows are there when it is made anew of the same ones.
    let again = "CREATE TABLE kept AS SELECT title, body FROM docs; DROP TABLE docs;
        CREATE VIRTUAL TABLE docs USING fts5 (title, body, tokenize = 'porter');
        INSERT INTO docs SELECT * FROM kept; DROP TABLE kept";
    assert!(lost(seed, again).is_empty());
}

#[test]
fn an_index_over_another_table_goes_and_comes_with_its_triggers() {
    let seed = "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT);
        CREATE VIRTUAL TABLE found USING fts5 (a, content = 't', content_rowid = 'id');
        CREATE TRIGGER ti AFTER INSERT ON t BEGIN INSERT INTO found (rowid, a) VALUES (new.id, new.a); END;
        CREATE TRIGGER td AFTER DELETE ON t BEGIN
            INSERT INTO found (found, rowid, a) VALUES ('delete', old.id, old.a); END;
        INSERT INTO t VALUES (1, 'one'), (2, 'two')";
    assert!(lost(seed, "INSERT INTO t VALUES (3, 'three')").is_empty());
    assert_eq!(lost(seed, "DELETE FROM t WHERE id = 1"), ["rows of t: 1 row"]);
    let again = "DROP TABLE found; CREATE VIRTUAL TABLE found USING fts5 (a, content = 't', content_rowid = 'id', prefix = 2);
        INSERT INTO found (found) VALUES ('rebuild')";
    assert!(lost(seed, again).is_empty());
}

#[test]
fn a_rebuild_of_an_empty_table_keeps_its_place_in_the_count() {
    let place = crate::Place::new(crate::Engine::Sqlite);
    let db = place.open();
    let seed =
        "CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT, a); INSERT INTO t (a) VALUES (1), (2), (3)";
    let rebuilt =
        "CREATE TABLE n (id INTEGER PRIMARY KEY AUTOINCREMENT, a NOT NULL); INSERT INTO n SELECT * FROM t;
        DROP TABLE t; ALTER TABLE n RENAME TO t";
    db.migrate(&[&crate::app(&[seed])]).unwrap();
    db.execute("DELETE FROM t", &[]).unwrap();
    db.migrate(&[&crate::app(&[seed, rebuilt])]).unwrap();
    let id: i64 = db.write(|tx| tx.query_one("INSERT INTO t (a) VALUES (9) RETURNING id", &[])).unwrap();
    assert_eq!(id, 4, "the numbers of removed rows are not given a second time");
}

#[test]
fn very_many_rows_are_counted_to_the_last() {
    let seed = "CREATE TABLE t (id INTEGER PRIMARY KEY, a INTEGER, b TEXT);
        WITH RECURSIVE n (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 30000)
        INSERT INTO t SELECT i, i, 'b' || i FROM n";
    assert_eq!(
        lost(seed, "UPDATE t SET a = a + 1, b = NULL WHERE id % 3 = 0; DELETE FROM t WHERE id % 1000 = 0"),
        [
            "rows of t: 30 rows",
            "column t.a: 9,990 values overwritten",
            "column t.b: 9,990 values turned NULL"
        ]
    );
}

#[test]
fn without_a_key_a_value_in_the_place_of_a_null_is_no_loss() {
    let seed = format!(
        "CREATE TABLE t (a, b, c); {TEN} INSERT INTO t SELECT i % 3, CASE WHEN i % 2 THEN i END, NULL FROM n;"
    );
    assert!(lost(&seed, "UPDATE t SET b = 'x' WHERE b IS NULL; UPDATE t SET c = a").is_empty());
    assert_eq!(lost(&seed, "UPDATE t SET b = coalesce(b, 'x'), a = NULL WHERE a = 0"), ["rows of t: 3 rows"]);
}
