//! What the doctor says of leases and of the trail.

use crate::kit::{clock, repositories};
use jiff::{SignedDuration, Timestamp};
use larder::Database;
use larder::doctor::{self, Finding};
use larder_stores::ManualClock;
use larder_stores::Store;
use larder_stores::forge::{self, By};

fn found(path: &str) -> Vec<Finding> {
    let store = Store::named("forge").unwrap();
    let settings = doctor::Settings::default();
    let checkup =
        doctor::examine_with(&Database::options(path), &[store.set], &settings, store.checks).unwrap();
    for check in ["forge_lease", "forge_audit"] {
        assert!(checkup.checked.contains(&check), "{:?}", checkup.checked);
    }
    checkup.findings.into_iter().filter(|finding| finding.check.starts_with("forge")).collect()
}

#[test]
fn leases_past_their_time_and_too_far_ahead_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("forge.db").display().to_string();
    let db = Database::options(&path).migrations(&forge::MIGRATIONS).open().unwrap();
    let [a, b, c] = repositories(&db, ["a", "b", "c"]);
    db.write(|tx| forge::acquire_lease(tx, By::new("ada"), a, None)).unwrap();
    assert_eq!(found(&path), []);

    let (past, ahead) = (clock(), ManualClock::at(Timestamp::now()));
    ahead.advance(SignedDuration::from_hours(96));
    db.write(|tx| {
        forge::acquire_lease(tx, By::new("grace").clock(&past), b, None)?;
        forge::acquire_lease(tx, By::new("edsger").clock(&ahead), c, None)
    })
    .unwrap();
    let found = found(&path);
    assert_eq!(found.len(), 2, "{found:?}");
    let line =
        format!("a lease is past its time and was not given back: {b} of grace until 2026-02-03T09:30:00Z");
    assert_eq!(found[0].message, line);
    let message = &found[1].message;
    assert!(
        message.starts_with("a lease ends later") && message.contains(&format!("{c} of edsger until")),
        "{message}"
    );
}

#[test]
fn an_entry_that_was_changed_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("forge.db").display().to_string();
    let db = Database::options(&path).migrations(&forge::MIGRATIONS).open().unwrap();
    repositories(&db, ["a", "b", "c"]);
    let drop = "DROP TRIGGER audit_entries_kept";
    let kept: String =
        db.query_one("SELECT sql FROM sqlite_schema WHERE name = 'audit_entries_kept'", &[]).unwrap();
    db.execute(drop, &[]).unwrap();
    db.execute("UPDATE audit_entries SET actor = 'mallory' WHERE seq = 3", &[]).unwrap();
    db.execute(&kept, &[]).unwrap();
    let found = found(&path);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].message.contains("audit_entries is broken: entry 3"), "{:?}", found[0]);
}
