//! The gate: what a migration loses is measured before it is committed, and nothing is lost that nobody approved. The same losses
//! with the same numbers on both engines.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test"
)]

mod sqlite;

use larder::migrate::{Approval, Migrator, Refused, Report};
use larder::{Database, Error, ErrorKind, Migration, MigrationSet};
use larder_kit::{Engine, Place};

/// A shop: 100 customers with an e-mail each but every tenth, 3 orders each, an index, a trigger and a view; 100 items on which
/// nothing hangs but an index.
const SEED: &str = "
    CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT NOT NULL, email TEXT, age INTEGER);
    CREATE TABLE orders (
        id INTEGER PRIMARY KEY,
        customer_id INTEGER NOT NULL REFERENCES customers (id) ON DELETE CASCADE,
        amount DOUBLE PRECISION NOT NULL
    );
    CREATE TABLE notes (body TEXT);
    CREATE TABLE items (id INTEGER PRIMARY KEY, what TEXT NOT NULL, stock INTEGER);
    CREATE UNIQUE INDEX customers_email ON customers (email);
    CREATE UNIQUE INDEX items_what ON items (what);
    CREATE VIEW spenders AS SELECT c.name, sum(o.amount) AS total FROM customers c JOIN orders o ON o.customer_id = c.id
        GROUP BY c.id, c.name;
";
const NOTED: [&str; 2] = [
    "CREATE TRIGGER customers_noted AFTER INSERT ON customers BEGIN INSERT INTO notes VALUES (new.name); END;",
    "CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO notes VALUES (new.name); RETURN new; END $$;
     CREATE TRIGGER customers_noted AFTER INSERT ON customers FOR EACH ROW EXECUTE FUNCTION note();",
];
const ROWS: &str = "
    WITH RECURSIVE n (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 100)
    INSERT INTO customers SELECT i, 'name ' || i, CASE WHEN i % 10 = 0 THEN NULL ELSE 'a' || i || '@b.c' END, i FROM n;
    WITH RECURSIVE n (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 300)
    INSERT INTO orders SELECT i, (i - 1) / 3 + 1, i * 1.5 FROM n;
    INSERT INTO items SELECT id, 'item ' || id, CASE WHEN id % 4 = 0 THEN NULL ELSE id END FROM customers;
";

fn seed(engine: Engine) -> String {
    let noted = match engine {
        Engine::Sqlite => NOTED[0],
        Engine::Postgres => NOTED[1],
    };
    format!("{SEED}{noted}{ROWS}")
}

struct Shop {
    db: Database,
    engine: Engine,
    _place: Place,
}

impl Shop {
    /// The set of the shop, and what comes after.
    fn set(&self, second: Option<&'static str>) -> MigrationSet {
        set(self.engine, second)
    }
}

/// SQLite's own ways to have a shop.
fn shop_in(memory: bool, journal: &str) -> Shop {
    let place = Place::new(Engine::Sqlite);
    let url = if memory { ":memory:" } else { place.url() };
    let db = Database::options(url).pragma("journal_mode", journal).open().unwrap();
    db.migrate(&[&set(Engine::Sqlite, None)]).unwrap();
    Shop { db, engine: Engine::Sqlite, _place: place }
}

fn shop_on(engine: Engine) -> Shop {
    if engine == Engine::Sqlite {
        return shop_in(false, "wal");
    }
    let place = Place::new(Engine::Postgres);
    let db = Database::options(place.url()).open().unwrap();
    db.migrate(&[&set(Engine::Postgres, None)]).unwrap();
    Shop { db, engine: Engine::Postgres, _place: place }
}

fn set(engine: Engine, second: Option<&'static str>) -> MigrationSet {
    let mut list = vec![Migration::sql("0001_seed", seed(engine))];
    list.extend(second.map(|text| Migration::sql("0002_change", text)));
    MigrationSet::list("app", list)
}

/// Every way to have a shop: on SQLite in a file, in a file without WAL, and in memory, where the gate looks in other ways.
fn shops(engine: Engine) -> Vec<Shop> {
    match engine {
        Engine::Sqlite => vec![shop_in(false, "wal"), shop_in(false, "delete"), shop_in(true, "wal")],
        Engine::Postgres => vec![shop_on(engine)],
    }
}

/// What was refused of a change: the same in every shop, which it leaves as it was.
fn refused(place: &Place, change: &'static str) -> Vec<String> {
    let mut all = shops(place.engine()).into_iter().map(|shop| {
        let error = shop.db.migrate(&[&shop.set(Some(change))]).expect_err("it should have been refused");
        assert_eq!(error.kind(), ErrorKind::ApprovalNeeded, "{error:?}");
        shop.assert_intact();
        error.find::<Refused>().unwrap().losses.iter().map(ToString::to_string).collect::<Vec<_>>()
    });
    let first = all.next().unwrap();
    all.for_each(|other| assert_eq!(first, other, "with and without WAL, in a file and in memory"));
    first
}

fn passes(place: &Place, change: &'static str) -> Report {
    let reports = shops(place.engine()).into_iter();
    reports.map(|shop| shop.db.migrate(&[&shop.set(Some(change))]).unwrap()).next_back().unwrap()
}

impl Shop {
    fn assert_intact(&self) {
        let counts: (i64, i64, i64, i64, i64) = self
            .db
            .query_one(
                "SELECT (SELECT count(*) FROM customers), (SELECT count(email) FROM customers), (SELECT count(*) FROM orders), \
                 (SELECT count(*) FROM spenders), (SELECT count(*) FROM items WHERE what = 'item ' || id)",
                &[],
            )
            .unwrap();
        assert_eq!(counts, (100, 90, 300, 100, 100));
        assert_eq!(self.db.schema_version().unwrap(), Some(1));
        if self.engine == Engine::Sqlite {
            let keys: i64 = self.db.query_one("PRAGMA foreign_keys", &[]).unwrap();
            assert_eq!(keys, 1, "foreign keys are on again");
        }
    }
}

larder_kit::engines! {
fn a_dropped_column_is_counted_by_its_values(place: &Place) {
    let losses = refused(place, "DROP INDEX customers_email; ALTER TABLE customers DROP COLUMN email");
    assert_eq!(losses, ["column customers.email: 90 values"]);
}
}

larder_kit::engines! {
fn a_dropped_table_is_counted_by_its_rows(place: &Place) {
    assert_eq!(refused(place, "DROP TABLE notes"), ["table notes: 100 rows"]);
    let losses = refused(place, "DROP VIEW spenders; DROP TABLE orders");
    assert_eq!(losses, ["table orders: 300 rows"]);
}
}

larder_kit::engines! {
fn removed_rows_are_counted_also_without_a_where(place: &Place) {
    assert_eq!(refused(place, "DELETE FROM orders WHERE id <= 7"), ["rows of orders: 7 rows"]);
    assert_eq!(refused(place, "DELETE FROM orders"), ["rows of orders: 300 rows"]);
    assert_eq!(refused(place, "DELETE FROM notes WHERE body = 'name 7'"), ["rows of notes: 1 row"]);
}
}

larder_kit::engines! {
fn what_goes_and_what_comes_do_not_hide_each_other(place: &Place) {
    let losses = refused(place, "DELETE FROM orders WHERE id <= 7; INSERT INTO orders SELECT id + 1000, 1, 1 FROM orders LIMIT 7",
    );
    assert_eq!(losses, ["rows of orders: 7 rows"]);
}
}

larder_kit::engines! {
fn values_turned_null_and_overwritten(place: &Place) {
    assert_eq!(
        refused(place, "UPDATE customers SET email = NULL WHERE id < 10"),
        ["column customers.email: 9 values turned NULL"]
    );
    let upsert = "INSERT INTO items VALUES (1, 'x', 1), (101, 'y', 1) ON CONFLICT (id) DO UPDATE SET what = excluded.what";
    assert_eq!(refused(place, upsert), ["column items.what: 1 value overwritten"]);
    let swapped = "UPDATE items SET stock = 101 - stock WHERE id IN (1, 100, 50, 51)";
    assert_eq!(refused(place, swapped), ["column items.stock: 3 values overwritten"]);
    assert_eq!(refused(place, "UPDATE customers SET name = ''"), ["column customers.name: 100 values overwritten"]);
}
}

larder_kit::engines! {
fn renames_lose_nothing(place: &Place) {
    let report =
        passes(place, "ALTER TABLE customers RENAME COLUMN name TO full_name; ALTER TABLE notes RENAME TO remarks");
    assert!(report.done[0].effects.losses.is_empty());
    assert_eq!(report.done[0].effects.tables_created, ["remarks"]);
}
}

larder_kit::engines! {
fn a_backfill_and_a_dropped_view_lose_nothing(place: &Place) {
    passes(place, "ALTER TABLE customers ADD COLUMN mail TEXT; UPDATE customers SET mail = email; DROP VIEW spenders",
    );
    passes(place, "UPDATE customers SET email = 'x' || id WHERE email IS NULL");
    passes(place, "DROP INDEX customers_email; CREATE INDEX by_age ON customers (age)");
}
}

larder_kit::engines! {
fn what_the_same_run_made_and_dropped_was_nobodys(place: &Place) {
    let db = Database::options(place.url()).open().unwrap();
    let report = db
        .migrate(&[&set(place.engine(), Some(
            "DROP INDEX customers_email; ALTER TABLE customers DROP COLUMN email; DELETE FROM notes",
        ))])
        .unwrap();
    assert_eq!(report.done.len(), 2);
}
}

fn exact(error: &Error) -> String {
    error.find::<Refused>().unwrap().token.clone()
}

larder_kit::engines! {
fn an_approved_loss_leaves_a_backup_with_the_rows_from_before(place: &Place) {
    let shop = shop_on(place.engine());
    let set = shop.set(Some("DELETE FROM orders WHERE id <= 7"));
    let error = shop.db.migrate(&[&set]).unwrap_err();
    let token = exact(&error);
    assert!(error.to_string().contains(&format!("--allow-destructive={token}")), "{error}");

    // The data changed since the refusal was shown: it is another loss.
    shop.db.execute("DELETE FROM orders WHERE id = 1", &[]).unwrap();
    let approval: Approval = token.parse().unwrap();
    let again = Migrator::new(&[&set]).approve(approval).up(&shop.db).unwrap_err();
    assert_eq!(again.kind(), ErrorKind::ApprovalNeeded);

    let folder = place.folder().join("backups");
    let report = Migrator::new(&[&set])
        .approve(exact(&again).parse().unwrap())
        .backups(folder, 5)
        .up(&shop.db)
        .unwrap();
    let done = &report.done[0];
    assert_eq!(done.approval.as_deref(), Some(format!("{} was approved", exact(&again)).as_str()));
    let backup = done.backup.clone().unwrap();
    match shop.engine {
        Engine::Sqlite => {
            let backup = Database::options(backup.display().to_string()).read_only(true).open().unwrap();
            assert_eq!(backup.query_one::<i64>("SELECT count(*) FROM orders", &[]).unwrap(), 299);
        }
        // Of the dump, `backup_postgres` shows that it is one.
        Engine::Postgres => assert!(std::fs::metadata(backup).unwrap().len() > 1000),
    }
    assert_eq!(shop.db.query_one::<i64>("SELECT count(*) FROM orders", &[]).unwrap(), 293);
    let recorded: String =
        shop.db.query_one("SELECT CAST(approval AS TEXT) FROM schema_migrations WHERE version = 2", &[]).unwrap();
    assert!(recorded.contains(&exact(&again)), "{recorded}");
}
}

larder_kit::engines! {
fn a_directive_approves_what_it_lists_and_no_more(place: &Place) {
    let shop = shop_on(place.engine());
    let set = shop.set(Some("-- larder: destructive rows orders\nDELETE FROM orders WHERE id = 1"));
    Migrator::new(&[&set]).backups(place.folder().join("backups"), 5).up(&shop.db).unwrap();
    let other = shop_on(place.engine());
    let text = "-- larder: destructive rows orders\nDELETE FROM orders WHERE id = 1; DELETE FROM notes";
    let error = other.db.migrate(&[&shop.set(Some(text))]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ApprovalNeeded);
}
}

larder_kit::engines! {
fn those_before_a_refused_one_stay(place: &Place) {
    let shop = shop_on(place.engine());
    let list = vec![
        Migration::sql("0001_seed", seed(place.engine())),
        Migration::sql("0002_more", "CREATE TABLE more (a TEXT)"),
        Migration::sql("0003_yet", "ALTER TABLE customers ADD COLUMN phone TEXT"),
        Migration::sql("0004_lose", "DELETE FROM orders"),
        Migration::sql("0005_after", "CREATE TABLE after (a TEXT)"),
    ];
    let error = shop.db.migrate(&[&MigrationSet::list("app", list)]).unwrap_err();
    let refused = error.find::<Refused>().unwrap();
    assert_eq!(refused.id, "0004_lose");
    let done: Vec<&str> = refused.report.done.iter().map(|done| done.id.as_str()).collect();
    assert_eq!(done, ["0002_more", "0003_yet"]);
    assert_eq!(shop.db.schema_version().unwrap(), Some(3));
}
}

larder_kit::engines! {
fn a_dry_run_tells_the_losses_and_changes_nothing(place: &Place) {
    for shop in shops(place.engine()) {
        let report =
            Migrator::new(&[&shop.set(Some("DELETE FROM orders WHERE id <= 7"))]).dry_run(&shop.db).unwrap();
        assert_eq!(report.done[0].effects.losses[0].to_string(), "rows of orders: 7 rows");
        shop.assert_intact();
    }
}
}

larder_kit::engines! {
fn a_constraint_that_the_data_breaks_says_where_and_how_often(place: &Place) {
    let shop = shop_on(place.engine());
    let text = "CREATE TABLE more (a TEXT);\nCREATE UNIQUE INDEX one_order\n  ON orders (customer_id);";
    let error = shop.db.migrate(&[&shop.set(Some(text))]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::MigrationFailed);
    assert!(error.message().contains("100 values are there more than once"), "{error}");
    assert_eq!(error.location().map(larder::Location::line), Some(2));
    assert_eq!(error.constraint().unwrap().columns, ["customer_id"]);
    shop.assert_intact();
}
}

larder_kit::engines! {
fn values_that_change_their_rows_are_seen_without_a_key_too(place: &Place) {
    let db = Database::options(place.url()).open().unwrap();
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
}

larder_kit::engines! {
fn a_column_dropped_beside_a_new_one_that_looks_the_same_is_lost(place: &Place) {
    let db = Database::options(place.url()).open().unwrap();
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
}

larder_kit::engines! {
fn an_approval_for_one_set_is_none_for_another(place: &Place) {
    let db = Database::options(place.url()).open().unwrap();
    let set = |name: &'static str, n: usize| {
        let all = vec![
            Migration::sql("1_a", format!("CREATE TABLE {name}_t (a INTEGER); INSERT INTO {name}_t VALUES (1), (2)")),
            Migration::sql("2_b", format!("DELETE FROM {name}_t")),
        ];
        MigrationSet::list(name, all.into_iter().take(n).collect())
    };
    db.migrate(&[&set("app", 1), &set("journal", 1)]).unwrap();
    let (app, journal) = (set("app", 2), set("journal", 2));
    let error =
        Migrator::new(&[&app, &journal]).approve(Approval::Migration("2_b".into())).without_backup().up(&db).unwrap_err();
    assert_eq!(error.find::<Refused>().unwrap().id, "journal/2_b");
}
}

larder_kit::engines! {
fn a_way_down_of_one_set_says_nothing_of_another(place: &Place) {
    let db = Database::options(place.url()).open().unwrap();
    let app = MigrationSet::list(
        "app",
        vec![
            Migration::sql("1_a", "CREATE TABLE a (a TEXT)"),
            Migration::sql("2_b", "SELECT 1").with_down_sql("SELECT 1"),
        ],
    );
    let lib = |text: &'static str| MigrationSet::list("lib", vec![Migration::sql("1_l", text)]);
    db.migrate(&[&app, &lib("CREATE TABLE l (a TEXT)")]).unwrap();
    let edited = lib("CREATE TABLE l (a TEXT, b TEXT)");
    let kind = |result: larder::Result<Report>| result.unwrap_err().kind();
    assert_eq!(kind(db.migrate(&[&app, &edited])), ErrorKind::MigrationEdited);
    let _ = Migrator::new(&[&app, &edited]).steps(1).down(&db);
    let _ = db.migrate(&[&app]);
    assert_eq!(kind(db.migrate(&[&app, &edited])), ErrorKind::MigrationEdited);
}
}

larder_kit::engines! {
/// Create, copy, drop, rename: on SQLite the way to alter a table, on PostgreSQL one that works too.
fn a_rebuild_is_compared_with_what_it_was_made_of(place: &Place) {
    const NEW: &str = "CREATE TABLE n (id INTEGER PRIMARY KEY, what TEXT NOT NULL, stock INTEGER, more TEXT);";
    const NAME: &str = "DROP TABLE items; ALTER TABLE n RENAME TO items;";
    const INDEX: &str = "CREATE UNIQUE INDEX items_what ON items (what);";
    let rebuild = |select: &str, index: &str| -> &'static str {
        format!("{NEW} INSERT INTO n (id, what, stock) {select} FROM items; {NAME} {index}").leak()
    };
    assert!(passes(place, rebuild("SELECT id, what, stock", INDEX)).done[0].effects.losses.is_empty());
    assert!(passes(place, rebuild("SELECT id, what, coalesce(stock, 0)", INDEX)).done[0].effects.losses.is_empty());
    assert_eq!(
        refused(place, rebuild("SELECT id, what, stock", "")),
        ["index items_what of items: gone without a DROP INDEX"]
    );
    // `item 100` is the only one that is longer.
    assert_eq!(
        refused(place, rebuild("SELECT id, substr(what, 1, 7), stock", "")),
        ["column items.what: 1 value overwritten", "index items_what of items: gone without a DROP INDEX"]
    );
    let less = format!("{NEW} INSERT INTO n (id, what, stock) SELECT id, what, CASE WHEN id = 99 THEN NULL ELSE stock END FROM items
        WHERE id > 20; {NAME} {INDEX}");
    assert_eq!(refused(place, less.leak()), ["rows of items: 20 rows", "column items.stock: 1 value turned NULL"]);
    let narrow = format!("CREATE TABLE n (id INTEGER PRIMARY KEY, what TEXT NOT NULL); INSERT INTO n SELECT id, what FROM items;
        {NAME} {INDEX}");
    assert_eq!(refused(place, narrow.leak()), ["column items.stock: 75 values"]);
}
}

larder_kit::engines! {
fn what_is_taken_away_and_put_back_is_no_loss(place: &Place) {
    let back = "CREATE TABLE kept AS SELECT * FROM items; DELETE FROM items; INSERT INTO items SELECT * FROM kept; DROP TABLE kept";
    assert!(passes(place, back).done[0].effects.losses.is_empty());
    let other = "CREATE TABLE kept AS SELECT * FROM items; DELETE FROM items; INSERT INTO items SELECT id + 1, what, stock FROM kept;
        DROP TABLE kept";
    let losses = refused(place, other);
    assert_eq!(losses[0], "rows of items: 1 row");
    assert_eq!(losses[1], "column items.what: 99 values overwritten");
    assert!(passes(place, "UPDATE items SET what = what || ''").done[0].effects.losses.is_empty());
}
}

larder_kit::engines! {
fn keys_that_change_are_rows_that_went(place: &Place) {
    assert_eq!(refused(place, "UPDATE items SET id = id + 1000 WHERE id <= 3"), ["rows of items: 3 rows"]);
}
}

larder_kit::engines! {
fn an_index_an_application_s_rows_and_a_column_of_nothing_are_no_loss(place: &Place) {
    passes(place, "ALTER TABLE items ADD COLUMN empty TEXT; ALTER TABLE items DROP COLUMN empty");
    passes(place, "INSERT INTO items VALUES (101, 'new', NULL); DELETE FROM items WHERE id = 101");
}
}
