//! Statements that can't stand in a migration: what ends its transaction, and what does nothing inside one, so that its author
//! would believe in a protection that is not there. They are refused with file and line before any migration has run.

use crate::{Open, one};
use larder::{Error, ErrorKind, Migration, MigrationSet};
use larder_kit::{Engine, Place};
use std::fs;

const FIRST: &str = "CREATE TABLE t (a)";

/// What is said of a file whose second migration has `statement` in its third line.
fn refused(statement: &str, head: &str) -> Error {
    let place = Place::new(Engine::Sqlite);
    let folder = place.folder().join("migrations");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("0001_first.sql"), FIRST).unwrap();
    let text = format!("{head}\nINSERT INTO t VALUES (1);\n  {statement};\nINSERT INTO t VALUES (2);\n");
    fs::write(folder.join("0002_second.sql"), text).unwrap();
    let set = MigrationSet::folder(&folder).unwrap();
    let db = place.open();
    let error = db.migrate(&[&set]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidMigration, "{statement}: {error:?}");
    let at = error.location().unwrap();
    assert_eq!((at.file.as_ref(), at.line(), at.column()), ("0002_second.sql", 3, 3), "{statement}");
    assert!(at.line_text().contains(statement));
    assert!(error.help().is_some());
    assert!(error.to_string().contains("0002_second.sql:3:3: "), "{error}");
    // Not even the good one before it.
    assert_eq!(one::<i64>(&db, "SELECT count(*) FROM sqlite_schema"), 0, "{statement}");
    error
}

#[test]
fn what_begins_or_ends_a_transaction() {
    for statement in [
        "COMMIT",
        "end transaction",
        "BEGIN",
        "BEGIN IMMEDIATE",
        "ROLLBACK",
        "SAVEPOINT x",
        "RELEASE x",
        "ROLLBACK TO x",
        "/* now */ commit",
    ] {
        let statement = statement.trim_start_matches("/* now */ ");
        assert!(refused(statement, "").message().contains("can't begin or end a transaction"));
        assert!(
            refused(statement, "-- larder: no-transaction").message().contains("can't have one of its own")
        );
    }
}

#[test]
fn what_can_not_run_in_a_transaction() {
    assert!(refused("VACUUM", "").message().contains("VACUUM can't run inside a transaction"));
    assert!(refused("VACUUM INTO '/tmp/never'", "").help().unwrap().contains("no-transaction"));
    for head in ["", "-- larder: no-transaction"] {
        assert!(refused("ATTACH 'other.db' AS o", head).message().contains("attach"));
        refused("DETACH o", head);
    }
}

#[test]
fn what_does_nothing_in_a_transaction_or_belongs_to_larder() {
    let dead = refused("PRAGMA foreign_keys = OFF", "");
    assert!(dead.message().contains("does nothing inside a transaction"), "{dead}");
    assert!(dead.help().unwrap().contains("Larder switches foreign keys off"));
    for pragma in [
        "PRAGMA foreign_keys(0)",
        "pragma main.\"foreign_keys\" = 0",
        "PRAGMA legacy_alter_table=ON",
        "PRAGMA user_version = 7",
        "PRAGMA writable_schema = 1",
        "PRAGMA journal_mode = DELETE",
        "PRAGMA synchronous = OFF",
        "PRAGMA cache_size = 5",
        "PRAGMA page_size = 8192",
    ] {
        refused(pragma, "");
    }
    refused("PRAGMA journal_mode = DELETE", "-- larder: no-transaction");
    refused("CREATE TEMP TABLE meta (a)", "");
    refused("CREATE TABLE IF NOT EXISTS Schema_Migrations (a)", "");
}

#[test]
fn what_only_asks_or_harms_nobody_may_stand_there() {
    let place = Place::new(Engine::Sqlite);
    let db = place.open();
    let text =
        "PRAGMA foreign_keys; PRAGMA foreign_key_check; PRAGMA defer_foreign_keys = ON; PRAGMA table_info(t);
        PRAGMA integrity_check; CREATE TABLE t (a); SELECT * FROM t; ANALYZE; REINDEX; EXPLAIN SELECT 1; ;";
    db.migrate(&[&crate::app(&[text])]).unwrap();
}

type Run = fn(&mut larder::WriteTx<'_>) -> larder::Result<()>;

#[test]
fn a_migration_in_rust_is_refused_for_the_same() {
    let cases: [(&str, Run); 9] = [
        ("PRAGMA foreign_keys", |tx| tx.execute("PRAGMA foreign_keys = OFF", &[]).map(|_| ())),
        ("PRAGMA legacy_alter_table", |tx| tx.execute("PRAGMA legacy_alter_table = ON", &[]).map(|_| ())),
        ("PRAGMA user_version", |tx| tx.execute("PRAGMA user_version = 3", &[]).map(|_| ())),
        ("PRAGMA writable_schema", |tx| tx.query_opt::<i64>("PRAGMA writable_schema = 1", &[]).map(|_| ())),
        ("a transaction", |tx| tx.execute("COMMIT", &[]).map(|_| ())),
        ("attach", |tx| tx.execute("ATTACH ':memory:' AS x", &[]).map(|_| ())),
        ("VACUUM", |tx| tx.execute("VACUUM", &[]).map(|_| ())),
        ("Larder's own", |tx| tx.execute("DELETE FROM schema_migrations", &[]).map(|_| ())),
        ("temp", |tx| tx.execute("PRAGMA temp.cache_size = 3", &[]).map(|_| ())),
    ];
    for (said, run) in cases {
        let place = Place::new(Engine::Sqlite);
        let db = place.open();
        let list = vec![
            Migration::sql("0001_first", "CREATE TABLE t (a)"),
            Migration::code("0002_code", move |tx| {
                tx.execute("INSERT INTO t VALUES (1)", &[])?;
                run(tx)
            }),
        ];
        let error = db.migrate(&[&MigrationSet::list("app", list)]).unwrap_err();
        let kinds = [ErrorKind::InvalidMigration, ErrorKind::MigrationFailed];
        assert!(kinds.contains(&error.kind()), "{error:?}");
        assert!(error.message().contains("0002_code"), "{error}");
        if said != "temp" {
            assert!(error.message().contains(said), "{said}: {error}");
        }
        assert_eq!(one::<i64>(&db, "SELECT count(*) FROM t"), 0, "{said}");
        assert_eq!(db.schema_version().unwrap(), Some(1));
        // On the connection that goes on, too, everything is as it was.
        let now = |pragma: &str| -> i64 { db.write(|tx| tx.query_one(pragma, &[])).unwrap() };
        assert_eq!(now("PRAGMA foreign_keys"), 1);
        assert_eq!(now("PRAGMA legacy_alter_table"), 0);
        assert_eq!(now("PRAGMA writable_schema"), 0);
        assert_eq!(now("PRAGMA user_version"), 1);
    }
}
