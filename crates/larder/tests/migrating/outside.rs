//! Outside a transaction nothing can be rolled back. Elsewhere a migration that failed there can never be retried, or must be
//! forced. Here a mark says how far it came, and a person decides how it goes on.

use crate::{Open, app, ids, losses, one};
use larder::migrate::{Approval, Failed, Migrator, Repair, Standing};
use larder::{Database, ErrorKind};
use larder_kit::{Engine, Place};

const ONE: &str = "CREATE TABLE t (id INTEGER PRIMARY KEY, a); INSERT INTO t VALUES (1, 'x'), (2, 'y')";
const BROKEN_FIRST: &str = "-- larder: no-transaction\nINSERT INTO missing VALUES (1);\nVACUUM;";
const BROKEN_SECOND: &str = "-- larder: no-transaction\nINSERT INTO t VALUES (3, 'z');\n  INSERT INTO missing VALUES (1);\nINSERT INTO t VALUES (4, 'z');";

/// The rehearsal on a copy fails like the real run would, so nothing at all has happened.
#[test]
fn one_that_fails_on_a_copy_already_was_never_begun() {
    for (broken, line) in [(BROKEN_FIRST, 2), (BROKEN_SECOND, 3)] {
        let place = Place::new(Engine::Sqlite);
        let db = place.open();
        let error = db.migrate(&[&app(&[ONE, broken, "CREATE TABLE after (a)"])]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::MigrationFailed, "{error:?}");
        assert!(
            error.message().contains("0002_m failed") && !error.message().contains("rolled back"),
            "{error}"
        );
        assert_eq!(error.location().unwrap().line(), line);
        assert_eq!(ids(&error.find::<Failed>().unwrap().report), ["0001_m"]);
        assert_eq!(one::<i64>(&db, "SELECT count(*) FROM t"), 2);
        // Mended, it is retried.
        let mended = broken.replace("missing VALUES (1)", "t VALUES (9, 'w')");
        let report = db.migrate(&[&app(&[ONE, &mended, "CREATE TABLE after (a)"])]).unwrap();
        assert_eq!(ids(&report), ["0002_m", "0003_m"]);
        assert_eq!(one::<i64>(&db, "SELECT count(*) FROM t WHERE id = 9"), 1);
    }
}

/// What fails in the real run alone: by a fault of the disk, or because the data changed between copy and run.
mod cut_off {
    use super::*;
    use crate::kit::faulty::{Faulty, When};
    use larder::Options;
    use larder::driver::sqlite::{Place as Where, Settings, Sqlite};
    use std::sync::Arc;

    const THREE: &str = "-- larder: no-transaction\nINSERT INTO t VALUES (3, 'z');\nCREATE TABLE u (a);\nINSERT INTO u VALUES (1);";
    const FOUR: &str = "CREATE TABLE last (a)";

    /// A database of which the migration `THREE` was cut off after `done` statements, through `call`.
    fn cut(call: &'static str, done: i64) -> (Place, Database) {
        let place = Place::new(Engine::Sqlite);
        let driver = Faulty::around(Arc::new(Sqlite {
            place: Where::File(place.path()),
            settings: Settings::default(),
        }));
        let db = Options::driver(driver.clone()).open().unwrap();
        db.migrate(&[&app(&[ONE])]).unwrap();
        driver.fail(call, When::Instead, ErrorKind::Io);
        let error = db.migrate(&[&app(&[ONE, THREE, FOUR])]).unwrap_err();
        assert!(driver.all_struck());
        assert_eq!(error.kind(), ErrorKind::Io, "{error:?}");
        assert!(error.help().unwrap().contains("larder repair 0002_m --resume"), "{error}");
        assert!(error.help().unwrap().contains(&format!("first {done} statement")), "{error}");
        db.close().unwrap();
        let db = place.open();
        assert_eq!(
            one::<i64>(&db, "SELECT statements_done FROM schema_migrations WHERE state = 'started'"),
            done
        );
        (place, db)
    }

    fn assert_done(db: &Database) {
        assert_eq!(one::<i64>(db, "SELECT count(*) FROM t"), 3);
        assert_eq!(one::<i64>(db, "SELECT count(*) FROM u"), 1);
        assert_eq!(db.migrate(&[&app(&[ONE, THREE, FOUR])]).unwrap().done.len(), 0);
        assert_eq!(db.schema_version().unwrap(), Some(3));
    }

    #[test]
    fn it_is_named_and_nothing_goes_on_by_itself() {
        let (_place, db) = cut("execute CREATE TABLE u", 1);
        for _ in 0..2 {
            let error = db.migrate(&[&app(&[ONE, THREE, FOUR])]).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::MigrationUnfinished);
            for said in ["\"0002_m\" runs outside a transaction", "1 of its statements"] {
                assert!(error.message().contains(said), "{error}");
            }
            assert!(error.help().unwrap().contains("larder repair"), "{error}");
        }
        let status = Migrator::new(&[&app(&[ONE, THREE, FOUR])]).status(&db).unwrap();
        assert_eq!(status.rows[1].state, Standing::Unfinished);
        assert_eq!(status.problem.unwrap().kind(), ErrorKind::MigrationUnfinished);
    }

    #[test]
    fn resumed_it_goes_on_after_what_is_done() {
        for (call, done) in [("execute CREATE TABLE u", 1), ("execute INSERT INTO u", 2)] {
            let (_place, db) = cut(call, done);
            let report =
                Migrator::new(&[&app(&[ONE, THREE, FOUR])]).repair(&db, "0002_m", Repair::Resume).unwrap();
            assert_eq!(ids(&report), ["0002_m", "0003_m"]);
            assert_done(&db);
        }
    }

    #[test]
    fn marked_as_applied_it_counts_as_done() {
        let (_place, db) = cut("execute CREATE TABLE u", 1);
        db.execute("CREATE TABLE u (a)", &[]).unwrap();
        db.execute("INSERT INTO u VALUES (1)", &[]).unwrap();
        let set = app(&[ONE, THREE, FOUR]);
        Migrator::new(&[&set]).repair(&db, "0002_m", Repair::MarkApplied).unwrap();
        assert_eq!(ids(&db.migrate(&[&set]).unwrap()), ["0003_m"]);
        assert_done(&db);
        let approval: String = one(&db, "SELECT approval FROM schema_migrations WHERE id = '0002_m'");
        assert!(approval.contains("by hand"), "{approval}");
    }

    #[test]
    fn forgotten_it_is_pending_again() {
        let (_place, db) = cut("execute CREATE TABLE u", 1);
        db.execute("DELETE FROM t WHERE id = 3", &[]).unwrap();
        let set = app(&[ONE, THREE, FOUR]);
        Migrator::new(&[&set]).repair(&db, "0002_m", Repair::Forget).unwrap();
        assert_eq!(ids(&db.migrate(&[&set]).unwrap()), ["0002_m", "0003_m"]);
        assert_done(&db);
    }

    #[test]
    fn a_repair_that_does_not_fit_is_refused() {
        let (_place, db) = cut("execute CREATE TABLE u", 1);
        let set = app(&[ONE, THREE, FOUR]);
        for (id, how) in [
            ("0001_m", Repair::Resume),
            ("0001_m", Repair::Forget),
            ("0001_m", Repair::MarkApplied),
            ("0003_m", Repair::Resume),
            ("9", Repair::AcceptEdited),
        ] {
            let error = Migrator::new(&[&set]).repair(&db, id, how).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Config, "{id} {how:?}: {error:?}");
        }
        let edited = app(&[ONE, "-- larder: no-transaction\nDROP TABLE t", FOUR]);
        let error = Migrator::new(&[&edited]).repair(&db, "0002_m", Repair::AcceptEdited).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(error.help().unwrap().starts_with("finish it first with --resume"), "{error:?}");
        assert_eq!(db.migrate(&[&set]).unwrap_err().kind(), ErrorKind::MigrationUnfinished);
    }

    /// Killed after the mark was written and before the first statement was done.
    #[test]
    fn begun_and_nothing_done_it_can_be_resumed_too() {
        let place = Place::new(Engine::Sqlite);
        let db = place.open();
        let set = app(&[ONE, THREE, FOUR]);
        db.migrate(&[&set]).unwrap();
        for undo in [
            "DROP TABLE u",
            "DROP TABLE last",
            "DELETE FROM t WHERE id = 3",
            "DELETE FROM schema_migrations WHERE version = 3",
            "UPDATE schema_migrations SET state = 'started', statements_done = 0 WHERE version = 2",
            "UPDATE meta SET fingerprints = NULL, schema_version = 1",
        ] {
            db.execute(undo, &[]).unwrap();
        }
        assert_eq!(db.migrate(&[&set]).unwrap_err().kind(), ErrorKind::MigrationUnfinished);
        Migrator::new(&[&set]).repair(&db, "0002_m", Repair::Resume).unwrap();
        assert_done(&db);
    }
}

#[test]
fn what_it_loses_is_known_before_it_runs_and_backed_up() {
    let place = Place::new(Engine::Sqlite);
    let db = place.open();
    db.migrate(&[&app(&[ONE])]).unwrap();
    let text = "-- larder: no-transaction\nDELETE FROM t WHERE id = 1; VACUUM";
    let set = app(&[ONE, text]);
    assert_eq!(losses(&db.migrate(&[&set]).unwrap_err()), ["rows of t: 1 row"]);
    assert_eq!(one::<i64>(&db, "SELECT count(*) FROM schema_migrations"), 1, "it was not begun");
    let report = Migrator::new(&[&set]).approve(Approval::Everything).up(&db).unwrap();
    let backup = Database::open(report.done[0].backup.clone().unwrap()).unwrap();
    assert_eq!(one::<i64>(&backup, "SELECT count(*) FROM t"), 2);
    assert_eq!(one::<i64>(&db, "SELECT count(*) FROM t"), 1);
}

#[test]
fn what_needs_it_works() {
    let place = Place::new(Engine::Sqlite);
    let db = place.open();
    let texts = [
        "-- larder: no-transaction\nPRAGMA auto_vacuum = FULL; VACUUM;",
        ONE,
        "-- larder: no-transaction\nVACUUM",
    ];
    assert_eq!(db.migrate(&[&app(&texts)]).unwrap().done.len(), 3);
    assert_eq!(one::<i64>(&db, "PRAGMA auto_vacuum"), 1);
    let left: Vec<_> = std::fs::read_dir(place.folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .filter(|name| !["app.db", "app.db-wal", "app.db-shm"].contains(&name.as_str()))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn a_rebuild_there_empties_nothing_either() {
    let place = Place::new(Engine::Sqlite);
    let db = place.open();
    let seed =
        "CREATE TABLE p (id INTEGER PRIMARY KEY); CREATE TABLE c (p REFERENCES p (id) ON DELETE CASCADE);
        INSERT INTO p VALUES (1), (2); INSERT INTO c VALUES (1), (2), (2)";
    let rebuild = "-- larder: no-transaction
        CREATE TABLE n (id INTEGER PRIMARY KEY, a); INSERT INTO n SELECT id, 1 FROM p; DROP TABLE p; ALTER TABLE n RENAME TO p";
    db.migrate(&[&app(&[seed, rebuild])]).unwrap();
    assert_eq!(one::<i64>(&db, "SELECT count(*) FROM c"), 3);
    assert_eq!(db.write(|tx| tx.query_one::<i64>("PRAGMA foreign_keys", &[])).unwrap(), 1);
}

#[test]
fn a_dry_run_tells_what_it_would_lose() {
    let place = Place::new(Engine::Sqlite);
    let db = place.open();
    db.migrate(&[&app(&[ONE])]).unwrap();
    let set =
        app(&[ONE, "-- larder: no-transaction\nDELETE FROM t WHERE id = 1; VACUUM", "CREATE TABLE u (a)"]);
    let report = Migrator::new(&[&set]).dry_run(&db).unwrap();
    assert_eq!(ids(&report), ["0002_m", "0003_m"]);
    assert_eq!(report.done[0].effects.losses[0].to_string(), "rows of t: 1 row");
    assert_eq!(one::<i64>(&db, "SELECT count(*) FROM t"), 2);
}

/// Stopped while it runs on the copy: the database itself has not seen it yet.
#[test]
fn a_stop_reaches_the_rehearsal_too() {
    let place = Place::new(Engine::Sqlite);
    let db = place.open();
    db.migrate(&[&app(&[ONE])]).unwrap();
    let endless = "-- larder: no-transaction
        WITH RECURSIVE n (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n) INSERT INTO t SELECT NULL, i FROM n WHERE i < 3;";
    // Before the copy is made, while it is, and while the statement runs.
    for after_ms in [0, 1, 2, 4, 8, 50] {
        let stop = larder::migrate::Stop::new();
        let other = stop.clone();
        let asking = std::thread::spawn(move || {
            std::thread::sleep(std::time::Duration::from_millis(after_ms));
            other.stop();
        });
        let error = Migrator::new(&[&app(&[ONE, endless])]).stop(&stop).up(&db).unwrap_err();
        asking.join().unwrap();
        assert_eq!(error.kind(), ErrorKind::Interrupted, "{error:?}");
    }
    assert_eq!(one::<i64>(&db, "SELECT count(*) FROM t"), 2);
    assert_eq!(one::<i64>(&db, "SELECT count(*) FROM schema_migrations"), 1);
}
