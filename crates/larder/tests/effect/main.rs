//! What a migration loses, measured on PostgreSQL.
#![cfg(feature = "postgres")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test"
)]

mod hidden;
mod loss;
mod model;
mod plain;
mod shape;

use larder::migrate::{Refused, Report};
use larder::{Database, ErrorKind, Migration, MigrationSet};
use larder_kit::{Engine, Place};

/// A shop: 100 customers with an e-mail each but every tenth, 3 orders each, an index, a trigger and a view.
pub(crate) const SEED: &str = "
    CREATE TABLE customers (id bigint PRIMARY KEY, name text NOT NULL, email text, age text);
    CREATE TABLE orders (
        id bigint PRIMARY KEY,
        customer_id bigint NOT NULL REFERENCES customers (id) ON DELETE CASCADE,
        amount numeric NOT NULL
    );
    CREATE TABLE notes (body text);
    CREATE UNIQUE INDEX customers_email ON customers (email);
    CREATE VIEW spenders AS SELECT c.name, sum(o.amount) AS total FROM customers c JOIN orders o ON o.customer_id = c.id
        GROUP BY c.id;
    CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO notes VALUES (new.name); RETURN new; END $$;
    CREATE TRIGGER customers_noted AFTER INSERT ON customers FOR EACH ROW EXECUTE FUNCTION note();
    INSERT INTO customers SELECT i, 'name ' || i, CASE WHEN i % 10 = 0 THEN NULL ELSE 'a' || i || '@b.c' END, i
        FROM generate_series(1, 100) i;
    INSERT INTO orders SELECT i, (i - 1) / 3 + 1, i * 1.5 FROM generate_series(1, 300) i;
";

pub(crate) struct Shop {
    pub(crate) db: Database,
    seed: &'static str,
    _place: Place,
}

pub(crate) fn shop() -> Shop {
    made(SEED)
}

pub(crate) fn made(seed: &'static str) -> Shop {
    let place = Place::new(Engine::Postgres);
    let db = Database::options(place.url()).open().unwrap();
    let shop = Shop { db, seed, _place: place };
    shop.db.migrate(&[&shop.set(None)]).unwrap();
    shop
}

impl Shop {
    pub(crate) fn set(&self, second: Option<Migration>) -> MigrationSet {
        let mut list = vec![Migration::sql("0001_seed", self.seed)];
        list.extend(second);
        MigrationSet::list("app", list)
    }

    pub(crate) fn change(&self, change: &'static str) -> larder::Result<Report> {
        self.db.migrate(&[&self.set(Some(Migration::sql("0002_change", change)))])
    }

    /// What is refused of a change, which must leave everything as it was.
    pub(crate) fn losses(&self, change: &'static str) -> Vec<String> {
        let error = self.change(change).expect_err("it should have been refused");
        assert_eq!(error.kind(), ErrorKind::ApprovalNeeded, "{error:?}");
        assert_eq!(self.db.schema_version().unwrap(), Some(1));
        error.find::<Refused>().unwrap().losses.iter().map(ToString::to_string).collect()
    }

    pub(crate) fn count(&self, sql: &str) -> i64 {
        self.db.query_one(sql, &[]).unwrap()
    }
}

pub(crate) fn refused(change: &'static str) -> Vec<String> {
    let shop = shop();
    let losses = shop.losses(change);
    let counts: (i64, i64, i64, i64) = shop
        .db
        .query_one(
            "SELECT (SELECT count(*) FROM customers), (SELECT count(email) FROM customers), (SELECT count(*) FROM orders), \
             (SELECT count(*) FROM spenders)",
            &[],
        )
        .unwrap();
    assert_eq!(counts, (100, 90, 300, 100));
    losses
}

pub(crate) fn passes(change: &'static str) -> Report {
    shop().change(change).unwrap()
}
