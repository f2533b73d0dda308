//! The audit trail: what is hashed, what is refused, and that whoever changes an entry is found out.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

mod append;
mod copied;
mod hostile;
#[path = "../shared/many.rs"]
mod many_times;
mod reference;
mod tamper;
mod trigger;

use larder::{Database, Result, WriteTx, params};
use larder_kit::Place;
use larder_stores::audit::{self, Anchor, Head, Verification};
use larder_stores::journal;

/// What an entry of `audit_log` holds.
#[derive(Clone, Debug, PartialEq)]
struct Entry {
    ts: String,
    level: String,
    run_id: Option<String>,
    scope: String,
    event: String,
    message: Option<String>,
    data_json: Option<String>,
}

impl Entry {
    fn saying(message: &str) -> Self {
        Self {
            ts: "2026-01-31T09:30:00.000000Z".into(),
            level: "info".into(),
            run_id: None,
            scope: "cli".into(),
            event: "said".into(),
            message: Some(message.into()),
            data_json: Some(r#"{"n":1}"#.into()),
        }
    }

    fn append(&self, tx: &mut WriteTx<'_>) -> Result<Head> {
        let Self { ts, level, run_id, scope, event, message, data_json } = self;
        audit::append(tx, &journal::TRAIL, params! { ts, level, run_id, scope, event, message, data_json })
    }
}

/// A journal.
fn journal(place: &Place) -> Database {
    Database::options(place.url()).migrations(&journal::MIGRATIONS).open().unwrap()
}

/// A table with the trail's columns and none of its rules.
fn bare(place: &Place) -> Database {
    let db = Database::options(place.url()).open().unwrap();
    let columns = match place.is_postgres() {
        false => "seq, ts, level, run_id, scope, event, message, data_json, hash",
        true => {
            "seq bigint, ts text, level text, run_id text, scope text, event text, message text, data_json text, hash text"
        }
    };
    db.execute(&format!("CREATE TABLE audit_log ({columns})"), &[]).unwrap();
    if place.is_postgres() {
        db.execute("CREATE VIEW audit_log_turn AS SELECT 1 AS trail", &[]).unwrap();
    }
    db
}

fn append(db: &Database, entries: &[Entry]) {
    db.write(|tx| entries.iter().try_for_each(|entry| entry.append(tx).map(drop))).unwrap();
}

fn verify(db: &Database, anchor: Option<&Anchor>) -> Verification {
    db.read(|tx| audit::verify(tx, &journal::TRAIL, anchor)).unwrap()
}

fn anchor(db: &Database) -> Option<Anchor> {
    db.read(|tx| audit::anchor(tx, &journal::TRAIL)).unwrap()
}

fn many(count: usize) -> Vec<Entry> {
    (1..=count).map(|n| Entry::saying(&format!("entry number {n}"))).collect()
}
