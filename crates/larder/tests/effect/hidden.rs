//! Losses that no statement's text tells: by functions, triggers, cascades, Rust.

use crate::{refused, shop};
use larder::migrate::Refused;
use larder::{ErrorKind, Migration};

#[test]
fn what_a_block_does_is_measured() {
    assert_eq!(refused("DO $$ BEGIN DELETE FROM orders WHERE id <= 7; END $$"), ["rows of orders: 7 rows"]);
    assert_eq!(refused("DO $$ BEGIN EXECUTE 'DROP TABLE no' || 'tes'; END $$"), ["table notes: 100 rows"]);
    assert_eq!(
        refused("DO $$ BEGIN ALTER TABLE customers DROP COLUMN email; END $$"),
        ["column customers.email: 90 values"]
    );
    assert_eq!(
        refused(
            "CREATE FUNCTION f() RETURNS bigint LANGUAGE sql AS 'UPDATE customers SET age = NULL WHERE id < 5; SELECT 1::bigint'; SELECT f()"
        ),
        ["column customers.age: 4 values turned NULL"]
    );
    assert_eq!(
        refused("WITH gone AS (DELETE FROM orders WHERE id < 3 RETURNING *) SELECT count(*) FROM gone"),
        ["rows of orders: 2 rows"]
    );
}

#[test]
fn what_a_trigger_does_is_measured() {
    let change = "CREATE FUNCTION tidy() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN DELETE FROM notes; RETURN new; END $$;
        CREATE TRIGGER tidy AFTER INSERT ON orders EXECUTE FUNCTION tidy(); INSERT INTO orders VALUES (1000, 1, 1)";
    assert_eq!(refused(change), ["rows of notes: 100 rows"]);
}

#[test]
fn what_a_block_undid_itself_is_no_loss() {
    let shop = shop();
    let report = shop
        .change(
            "DO $$ BEGIN BEGIN DELETE FROM orders; RAISE 'no'; EXCEPTION WHEN OTHERS THEN NULL; END; END $$",
        )
        .unwrap();
    assert!(report.done[0].effects.losses.is_empty());
    assert_eq!(shop.count("SELECT count(*) FROM orders"), 300);
}

#[test]
fn what_rust_does_is_measured() {
    let shop = shop();
    let migration = Migration::code("0002_rust", |tx| {
        tx.execute("DELETE FROM orders WHERE id <= 7", &[])?;
        tx.execute("ALTER TABLE customers DROP COLUMN email", &[]).map(|_| ())
    });
    let error = shop.db.migrate(&[&shop.set(Some(migration))]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ApprovalNeeded);
    let losses: Vec<String> =
        error.find::<Refused>().unwrap().losses.iter().map(ToString::to_string).collect();
    assert_eq!(losses, ["column customers.email: 90 values", "rows of orders: 7 rows"]);
    assert_eq!(shop.count("SELECT count(email) FROM customers"), 90);
}

#[test]
fn what_the_same_run_added_was_nobodys() {
    let shop = shop();
    let list = vec![
        Migration::sql("0001_seed", crate::SEED),
        Migration::sql("0002_add", "INSERT INTO notes VALUES ('mine'), ('mine too')"),
        Migration::sql(
            "0003_change",
            "UPDATE notes SET body = 'ours' WHERE body LIKE 'mine%'; DELETE FROM notes WHERE body = 'ours'",
        ),
    ];
    let report = shop.db.migrate(&[&larder::MigrationSet::list("app", list)]).unwrap();
    assert_eq!(report.done.len(), 2);
    assert_eq!(shop.count("SELECT count(*) FROM notes"), 100);
}
