//! What may not be done is refused before anything runs, and nothing has changed afterwards.

use crate::kit::{Subject, number, rows};
use larder::driver::{Access, Action, Object};
use larder::{Database, ErrorKind, params};
use std::time::Duration;

fn filled(subject: &Subject) -> Database {
    let db = subject.open();
    db.execute("CREATE TABLE t (n INTEGER PRIMARY KEY, name TEXT)", &[]).unwrap();
    db.execute("CREATE INDEX by_name ON t (name)", &[]).unwrap();
    db.execute("INSERT INTO t VALUES (1, 'one')", &[]).unwrap();
    db
}

fn untouched(subject: &Subject, db: &Database) {
    let all: Vec<(i64, String)> = db.query_all("SELECT n, name FROM t", &[]).unwrap();
    assert_eq!(all, [(1, "one".to_owned())]);
    let sql = if subject.is_postgres() {
        "SELECT count(*) + 1 FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind <> 'i'"
    } else {
        "SELECT count(*) FROM sqlite_schema"
    };
    assert_eq!(db.query_one::<i64>(sql, &[]).unwrap(), 2);
}

/// A text that each of both engines has, or that only this one has.
fn on<'a>(subject: &Subject, both: &[&'a str], sqlite: &[&'a str], postgres: &[&'a str]) -> Vec<&'a str> {
    [both, if subject.is_postgres() { postgres } else { sqlite }].concat()
}

/// Each is shaped like a question, or stands where one is expected.
pub(crate) fn what_reads_can_not_write(subject: &Subject) {
    let db = filled(subject);
    let both = [
        "INSERT INTO t VALUES (2, 'two') RETURNING n",
        "UPDATE t SET name = 'x' RETURNING n",
        "DELETE FROM t RETURNING n",
        "WITH a AS (SELECT 5 AS n) INSERT INTO t SELECT n, 'x' FROM a RETURNING n",
        "INSERT INTO t VALUES (2, 'two')",
        "CREATE TABLE u (a INTEGER)",
        "DROP TABLE t",
        "ALTER TABLE t ADD COLUMN c INTEGER",
        "CREATE INDEX i ON t (name)",
    ];
    let sqlite = [
        "REPLACE INTO t VALUES (1, 'x') RETURNING n",
        // PostgreSQL takes what changes no row of a table for reading.
        "ANALYZE",
        "REINDEX",
        "PRAGMA incremental_vacuum",
        "PRAGMA wal_checkpoint",
        "PRAGMA optimize",
        "PRAGMA optimize(0x10002)",
    ];
    let postgres = [
        "WITH gone AS (DELETE FROM t RETURNING n) SELECT n FROM gone",
        "TRUNCATE t",
        "SELECT * INTO u FROM t",
        "COMMENT ON TABLE t IS 'x'",
    ];
    if subject.is_postgres() {
        db.execute("CREATE SEQUENCE numbers", &[]).unwrap();
    }
    for sql in on(subject, &both, &sqlite, &postgres) {
        let inside = db.read(|tx| tx.query_opt::<i64>(sql, &[])).map(drop);
        let alone = db.query_all::<i64>(sql, &[]).map(drop);
        for (result, how) in [(inside, "in `read`"), (alone, "alone")] {
            let Err(error) = result else { panic!("{sql} ran {how}") };
            assert_eq!(error.kind(), ErrorKind::ReadOnly, "{sql}: {error:?}");
        }
    }
    if subject.is_postgres() {
        // By its form this only reads; in `read` the server knows better.
        for sql in ["SELECT nextval('numbers')", "SELECT n FROM t FOR UPDATE"] {
            let error = db.read(|tx| tx.query_opt::<i64>(sql, &[])).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::ReadOnly, "{sql}: {error:?}");
        }
        db.execute("DROP SEQUENCE numbers", &[]).unwrap();
    }
    untouched(subject, &db);
}

pub(crate) fn what_ends_or_opens_a_transaction_is_refused(subject: &Subject) {
    let db = filled(subject);
    let both = [
        "BEGIN",
        "COMMIT",
        "END TRANSACTION",
        "ROLLBACK",
        "SAVEPOINT a",
        "SAVEPOINT larder",
        "RELEASE larder",
        "ROLLBACK TO larder",
        "-- a comment\n /* another */ commit",
        ";COMMIT;",
    ];
    let postgres = [
        "ABORT",
        "START TRANSACTION",
        "COMMIT AND CHAIN",
        "PREPARE TRANSACTION 'x'",
        "COMMIT PREPARED 'x'",
        "SET TRANSACTION READ WRITE",
        "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY",
        "/* a /* nested */ one */ commit",
    ];
    for sql in on(subject, &both, &["BEGIN IMMEDIATE"], &postgres) {
        let error = db
            .write(|tx| {
                tx.execute("DELETE FROM t", &[])?;
                let error = tx.execute(sql, &[]).unwrap_err();
                assert_eq!(error.kind(), ErrorKind::Unsupported, "{sql}: {error:?}");
                let error = tx.query_opt::<i64>(sql, &[]).unwrap_err();
                assert_eq!(error.kind(), ErrorKind::Unsupported, "{sql}: {error:?}");
                // The transaction is whole: what it did goes with it.
                Err::<(), _>(larder::Error::other("back"))
            })
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Application, "{sql}");
        assert_eq!(db.execute(sql, &[]).unwrap_err().kind(), ErrorKind::Unsupported, "{sql}");
        untouched(subject, &db);
    }
}

/// Other statements would run on other sessions than they think, or in the session of the next who gets it.
pub(crate) fn what_the_server_keeps_for_a_session_is_refused(subject: &Subject) {
    let db = filled(subject);
    for sql in ["PREPARE a AS SELECT 1", "EXECUTE a", "DEALLOCATE ALL", "DISCARD ALL", "deallocate prepare a"]
    {
        assert_eq!(db.execute(sql, &[]).unwrap_err().kind(), ErrorKind::Unsupported, "{sql}");
        let inside = db.write(|tx| tx.execute(sql, &[]));
        assert_eq!(inside.unwrap_err().kind(), ErrorKind::Unsupported, "{sql}");
    }
    untouched(subject, &db);
}

pub(crate) fn other_databases_are_refused(subject: &Subject) {
    let db = filled(subject);
    for sql in ["ATTACH ':memory:' AS other", "DETACH main", "VACUUM", "VACUUM INTO 'copy.db'"] {
        assert_eq!(db.execute(sql, &[]).unwrap_err().kind(), ErrorKind::Unsupported, "{sql}");
    }
    let names: Vec<String> = db.query_all("SELECT name FROM pragma_database_list", &[]).unwrap();
    assert_eq!(names, ["main"]);
}

/// SQLite sets some of these while it prepares the statement, so a refusal that comes after that is none.
pub(crate) fn settings_are_refused_and_not_changed(subject: &Subject) {
    if subject.is_postgres() {
        return settings_of_a_server_are_refused(subject);
    }
    let db = filled(subject);
    for sql in [
        "PRAGMA foreign_keys = OFF",
        "PRAGMA main.foreign_keys(0)",
        "/* a */ pragma \"foreign_keys\" = 0",
        "EXPLAIN PRAGMA foreign_keys = OFF",
        "EXPLAIN QUERY PLAN PRAGMA foreign_keys = OFF",
        "EXPLAIN /* a */ PRAGMA foreign_keys = OFF",
        "PRAGMA query_only = 1",
        "PRAGMA recursive_triggers = 1",
        "PRAGMA writable_schema = 1",
        "PRAGMA journal_mode = DELETE",
        "PRAGMA user_version = 7",
        "PRAGMA busy_timeout = 1",
    ] {
        for error in [
            db.execute(sql, &[]).unwrap_err(),
            db.query_opt::<i64>(sql, &[]).unwrap_err(),
            db.read(|tx| tx.query_opt::<i64>(sql, &[])).unwrap_err(),
            db.write(|tx| tx.query_opt::<i64>(sql, &[])).unwrap_err(),
        ] {
            assert_eq!(error.kind(), ErrorKind::Unsupported, "{sql}: {error:?}");
        }
    }
    for (name, value) in [
        ("foreign_keys", 1),
        ("recursive_triggers", 0),
        ("writable_schema", 0),
        ("user_version", 0),
        ("busy_timeout", 20_000),
    ] {
        let sql = format!("PRAGMA {name}");
        assert_eq!(db.query_one::<i64>(&sql, &[]).unwrap(), value, "{name}, reading");
        assert_eq!(db.write(|tx| tx.query_one::<i64>(&sql, &[])).unwrap(), value, "{name}, writing");
    }
    db.execute("INSERT INTO t VALUES (2, 'two')", &[]).unwrap();
}

fn settings_of_a_server_are_refused(subject: &Subject) {
    let db = filled(subject);
    let zone: String = db.query_one("SHOW TimeZone", &[]).unwrap();
    for sql in [
        "SET TimeZone = 'Asia/Tokyo'",
        "set timezone to 'Asia/Tokyo'",
        "/* a */ SET SESSION lock_timeout = 0",
        "SET TIME ZONE LOCAL",
        "RESET ALL",
        "RESET TimeZone",
    ] {
        for error in [
            db.execute(sql, &[]).unwrap_err(),
            db.query_opt::<i64>(sql, &[]).unwrap_err(),
            db.read(|tx| tx.query_opt::<i64>(sql, &[])).unwrap_err(),
            db.write(|tx| tx.query_opt::<i64>(sql, &[])).unwrap_err(),
        ] {
            assert_eq!(error.kind(), ErrorKind::Unsupported, "{sql}: {error:?}");
        }
    }
    assert_eq!(db.query_one::<String>("SHOW TimeZone", &[]).unwrap(), zone);
    // What is said of the transaction's own constraints ends with it.
    db.write(|tx| tx.execute("SET CONSTRAINTS ALL DEFERRED", &[])).unwrap();
    db.execute("INSERT INTO t VALUES (2, 'two')", &[]).unwrap();
}

pub(crate) fn questions_are_answered(subject: &Subject) {
    if subject.is_postgres() {
        let db = filled(subject);
        assert_eq!(db.query_one::<String>("SHOW server_encoding", &[]).unwrap(), "UTF8");
        let plan = "EXPLAIN (COSTS OFF) SELECT * FROM t WHERE n = :n";
        let lines: Vec<String> = db.query_all(plan, params! { n: 1 }).unwrap();
        assert!(lines.concat().contains('t'), "{lines:?}");
        return;
    }
    let db = filled(subject);
    let mode: String = db.query_one("PRAGMA journal_mode", &[]).unwrap();
    assert!(mode == "wal" || mode == "memory", "{mode}");
    assert_eq!(db.read(|tx| tx.query_one::<String>("PRAGMA journal_mode", &[])).unwrap(), mode);
    assert_eq!(db.query_one::<String>("PRAGMA quick_check", &[]).unwrap(), "ok");
    assert_eq!(db.query_all::<larder::Value>("PRAGMA foreign_key_check(t)", &[]).unwrap_or_default(), []);
    let mut columns = Vec::new();
    db.read(|tx| {
        tx.query_each("PRAGMA table_info(t)", &[], |row| {
            columns.push(row.get::<String>("name")?);
            Ok(std::ops::ControlFlow::Continue(()))
        })
    })
    .unwrap();
    assert_eq!(columns, ["n", "name"]);
    let plan = "EXPLAIN QUERY PLAN SELECT * FROM t WHERE n = :n";
    let (_, _, _, detail): (i64, i64, i64, String) = db.query_one(plan, params! { n: 1 }).unwrap();
    assert!(detail.contains("PRIMARY KEY"), "{detail}");
}

pub(crate) fn a_reading_connection_can_not_write(subject: &Subject) {
    let _db = filled(subject);
    let Some(mut reader) = subject.other(Access::Read, Duration::ZERO) else { return };
    assert_eq!(reader.execute("DELETE FROM t", &[]).unwrap_err().kind(), ErrorKind::ReadOnly);
    assert_eq!(
        rows(reader.as_mut(), "DELETE FROM t RETURNING n", &[]).unwrap_err().kind(),
        ErrorKind::ReadOnly
    );
    assert_eq!(reader.begin(Access::Write).unwrap_err().kind(), ErrorKind::ReadOnly);
    reader.begin(Access::Read).unwrap();
    assert_eq!(reader.execute("DELETE FROM t", &[]).unwrap_err().kind(), ErrorKind::ReadOnly);
    assert_eq!(number(reader.as_mut(), "SELECT count(*) FROM t"), 1);
    reader.commit().unwrap();
}

pub(crate) fn under_watch_settings_are_taken_and_seen(subject: &Subject) {
    let mut connection = subject.connect();
    connection.execute("CREATE TABLE parent (id INTEGER PRIMARY KEY)", &[]).unwrap();
    connection.execute("CREATE TABLE child (p INTEGER REFERENCES parent ON DELETE CASCADE)", &[]).unwrap();
    connection.watch(true).unwrap();
    connection.execute("PRAGMA foreign_keys = OFF", &[]).unwrap();
    assert_eq!(number(connection.as_mut(), "PRAGMA foreign_keys"), 0);
    connection.execute("PRAGMA foreign_keys = ON", &[]).unwrap();
    connection.execute("CREATE TABLE made (a)", &[]).unwrap();
    connection.execute("UPDATE parent SET id = 2", &[]).unwrap();
    connection.execute("DELETE FROM parent", &[]).unwrap();
    connection.execute("DROP TABLE made", &[]).unwrap();
    // Still not, even so: a transaction has one owner.
    assert_eq!(connection.execute("COMMIT", &[]).unwrap_err().kind(), ErrorKind::Unsupported);
    let seen = connection.watch(false).unwrap();
    let made = || (Object::Table, "made".to_owned());
    for (what, action) in [
        ("create", Action::Create { object: made().0, name: made().1, table: made().1 }),
        ("drop", Action::Drop { object: made().0, name: made().1, table: made().1 }),
        ("update", Action::Update { table: "parent".into(), column: "id".into() }),
        ("delete", Action::Delete { table: "parent".into() }),
        ("cascade", Action::Delete { table: "child".into() }),
        ("pragma", Action::Pragma { name: "foreign_keys".into(), value: Some("OFF".into()) }),
    ] {
        assert!(seen.contains(&action), "{what}: {seen:?}");
    }
    assert_eq!(
        connection.execute("PRAGMA foreign_keys = OFF", &[]).unwrap_err().kind(),
        ErrorKind::Unsupported
    );
    assert_eq!(number(connection.as_mut(), "PRAGMA foreign_keys"), 1);
}

/// A statement that is kept says what it does to each watch in which it runs, and to none in which it does not.
pub(crate) fn each_watch_is_told_of_a_statement_that_runs_again(subject: &Subject) {
    let mut connection = subject.connect();
    connection.execute("CREATE TABLE t (n)", &[]).unwrap();
    let insert = "INSERT INTO t VALUES (1)";
    connection.execute(insert, &[]).unwrap();
    assert!(connection.watch(true).unwrap().is_empty());
    for _ in 0..3 {
        connection.execute(insert, &[]).unwrap();
        connection.execute(insert, &[]).unwrap();
        assert_eq!(connection.watch(true).unwrap(), [Action::Insert { table: "t".into() }]);
    }
    assert!(connection.watch(false).unwrap().is_empty());
    connection.execute(insert, &[]).unwrap();
    assert!(connection.watch(true).unwrap().is_empty());
}

pub(crate) fn a_lock_has_one_holder(subject: &Subject) {
    let mut first = subject.connect();
    let held = first.lock("test").unwrap();
    let _other_name = first.lock("other").unwrap();
    let Some(mut second) = subject.other(Access::Write, Duration::from_millis(30)) else { return };
    assert_eq!(second.lock("test").unwrap_err().kind(), ErrorKind::Busy);
    // It is apart from transactions.
    second.begin(Access::Write).unwrap();
    second.rollback().unwrap();
    drop(held);
    drop(second.lock("test").unwrap());
    if subject.is_postgres() {
        return;
    }
    let left: Vec<_> = std::fs::read_dir(subject.path().parent().unwrap())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.contains("-test"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}
