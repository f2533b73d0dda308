//! Whatever another tool left in the table: it is named, and nothing panics.

use super::{Entry, anchor, append, bare, journal, many, verify};
use larder::{Database, ErrorKind, params};
use larder_kit::{Engine, Place};
use larder_stores::audit::{self, Anchor, Broken, Fault};
use larder_stores::journal::{MIGRATIONS, TRAIL};

fn broken_after(engine: Engine, sql: &str) -> Broken {
    let place = Place::new(engine);
    let db = bare(&place);
    append(&db, &many(4));
    db.execute(sql, &[]).unwrap();
    // Neither of the readers may panic, whatever they say.
    let _ = db.read(|tx| audit::tail(tx, &TRAIL, 10));
    let _ = db.read(|tx| audit::anchor(tx, &TRAIL));
    verify(&db, None).broken.unwrap()
}

fn unreadable(column: &str, found: &str) -> Fault {
    serde_json::from_value(serde_json::json!({ "kind": "unreadable", "column": column, "found": found }))
        .unwrap()
}

/// Where a column takes a value of any kind.
#[test]
fn values_that_this_tool_never_writes_are_named() {
    for (sql, seq, fault) in [
        ("UPDATE audit_log SET hash = NULL WHERE seq = 3", 3, unreadable("hash", "null")),
        ("UPDATE audit_log SET hash = x'00ff' WHERE seq = 4", 4, unreadable("hash", "a blob")),
        ("UPDATE audit_log SET hash = CAST(hash AS BLOB) WHERE seq = 2", 2, unreadable("hash", "a blob")),
        ("UPDATE audit_log SET hash = upper(hash) WHERE seq = 2", 2, Fault::Changed),
        ("UPDATE audit_log SET hash = '' WHERE seq = 4", 4, Fault::Changed),
        ("UPDATE audit_log SET message = 7 WHERE seq = 2", 2, unreadable("message", "an integer")),
        ("UPDATE audit_log SET ts = 2.5 WHERE seq = 1", 1, unreadable("ts", "a real number")),
        ("UPDATE audit_log SET data_json = x'7b7d' WHERE seq = 1", 1, unreadable("data_json", "a blob")),
        (
            "UPDATE audit_log SET event = CAST(x'ff41' AS TEXT) WHERE seq = 2",
            2,
            unreadable("event", "text that is not UTF-8"),
        ),
        (
            "UPDATE audit_log SET hash = CAST(x'ff41' AS TEXT) WHERE seq = 4",
            4,
            unreadable("hash", "text that is not UTF-8"),
        ),
        ("UPDATE audit_log SET message = NULL WHERE seq = 4", 4, Fault::Changed),
        ("UPDATE audit_log SET message = '' WHERE seq = 4", 4, Fault::Changed),
        ("UPDATE audit_log SET scope = event, event = scope WHERE seq = 3", 3, Fault::Changed),
        // An order of its own: null, numbers, text, blobs.
        ("UPDATE audit_log SET seq = NULL WHERE seq = 3", 1, unreadable("seq", "null")),
        ("UPDATE audit_log SET seq = '3' WHERE seq = 3", 3, Fault::Missing),
        ("UPDATE audit_log SET seq = x'04' WHERE seq = 4", 4, unreadable("seq", "a blob")),
        ("UPDATE audit_log SET seq = 2.5 WHERE seq = 3", 3, unreadable("seq", "a real number")),
        ("UPDATE audit_log SET seq = 9223372036854775807 WHERE seq = 4", 4, Fault::Missing),
        ("UPDATE audit_log SET seq = -9223372036854775808 WHERE seq = 4", i64::MIN, Fault::Inserted),
        ("INSERT INTO audit_log (seq) VALUES (0)", 0, Fault::Inserted),
        ("INSERT INTO audit_log SELECT * FROM audit_log WHERE seq = 2", 2, Fault::Inserted),
    ] {
        let broken = broken_after(Engine::Sqlite, sql);
        assert_eq!((broken.seq, &broken.fault), (seq, &fault), "{sql}");
        assert!(broken.to_string().contains(&seq.to_string()), "{broken}");
    }
}

larder_kit::engines! {
    fn nothing_is_appended_to_a_trail_whose_last_entry_is_unreadable(place: &Place) {
        for sql in [
            "UPDATE audit_log SET hash = NULL WHERE seq = 4",
            "UPDATE audit_log SET hash = 'short' WHERE seq = 4",
            "UPDATE audit_log SET seq = 'last' WHERE seq = 4",
            "UPDATE audit_log SET seq = -seq",
        ] {
            if place.is_postgres() && sql.contains("'last'") {
                continue;
            }
            let place = &Place::new(place.engine());
            let db = bare(place);
            append(&db, &many(4));
            db.execute(sql, &[]).unwrap();
            let error = db.write(|tx| Entry::saying("x").append(tx)).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Conversion, "{sql}");
            assert!(error.message().contains("audit_log"), "{error}");
        }
    }

    fn a_trail_of_the_last_number_is_no_overflow(place: &Place) {
        let db = bare(place);
        let hash = "ab".repeat(32);
        db.execute("INSERT INTO audit_log (seq, hash) VALUES (9223372036854775807, :hash)", params! { hash })
            .unwrap();
        assert_eq!(verify(&db, None).broken.unwrap().fault, Fault::Missing);
        // Not refused by the bare table; the real one has a key.
        let _ = db.write(|tx| Entry::saying("x").append(tx));
    }

    fn a_table_that_is_not_there_or_lacks_a_column_is_a_broken_trail(place: &Place) {
        let db = Database::options(place.url()).open().unwrap();
        assert_eq!(db.read(|tx| audit::verify(tx, &TRAIL, None)).unwrap().broken.unwrap().fault, Fault::Gone);
        db.execute("CREATE VIEW audit_log AS SELECT 1 AS seq, 2 AS hash", &[]).unwrap();
        assert_eq!(db.read(|tx| audit::verify(tx, &TRAIL, None)).unwrap().broken.unwrap().fault, Fault::Gone);
        db.execute("DROP VIEW audit_log", &[]).unwrap();
        db.execute("CREATE TABLE audit_log (seq INTEGER PRIMARY KEY, hash TEXT)", &[]).unwrap();
        let fault = db.read(|tx| audit::verify(tx, &TRAIL, None)).unwrap().broken.unwrap().fault;
        assert!(matches!(fault, Fault::Lacking { column, .. } if column == "ts"));

        for (sql, lacks) in [
            ("ALTER TABLE audit_log RENAME COLUMN message TO text", "message"),
            ("ALTER TABLE audit_log DROP COLUMN data_json", "data_json"),
            ("ALTER TABLE audit_log RENAME COLUMN hash TO hashed", "hash"),
            ("ALTER TABLE audit_log RENAME COLUMN seq TO number", "seq"),
        ] {
            let broken = broken_after(place.engine(), sql);
            assert!(matches!(&broken.fault, Fault::Lacking { column, .. } if column == lacks), "{sql}");
            let said = format!("entry 1 was changed: the table of the trail has no column {lacks}");
            assert!(broken.to_string().starts_with(&said), "{broken}");
        }
        if place.is_postgres() {
            return;
        }
        let place = &Place::new(place.engine());
        let db = bare(place);
        append(&db, &many(2));
        db.execute("ALTER TABLE audit_log RENAME COLUMN ts TO TS", &[]).unwrap();
        assert_eq!(verify(&db, None).broken, None);
    }

    fn the_anchor_of_another_trail_is_refused(place: &Place) {
        let db = journal(place);
        append(&db, &many(1));
        let other =
            anchor(&db).unwrap().to_string().replace("audit_log", "audit_entries").parse::<Anchor>().unwrap();
        let error = db.read(|tx| audit::verify(tx, &TRAIL, Some(&other))).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
    }
}

#[test]
fn a_byte_of_the_file_changed_from_outside_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    let open = || Database::open(path.display().to_string()).unwrap();
    let db = open();
    db.migrate(&[&MIGRATIONS]).unwrap();
    append(&db, &many(60));
    let kept = anchor(&db).unwrap();
    db.close().unwrap();

    let mut bytes = std::fs::read(&path).unwrap();
    let text = b"entry number 17";
    // Pages keep what lay in them before; so it stands there more than once.
    let found: Vec<usize> = (0..bytes.len()).filter(|at| bytes[*at..].starts_with(text)).collect();
    for at in found {
        bytes[at] ^= 0x20;
    }
    std::fs::write(&path, bytes).unwrap();

    let found = verify(&open(), Some(&kept));
    assert_eq!(found.entries, 16);
    assert_eq!(found.broken.unwrap().seq, 17);
}

larder_kit::engines! {
    fn the_doctor_names_the_entry_and_passes_over_a_database_without_a_trail(place: &Place) {
        let path = place.url();
        let store = larder_stores::Store::named("journal").unwrap();
        let examine = || {
            let settings = larder::doctor::Settings::default();
            let options = Database::options(path);
            larder::doctor::examine_with(&options, &[store.set], &settings, store.checks).unwrap()
        };
        let db = Database::options(path).open().unwrap();
        db.execute("CREATE TABLE other (id INTEGER PRIMARY KEY)", &[]).unwrap();
        assert!(examine().findings.iter().all(|finding| finding.check != "journal_audit"));

        db.migrate(&[store.set]).unwrap();
        append(&db, &many(3));
        assert!(examine().checked.contains(&"journal_audit"));
        assert!(examine().findings.iter().all(|finding| finding.check != "journal_audit"));

        let of = if place.is_postgres() { " ON audit_log" } else { "" };
        db.execute(&format!("DROP TRIGGER audit_log_kept{of}"), &[]).unwrap();
        db.execute("UPDATE audit_log SET level = 'error' WHERE seq = 2", &[]).unwrap();
        let checkup = examine();
        let finding = checkup.findings.iter().find(|finding| finding.check == "journal_audit").unwrap();
        assert_eq!(finding.severity, larder::doctor::Severity::Error);
        assert!(
            finding.message.starts_with("the audit trail audit_log is broken: entry 2 was changed"),
            "{finding:?}"
        );
        // The missing trigger is told of, too.
        assert!(
            checkup
                .findings
                .iter()
                .any(|finding| finding.check == "drift" && finding.message.contains("audit_log_kept"))
        );
    }
}
