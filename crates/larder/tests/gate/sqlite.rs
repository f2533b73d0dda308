//! SQLite's alone: what it says without a server (`REPLACE`, types of values, orphans, rebuilds under views and triggers, journal modes,
//! databases in memory). What both engines can say stands in `main.rs`; PostgreSQL's own in `tests/effect`.

use crate::refused as refused_at;
use crate::{passes as passes_at, set};
use larder::migrate::Approval;
use larder::migrate::{Migrator, Report};
use larder::{Database, ErrorKind, Migration, MigrationSet};
use larder_kit::{Engine, Place};

fn refused(change: &'static str) -> Vec<String> {
    refused_at(&Place::new(Engine::Sqlite), change)
}

fn passes(change: &'static str) -> Report {
    passes_at(&Place::new(Engine::Sqlite), change)
}

#[test]
fn replace_removes_rows_that_it_does_not_report() {
    let losses = refused("INSERT OR REPLACE INTO customers (id, name, email) VALUES (1, 'name 1', 'a2@b.c')");
    assert!(losses.contains(&"rows of customers: 1 row".to_string()), "{losses:?}");
}

#[test]
fn a_rebuild_that_keeps_everything_passes_though_a_view_stands_in_its_way() {
    let report = passes(
        "CREATE TABLE new_customers (id INTEGER PRIMARY KEY, name TEXT NOT NULL CHECK (name <> ''), email TEXT, age INTEGER);
         INSERT INTO new_customers SELECT id, name, email, age FROM customers;
         DROP TABLE customers;
         ALTER TABLE new_customers RENAME TO customers;
         CREATE UNIQUE INDEX customers_email ON customers (email);
         CREATE TRIGGER customers_noted AFTER INSERT ON customers BEGIN INSERT INTO notes VALUES (new.name); END;",
    );
    assert_eq!(report.done.len(), 1);
    assert!(report.done[0].effects.losses.is_empty());
}

#[test]
fn a_rebuild_that_forgets_an_index_and_a_trigger_is_refused() {
    let losses = refused(
        "CREATE TABLE new_customers (id INTEGER PRIMARY KEY, name TEXT NOT NULL, email TEXT, age INTEGER);
         INSERT INTO new_customers SELECT id, name, email, age FROM customers;
         DROP TABLE customers;
         ALTER TABLE new_customers RENAME TO customers;",
    );
    assert_eq!(
        losses,
        [
            "index customers_email of customers: gone without a DROP INDEX",
            "trigger customers_noted of customers: gone without a DROP TRIGGER"
        ]
    );
}

#[test]
fn a_rebuild_that_loses_rows_and_values_is_refused_with_both() {
    let losses = refused(
        "CREATE TABLE new_orders (id INTEGER PRIMARY KEY, customer_id INTEGER REFERENCES customers (id), amount INTEGER);
         INSERT INTO new_orders SELECT id, customer_id, CASE WHEN id = 200 THEN NULL ELSE amount END FROM orders WHERE id > 20;
         DROP TABLE orders;
         ALTER TABLE new_orders RENAME TO orders;",
    );
    // Half of the amounts are whole numbers, which an INTEGER column turns into integers.
    assert_eq!(
        losses,
        [
            "rows of orders: 20 rows",
            "column orders.amount: 1 value turned NULL",
            "column orders.amount: 139 values changed in type"
        ]
    );
}

#[test]
fn a_rebuild_empties_no_children_because_foreign_keys_are_off() {
    let shop = crate::shop_in(false, "wal");
    let change = "CREATE TABLE new_customers (id INTEGER PRIMARY KEY, name TEXT NOT NULL, email TEXT, age INTEGER);
         INSERT INTO new_customers SELECT id, name, email, age FROM customers;
         DROP TABLE customers;
         ALTER TABLE new_customers RENAME TO customers;
         CREATE UNIQUE INDEX customers_email ON customers (email);
         CREATE TRIGGER customers_noted AFTER INSERT ON customers BEGIN INSERT INTO notes VALUES (new.name); END;";
    shop.db.migrate(&[&set(Engine::Sqlite, Some(change))]).unwrap();
    assert_eq!(shop.db.query_one::<i64>("SELECT count(*) FROM orders", &[]).unwrap(), 300);
}

#[test]
fn rows_left_without_the_row_they_point_at_are_found() {
    let losses = refused("DELETE FROM customers WHERE id <= 4");
    assert_eq!(
        losses,
        [
            "rows of customers: 4 rows",
            "foreign key orders → customers: 12 rows would point at a row that is not there"
        ]
    );
}

#[test]
fn a_view_that_a_change_breaks_is_found() {
    let losses = refused(
        "CREATE VIEW ages AS SELECT name FROM notes2; CREATE INDEX a ON notes (body); DROP VIEW spenders",
    );
    assert_eq!(losses, ["view ages: gone without a DROP VIEW, or broken"]);
}

#[test]
fn the_backup_is_made_also_where_readers_and_the_writer_exclude_each_other() {
    let shop = crate::shop_in(false, "delete");
    let set = set(Engine::Sqlite, Some("DELETE FROM orders WHERE id <= 7"));
    let report = Migrator::new(&[&set]).approve(Approval::Everything).up(&shop.db).unwrap();
    let path = report.done[0].backup.clone().unwrap();
    let backup = Database::options(path.display().to_string()).read_only(true).open().unwrap();
    assert_eq!(backup.query_one::<i64>("SELECT count(*) FROM orders", &[]).unwrap(), 300);
}

#[test]
fn autoincrement_goes_on_where_it_was_after_a_rebuild() {
    let folder = tempfile::tempdir().unwrap();
    let db = Database::open(folder.path().join("a.db")).unwrap();
    let first = "CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT, a);
        INSERT INTO t (a) VALUES (1), (2), (3)";
    let second = "CREATE TABLE new_t (id INTEGER PRIMARY KEY AUTOINCREMENT, a NOT NULL);
        INSERT INTO new_t SELECT * FROM t; DROP TABLE t; ALTER TABLE new_t RENAME TO t";
    let list = |n: usize| {
        let all = vec![Migration::sql("1_a", first), Migration::sql("2_b", second)];
        MigrationSet::list("app", all.into_iter().take(n).collect())
    };
    db.migrate(&[&list(1)]).unwrap();
    db.execute("DELETE FROM t WHERE id = 3", &[]).unwrap();
    db.migrate(&[&list(2)]).unwrap();
    let id: i64 = db.write(|tx| tx.query_one("INSERT INTO t (a) VALUES (9) RETURNING id", &[])).unwrap();
    assert_eq!(id, 4);
}

#[test]
fn outside_a_transaction_the_gate_comes_first() {
    for memory in [false, true] {
        let shop = crate::shop_in(memory, "wal");
        let vacuum = "-- larder: no-transaction\nPRAGMA auto_vacuum = INCREMENTAL; VACUUM";
        let report = shop.db.migrate(&[&set(Engine::Sqlite, Some(vacuum))]).unwrap();
        assert_eq!(report.schema_version, Some(2));
        let shop = crate::shop_in(memory, "wal");
        let error = shop
            .db
            .migrate(&[&set(Engine::Sqlite, Some("-- larder: no-transaction\nDELETE FROM orders; VACUUM"))])
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ApprovalNeeded, "{error:?}");
        shop.assert_intact();
    }
}

#[test]
fn a_table_renamed_away_and_made_anew_is_another_one() {
    let losses = refused(
        "ALTER TABLE notes RENAME TO old; CREATE TABLE notes (body TEXT); DROP TABLE old; \
         DROP TRIGGER customers_noted; \
         CREATE TRIGGER customers_noted AFTER INSERT ON customers BEGIN INSERT INTO notes VALUES (new.name); END",
    );
    assert_eq!(losses, ["rows of notes: 100 rows"]);
}

#[test]
fn a_copy_that_is_not_plain_is_read() {
    let generated = "CREATE TABLE n (id INTEGER PRIMARY KEY, name TEXT NOT NULL, email TEXT AS (name), age INTEGER);
        INSERT INTO n (id, name, age) SELECT id, name, age FROM customers; DROP TABLE customers;
        ALTER TABLE n RENAME TO customers; CREATE UNIQUE INDEX customers_email ON customers (email);
        CREATE TRIGGER customers_noted AFTER INSERT ON customers BEGIN INSERT INTO notes VALUES (new.name); END";
    assert_eq!(refused(generated), ["column customers.email: 90 values"]);
    let ignoring =
        "CREATE TABLE n (id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL UNIQUE ON CONFLICT IGNORE,
            amount REAL NOT NULL);
        INSERT INTO n SELECT * FROM orders; DROP TABLE orders; ALTER TABLE n RENAME TO orders";
    assert_eq!(refused(ignoring), ["rows of orders: 200 rows"]);
}

#[test]
fn a_value_of_another_type_is_counted() {
    assert_eq!(
        refused("UPDATE customers SET age = 'x' WHERE id < 10"),
        ["column customers.age: 9 values changed in type"]
    );
}
