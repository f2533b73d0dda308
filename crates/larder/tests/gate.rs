//! The gate: what a migration loses is measured before it is committed, and nothing is lost that nobody approved.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test"
)]

use larder::migrate::{Approval, Migrator, Refused, Report};
use larder::{Database, Error, ErrorKind, Migration, MigrationSet};

/// A shop: 100 customers with an e-mail each but every tenth, 3 orders each, an index, a trigger and a view.
const SEED: &str = "
    CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT NOT NULL, email TEXT, age);
    CREATE TABLE orders (
        id INTEGER PRIMARY KEY,
        customer_id INTEGER NOT NULL REFERENCES customers (id) ON DELETE CASCADE,
        amount REAL NOT NULL
    );
    CREATE TABLE notes (body TEXT);
    CREATE UNIQUE INDEX customers_email ON customers (email);
    CREATE VIEW spenders AS SELECT c.name, sum(o.amount) AS total FROM customers c JOIN orders o ON o.customer_id = c.id
        GROUP BY c.id;
    CREATE TRIGGER customers_noted AFTER INSERT ON customers BEGIN INSERT INTO notes VALUES (new.name); END;
    WITH RECURSIVE n (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 100)
    INSERT INTO customers SELECT i, 'name ' || i, CASE WHEN i % 10 = 0 THEN NULL ELSE 'a' || i || '@b.c' END, i FROM n;
    WITH RECURSIVE n (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 300)
    INSERT INTO orders SELECT i, (i - 1) / 3 + 1, i * 1.5 FROM n;
";

struct Shop {
    db: Database,
    _folder: tempfile::TempDir,
}

fn shop_in(memory: bool, journal: &str) -> Shop {
    let folder = tempfile::tempdir().unwrap();
    let url = if memory { ":memory:".into() } else { folder.path().join("shop.db").display().to_string() };
    let db = Database::options(url).pragma("journal_mode", journal).open().unwrap();
    db.migrate(&[&set(None)]).unwrap();
    Shop { db, _folder: folder }
}

fn set(second: Option<&'static str>) -> MigrationSet {
    let mut list = vec![Migration::sql("0001_seed", SEED)];
    list.extend(second.map(|text| Migration::sql("0002_change", text)));
    MigrationSet::list("app", list)
}

/// Runs `change` on the shop in a file, in a file without WAL, and in memory, and gives what was refused: the same in all.
fn refused(change: &'static str) -> Vec<String> {
    let all: Vec<Vec<String>> = [(false, "wal"), (false, "delete"), (true, "wal")]
        .into_iter()
        .map(|(memory, journal)| {
            let shop = shop_in(memory, journal);
            let error = shop.db.migrate(&[&set(Some(change))]).expect_err("it should have been refused");
            assert_eq!(error.kind(), ErrorKind::ApprovalNeeded, "{error:?}");
            assert_intact(&shop.db);
            error.find::<Refused>().unwrap().losses.iter().map(ToString::to_string).collect()
        })
        .collect();
    assert_eq!(all[0], all[1], "with and without WAL");
    assert_eq!(all[0], all[2], "in a file and in memory");
    all[0].clone()
}

fn passes(change: &'static str) -> Report {
    for (memory, journal) in [(false, "delete"), (true, "wal")] {
        shop_in(memory, journal).db.migrate(&[&set(Some(change))]).unwrap();
    }
    shop_in(false, "wal").db.migrate(&[&set(Some(change))]).unwrap()
}

fn assert_intact(db: &Database) {
    let counts: (i64, i64, i64, i64) = db
        .query_one(
            "SELECT (SELECT count(*) FROM customers), (SELECT count(email) FROM customers), (SELECT count(*) FROM orders), \
             (SELECT count(*) FROM spenders)",
            &[],
        )
        .unwrap();
    assert_eq!(counts, (100, 90, 300, 100));
    assert_eq!(db.schema_version().unwrap(), Some(1));
    assert_eq!(db.query_one::<i64>("PRAGMA foreign_keys", &[]).unwrap(), 1, "foreign keys are on again");
}

#[test]
fn a_dropped_column_is_counted_by_its_values() {
    let losses = refused("DROP INDEX customers_email; ALTER TABLE customers DROP COLUMN email");
    assert_eq!(losses, ["column customers.email: 90 values"]);
}

#[test]
fn a_dropped_table_is_counted_by_its_rows() {
    assert_eq!(refused("DROP TABLE notes"), ["table notes: 100 rows"]);
    let losses = refused("DROP VIEW spenders; DROP TABLE orders");
    assert_eq!(losses, ["table orders: 300 rows"]);
}

#[test]
fn removed_rows_are_counted_also_without_a_where() {
    assert_eq!(refused("DELETE FROM orders WHERE id <= 7"), ["rows of orders: 7 rows"]);
    assert_eq!(refused("DELETE FROM orders"), ["rows of orders: 300 rows"]);
    assert_eq!(refused("DELETE FROM notes WHERE body = 'name 7'"), ["rows of notes: 1 row"]);
}

#[test]
fn what_goes_and_what_comes_do_not_hide_each_other() {
    let losses = refused(
        "DELETE FROM orders WHERE id <= 7; INSERT INTO orders SELECT id + 1000, 1, 1 FROM orders LIMIT 7",
    );
    assert_eq!(losses, ["rows of orders: 7 rows"]);
}

#[test]
fn replace_removes_rows_that_it_does_not_report() {
    let losses = refused("INSERT OR REPLACE INTO customers (id, name, email) VALUES (1, 'name 1', 'a2@b.c')");
    assert!(losses.contains(&"rows of customers: 1 row".to_string()), "{losses:?}");
}

#[test]
fn values_turned_null_and_values_changed_in_type_and_overwritten() {
    assert_eq!(
        refused("UPDATE customers SET email = NULL WHERE id < 10"),
        ["column customers.email: 9 values turned NULL"]
    );
    assert_eq!(
        refused("UPDATE customers SET age = 'x' WHERE id < 10"),
        ["column customers.age: 9 values changed in type"]
    );
    assert_eq!(refused("UPDATE customers SET name = ''"), ["column customers.name: 100 values overwritten"]);
}

#[test]
fn a_rebuild_that_keeps_everything_passes_though_a_view_stands_in_its_way() {
    let report = passes(
        "CREATE TABLE new_customers (id INTEGER PRIMARY KEY, name TEXT NOT NULL CHECK (name <> ''), email TEXT, age);
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
        "CREATE TABLE new_customers (id INTEGER PRIMARY KEY, name TEXT NOT NULL, email TEXT, age);
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
    let shop = shop_in(false, "wal");
    let change = "CREATE TABLE new_customers (id INTEGER PRIMARY KEY, name TEXT NOT NULL, email TEXT, age);
         INSERT INTO new_customers SELECT id, name, email, age FROM customers;
         DROP TABLE customers;
         ALTER TABLE new_customers RENAME TO customers;
         CREATE UNIQUE INDEX customers_email ON customers (email);
         CREATE TRIGGER customers_noted AFTER INSERT ON customers BEGIN INSERT INTO notes VALUES (new.name); END;";
    shop.db.migrate(&[&set(Some(change))]).unwrap();
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
fn renames_lose_nothing() {
    let report =
        passes("ALTER TABLE customers RENAME COLUMN name TO full_name; ALTER TABLE notes RENAME TO remarks");
    assert!(report.done[0].effects.losses.is_empty());
    assert_eq!(report.done[0].effects.tables_created, ["remarks"]);
}

#[test]
fn a_backfill_and_a_dropped_view_lose_nothing() {
    passes(
        "ALTER TABLE customers ADD COLUMN mail TEXT; UPDATE customers SET mail = email; DROP VIEW spenders",
    );
    passes("UPDATE customers SET email = 'x' || id WHERE email IS NULL");
    passes("DROP INDEX customers_email; CREATE INDEX by_age ON customers (age)");
}

#[test]
fn a_view_that_a_change_breaks_is_found() {
    let losses = refused(
        "CREATE VIEW ages AS SELECT name FROM notes2; CREATE INDEX a ON notes (body); DROP VIEW spenders",
    );
    assert_eq!(losses, ["view ages: gone without a DROP VIEW, or broken"]);
}

#[test]
fn what_the_same_run_made_and_dropped_was_nobodys() {
    let folder = tempfile::tempdir().unwrap();
    let db = Database::open(folder.path().join("fresh.db")).unwrap();
    let report = db
        .migrate(&[&set(Some(
            "DROP INDEX customers_email; ALTER TABLE customers DROP COLUMN email; DELETE FROM notes",
        ))])
        .unwrap();
    assert_eq!(report.done.len(), 2);
}

fn exact(error: &Error) -> String {
    error.find::<Refused>().unwrap().token.clone()
}

#[test]
fn an_approved_loss_leaves_a_backup_with_the_rows_from_before() {
    let shop = shop_in(false, "wal");
    let set = set(Some("DELETE FROM orders WHERE id <= 7"));
    let error = shop.db.migrate(&[&set]).unwrap_err();
    let token = exact(&error);
    assert!(error.to_string().contains(&format!("--allow-destructive={token}")), "{error}");

    // The data changed since the refusal was shown: it is another loss.
    shop.db.execute("DELETE FROM orders WHERE id = 1", &[]).unwrap();
    let approval: Approval = token.parse().unwrap();
    let again = Migrator::new(&[&set]).approve(approval).up(&shop.db).unwrap_err();
    assert_eq!(again.kind(), ErrorKind::ApprovalNeeded);

    let report = Migrator::new(&[&set]).approve(exact(&again).parse().unwrap()).up(&shop.db).unwrap();
    let done = &report.done[0];
    assert_eq!(done.approval.as_deref(), Some(format!("{} was approved", exact(&again)).as_str()));
    let backup =
        Database::options(done.backup.clone().unwrap().display().to_string()).read_only(true).open().unwrap();
    assert_eq!(backup.query_one::<i64>("SELECT count(*) FROM orders", &[]).unwrap(), 299);
    assert_eq!(shop.db.query_one::<i64>("SELECT count(*) FROM orders", &[]).unwrap(), 293);
    let recorded: String =
        shop.db.query_one("SELECT approval FROM schema_migrations WHERE version = 2", &[]).unwrap();
    assert!(recorded.contains(&exact(&again)), "{recorded}");
}

#[test]
fn the_backup_is_made_also_where_readers_and_the_writer_exclude_each_other() {
    let shop = shop_in(false, "delete");
    let set = set(Some("DELETE FROM orders WHERE id <= 7"));
    let report = Migrator::new(&[&set]).approve(Approval::Everything).up(&shop.db).unwrap();
    let path = report.done[0].backup.clone().unwrap();
    let backup = Database::options(path.display().to_string()).read_only(true).open().unwrap();
    assert_eq!(backup.query_one::<i64>("SELECT count(*) FROM orders", &[]).unwrap(), 300);
}

#[test]
fn a_directive_approves_what_it_lists_and_no_more() {
    let shop = shop_in(false, "wal");
    shop.db
        .migrate(&[&set(Some("-- larder: destructive rows orders\nDELETE FROM orders WHERE id = 1"))])
        .unwrap();
    let other = shop_in(false, "wal");
    let text = "-- larder: destructive rows orders\nDELETE FROM orders WHERE id = 1; DELETE FROM notes";
    let error = other.db.migrate(&[&set(Some(text))]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ApprovalNeeded);
}

#[test]
fn those_before_a_refused_one_stay() {
    let shop = shop_in(false, "wal");
    let list = vec![
        Migration::sql("0001_seed", SEED),
        Migration::sql("0002_more", "CREATE TABLE more (a)"),
        Migration::sql("0003_yet", "ALTER TABLE customers ADD COLUMN phone TEXT"),
        Migration::sql("0004_lose", "DELETE FROM orders"),
        Migration::sql("0005_after", "CREATE TABLE after (a)"),
    ];
    let error = shop.db.migrate(&[&MigrationSet::list("app", list)]).unwrap_err();
    let refused = error.find::<Refused>().unwrap();
    assert_eq!(refused.id, "0004_lose");
    let done: Vec<&str> = refused.report.done.iter().map(|done| done.id.as_str()).collect();
    assert_eq!(done, ["0002_more", "0003_yet"]);
    assert_eq!(shop.db.schema_version().unwrap(), Some(3));
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
        let shop = shop_in(memory, "wal");
        let vacuum = "-- larder: no-transaction\nPRAGMA auto_vacuum = INCREMENTAL; VACUUM";
        let report = shop.db.migrate(&[&set(Some(vacuum))]).unwrap();
        assert_eq!(report.schema_version, Some(2));
        let shop = shop_in(memory, "wal");
        let error = shop
            .db
            .migrate(&[&set(Some("-- larder: no-transaction\nDELETE FROM orders; VACUUM"))])
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ApprovalNeeded, "{error:?}");
        assert_intact(&shop.db);
    }
}

#[test]
fn a_dry_run_tells_the_losses_and_changes_nothing() {
    for memory in [false, true] {
        let shop = shop_in(memory, "wal");
        let report =
            Migrator::new(&[&set(Some("DELETE FROM orders WHERE id <= 7"))]).dry_run(&shop.db).unwrap();
        assert_eq!(report.done[0].effects.losses[0].to_string(), "rows of orders: 7 rows");
        assert_intact(&shop.db);
    }
}

#[test]
fn a_constraint_that_the_data_breaks_says_where_and_how_often() {
    let shop = shop_in(false, "wal");
    let text = "CREATE TABLE more (a);\nCREATE UNIQUE INDEX one_order\n  ON orders (customer_id);";
    let error = shop.db.migrate(&[&set(Some(text))]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::MigrationFailed);
    assert!(error.message().contains("100 values are there more than once"), "{error}");
    assert_eq!(error.location().map(larder::Location::line), Some(2));
    assert_eq!(error.constraint().unwrap().columns, ["customer_id"]);
    assert_intact(&shop.db);
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
fn values_that_change_their_rows_are_seen_without_a_key_too() {
    let folder = tempfile::tempdir().unwrap();
    let db = Database::open(folder.path().join("k.db")).unwrap();
    let first = "CREATE TABLE pay (name TEXT, salary INTEGER); INSERT INTO pay VALUES ('a', 100), ('b', 200), ('c', 300)";
    let list = |n: usize| {
        let all =
            vec![Migration::sql("1_a", first), Migration::sql("2_b", "UPDATE pay SET salary = 400 - salary")];
        MigrationSet::list("app", all.into_iter().take(n).collect())
    };
    db.migrate(&[&list(1)]).unwrap();
    let error = db.migrate(&[&list(2)]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ApprovalNeeded, "{error:?}");
}

#[test]
fn a_column_dropped_beside_a_new_one_that_looks_the_same_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let db = Database::open(folder.path().join("k.db")).unwrap();
    let first = "CREATE TABLE t (id INTEGER PRIMARY KEY, is_admin INTEGER NOT NULL); INSERT INTO t VALUES (1, 0), (2, 0)";
    let second =
        "ALTER TABLE t DROP COLUMN is_admin; ALTER TABLE t ADD COLUMN is_banned INTEGER NOT NULL DEFAULT 0";
    let list = |n: usize| {
        let all = vec![Migration::sql("1_a", first), Migration::sql("2_b", second)];
        MigrationSet::list("app", all.into_iter().take(n).collect())
    };
    db.migrate(&[&list(1)]).unwrap();
    let error = db.migrate(&[&list(2)]).unwrap_err();
    assert_eq!(error.find::<Refused>().unwrap().losses[0].to_string(), "column t.is_admin: 2 values");
}

#[test]
fn a_copy_that_is_not_plain_is_read() {
    let generated = "CREATE TABLE n (id INTEGER PRIMARY KEY, name TEXT NOT NULL, email TEXT AS (name), age);
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
fn an_approval_for_one_set_is_none_for_another() {
    let folder = tempfile::tempdir().unwrap();
    let db = Database::open(folder.path().join("s.db")).unwrap();
    let set = |name: &'static str, n: usize| {
        let all = vec![
            Migration::sql("1_a", format!("CREATE TABLE {name}_t (a); INSERT INTO {name}_t VALUES (1), (2)")),
            Migration::sql("2_b", format!("DELETE FROM {name}_t")),
        ];
        MigrationSet::list(name, all.into_iter().take(n).collect())
    };
    db.migrate(&[&set("app", 1), &set("journal", 1)]).unwrap();
    let (app, journal) = (set("app", 2), set("journal", 2));
    let error =
        Migrator::new(&[&app, &journal]).approve(Approval::Migration("2_b".into())).up(&db).unwrap_err();
    assert_eq!(error.find::<Refused>().unwrap().id, "journal/2_b");
}

#[test]
fn a_way_down_of_one_set_says_nothing_of_another() {
    let folder = tempfile::tempdir().unwrap();
    let db = Database::open(folder.path().join("s.db")).unwrap();
    let app = MigrationSet::list(
        "app",
        vec![
            Migration::sql("1_a", "CREATE TABLE a (a)"),
            Migration::sql("2_b", "SELECT 1").with_down_sql("SELECT 1"),
        ],
    );
    let lib = |text: &'static str| MigrationSet::list("lib", vec![Migration::sql("1_l", text)]);
    db.migrate(&[&app, &lib("CREATE TABLE l (a)")]).unwrap();
    let edited = lib("CREATE TABLE l (a, b)");
    let kind = |result: larder::Result<Report>| result.unwrap_err().kind();
    assert_eq!(kind(db.migrate(&[&app, &edited])), ErrorKind::MigrationEdited);
    let _ = Migrator::new(&[&app, &edited]).steps(1).down(&db);
    let _ = db.migrate(&[&app]);
    assert_eq!(kind(db.migrate(&[&app, &edited])), ErrorKind::MigrationEdited);
}
