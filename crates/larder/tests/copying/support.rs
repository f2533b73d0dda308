//! Databases to copy from and to.

use larder::{Database, Value};
use larder_kit::{Engine, Place};
use std::collections::BTreeMap;

/// A new place on each engine: where it is copied from, and to.
pub(crate) fn places(from: Engine, to: Engine) -> (Place, Place) {
    (Place::new(from), Place::new(to))
}

pub(crate) fn open(place: &Place) -> Database {
    Database::options(place.url()).open().unwrap()
}

/// All rows of every table of a SQLite database, as text that sorts.
pub(crate) fn content(db: &Database) -> BTreeMap<String, Vec<String>> {
    const TABLES: &str = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' \
                          AND name NOT IN ('schema_migrations', 'meta')";
    let tables: Vec<String> = db.query_all(TABLES, &[]).unwrap();
    let mut content = BTreeMap::new();
    for table in tables {
        let mut rows: Vec<String> = Vec::new();
        db.read(|tx| {
            tx.query_each(&format!("SELECT * FROM \"{table}\""), &[], |row| {
                let values: Vec<Value> = row.values()?;
                rows.push(format!("{values:?}"));
                Ok(std::ops::ControlFlow::Continue(()))
            })
        })
        .unwrap();
        rows.sort();
        content.insert(table, rows);
    }
    content
}
