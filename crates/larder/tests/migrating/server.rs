//! On a server: who migrates takes turns, nobody waits behind a migration, and what is killed lets go.

use crate::{Open, app, ids, one};
use larder::migrate::{Failed, Migrator, Phase, Repair};
use larder::{Database, ErrorKind, MigrationSet};
use larder_kit::{Engine, Place};
use std::cell::Cell;
use std::time::{Duration, Instant};

fn place() -> Place {
    Place::new(Engine::Postgres)
}

#[test]
fn up_and_down_and_the_state() {
    let place = place();
    let db = place.open();
    let set =
        app(&["CREATE TABLE t (a int)", "INSERT INTO t VALUES (1), (2)", "CREATE VIEW v AS SELECT a FROM t"]);
    let report = db.migrate(&[&set]).unwrap();
    assert_eq!(ids(&report), ["0001_m", "0002_m", "0003_m"]);
    assert_eq!(db.schema_version().unwrap(), Some(3));
    assert!(db.migrate(&[&set]).unwrap().done.is_empty());
    let status = Migrator::new(&[&set]).status(&db).unwrap();
    assert_eq!(status.pending(), 0);
    assert!(status.problem.is_none());
    assert_eq!(one::<i64>(&db, "SELECT count(*) FROM t"), 2);
}

#[test]
fn what_another_schema_of_the_path_holds_is_not_its_own() {
    let place = place();
    let mut client = place.client();
    client.batch_execute("CREATE SCHEMA a").unwrap();
    let set = app(&["CREATE TABLE t (a int)"]);
    place.open().migrate(&[&set]).unwrap();
    let inner = format!(
        "{}{}options=-csearch_path%3Da,public",
        place.url(),
        if place.url().contains('?') { '&' } else { '?' }
    );
    let db = Database::options(inner).open().unwrap();
    assert_eq!(db.schema_version().unwrap(), None, "the history of public is not that of a");
    db.migrate(&[&set]).unwrap();
    let count = client.query_one("SELECT count(*) FROM a.schema_migrations", &[]).unwrap().get::<_, i64>(0);
    assert_eq!(count, 1);
}

#[test]
fn a_migration_leaves_the_connection_and_the_bookkeeping_as_they_were() {
    let place = place();
    let db = place.open();
    let texts = [
        "CREATE SCHEMA other; SET LOCAL search_path TO other; CREATE TEMP TABLE helper (a int); CREATE TABLE t (a int)",
        "CREATE TEMP TABLE helper (a int); CREATE TABLE t (a int)",
    ];
    db.migrate(&[&app(&texts)]).unwrap();
    assert_eq!(one::<i64>(&db, "SELECT count(*) FROM pg_class WHERE relname = 't' AND relkind = 'r'"), 2);
    assert_eq!(one::<i64>(&db, "SELECT count(*) FROM public.schema_migrations"), 2);
    let list =
        texts.into_iter().chain(["DO $$ BEGIN DELETE FROM schema_migrations; END $$"]).collect::<Vec<_>>();
    let error = db.migrate(&[&app(&list)]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidMigration, "{error:?}");
    assert_eq!(one::<i64>(&db, "SELECT count(*) FROM public.schema_migrations"), 2);
}

/// A table with rows, which another client has in use.
fn in_use(place: &Place) -> (Database, larder_kit::postgres::Client) {
    let db = place.open();
    db.migrate(&[&app(&[SEED])]).unwrap();
    let mut client = place.client();
    client.batch_execute("SET application_name = 'a long report'").unwrap();
    client.batch_execute("BEGIN").unwrap();
    client.batch_execute("SELECT a, 'secret' FROM t").unwrap();
    (db, client)
}

const SEED: &str = "CREATE TABLE t (a int); INSERT INTO t SELECT * FROM generate_series(1, 10)";

fn wider() -> MigrationSet {
    app(&[SEED, "ALTER TABLE t ADD COLUMN b int"])
}

#[test]
fn nobody_waits_behind_a_migration_that_waits() {
    let place = place();
    let (db, mut holder) = in_use(&place);
    let longest = std::thread::scope(|scope| {
        let migrating = scope.spawn(|| {
            let (set, waited) = (wider(), Cell::new(0));
            let tell = |told: &larder::migrate::Progress| {
                if told.phase == Phase::Waiting {
                    waited.set(waited.get() + 1);
                }
            };
            let report = Migrator::new(&[&set])
                .lock_timeout(Duration::from_millis(100))
                .wait(Duration::from_secs(60))
                .on_progress(tell)
                .up(&db)
                .unwrap();
            (report.done.len(), waited.get())
        });
        let mut other = place.client();
        let mut longest = Duration::ZERO;
        for _ in 0..40 {
            let began = Instant::now();
            other.query("SELECT a FROM t", &[]).unwrap();
            longest = longest.max(began.elapsed());
            std::thread::sleep(Duration::from_millis(20));
        }
        holder.batch_execute("COMMIT").unwrap();
        let (done, waited) = migrating.join().unwrap();
        assert_eq!(done, 1);
        assert!(waited > 1, "it did not wait: this shows nothing");
        longest
    });
    assert!(longest < Duration::from_secs(2), "{longest:?}");
    assert_eq!(one::<i64>(&db, "SELECT count(*) FROM t WHERE b IS NULL"), 10);
}

#[test]
fn who_is_in_the_way_is_named() {
    let place = place();
    let (db, _holder) = in_use(&place);
    let set = wider();
    let error = Migrator::new(&[&set])
        .lock_timeout(Duration::from_millis(200))
        .wait(Duration::from_millis(700))
        .up(&db)
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Busy, "{error:?}");
    assert!(
        error.message().contains("(a long report)") && error.message().contains("last with SELECT"),
        "{error}"
    );
    assert!(!format!("{error:?}").contains("secret"), "{error:?}");
    assert_eq!(error.find::<Failed>().unwrap().id, "0002_m");
    assert_eq!(db.schema_version().unwrap(), Some(1));
}

#[test]
fn a_value_of_a_type_can_be_used_by_the_next() {
    let place = place();
    let db = place.open();
    let texts = [
        "CREATE TYPE mood AS ENUM ('sad'); CREATE TABLE t (a mood)",
        "ALTER TYPE mood ADD VALUE 'happy'",
        "INSERT INTO t VALUES ('happy')",
    ];
    assert_eq!(db.migrate(&[&app(&texts)]).unwrap().done.len(), 3);
}

#[test]
fn what_takes_no_transaction_is_refused_in_one_before_anything_runs() {
    let place = place();
    let db = place.open();
    for bad in ["CREATE INDEX CONCURRENTLY i ON t (a)", "VACUUM t", "ALTER SYSTEM SET work_mem = '4MB'"] {
        let text = format!("SELECT 1;\n\n{bad};");
        let error = db.migrate(&[&app(&[SEED, &text])]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidMigration);
        assert_eq!(error.location().unwrap().line(), 3, "{error}");
        assert!(error.help().unwrap().contains("-- larder: no-transaction"), "{error}");
        assert_eq!(db.schema_version().unwrap(), None, "nothing ran");
    }
}

const UNIQUE: &str = "-- larder: no-transaction\nCREATE UNIQUE INDEX CONCURRENTLY t_a ON t (a); ANALYZE t";

fn valid(db: &Database) -> Vec<bool> {
    let sql = "SELECT indisvalid FROM pg_index JOIN pg_class ON oid = indexrelid WHERE relname = 't_a'";
    db.query_all(sql, &[]).unwrap()
}

#[test]
fn an_index_that_could_not_be_built_leaves_nothing() {
    let place = place();
    let db = place.open();
    db.migrate(&[&app(&[SEED])]).unwrap();
    db.execute("INSERT INTO t VALUES (1)", &[]).unwrap();
    let set = app(&[SEED, UNIQUE]);
    let error = db.migrate(&[&set]).unwrap_err();
    assert_eq!(error.find::<Failed>().unwrap().statement, 1, "{error:?}");
    assert_eq!(valid(&db), [] as [bool; 0]);
    assert_eq!(Migrator::new(&[&set]).status(&db).unwrap().pending(), 1, "as if it had not begun");
    db.execute("DELETE FROM t WHERE ctid = (SELECT max(ctid) FROM t)", &[]).unwrap();
    assert_eq!(ids(&db.migrate(&[&set]).unwrap()), ["0002_m"]);
    assert_eq!(valid(&db), [true]);
}

#[test]
fn an_invalid_index_that_somebody_left_is_built_anew() {
    let place = place();
    let db = place.open();
    db.migrate(&[&app(&[SEED])]).unwrap();
    let mut client = place.client();
    client.batch_execute("INSERT INTO t VALUES (1)").unwrap();
    client.batch_execute("CREATE UNIQUE INDEX CONCURRENTLY t_a ON t (a)").unwrap_err();
    client.batch_execute("DELETE FROM t WHERE ctid = (SELECT max(ctid) FROM t)").unwrap();
    assert_eq!(valid(&db), [false]);
    let text = UNIQUE.replace("CONCURRENTLY", "CONCURRENTLY IF NOT EXISTS");
    let report = db.migrate(&[&app(&[SEED, &text])]).unwrap();
    assert_eq!(valid(&db), [true]);
    let changes = report.done[0].effects.changes.join(", ");
    assert!(changes.contains("drops the invalid index t_a"), "{changes}");
}

#[test]
fn one_that_was_cut_off_goes_on_after_what_is_done() {
    let place = place();
    let db = place.open();
    db.migrate(&[&app(&[SEED])]).unwrap();
    let text = "-- larder: no-transaction\nINSERT INTO t VALUES (100);\nCREATE INDEX CONCURRENTLY t_a ON t (nothing)";
    let set = app(&[SEED, text]);
    let error = db.migrate(&[&set]).unwrap_err();
    assert!(error.help().unwrap().contains("its first 1 statements are done"), "{error}");
    assert_eq!(db.migrate(&[&set]).unwrap_err().kind(), ErrorKind::MigrationUnfinished);
    // The server had gone on with the statement that was under way.
    place
        .client()
        .batch_execute("ALTER TABLE t ADD COLUMN nothing int; CREATE INDEX t_a ON t (nothing)")
        .unwrap();
    let report = Migrator::new(&[&set]).repair(&db, "0002_m", Repair::Resume).unwrap();
    assert!(report.done[0].effects.changes.join(", ").contains("finds the index t_a built"), "{report:?}");
    assert_eq!(one::<i64>(&db, "SELECT count(*) FROM t WHERE a = 100"), 1, "once");
    assert_eq!(db.schema_version().unwrap(), Some(2));
}

#[test]
fn a_dry_run_is_rolled_back_and_says_what_it_did_not_try() {
    let place = place();
    let db = place.open();
    db.migrate(&[&app(&[SEED])]).unwrap();
    let set = app(&[SEED, "ALTER TABLE t ADD COLUMN b int", UNIQUE, "INSERT INTO t VALUES (11, 1)"]);
    let report = Migrator::new(&[&set]).dry_run(&db).unwrap();
    let rehearsed: Vec<bool> = report.done.iter().map(|done| done.rehearsed).collect();
    assert_eq!(rehearsed, [true, false, true]);
    assert_eq!(db.schema_version().unwrap(), Some(1));
    assert_eq!(one::<i64>(&db, "SELECT count(*) FROM t"), 10);
    assert_eq!(valid(&db), [] as [bool; 0]);
    assert_eq!(db.migrate(&[&set]).unwrap().done.len(), 3, "nothing of it is in the way");
}

#[test]
fn what_locks_a_big_table_is_told_with_a_remedy() {
    let place = place();
    let db = place.open();
    let seed = "CREATE TABLE big (a int); INSERT INTO big SELECT * FROM generate_series(1, 60000); CREATE TABLE small (a int)";
    db.migrate(&[&app(&[seed])]).unwrap();
    let text = "ALTER TABLE small ALTER a SET NOT NULL;\nALTER TABLE big ALTER a SET NOT NULL;\nCREATE TABLE new (a int);
        CREATE INDEX i ON new (a)";
    let set = app(&[seed, text]);
    let told = |warnings: &[larder::migrate::Warning]| -> Vec<(String, usize)> {
        warnings.iter().map(|one| (one.rule.clone(), one.line)).collect()
    };
    let plan = Migrator::new(&[&set]).plan(&db).unwrap();
    assert_eq!(told(&plan.steps[0].warnings), [("set-not-null".to_owned(), 2)]);
    assert!(plan.steps[0].warnings[0].message.contains("all of big is read"), "{plan:?}");
    let report = db.migrate(&[&set]).unwrap();
    assert_eq!(told(&report.done[0].warnings), told(&plan.steps[0].warnings));
}

#[test]
fn the_live_schema_is_held_against_what_the_migrations_make() {
    let place = place();
    let db = place.open();
    let set = app(&[
        "CREATE TYPE mood AS ENUM ('sad'); CREATE TABLE p (id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, m mood);
         CREATE TABLE c (id bigserial PRIMARY KEY, p_id bigint REFERENCES p (id) ON DELETE CASCADE, n int DEFAULT 7 CHECK (n > 0));
         CREATE VIEW v AS SELECT p.id, c.n FROM p JOIN c ON c.p_id = p.id;
         CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
         CREATE TRIGGER g BEFORE INSERT ON c FOR EACH ROW EXECUTE FUNCTION f()",
        "-- larder: no-transaction\nCREATE INDEX CONCURRENTLY c_n ON c (n) WHERE n > 10; VACUUM c; ALTER TYPE mood ADD VALUE 'happy'",
    ]);
    db.migrate(&[&set]).unwrap();
    let drift = || -> Vec<String> {
        Migrator::new(&[&set]).verify(&db).unwrap().iter().map(ToString::to_string).collect()
    };
    assert_eq!(drift(), [] as [&str; 0]);
    db.execute("DROP INDEX c_n", &[]).unwrap();
    assert_eq!(drift(), ["drops index c_n on c"]);
    assert_eq!(
        db.query_one::<i64>("SELECT count(*) FROM pg_namespace WHERE nspname = 'larder_scratch'", &[])
            .unwrap(),
        0
    );
}

#[test]
fn a_backup_is_made_before_a_loss_by_whom_the_program_names() {
    let place = place();
    let db = place.open();
    db.migrate(&[&app(&[SEED])]).unwrap();
    let set = app(&[SEED, "DELETE FROM t WHERE a <= 3"]);
    let labels = std::cell::RefCell::new(Vec::new());
    let report = Migrator::new(&[&set])
        .approve(larder::migrate::Approval::Migration("0002_m".into()))
        .backup_with(|db, label| {
            // Others read the table meanwhile, and see what is there before.
            assert_eq!(one::<i64>(db, "SELECT count(*) FROM t"), 10);
            labels.borrow_mut().push(label.to_owned());
            Ok("made.dump".into())
        })
        .up(&db)
        .unwrap();
    assert_eq!(*labels.borrow(), ["before-0002_m"]);
    assert_eq!(report.done[0].backup.as_deref(), Some(std::path::Path::new("made.dump")));
    assert_eq!(one::<i64>(&db, "SELECT count(*) FROM t"), 7);
}

#[test]
fn a_backup_before_a_loss_goes_into_the_folder_that_is_named() {
    let place = place();
    let db = place.open();
    db.migrate(&[&app(&[SEED])]).unwrap();
    let set = app(&[SEED, "DROP TABLE t"]);
    let folder = place.folder().join("backups");
    let report = Migrator::new(&[&set])
        .approve(larder::migrate::Approval::Everything)
        .backups(&folder, 3)
        .up(&db)
        .unwrap();
    let backup = report.done[0].backup.as_ref().unwrap();
    assert!(backup.starts_with(&folder) && std::fs::metadata(backup).unwrap().len() > 0, "{backup:?}");
}

/// The folder `backups` of the current one, as who says nothing about it has it.
mod where_nothing_is_said {
    use super::*;
    use crate::kit::child;

    fn set() -> MigrationSet {
        app(&[SEED, "DROP TABLE t"])
    }

    #[test]
    fn child() {
        let Some(url) = child::told() else { return };
        let db = Database::options(url).open().unwrap();
        let report = Migrator::new(&[&set()]).approve(larder::migrate::Approval::Everything).up(&db).unwrap();
        child::say(report.done[0].backup.as_ref().unwrap().display());
    }

    #[test]
    fn a_backup_is_made_all_the_same() {
        let place = place();
        place.open().migrate(&[&app(&[SEED])]).unwrap();
        let mut command = child::command("server::where_nothing_is_said::child", place.url());
        let output = command.current_dir(place.folder()).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let made: Vec<_> = std::fs::read_dir(place.folder().join("backups")).unwrap().collect();
        assert_eq!(made.len(), 1);
        assert!(made[0].as_ref().unwrap().metadata().unwrap().len() > 1000);
    }
}

#[test]
fn on_a_replica_the_state_is_told_and_nothing_is_migrated() {
    let primary = larder_kit::postgres::Cluster::start();
    let db = Database::options(primary.url()).open().unwrap();
    db.migrate(&[&app(&[SEED])]).unwrap();
    let replica = primary.replica();
    primary.wait_for_replicas();
    let both = wider();
    for read_only in [false, true] {
        let db = Database::options(replica.url()).read_only(read_only).open().unwrap();
        assert_eq!(db.schema_version().unwrap(), Some(1));
        assert_eq!(Migrator::new(&[&both]).status(&db).unwrap().pending(), 1);
        assert_eq!(Migrator::new(&[&both]).plan(&db).unwrap().steps.len(), 1);
        assert!(db.migrate(&[&app(&[SEED])]).unwrap().done.is_empty(), "up to date is an answer");
        for error in [db.migrate(&[&both]).unwrap_err(), Migrator::new(&[&both]).verify(&db).unwrap_err()] {
            assert_eq!(error.kind(), ErrorKind::ReadOnly, "{error:?}");
        }
        let error = Migrator::new(&[&both]).verify(&db).unwrap_err();
        assert!(error.help().unwrap().contains("on the primary"), "{error}");
    }
}

/// An application locks two tables in the order in which each attempt would meet it with a deadlock.
#[test]
fn an_application_that_locks_the_other_way_round_is_got_past() {
    let place = place();
    let db = place.open();
    let seed = "CREATE TABLE a (id int PRIMARY KEY, v int); CREATE TABLE b (id int PRIMARY KEY, v int);
        INSERT INTO a VALUES (1, 1), (2, NULL); INSERT INTO b VALUES (1, 1), (2, NULL)";
    db.migrate(&[&app(&[seed])]).unwrap();
    let stop = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                let mut client = place.client();
                while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                    let text = "BEGIN; UPDATE b SET v = v + 1 WHERE id = 1; SELECT pg_sleep(0.01); UPDATE a SET v = v + 1 WHERE id = 1; COMMIT";
                    if client.batch_execute(text).is_err() {
                        client.batch_execute("ROLLBACK").unwrap();
                    }
                }
            });
        }
        let set = app(&[seed, "UPDATE a SET v = 0 WHERE v IS NULL; UPDATE b SET v = 0 WHERE v IS NULL"]);
        let result = Migrator::new(&[&set]).wait(Duration::from_secs(120)).up(&db);
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
        assert_eq!(ids(&result.unwrap()), ["0002_m"]);
    });
}
