//! A migration is applied whole or not at all, and its row in the history with it: whatever fails, and wherever.

use crate::kit::faulty::{Faulty, When};
use crate::{Open, app, ids, losses, one};
use larder::driver::sqlite::{Place as Where, Settings, Sqlite};
use larder::migrate::{Approval, Failed, Migrator, Phase, Stop};
use larder::{Database, ErrorKind, Migration, MigrationSet, Options};
use larder_kit::{Engine, Place};
use std::sync::Arc;
use std::time::Duration;

const ONE: &str = "CREATE TABLE t (id INTEGER PRIMARY KEY, a); INSERT INTO t VALUES (1, 'x'), (2, 'y')";
const TWO: &str = "ALTER TABLE t ADD COLUMN b; UPDATE t SET b = a";
const THREE: &str = "CREATE TABLE u (c); INSERT INTO u SELECT id FROM t";

fn faulty(place: &Place) -> (Arc<Faulty>, Database) {
    let driver =
        Faulty::around(Arc::new(Sqlite { place: Where::File(place.path()), settings: Settings::default() }));
    let db = Options::driver(driver.clone()).open().unwrap();
    (driver, db)
}

/// Schema and rows as they are in the file, by another connection.
fn dump(place: &Place) -> Vec<String> {
    let db = place.open();
    let mut all: Vec<String> = db
        .query_all("SELECT coalesce(sql, '') || name FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%' ORDER BY name", &[])
        .unwrap();
    if all.iter().any(|sql| sql.contains("CREATE TABLE t ")) {
        all.extend(db.query_all::<String>("SELECT id || ':' || a FROM t", &[]).unwrap());
    }
    all
}

#[test]
fn the_row_of_the_history_can_not_be_written_and_the_migration_is_gone() {
    // As each row is, and what is noted about the whole.
    for call in [
        "execute INSERT INTO main.schema_migrations",
        "execute UPDATE main.meta",
        "execute PRAGMA user_version",
    ] {
        for kind in [ErrorKind::Io, ErrorKind::DiskFull, ErrorKind::Busy] {
            let place = Place::new(Engine::Sqlite);
            let (driver, db) = faulty(&place);
            db.migrate(&[&app(&[ONE])]).unwrap();
            let before = dump(&place);
            driver.fail(call, When::Instead, kind);
            let error = db.migrate(&[&app(&[ONE, TWO])]).unwrap_err();
            assert!(driver.all_struck(), "{call}");
            assert_eq!(error.kind(), kind, "{error:?}");
            assert_eq!(error.find::<Failed>().unwrap().id, "0002_m");
            assert_eq!(dump(&place), before, "{call} {kind:?}");
            assert_eq!(db.schema_version().unwrap(), Some(1));
            // The same handle goes on.
            assert_eq!(ids(&db.migrate(&[&app(&[ONE, TWO])]).unwrap()), ["0002_m"]);
            assert_eq!(one::<i64>(&db, "PRAGMA foreign_keys"), 1);
        }
    }
}

/// Every call to the engine fails once, before or after it was made: what is committed is always whole.
#[test]
fn whichever_call_fails_nothing_is_half_done() {
    let texts = [ONE, TWO, THREE, "DROP TABLE u"];
    let set = || app(&texts);
    let run = |db: &Database| Migrator::new(&[&set()]).approve(Approval::Everything).up(db);
    let calls = {
        let place = Place::new(Engine::Sqlite);
        let (driver, db) = faulty(&place);
        db.migrate(&[&app(&texts[..1])]).unwrap();
        driver.log();
        run(&db).unwrap();
        driver.log().len()
    };
    assert!(calls > 60, "{calls}");
    let (mut failed, mut survived) = (0, 0);
    for at in 0..calls {
        for (when, kind) in [(When::Instead, ErrorKind::Io), (When::After, ErrorKind::Io)] {
            let place = Place::new(Engine::Sqlite);
            let (driver, db) = faulty(&place);
            db.migrate(&[&app(&texts[..1])]).unwrap();
            driver.fail_later(at, "", when, kind);
            let result = run(&db);
            assert!(driver.all_struck());
            match &result {
                Ok(_) => survived += 1,
                Err(_) => failed += 1,
            }
            // Looked at from elsewhere: history and schema tell the same.
            let other = place.open();
            let version = other.schema_version().unwrap().unwrap();
            let has = |sql: &str| one::<i64>(&other, sql) > 0;
            assert_eq!(
                has("SELECT count(*) FROM pragma_table_info('t') WHERE name = 'b'"),
                version >= 2,
                "{at} {when:?}"
            );
            assert_eq!(
                has("SELECT count(*) FROM sqlite_schema WHERE name = 'u'"),
                version == 3,
                "{at} {when:?}"
            );
            assert_eq!(one::<i64>(&other, "SELECT count(*) FROM schema_migrations"), version);
            assert_eq!(one::<i64>(&other, "PRAGMA user_version"), version);
            assert_eq!(one::<String>(&other, "PRAGMA integrity_check"), "ok");
            drop(other);
            // And it goes on to the newest, from the same handle.
            let again = run(&db)
                .unwrap_or_else(|error| panic!("call {at} {when:?}, then {error:?} after {result:?}"));
            assert_eq!(again.schema_version, Some(4));
            assert_eq!(
                db.write(|tx| tx.query_one::<i64>("PRAGMA foreign_keys", &[])).unwrap(),
                1,
                "{at} {when:?}"
            );
        }
    }
    assert!(failed > calls, "only {failed} failed and {survived} went well");
}

/// A planted bug: who commits the migration and writes its row afterwards. The looks of the test above show it.
#[test]
fn a_row_that_is_written_afterwards_is_caught() {
    let place = Place::new(Engine::Sqlite);
    let (driver, db) = faulty(&place);
    db.migrate(&[&app(&[ONE])]).unwrap();
    db.write(|tx| tx.execute("ALTER TABLE t ADD COLUMN b", &[])).unwrap();
    driver.fail("execute INSERT INTO schema_migrations", When::Instead, ErrorKind::Io);
    db.execute("INSERT INTO schema_migrations (id) VALUES ('0002_m')", &[]).unwrap_err();
    assert!(driver.all_struck());
    let other = place.open();
    let has_column = one::<i64>(&other, "SELECT count(*) FROM pragma_table_info('t') WHERE name = 'b'") > 0;
    assert_ne!(has_column, other.schema_version().unwrap() == Some(2));
}

#[test]
fn a_migration_in_rust_that_fails_or_panics_is_rolled_back_and_the_handle_goes_on() {
    let place = Place::new(Engine::Sqlite);
    let db = place.open();
    let list = |code: fn(&mut larder::WriteTx<'_>) -> larder::Result<()>| {
        MigrationSet::list("app", vec![Migration::sql("0001_m", ONE), Migration::code("0002_code", code)])
    };
    let failing = list(|tx| {
        tx.execute("INSERT INTO t VALUES (3, 'z')", &[])?;
        tx.execute("CREATE TABLE made (a)", &[])?;
        Err(larder::Error::other("not today"))
    });
    let error = db.migrate(&[&failing]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::MigrationFailed);
    assert!(error.message().contains("0002_code failed and was rolled back"), "{error}");
    assert!(format!("{error:?}").contains("not today"), "{error:?}");
    assert_eq!(ids(&error.find::<Failed>().unwrap().report), ["0001_m"]);

    let panicking = list(|tx| {
        tx.execute("INSERT INTO t VALUES (3, 'z')", &[])?;
        tx.savepoint(|tx| {
            tx.execute("INSERT INTO t VALUES (4, 'z')", &[])?;
            panic!("a bug in the migration")
        })
    });
    let migrate = std::panic::AssertUnwindSafe(|| db.migrate(&[&panicking]));
    let panic = std::panic::catch_unwind(migrate).unwrap_err();
    assert_eq!(panic.downcast_ref::<&str>(), Some(&"a bug in the migration"));

    assert_eq!(one::<i64>(&db, "SELECT count(*) FROM t"), 2);
    assert_eq!(db.schema_version().unwrap(), Some(1));
    assert_eq!(db.write(|tx| tx.query_one::<i64>("PRAGMA foreign_keys", &[])).unwrap(), 1);
    // Not watched any more: an application may not do what a migration may.
    assert_eq!(db.execute("PRAGMA user_version = 9", &[]).unwrap_err().kind(), ErrorKind::Unsupported);
    let mended = list(|tx| tx.execute("INSERT INTO t VALUES (3, 'z')", &[]).map(|_| ()));
    assert_eq!(ids(&db.migrate(&[&mended]).unwrap()), ["0002_code"]);
    assert_eq!(one::<i64>(&db, "SELECT count(*) FROM t"), 3);
}

#[test]
fn what_a_migration_in_rust_loses_is_gated_too() {
    let place = Place::new(Engine::Sqlite);
    let db = place.open();
    let list = || {
        let code =
            Migration::code("0002_code", |tx| tx.execute("DELETE FROM t WHERE id = 1", &[]).map(|_| ()));
        MigrationSet::list("app", vec![Migration::sql("0001_m", ONE), code])
    };
    db.migrate(&[&app(&[ONE])]).unwrap();
    assert_eq!(losses(&db.migrate(&[&list()]).unwrap_err()), ["rows of t: 1 row"]);
    let approve = Approval::Migration("0002_code".into());
    Migrator::new(&[&list()]).approve(approve).up(&db).unwrap();
    assert_eq!(one::<i64>(&db, "SELECT count(*) FROM t"), 1);
}

const LONG: &str = "CREATE TABLE made (a);
    WITH RECURSIVE n (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n) INSERT INTO made SELECT i FROM n WHERE i < 1000;";

#[test]
fn a_statement_without_end_is_stopped_and_rolled_back() {
    for texts in [
        vec![ONE, LONG],
        vec![LONG],
        vec![ONE, "-- larder: no-transaction\nSELECT 1; DELETE FROM t WHERE 0;"],
    ] {
        let place = Place::new(Engine::Sqlite);
        let db = place.open();
        if texts.len() > 1 {
            db.migrate(&[&app(&texts[..1])]).unwrap();
        }
        let before = dump(&place);
        let stop = Stop::new();
        let other = stop.clone();
        let told = move |progress: &larder::migrate::Progress| {
            if progress.phase == Phase::Running && progress.statements == 2 && progress.statement == 2 {
                let stop = other.clone();
                // Later than the beginning of the statement, or earlier: either must do.
                std::thread::spawn(move || stop.stop());
            }
        };
        let endless = app(&texts);
        let result = Migrator::new(&[&endless]).stop(&stop).on_progress(told).up(&db);
        if texts.last().unwrap().contains("no-transaction") {
            // Its statements are too short to be met for sure.
            continue;
        }
        let error = result.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Interrupted, "{error:?}");
        assert!(error.message().contains("was stopped and rolled back"), "{error}");
        let without: Vec<String> = dump(&place)
            .into_iter()
            .filter(|line| !line.contains("meta") && !line.contains("schema_migrations"))
            .collect();
        let expected: Vec<String> = before
            .into_iter()
            .filter(|line| !line.contains("meta") && !line.contains("schema_migrations"))
            .collect();
        assert_eq!(without, expected);
        assert_eq!(one::<String>(&db, "PRAGMA integrity_check"), "ok");
        assert_eq!(db.write(|tx| tx.query_one::<i64>("PRAGMA foreign_keys", &[])).unwrap(), 1);
        // A second run that nobody stops comes to its end, once the text has one.
        let last = texts.last().unwrap().replace("FROM n)", "FROM n WHERE i < 2000)");
        let mut mended = texts.clone();
        let at = mended.len() - 1;
        mended[at] = &last;
        assert_eq!(db.migrate(&[&app(&mended)]).unwrap().done.len(), 1);
        assert_eq!(one::<i64>(&db, "SELECT count(*) FROM made"), 999);
    }
}

#[test]
fn a_stop_that_was_asked_for_before_stops_at_once() {
    let place = Place::new(Engine::Sqlite);
    let db = place.open();
    let stop = Stop::new();
    stop.stop();
    let error = Migrator::new(&[&app(&[ONE])]).stop(&stop).up(&db).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Interrupted);
    assert_eq!(db.schema_version().unwrap(), None);
    // Nothing was to be done: nothing was stopped.
    db.migrate(&[&app(&[ONE])]).unwrap();
    Migrator::new(&[&app(&[ONE])]).stop(&stop).up(&db).unwrap();
}

#[test]
fn the_file_may_not_grow_any_more() {
    let place = Place::new(Engine::Sqlite);
    let options = || Database::options(place.path().display().to_string());
    let db = options().open().unwrap();
    db.migrate(&[&app(&[ONE])]).unwrap();
    db.close().unwrap();
    let pages: i64 = one(&place.open(), "PRAGMA page_count");
    let db = options().pragma("max_page_count", (pages + 3).to_string()).open().unwrap();
    let before = dump(&place);
    let big = "CREATE TABLE big (a);
        WITH RECURSIVE n (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 100) INSERT INTO big SELECT randomblob(4000) FROM n";
    let error = db.migrate(&[&app(&[ONE, TWO, big])]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::DiskFull, "{error:?}");
    assert!(error.help().unwrap().contains("free space"));
    assert_eq!(error.find::<Failed>().unwrap().id, "0003_m");
    // The second had a transaction of its own, for it touched what was there.
    assert_eq!(ids(&error.find::<Failed>().unwrap().report), ["0002_m"]);
    assert_eq!(db.schema_version().unwrap(), Some(2));
    assert_eq!(dump(&place).len(), before.len());
    assert_eq!(db.write(|tx| tx.query_one::<i64>("PRAGMA foreign_keys", &[])).unwrap(), 1);
    db.close().unwrap();
    // With more room it goes on.
    assert_eq!(ids(&place.open().migrate(&[&app(&[ONE, TWO, big])]).unwrap()), ["0003_m"]);
}

#[test]
fn a_handle_that_only_reads_migrates_nothing_and_can_be_asked() {
    let place = Place::new(Engine::Sqlite);
    place.open().migrate(&[&app(&[ONE])]).unwrap();
    let db = Database::options(place.path().display().to_string()).read_only(true).open().unwrap();
    let both = app(&[ONE, TWO]);
    assert_eq!(db.migrate(&[&both]).unwrap_err().kind(), ErrorKind::ReadOnly);
    assert_eq!(db.migrate(&[&app(&[ONE])]).unwrap().done.len(), 0, "up to date is an answer");
    let plan = Migrator::new(&[&both]).plan(&db).unwrap();
    assert_eq!(plan.steps.iter().map(|step| step.id.as_str()).collect::<Vec<_>>(), ["0002_m"]);
    assert_eq!(Migrator::new(&[&both]).status(&db).unwrap().pending(), 1);
    assert!(Migrator::new(&[&both]).verify(&db).unwrap().is_empty());
    assert_eq!(db.schema_version().unwrap(), Some(1));
    let report = Migrator::new(&[&both]).dry_run(&db).unwrap();
    assert_eq!(ids(&report), ["0002_m"]);
}

#[test]
fn what_happens_is_told_in_order() {
    let place = Place::new(Engine::Sqlite);
    let db = place.open();
    db.migrate(&[&app(&[ONE])]).unwrap();
    let mut told = Vec::new();
    let set = app(&[ONE, "CREATE TABLE v (a); SELECT 1", "DELETE FROM t WHERE id = 1"]);
    Migrator::new(&[&set])
        .approve(Approval::Migration("0003_m".into()))
        .on_progress(|progress| {
            assert!(progress.elapsed < Duration::from_secs(60));
            assert_eq!(progress.migrations, 2);
            told.push(format!(
                "{} {} {}/{} {:?}",
                progress.migration, progress.id, progress.statement, progress.statements, progress.phase
            ));
        })
        .up(&db)
        .unwrap();
    assert_eq!(
        told,
        [
            "1 0002_m 1/2 Running",
            "1 0002_m 2/2 Running",
            "1 0002_m 2/2 Measuring",
            "1 0002_m 2/2 Committing",
            "2 0003_m 1/1 Running",
            "2 0003_m 1/1 Measuring",
            "2 0003_m 1/1 BackingUp",
            "2 0003_m 1/1 Committing",
        ]
    );
}
