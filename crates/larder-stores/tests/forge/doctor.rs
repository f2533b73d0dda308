//! What the doctor says of leases and of the trail.

use crate::kit::{clock, repositories, store};
use jiff::{SignedDuration, Timestamp};
use larder::Database;
use larder::doctor::{self, Finding};
use larder_kit::Place;
use larder_stores::ManualClock;
use larder_stores::Store;
use larder_stores::forge::{self, By};

/// What it finds.
fn found(place: &Place) -> Vec<Finding> {
    let store = Store::named("forge").unwrap();
    let settings = doctor::Settings::default();
    let checkup =
        doctor::examine_with(&Database::options(place.url()), &[store.set], &settings, store.checks).unwrap();
    for check in ["forge_lease", "forge_audit"] {
        assert!(checkup.checked.contains(&check), "{:?}", checkup.checked);
    }
    checkup.findings.into_iter().filter(|finding| finding.check.starts_with("forge")).collect()
}

larder_kit::engines! {
    fn leases_past_their_time_and_too_far_ahead_are_named(place: &Place) {
        let db = store(place);
        let [a, b, c] = repositories(&db, ["a", "b", "c"]);
        db.write(|tx| forge::acquire_lease(tx, By::new("ada"), a, None)).unwrap();
        assert_eq!(found(place), []);

        let (past, ahead) = (clock(), ManualClock::at(Timestamp::now()));
        ahead.advance(SignedDuration::from_hours(96));
        db.write(|tx| {
            forge::acquire_lease(tx, By::new("grace").clock(&past), b, None)?;
            forge::acquire_lease(tx, By::new("edsger").clock(&ahead), c, None)
        })
        .unwrap();
        let found = found(place);
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

    fn an_entry_that_was_changed_is_named(place: &Place) {
        let db = store(place);
        repositories(&db, ["a", "b", "c"]);
        let (drop, kept) = if place.is_postgres() {
            let [drop, kept] =
                ["DISABLE", "ENABLE"].map(|way| format!("ALTER TABLE audit_entries {way} TRIGGER audit_entries_kept"));
            (drop, kept)
        } else {
            let kept = "SELECT sql FROM sqlite_schema WHERE name = 'audit_entries_kept'";
            ("DROP TRIGGER audit_entries_kept".to_owned(), db.query_one(kept, &[]).unwrap())
        };
        db.execute(&drop, &[]).unwrap();
        db.execute("UPDATE audit_entries SET actor = 'mallory' WHERE seq = 3", &[]).unwrap();
        db.execute(&kept, &[]).unwrap();
        let found = found(place);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].message.contains("audit_entries is broken: entry 3"), "{:?}", found[0]);
    }
}
