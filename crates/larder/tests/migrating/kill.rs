//! Killed in the middle. A process that migrates is killed at a moment nobody chose, again and again; after each the file is
//! whole, at some version that its history tells, and goes on to the newest.
//!
//! `LARDER_KILL_SECONDS=60` lets it run for that long.

use crate::kit::child;
use larder::migrate::{Migrator, Repair};
use larder::{Database, ErrorKind, Migration, MigrationSet};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

const STEPS: usize = 24;

/// Tables, rows, a backfill, a rebuild, and at the end two outside a transaction: each leaves a trace that tells that it was
/// applied, and how often.
fn set() -> MigrationSet {
    let list = (1..=STEPS)
        .map(|n| {
            let text = match n {
                1 => "CREATE TABLE trace (step INTEGER); CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT);
                    CREATE TABLE child (id INTEGER PRIMARY KEY, t_id REFERENCES t (id) ON DELETE CASCADE);"
                    .to_owned(),
                n if n % 8 == 4 => "CREATE TABLE n (id INTEGER PRIMARY KEY, a TEXT);
                    INSERT INTO n SELECT * FROM t; DROP TABLE t; ALTER TABLE n RENAME TO t;"
                    .to_owned(),
                n if n % 8 == 0 => "-- larder: no-transaction\nANALYZE; VACUUM;".to_owned(),
                n if n % 2 == 0 => format!(
                    "CREATE TABLE t{n} (a); CREATE INDEX i{n} ON t{n} (a); INSERT INTO t{n} SELECT id FROM t;"
                ),
                n => format!(
                    "WITH RECURSIVE n (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 200)
                     INSERT INTO t (a) SELECT 'step {n}, row ' || i FROM n;
                     INSERT INTO child (t_id) SELECT id FROM t ORDER BY id DESC LIMIT 50;"
                ),
            };
            Migration::sql(crate::id(n), format!("{text}\nINSERT INTO trace VALUES ({n});"))
        })
        .collect();
    MigrationSet::list("app", list)
}

#[test]
fn child() {
    let Some(path) = child::told() else { return };
    let db = Database::open(&path).unwrap();
    let settled = settle(&db);
    // One transaction in some, one each in others.
    let result = if path.contains("one-by-one") {
        (1..=STEPS).try_for_each(|n| Migrator::new(&[&set()]).to(crate::id(n)).up(&db).map(|_| ()))
    } else {
        db.migrate(&[&set()]).map(|_| ())
    };
    assert!(settled);
    result.unwrap();
}

/// A migration outside a transaction that was cut off is named and needs a decision. Here each of its statements may be done
/// twice but for the trace, which is done if it is there.
fn settle(db: &Database) -> bool {
    let status = Migrator::new(&[&set()]).status(db).unwrap();
    match status.problem {
        None => true,
        Some(problem) => {
            assert_eq!(problem.kind(), ErrorKind::MigrationUnfinished, "{problem:?}");
            let row =
                status.rows.iter().find(|row| row.state == larder::migrate::Standing::Unfinished).unwrap();
            let step: usize = row.id[..4].parse().unwrap();
            let traced: i64 =
                db.query_one(&format!("SELECT count(*) FROM trace WHERE step = {step}"), &[]).unwrap();
            let how = if traced > 0 { Repair::MarkApplied } else { Repair::Resume };
            // Resumed, it goes on after the statements that are done, and then with all that is pending.
            Migrator::new(&[&set()]).to(row.id.clone()).repair(db, &row.id, how).unwrap();
            true
        }
    }
}

/// What must be so whenever it was killed. Gives the number of migrations that are applied.
fn check(path: &Path) -> usize {
    let plain = rusqlite::Connection::open(path).unwrap();
    let ask = |sql: &str| -> String {
        plain.query_row(sql, [], |row| row.get::<_, rusqlite::types::Value>(0)).map_or_else(
            |error| {
                if error == rusqlite::Error::QueryReturnedNoRows { String::new() } else { format!("{error}") }
            },
            |value| match value {
                rusqlite::types::Value::Text(text) => text,
                rusqlite::types::Value::Integer(number) => number.to_string(),
                other => format!("{other:?}"),
            },
        )
    };
    assert_eq!(ask("PRAGMA integrity_check"), "ok");
    assert_eq!(ask("SELECT count(*) FROM pragma_foreign_key_check"), "0");
    if ask("SELECT count(*) FROM sqlite_schema WHERE name IN ('schema_migrations', 'meta')") != "2" {
        assert_eq!(ask("SELECT count(*) FROM sqlite_schema"), "0", "all or nothing");
        return 0;
    }
    // History and schema tell the same: each applied migration left its trace once, and none else did, but for one outside a
    // transaction whose last statement was done and not yet written down.
    let applied = ask("SELECT count(*) FROM schema_migrations WHERE state = 'applied'");
    if applied != "0" {
        assert_eq!(ask("SELECT count(*) FROM trace t GROUP BY step HAVING count(*) > 1"), "");
        let untraced = "SELECT count(*) FROM schema_migrations WHERE state = 'applied' AND version NOT IN (SELECT step FROM trace)";
        assert_eq!(ask(untraced), "0");
        let unwritten =
            "SELECT count(*) FROM trace WHERE step NOT IN (SELECT version FROM schema_migrations)";
        assert_eq!(ask(unwritten), "0");
        let tables = "SELECT count(*) FROM schema_migrations WHERE state = 'applied' AND version % 2 = 0 AND version % 4 <> 0
            AND 't' || version NOT IN (SELECT name FROM sqlite_schema)";
        assert_eq!(ask(tables), "0");
        assert_eq!(ask("SELECT schema_version FROM meta"), ask("PRAGMA user_version"));
        assert_eq!(
            ask("SELECT max(version) FROM schema_migrations WHERE state = 'applied'"),
            ask("PRAGMA user_version")
        );
    }
    applied.parse().unwrap()
}

#[test]
fn killed_at_random_a_migration_leaves_a_whole_database() {
    let seconds = std::env::var("LARDER_KILL_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(6);
    let until = Instant::now() + Duration::from_secs(seconds);
    let folder = tempfile::tempdir().unwrap();
    let (kills, middle, whole, finished) =
        (AtomicUsize::new(0), AtomicUsize::new(0), AtomicUsize::new(0), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for worker in 0..4 {
            let (folder, kills, middle, whole, finished) =
                (folder.path(), &kills, &middle, &whole, &finished);
            scope.spawn(move || {
                for round in 0.. {
                    let mode = if round % 2 == 0 { "one-by-one" } else { "together" };
                    let place = folder.join(format!("{mode}-{worker}-{round}"));
                    std::fs::create_dir(&place).unwrap();
                    let path = place.join("app.db");
                    // One database is killed several times, unless it comes to its end before.
                    for _ in 0..fastrand::usize(1..8) {
                        let mut command: Command = child::command("kill::child", path.to_str().unwrap());
                        let mut running =
                            command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
                        std::thread::sleep(Duration::from_micros(fastrand::u64(1_000..60_000)));
                        running.kill().unwrap();
                        let output = running.wait_with_output().unwrap();
                        let applied = if path.exists() { check(&path) } else { 0 };
                        if output.status.code().is_some() {
                            let said = String::from_utf8_lossy(&output.stderr).into_owned();
                            assert!(output.status.success(), "{said}");
                            assert_eq!(applied, STEPS);
                            break;
                        }
                        kills.fetch_add(1, Ordering::Relaxed);
                        middle.fetch_add(usize::from(applied > 0 && applied < STEPS), Ordering::Relaxed);
                        if Instant::now() > until {
                            break;
                        }
                    }
                    // However it was left, it goes on to the newest.
                    let db = Database::open(&path).unwrap();
                    settle(&db);
                    db.migrate(&[&set()]).unwrap();
                    assert_eq!(db.schema_version().unwrap(), Some(STEPS as i64));
                    let rows: (i64, i64) = db
                        .query_one("SELECT (SELECT count(*) FROM t), (SELECT count(*) FROM child)", &[])
                        .unwrap();
                    assert_eq!(rows, (2200, 550), "each row once");
                    db.close().unwrap();
                    assert_eq!(check(&path), STEPS);
                    whole.fetch_add(1, Ordering::Relaxed);
                    finished.fetch_add(1, Ordering::Relaxed);
                    std::fs::remove_dir_all(&place).unwrap();
                    if Instant::now() > until {
                        break;
                    }
                }
            });
        }
    });
    let (kills, middle, whole) = (kills.into_inner(), middle.into_inner(), whole.into_inner());
    println!(
        "{kills} kills in {seconds} s, {middle} of them in the middle; {whole} databases came to their end"
    );
    assert!(middle > 10, "only {middle} of {kills} kills hit in the middle: this shows nothing");
    assert!(whole > 4);
}
