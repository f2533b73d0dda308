//! SQLite's way to change a table is to make a new one, copy, drop the old and rename. Elsewhere that empties the tables that
//! point at it, trips over views and triggers, and forgets what hung on the table.

use crate::{Open, app, lost, one};
use larder::{ErrorKind, Migration, MigrationSet};
use larder_kit::{Engine, Place};

const SHOP: &str = "CREATE TABLE customers (id INTEGER PRIMARY KEY, email TEXT, CHECK (id > 0));
    CREATE TABLE orders (id INTEGER PRIMARY KEY AUTOINCREMENT, customer_id INTEGER NOT NULL REFERENCES customers (id) ON DELETE CASCADE);
    CREATE TABLE log (what TEXT);
    INSERT INTO customers VALUES (1, 'a@x'), (2, 'b@x'), (3, NULL);
    INSERT INTO orders (customer_id) VALUES (1), (1), (2), (3), (3), (3);
    DELETE FROM orders WHERE id = 6;
    CREATE UNIQUE INDEX emails ON customers (email);
    CREATE VIEW spenders AS SELECT c.email, count(*) AS n FROM customers c JOIN orders o ON o.customer_id = c.id GROUP BY c.id;
    CREATE VIEW of_view AS SELECT * FROM spenders;
    CREATE TRIGGER noted AFTER INSERT ON orders BEGIN INSERT INTO log SELECT email FROM customers WHERE id = new.customer_id; END;";

const REBUILD: &str =
    "CREATE TABLE n (id INTEGER PRIMARY KEY, email TEXT NOT NULL DEFAULT '', CHECK (id > 0));
    INSERT INTO n SELECT id, coalesce(email, '') FROM customers;
    DROP TABLE customers;
    ALTER TABLE n RENAME TO customers;";

#[test]
fn children_keep_their_rows_and_views_and_triggers_their_work() {
    let place = Place::new(Engine::Sqlite);
    let db = place.open();
    db.migrate(&[&app(&[SHOP])]).unwrap();
    let with_index = format!("{REBUILD} CREATE UNIQUE INDEX emails ON customers (email)");
    let report = db.migrate(&[&app(&[SHOP, &with_index])]).unwrap();
    assert!(report.done[0].effects.losses.is_empty());
    assert_eq!(one::<i64>(&db, "SELECT count(*) FROM orders"), 5);
    assert_eq!(one::<i64>(&db, "SELECT count(*) FROM of_view"), 3);
    db.execute("INSERT INTO orders (customer_id) VALUES (2)", &[]).unwrap();
    assert_eq!(
        one::<String>(&db, "SELECT what FROM log ORDER BY rowid DESC LIMIT 1"),
        "b@x",
        "the trigger sees the new table"
    );
    assert_eq!(one::<i64>(&db, "SELECT max(id) FROM orders"), 7, "numbers are not given twice");
    // The foreign key points at the new table, and is in force.
    let error = db.execute("INSERT INTO orders (customer_id) VALUES (99)", &[]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Constraint);
    db.execute("DELETE FROM customers WHERE id = 1", &[]).unwrap();
    assert_eq!(one::<i64>(&db, "SELECT count(*) FROM orders"), 4, "and so is its cascade");
}

#[test]
fn a_unique_index_that_is_forgotten_is_told() {
    assert_eq!(lost(SHOP, REBUILD), ["index emails of customers: gone without a DROP INDEX"]);
    assert!(lost(SHOP, &format!("DROP INDEX emails; {REBUILD}")).is_empty(), "who drops it by name means it");
}

/// The other order, which SQLite's documents warn of: the references follow the old table to its new name.
#[test]
fn one_that_renames_the_old_table_away_is_caught() {
    let away = "ALTER TABLE customers RENAME TO old; CREATE TABLE customers (id INTEGER PRIMARY KEY, email TEXT);
        INSERT INTO customers SELECT * FROM old; DROP TABLE old; CREATE UNIQUE INDEX emails ON customers (email)";
    let place = Place::new(Engine::Sqlite);
    let db = place.open();
    db.migrate(&[&app(&[SHOP])]).unwrap();
    let result = db.migrate(&[&app(&[SHOP, away])]);
    let error = result.unwrap_err();
    assert!([ErrorKind::ApprovalNeeded, ErrorKind::MigrationFailed].contains(&error.kind()), "{error:?}");
    assert_eq!(one::<i64>(&db, "SELECT count(*) FROM orders"), 5);
    db.execute("INSERT INTO orders (customer_id) VALUES (2)", &[]).unwrap();
    let plain = "CREATE TABLE a (id INTEGER PRIMARY KEY); CREATE TABLE b (id INTEGER PRIMARY KEY, a_id REFERENCES a (id));
        INSERT INTO a VALUES (1); INSERT INTO b VALUES (1, 1)";
    let away = "ALTER TABLE a RENAME TO old; CREATE TABLE a (id INTEGER PRIMARY KEY); INSERT INTO a SELECT * FROM old; DROP TABLE old";
    assert_eq!(lost(plain, away), ["foreign key b → old: 1 row would point at a row that is not there"]);
}

#[test]
fn one_that_loses_rows_or_values_on_the_way_is_counted() {
    let some = REBUILD.replace("FROM customers;", "FROM customers WHERE id < 3;");
    assert_eq!(
        lost(SHOP, &format!("DROP INDEX emails; {some}")),
        [
            "rows of customers: 1 row",
            "foreign key orders → customers: 2 rows would point at a row that is not there"
        ]
    );
    let mixed = REBUILD.replace("coalesce(email, '')", "coalesce(upper(email), '')");
    assert_eq!(
        lost(SHOP, &format!("DROP INDEX emails; {mixed}")),
        ["column customers.email: 2 values overwritten"]
    );
    let ignored = "CREATE TABLE n (id INTEGER PRIMARY KEY ON CONFLICT IGNORE, email TEXT, CHECK (id > 0));
        INSERT OR IGNORE INTO n SELECT 1, email FROM customers; DROP TABLE customers; ALTER TABLE n RENAME TO customers";
    assert_eq!(lost(SHOP, &format!("DROP INDEX emails; {ignored}"))[0], "rows of customers: 2 rows");
}

#[test]
fn a_constraint_that_the_data_breaks_is_told_with_its_place_and_nothing_is_lost() {
    let place = Place::new(Engine::Sqlite);
    let db = place.open();
    let list = |text: &'static str| {
        MigrationSet::list("app", vec![Migration::sql("0001_m", SHOP), Migration::sql("0002_m", text)])
    };
    db.migrate(&[&app(&[SHOP])]).unwrap();
    let text = "CREATE TABLE n (id INTEGER PRIMARY KEY, email TEXT NOT NULL);\nINSERT INTO n SELECT * FROM customers;\n\
        DROP TABLE customers;\nALTER TABLE n RENAME TO customers;";
    let error = db.migrate(&[&list(text)]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::MigrationFailed);
    assert_eq!(error.location().unwrap().line(), 2);
    let constraint = error.constraint().unwrap();
    assert_eq!(
        (constraint.table.as_deref(), constraint.columns.as_slice()),
        (Some("n"), &["email".to_owned()][..])
    );
    assert!(error.help().unwrap().contains("change the data first"), "{error}");
    assert_eq!(one::<i64>(&db, "SELECT count(*) FROM customers"), 3);
}

#[test]
fn a_column_can_not_go_while_a_view_needs_it_and_the_place_is_told() {
    let place = Place::new(Engine::Sqlite);
    let db = place.open();
    db.migrate(&[&app(&[SHOP])]).unwrap();
    let error = db
        .migrate(&[&app(&[SHOP, "DROP INDEX emails;\n  ALTER TABLE customers DROP COLUMN email"])])
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::MigrationFailed, "{error:?}");
    assert_eq!(error.location().unwrap().line(), 2);
    assert!(error.message().contains("spenders") || error.message().contains("noted"), "{error}");
}
