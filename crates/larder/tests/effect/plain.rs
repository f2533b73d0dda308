//! What stands in a migration and is no loss, or must not stand in one: settings, psql's commands, the server's catalogue.

use crate::{made, refused, shop};
use larder::migrate::Migrator;
use larder::{ErrorKind, Migration, MigrationSet};

const SEED: &str =
    "CREATE TABLE t (id bigint PRIMARY KEY, at timestamptz, took interval, f double precision, b bytea);
    INSERT INTO t SELECT i, timestamptz '2026-01-01 00:00+00' + i * interval '6 hours', i * interval '1 day 2 hours', i / 3.0, '\\x00ff'
        FROM generate_series(1, 10) i";

#[test]
fn how_values_are_shown_is_no_loss_of_them() {
    for setting in [
        "timezone = 'Asia/Tokyo'",
        "datestyle = 'German'",
        "intervalstyle = 'iso_8601'",
        "extra_float_digits = -3",
        "bytea_output = 'escape'",
    ] {
        let change = format!("SET LOCAL {setting}; UPDATE t SET at = at, took = took, f = f, b = b");
        let report = made(SEED).change(change.leak()).unwrap();
        assert!(report.done[0].effects.losses.is_empty(), "{setting}: {report:?}");
    }
}

#[test]
fn what_a_migration_sets_is_put_back_for_the_next_and_for_the_program() {
    let shop = shop();
    let list = vec![
        Migration::sql("0001_seed", crate::SEED),
        Migration::sql(
            "0002_set",
            "SET LOCAL timezone = 'Asia/Tokyo'; SELECT set_config('datestyle', 'German', false); SELECT set_config('work_mem', '1MB', false)",
        ),
        Migration::sql(
            "0003_seen",
            "CREATE TABLE seen AS SELECT current_setting('timezone') || current_setting('datestyle') AS what",
        ),
    ];
    let read = || -> String {
        let sql = "SELECT current_setting('timezone') || current_setting('datestyle') || current_setting('work_mem')";
        shop.db.write(|tx| tx.query_one(sql, &[])).unwrap()
    };
    let before = read();
    shop.db.migrate(&[&MigrationSet::list("app", list)]).unwrap();
    let seen: String = shop.db.query_one("SELECT what FROM seen", &[]).unwrap();
    assert!(before.starts_with(&seen), "{before} {seen}");
    for _ in 0..20 {
        assert_eq!(read(), before);
    }
}

#[test]
fn what_is_not_for_a_migration_is_refused_before_anything_runs() {
    let shop = shop();
    for (text, said) in [
        ("RESET ALL", "outlives the migration"),
        ("SELECT 1;\n\\d orders", "command of psql"),
        ("DELETE FROM pg_catalog.pg_class WHERE relname = 'notes'", "catalogue"),
        ("UPDATE pg_index SET indisvalid = false", "catalogue"),
    ] {
        let error = shop.change(text).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidMigration, "{text}: {error:?}");
        assert!(error.message().contains(said), "{error}");
    }
}

#[test]
fn numbers_of_a_change_of_type_are_exact() {
    let kept = "DROP VIEW spenders; ALTER TABLE orders ALTER amount TYPE numeric(20, 4)";
    assert!(shop().change(kept).unwrap().done[0].effects.losses.is_empty());
    assert_eq!(
        refused("DROP VIEW spenders; ALTER TABLE customers ALTER name TYPE varchar(7) USING left(name, 7)"),
        ["column customers.name: 1 value changed in type"]
    );
    assert_eq!(
        refused(
            "MERGE INTO customers USING (VALUES (1, 'x'), (2, 'name 2')) v (i, n) ON id = i WHEN MATCHED THEN UPDATE SET name = n"
        ),
        ["column customers.name: 1 value overwritten"]
    );
}

/// What a rehearsal tells is what a run tells, also of what an earlier migration of the same run made.
#[test]
fn a_dry_run_tells_the_same_as_the_run() {
    let place = larder_kit::Place::new(larder_kit::Engine::Postgres);
    let db = larder::Database::options(place.url()).open().unwrap();
    let texts = [
        "CREATE TABLE notes (id bigint PRIMARY KEY, body text); CREATE INDEX by_body ON notes (body)",
        "INSERT INTO notes VALUES (1, 'a'), (2, 'b'), (3, 'c')",
        "ALTER TABLE notes ADD COLUMN title text; UPDATE notes SET title = body",
        "CREATE VIEW v AS SELECT title FROM notes; INSERT INTO notes VALUES (4, 'd', 'd')",
        "DROP VIEW v; CREATE INDEX by_title ON notes (title)",
    ];
    let set = |from: &[&'static str]| {
        let list = from.iter().enumerate().map(|(at, text)| Migration::sql(format!("{}_m", at + 1), *text));
        MigrationSet::list("app", list.collect())
    };
    let told = |report: larder::migrate::Report| -> Vec<Vec<String>> {
        report.done.into_iter().map(|done| done.effects.changes).collect()
    };
    for first in [0, 1, 2, 3] {
        if first > 0 {
            db.migrate(&[&set(&texts[..first])]).unwrap();
        }
        let set = set(&texts);
        let dry = told(Migrator::new(&[&set]).dry_run(&db).unwrap());
        if first == 0 {
            assert_eq!(dry[1], ["adds 3 rows to notes"]);
        }
        if first == 3 {
            assert_eq!(dry, told(db.migrate(&[&set]).unwrap()));
        }
    }
}

/// A trigger that is put off until the commit does there what nobody measures any more.
#[test]
fn what_is_put_off_until_the_commit_is_measured() {
    let later = "CREATE FUNCTION later() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN DELETE FROM orders WHERE id <= 7; RETURN NULL; END $$;
        CREATE CONSTRAINT TRIGGER late AFTER INSERT ON notes DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION later();
        INSERT INTO notes VALUES ('x')";
    assert_eq!(refused(later), ["rows of orders: 7 rows"]);
    let some = "CREATE FUNCTION later() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN DELETE FROM orders WHERE id <= 7; RETURN NULL; END $$;
        CREATE CONSTRAINT TRIGGER late AFTER INSERT ON notes DEFERRABLE FOR EACH ROW EXECUTE FUNCTION later();
        SET CONSTRAINTS ALL DEFERRED; INSERT INTO notes VALUES ('x')";
    assert_eq!(refused(some), ["rows of orders: 7 rows"]);
}

#[test]
fn a_key_that_may_wait_waits_in_each_migration_anew() {
    let shop = shop();
    let child_first =
        |n: i64| format!("INSERT INTO child VALUES ({n}, {n}); INSERT INTO parent VALUES ({n})");
    let list = vec![
        Migration::sql("0001_seed", crate::SEED),
        Migration::sql(
            "0002_made",
            "CREATE TABLE parent (id bigint PRIMARY KEY);
             CREATE TABLE child (id bigint PRIMARY KEY, p bigint REFERENCES parent (id) DEFERRABLE INITIALLY DEFERRED)",
        ),
        Migration::sql("0003_a", child_first(1)),
        Migration::sql("0004_b", child_first(2)),
        Migration::sql("0005_orphan", "INSERT INTO child VALUES (3, 3)"),
        Migration::sql("0006_never", "CREATE TABLE never (a int)"),
    ];
    let error = shop.db.migrate(&[&MigrationSet::list("app", list)]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::MigrationFailed, "{error:?}");
    assert!(error.message().starts_with("0005_orphan failed"), "{error}");
    assert_eq!(shop.count("SELECT count(*) FROM child"), 2);
    assert_eq!(shop.db.schema_version().unwrap(), Some(4));
}

/// Rows that policies hide from the role that migrates are lost all the same.
#[test]
fn rows_that_policies_hide_are_not_lost_in_silence() {
    let place = larder_kit::Place::new(larder_kit::Engine::Postgres);
    let mut client = place.client();
    let role = format!("larder_bound_{}_{}", std::process::id(), place.url().len());
    client
        .batch_execute(&format!(
            "CREATE ROLE {role}; GRANT ALL ON SCHEMA public TO {role}; GRANT {role} TO CURRENT_USER"
        ))
        .unwrap();
    let join = if place.url().contains('?') { '&' } else { '?' };
    let db =
        larder::Database::options(format!("{}{join}options=-crole%3D{role}", place.url())).open().unwrap();
    let seed = "CREATE TABLE t (id bigint PRIMARY KEY, a text); INSERT INTO t SELECT i, 'a' FROM generate_series(1, 10) i;
        ALTER TABLE t ENABLE ROW LEVEL SECURITY; ALTER TABLE t FORCE ROW LEVEL SECURITY; CREATE POLICY p ON t USING (id > 8)";
    let set = |change: Option<&'static str>| {
        let mut list = vec![Migration::sql("0001_seed", seed)];
        list.extend(change.map(|text| Migration::sql("0002_change", text)));
        MigrationSet::list("app", list)
    };
    db.migrate(&[&set(None)]).unwrap();
    for change in
        ["DROP TABLE t", "TRUNCATE t", "ALTER TABLE t DROP COLUMN a", "DO $$ BEGIN DELETE FROM t; END $$"]
    {
        let error = db.migrate(&[&set(Some(change))]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::MigrationFailed, "{change}: {error:?}");
        assert!(error.message().contains("policies hide rows of t"), "{change}: {error}");
        assert!(error.help().unwrap().contains("BYPASSRLS"), "{error}");
    }
    db.migrate(&[&set(Some("ALTER TABLE t ADD COLUMN b text; INSERT INTO t VALUES (11, 'b')"))]).unwrap();
    drop(db);
    client.batch_execute(&format!("DROP OWNED BY {role}; DROP ROLE {role}")).unwrap();
}
