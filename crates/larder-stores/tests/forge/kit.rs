//! What the tests share: a database with the store, a project with repositories, and a clock.

use jiff::Timestamp;
use larder::{Database, Error, ErrorKind};
use larder_kit::Place;
use larder_stores::ManualClock;
use larder_stores::audit;
use larder_stores::forge::{self, AuditEntry, By, Id, NewProject, NewRepository};

/// The tests' own time.
pub(crate) const START: &str = "2026-01-31T09:30:00Z";

pub(crate) fn clock() -> ManualClock {
    ManualClock::at(time(START))
}

pub(crate) fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// A database with the store.
pub(crate) fn store(place: &Place) -> Database {
    Database::options(place.url()).migrations(&forge::MIGRATIONS).open().unwrap()
}

/// Makes the project `pantry` with these repositories; gives their ids.
pub(crate) fn repositories<const N: usize>(db: &Database, names: [&str; N]) -> [Id; N] {
    let by = By::new("setup");
    db.write(|tx| {
        let project = forge::create_project(tx, by, NewProject { name: "pantry", ..NewProject::default() })?;
        let mut ids = Vec::new();
        for name in names {
            let new = NewRepository::named(project.id, name);
            ids.push(forge::create_repository(tx, by, new)?.repository_id);
        }
        Ok(ids)
    })
    .unwrap()
    .try_into()
    .unwrap()
}

/// The entries about a repository, the oldest first, as `actor action entity`.
pub(crate) fn told(db: &Database, id: Id) -> Vec<String> {
    entries(db, id)
        .iter()
        .map(|entry| format!("{} {} {}", entry.actor, entry.action, entry.entity_kind))
        .collect()
}

pub(crate) fn entries(db: &Database, id: Id) -> Vec<AuditEntry> {
    let mut entries = db.read(|tx| forge::list_audit_entries(tx, id, None, 1000)).unwrap();
    entries.reverse();
    entries
}

/// How many entries the trail has, all in order.
pub(crate) fn verified(db: &Database) -> i64 {
    let verification = db.read(|tx| audit::verify(tx, &forge::TRAIL, None)).unwrap();
    assert!(verification.is_whole(), "{verification:?}");
    db.query_one("SELECT count(*) FROM audit_entries", &[]).unwrap()
}

/// The typed reason of a refusal.
pub(crate) fn reason<T: std::error::Error + Clone + 'static>(error: &Error, kind: ErrorKind) -> T {
    assert_eq!(error.kind(), kind, "{error}");
    error.find::<T>().unwrap_or_else(|| panic!("another reason: {error:?}")).clone()
}
