//! The catalogue of a live schema: what it reads, how two differ, and that a dump makes the same schema again.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test")]

use larder::schema::{Catalogue, Change, ForeignKey, Generated, Unique, diagram, dump};
use larder::sql::text::{Dialect, split};
use larder::{Database, params};

/// One of each thing that a schema can hold, with names that need their quotes.
const RICH: &str = r#"
CREATE TABLE users (
    id INTEGER PRIMARY KEY,           -- the key
    email TEXT NOT NULL UNIQUE COLLATE NOCASE,
    "full name" TEXT DEFAULT 'no, body (yet)',
    initial TEXT GENERATED ALWAYS AS (substr(email, 1, 1)) VIRTUAL,
    letters INTEGER AS (length(email)) STORED
) STRICT;
CREATE TABLE IF NOT EXISTS "order" (
    user_id INTEGER NOT NULL REFERENCES users ON DELETE CASCADE,
    number INTEGER NOT NULL, parent_user INTEGER, parent_number INTEGER,
    CONSTRAINT positive CHECK (number > 0),
    PRIMARY KEY (user_id, number),
    UNIQUE (parent_number, parent_user),
    FOREIGN KEY (parent_user, parent_number) REFERENCES "order" (user_id, number) ON UPDATE SET NULL
) WITHOUT ROWID;
CREATE TABLE counted (id INTEGER PRIMARY KEY AUTOINCREMENT, a, b);
CREATE VIRTUAL TABLE words USING fts5(body, content='');
CREATE INDEX users_by_length ON users (letters DESC) WHERE letters > 3;
CREATE UNIQUE INDEX counted_once ON counted (lower(a), b);
CREATE VIEW overview AS SELECT email FROM users -- all of them
;
CREATE TRIGGER counted_check BEFORE INSERT ON counted WHEN new.a IS NULL BEGIN SELECT RAISE(ABORT, 'no; never'); END;
CREATE TRIGGER overview_insert INSTEAD OF INSERT ON overview BEGIN INSERT INTO users (email) VALUES (new.email); END;
CREATE TABLE schema_migrations (id TEXT PRIMARY KEY);
CREATE TABLE meta (id INTEGER PRIMARY KEY);
CREATE INDEX meta_index ON meta (id);
"#;

fn run(db: &Database, script: &str) {
    for statement in split(script, Dialect::Sqlite).unwrap() {
        db.execute(statement.text, &[]).unwrap_or_else(|error| panic!("{error}: {}", statement.text));
    }
}

fn made(script: &str) -> Database {
    let db = Database::open(":memory:").unwrap();
    run(&db, script);
    db
}

fn read(db: &Database) -> Catalogue {
    db.read(|tx| Catalogue::read(tx.connection())).unwrap()
}

fn dumped(db: &Database) -> String {
    db.read(|tx| dump(tx.connection())).unwrap()
}

fn changes(before: &str, after: &str) -> Vec<String> {
    read(&made(before)).diff(&read(&made(after))).iter().map(ToString::to_string).collect()
}

#[test]
fn everything_is_read_and_what_the_application_does_not_own_is_left_out() {
    let catalogue = read(&made(RICH));
    let names = |table: &larder::schema::Table| (table.name.clone(), table.virtual_, table.shadow);
    let tables: Vec<_> = catalogue.tables.values().filter(|table| !table.shadow).map(names).collect();
    let table = |name: &str, virtual_| (name.to_owned(), virtual_, false);
    assert_eq!(
        tables,
        [table("counted", false), table("order", false), table("users", false), table("words", true)]
    );
    assert!(catalogue.table("words_data").unwrap().shadow);
    assert_eq!(catalogue.indexes.keys().collect::<Vec<_>>(), ["counted_once", "users_by_length"]);
    assert_eq!(catalogue.triggers.keys().collect::<Vec<_>>(), ["counted_check", "overview_insert"]);
    assert_eq!(catalogue.views.keys().collect::<Vec<_>>(), ["overview"]);

    let users = catalogue.table("USERS").unwrap();
    assert!(users.strict && !users.without_rowid);
    assert_eq!(users.uniques, [unique(&["email"], false)]);
    let name = users.column("Full Name").unwrap();
    assert_eq!(name.definition, "TEXT DEFAULT 'no, body (yet)'");
    assert_eq!(name.default.as_deref(), Some("'no, body (yet)'"));
    assert_eq!(users.column("id").unwrap().primary_key, Some(1));
    assert!(users.column("email").unwrap().not_null);
    assert_eq!(users.column("initial").unwrap().generated, Some(Generated::Virtual));
    assert_eq!(users.column("letters").unwrap().generated, Some(Generated::Stored));

    let order = catalogue.table("order").unwrap();
    assert!(order.without_rowid && !order.strict);
    assert_eq!(order.primary_key(), ["user_id", "number"]);
    assert_eq!(
        order.uniques,
        [unique(&["user_id", "number"], true), unique(&["parent_number", "parent_user"], false)]
    );
    assert_eq!(order.constraints.first().unwrap(), "CONSTRAINT positive CHECK (number > 0)");
    let found: Vec<_> = order.foreign_keys.iter().map(key).collect();
    assert_eq!(
        found,
        [
            "user_id -> users() NO ACTION CASCADE",
            "parent_user,parent_number -> order(user_id,number) SET NULL NO ACTION"
        ]
    );
}

fn unique(columns: &[&str], primary_key: bool) -> Unique {
    let json = serde_json::json!({ "columns": columns, "primary_key": primary_key });
    let catalogue = read(&made("CREATE TABLE t (a UNIQUE)"));
    let mut one = catalogue.table("t").unwrap().uniques.first().unwrap().clone();
    one.columns = columns.iter().map(ToString::to_string).collect();
    one.primary_key = primary_key;
    assert_eq!(serde_json::to_value(&one).unwrap(), json);
    one
}

fn key(key: &ForeignKey) -> String {
    let (columns, to) = (key.columns.join(","), key.to_columns.join(","));
    format!("{columns} -> {}({to}) {} {}", key.to_table, key.on_update, key.on_delete)
}

#[test]
fn the_dump_makes_the_same_schema_again() {
    let first = made(RICH);
    let text = dumped(&first);
    assert!(!text.contains("sqlite_") && !text.contains("schema_migrations") && !text.contains("words_data"));
    let again = made(&text);
    assert_eq!(read(&first).diff(&read(&again)), []);
    assert_eq!(dumped(&again), text);
}

#[test]
fn the_sample_applications_schema_survives_its_dump_also_from_a_file_that_was_opened_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notebook.db");
    let db = Database::open(&path).unwrap();
    let migrations =
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/notebook/migrations");
    let mut files: Vec<_> =
        std::fs::read_dir(migrations).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    // The texts for every engine, and those for SQLite alone.
    let up = |file: &&std::path::PathBuf| {
        let name = file.to_str().unwrap();
        !name.ends_with(".down.sql") && !name.ends_with(".postgres.sql")
    };
    for file in files.iter().filter(up) {
        run(&db, &std::fs::read_to_string(file).unwrap());
    }
    let live = read(&db);
    assert!(live.tables.values().any(|table| table.shadow), "the sample has a search table");
    db.close().unwrap();
    let db = Database::options(path.display().to_string()).read_only(true).open().unwrap();
    assert_eq!(read(&db), live);
    assert_eq!(live.diff(&read(&made(&dumped(&db)))), []);
}

#[test]
fn formatting_is_no_difference() {
    let before = "CREATE TABLE t (a INT NOT NULL, b TEXT); CREATE INDEX i ON t (a);
        CREATE VIEW v AS SELECT a FROM t; CREATE TRIGGER r AFTER INSERT ON t BEGIN SELECT 1; END;";
    let after = "create table \"T\"(\n  [a] int /* a number */ not null,\n  `b` text -- words\n);
        create index I on \"t\"( a );\n create view V as select \"a\"\nfrom T;
        create trigger r after insert on t begin\n  select 1;\nend;";
    assert_eq!(changes(before, after), Vec::<String>::new());
}

#[test]
fn a_renamed_table_is_the_same_as_one_that_was_made_with_the_name() {
    let moved = "CREATE TABLE new_t (a INT, CHECK (a > 0)); CREATE INDEX i ON new_t (a); ALTER TABLE new_t RENAME TO t;";
    let made = "CREATE TABLE t (a INT, CHECK (a > 0)); CREATE INDEX i ON t (a);";
    assert_eq!(changes(moved, made), Vec::<String>::new());
}

#[test]
fn each_sort_of_change_is_told_in_words() {
    let before = "CREATE TABLE gone (a); CREATE TABLE t (a INT, b TEXT, c, d, CHECK (a > 0));
        CREATE TABLE plain (id INTEGER PRIMARY KEY, x TEXT); CREATE TABLE turned (a, b);
        CREATE INDEX i ON t (a); CREATE INDEX lost ON t (b); CREATE VIEW v AS SELECT 1;
        CREATE TRIGGER r AFTER INSERT ON t BEGIN SELECT 1; END; CREATE VIRTUAL TABLE w USING fts5(a);";
    let after = "CREATE TABLE t (a INT, b TEXT NOT NULL DEFAULT '', d, e INTEGER REFERENCES plain, UNIQUE (a, b));
        CREATE TABLE plain (id INTEGER PRIMARY KEY, x TEXT) STRICT; CREATE TABLE turned (b, a); CREATE TABLE fresh (a);
        CREATE INDEX i ON t (a, b); CREATE VIEW v AS SELECT 2; CREATE INDEX extra ON t (d);
        CREATE TRIGGER r AFTER UPDATE ON t BEGIN SELECT 1; END; CREATE VIRTUAL TABLE w USING fts5(a, b);";
    assert_eq!(
        changes(before, after),
        [
            "drops table gone",
            "drops column t.c",
            "drops constraint CHECK (a > 0) of t",
            "drops index lost on t",
            "changes the options of table plain from nothing to `STRICT`",
            "changes column t.b from `TEXT` to `TEXT NOT NULL DEFAULT ''`",
            "changes the order of the columns of turned",
            "changes table w",
            "changes index i on t",
            "changes trigger r on t",
            "changes view v",
            "adds column t.e (INTEGER REFERENCES plain)",
            "adds constraint UNIQUE (a, b) of t",
            "creates table fresh",
            "creates index extra on t",
        ]
    );
}

#[test]
fn a_change_is_json_with_a_tag() {
    let (before, after) = (made("CREATE TABLE t (a)"), made("CREATE TABLE t (a); CREATE INDEX i ON t (a);"));
    let found: Vec<Change> = read(&before).diff(&read(&after));
    let expected = serde_json::json!([{ "change": "created", "object": "index", "name": "i", "table": "t" }]);
    assert_eq!(serde_json::to_value(found).unwrap(), expected);
}

#[test]
fn inside_a_transaction_its_own_changes_are_seen_and_it_goes_on() {
    let db = made("CREATE TABLE t (a)");
    db.write(|tx| {
        tx.execute("CREATE TABLE u (a)", &[])?;
        assert!(Catalogue::read(tx.connection())?.table("u").is_some());
        tx.execute("INSERT INTO u VALUES (:a)", params! { a: 1 })
    })
    .unwrap();
    assert_eq!(db.query_one::<i64>("SELECT count(*) FROM u", &[]).unwrap(), 1);
}

#[test]
fn a_table_of_the_connection_alone_is_not_in_the_catalogue() {
    let db = made("CREATE TABLE t (a); CREATE TEMP TABLE t (other); CREATE TEMP TABLE u (a);");
    let catalogue = read(&db);
    assert_eq!(catalogue.tables.keys().collect::<Vec<_>>(), ["t"]);
    assert!(catalogue.table("t").unwrap().column("a").is_some());
}

#[test]
fn the_diagram_shows_tables_keys_and_relations() {
    assert_eq!(
        diagram(&read(&made(RICH))),
        r#"erDiagram
    counted {
        INTEGER id PK
        ANY a
        ANY b
    }
    order {
        INTEGER user_id PK, FK "not null"
        INTEGER number PK "not null"
        INTEGER parent_user FK
        INTEGER parent_number FK
    }
    users {
        INTEGER id PK
        TEXT email UK "not null"
        TEXT full_name
        TEXT initial
        INTEGER letters
    }
    words {
        ANY body
    }
    users ||--o{ order : "user_id"
    order |o--o| order : "parent_user, parent_number"
"#
    );
}
