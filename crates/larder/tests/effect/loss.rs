//! Every sort of loss, said by a statement.

use crate::{passes, refused, shop};

#[test]
fn a_dropped_column_is_counted_by_its_values() {
    assert_eq!(refused("ALTER TABLE customers DROP COLUMN email"), ["column customers.email: 90 values"]);
    assert_eq!(
        refused("DROP INDEX customers_email; ALTER TABLE customers DROP email, DROP age"),
        ["column customers.email: 90 values", "column customers.age: 100 values"]
    );
}

#[test]
fn a_dropped_table_is_counted_by_its_rows() {
    assert_eq!(refused("DROP TABLE notes"), ["table notes: 100 rows"]);
    assert_eq!(refused("DROP VIEW spenders; DROP TABLE orders"), ["table orders: 300 rows"]);
    assert_eq!(
        refused("DROP TABLE orders CASCADE"),
        ["table orders: 300 rows", "view spenders: gone without a DROP VIEW, or broken"]
    );
}

#[test]
fn removed_rows_are_counted() {
    assert_eq!(refused("DELETE FROM orders WHERE id <= 7"), ["rows of orders: 7 rows"]);
    assert_eq!(refused("DELETE FROM orders"), ["rows of orders: 300 rows"]);
    assert_eq!(refused("TRUNCATE orders"), ["rows of orders: 300 rows"]);
    assert_eq!(refused("DELETE FROM notes WHERE body = 'name 7'"), ["rows of notes: 1 row"]);
    assert_eq!(
        refused("TRUNCATE orders; INSERT INTO orders SELECT i, 1, 1.5 FROM generate_series(1, 9) i"),
        [
            "rows of orders: 291 rows",
            "column orders.customer_id: 6 values overwritten",
            "column orders.amount: 8 values overwritten"
        ]
    );
}

#[test]
fn what_goes_and_what_comes_do_not_hide_each_other() {
    let losses = refused(
        "DELETE FROM orders WHERE id <= 7; INSERT INTO orders SELECT id + 1000, 1, 1 FROM orders LIMIT 7",
    );
    assert_eq!(losses, ["rows of orders: 7 rows"]);
}

#[test]
fn a_cascade_is_counted_too() {
    assert_eq!(
        refused("DELETE FROM customers WHERE id <= 4"),
        ["rows of customers: 4 rows", "rows of orders: 12 rows"]
    );
    assert_eq!(
        refused("TRUNCATE customers CASCADE"),
        ["rows of customers: 100 rows", "rows of orders: 300 rows"]
    );
}

#[test]
fn values_turned_null_changed_in_type_and_overwritten() {
    assert_eq!(
        refused("UPDATE customers SET email = NULL WHERE id < 10"),
        ["column customers.email: 9 values turned NULL"]
    );
    assert_eq!(refused("UPDATE customers SET name = ''"), ["column customers.name: 100 values overwritten"]);
    assert_eq!(
        refused("DROP VIEW spenders; ALTER TABLE orders ALTER amount TYPE integer USING round(amount)"),
        ["column orders.amount: 150 values changed in type"]
    );
    assert_eq!(
        refused("DROP VIEW spenders; ALTER TABLE orders ALTER amount TYPE numeric(9, 0)"),
        ["column orders.amount: 150 values overwritten"]
    );
    assert_eq!(
        refused("INSERT INTO customers VALUES (1, 'x') ON CONFLICT (id) DO UPDATE SET name = excluded.name"),
        ["column customers.name: 1 value overwritten"]
    );
}

#[test]
fn what_loses_nothing_passes() {
    for change in [
        "ALTER TABLE customers ADD COLUMN mail text; UPDATE customers SET mail = email; DROP VIEW spenders",
        "UPDATE customers SET email = 'x' || id WHERE email IS NULL",
        "UPDATE notes SET body = body",
        "DROP INDEX customers_email; CREATE INDEX by_age ON customers (age)",
        "ALTER TABLE customers ALTER age TYPE bigint USING age::bigint",
        "ALTER TABLE customers RENAME COLUMN name TO full_name; ALTER TABLE notes RENAME TO remarks",
        "ALTER TABLE customers ADD COLUMN mail text; UPDATE customers SET mail = email; ALTER TABLE customers DROP COLUMN email",
        "ALTER INDEX customers_email RENAME TO by_email; ALTER VIEW spenders RENAME TO big; ALTER TRIGGER customers_noted ON customers RENAME TO n",
        "CREATE TABLE kept AS SELECT * FROM notes; DROP TABLE notes",
        "ALTER TABLE orders ADD CHECK (amount > 0), ALTER amount SET DEFAULT 1, ADD COLUMN at timestamptz NOT NULL DEFAULT clock_timestamp()",
        "INSERT INTO notes VALUES ('more'); CREATE TABLE fresh (id bigint REFERENCES customers)",
        "DROP TRIGGER customers_noted ON customers; DROP FUNCTION note()",
    ] {
        assert!(passes(change).done[0].effects.losses.is_empty(), "{change}");
    }
}

#[test]
fn a_rebuild_is_compared_row_by_row() {
    let keeps = "DROP VIEW spenders; CREATE TABLE new_orders (id bigint PRIMARY KEY, customer_id bigint REFERENCES customers, amount numeric);
        INSERT INTO new_orders SELECT * FROM orders; DROP TABLE orders; ALTER TABLE new_orders RENAME TO orders";
    assert!(passes(keeps).done[0].effects.losses.is_empty());
    let loses = "DROP VIEW spenders; CREATE TABLE new_orders (id bigint PRIMARY KEY, customer_id bigint REFERENCES customers, amount integer);
        INSERT INTO new_orders SELECT id, customer_id, CASE WHEN id = 200 THEN NULL ELSE trunc(amount) END FROM orders WHERE id > 20;
        DROP TABLE orders; ALTER TABLE new_orders RENAME TO orders";
    assert_eq!(
        refused(loses),
        [
            "rows of orders: 20 rows",
            "column orders.amount: 1 value turned NULL",
            "column orders.amount: 140 values changed in type"
        ]
    );
    let forgets =
        "CREATE TABLE new_customers (LIKE customers); INSERT INTO new_customers SELECT * FROM customers;
        DROP VIEW spenders; DROP TABLE customers CASCADE; ALTER TABLE new_customers RENAME TO customers";
    assert_eq!(
        refused(forgets),
        [
            "index customers_email of customers: gone without a DROP INDEX",
            "trigger customers_noted of customers: gone without a DROP TRIGGER"
        ]
    );
}

#[test]
fn the_changes_are_told() {
    let shop = shop();
    let report = shop.change("CREATE TYPE mood AS ENUM ('a'); CREATE TABLE t (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, m mood);
        CREATE INDEX t_m ON t (m); CREATE VIEW v AS SELECT * FROM t; INSERT INTO t (m) VALUES ('a'), ('a')").unwrap();
    assert_eq!(
        report.done[0].effects.changes,
        [
            "creates table t",
            "creates index t_m on t",
            "creates view v",
            "creates type mood",
            "adds 2 rows to t"
        ]
    );
    assert_eq!(report.done[0].effects.tables_created, ["t"]);
}

#[test]
fn on_a_new_database_the_changes_are_told_as_on_sqlite() {
    let told: Vec<Vec<String>> = [larder_kit::Engine::Sqlite, larder_kit::Engine::Postgres]
        .into_iter()
        .map(|engine| {
            let place = larder_kit::Place::new(engine);
            let db = larder::Database::options(place.url()).open().unwrap();
            let text = "CREATE TABLE users (id BIGINT PRIMARY KEY, name TEXT NOT NULL); CREATE INDEX by_name ON users (name);
                INSERT INTO users VALUES (1, 'a'), (2, 'b')";
            let set = larder::MigrationSet::list("app", vec![larder::Migration::sql("1_users", text)]);
            db.migrate(&[&set]).unwrap().done.remove(0).effects.changes
        })
        .collect();
    assert_eq!(told[0], ["creates table users", "creates index by_name on users", "adds 2 rows to users"]);
    assert_eq!(told[0], told[1]);
}
