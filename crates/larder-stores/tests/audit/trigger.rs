//! The table itself takes the next entry and nothing else, whatever statement tries.

use super::{append, journal, many, reference};
use larder::{ErrorKind, params};
use larder_kit::Place;

const COLUMNS: &str = "ts, level, scope, event, hash";

larder_kit::engines! {
    fn no_statement_changes_removes_or_replaces_an_entry(place: &Place) {
        let db = journal(place);
        append(&db, &many(3));
        let before = reference::stored(&db);
        let hash = "ab".repeat(32);
        let values = format!("'2026-01-31T09:30:00.000000Z', 'info', 's', 'e', '{hash}'");
        for (sql, said) in [
            ("UPDATE audit_log SET message = 'x' WHERE seq = 2".to_owned(), "no entry is changed"),
            ("UPDATE OR REPLACE audit_log SET seq = 1 WHERE seq = 2".into(), "no entry is changed"),
            ("UPDATE OR IGNORE audit_log SET message = 'x'".into(), "no entry is changed"),
            ("DELETE FROM audit_log WHERE seq = 3".into(), "no entry is removed"),
            ("DELETE FROM audit_log".into(), "no entry is removed"),
            (format!("INSERT INTO audit_log (seq, {COLUMNS}) VALUES (5, {values})"), "the number after the last"),
            (format!("INSERT INTO audit_log (seq, {COLUMNS}) VALUES (0, {values})"), "the number after the last"),
            (
                format!("INSERT INTO audit_log (seq, {COLUMNS}) VALUES (NULL, {values})"),
                "the number after the last",
            ),
            (format!("INSERT INTO audit_log ({COLUMNS}) VALUES ({values})"), "the number after the last"),
            (
                format!("INSERT OR REPLACE INTO audit_log (seq, {COLUMNS}) VALUES (2, {values})"),
                "the number after",
            ),
            (
                format!("INSERT OR IGNORE INTO audit_log (seq, {COLUMNS}) VALUES (2, {values})"),
                "the number after",
            ),
            (
                format!("REPLACE INTO audit_log (seq, {COLUMNS}) VALUES (3, {values})"),
                "the number after the last",
            ),
            (
                format!(
                    "INSERT INTO audit_log (seq, {COLUMNS}) VALUES (3, {values}) \
                     ON CONFLICT (seq) DO UPDATE SET message = 'x'"
                ),
                "the number after the last",
            ),
            ("TRUNCATE audit_log".into(), "no entry is removed"),
        ] {
            let only_sqlite = sql.contains("OR REPLACE") || sql.contains("OR IGNORE") || sql.starts_with("REPLACE");
            if if place.is_postgres() { only_sqlite } else { sql.starts_with("TRUNCATE") } {
                continue;
            }
            let error = db.execute(&sql, &[]).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Constraint, "{sql}: {error}");
            assert!(error.to_string().contains(said), "{sql}: {error}");
            assert_eq!(reference::stored(&db), before, "{sql}");
        }
    }

    fn a_hash_of_another_form_is_refused(place: &Place) {
        let db = journal(place);
        let insert = format!("INSERT INTO audit_log (seq, {COLUMNS}) VALUES (1, '2026-01-31T09:30:00.000000Z', 'info', 's', 'e', :hash)");
        for hash in ["", "ab", &"AB".repeat(32), &"a".repeat(65)] {
            let error = db.execute(&insert, params! { hash }).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Constraint, "{hash}");
        }
        assert_eq!(db.execute(&insert, params! { hash: "ab".repeat(32) }).unwrap(), 1);
    }
}

/// What bears the same name in a session's own schema is found first by a name without a schema: the trigger asked that table,
/// and an entry of any number got in.
#[cfg(feature = "postgres")]
#[test]
fn a_temporary_table_of_the_same_name_is_not_asked_for_the_last_number() {
    let place = Place::new(larder_kit::Engine::Postgres);
    append(&journal(&place), &many(3));
    let mut client = place.client();
    let insert = |seq: i64| {
        let values = format!("{seq}, '2026-01-31T09:30:00Z', 'info', 's', 'e', repeat('ab', 32)");
        format!("INSERT INTO public.audit_log (seq, {COLUMNS}) VALUES ({values})")
    };
    client
        .batch_execute("CREATE TEMP TABLE audit_log (seq bigint); INSERT INTO audit_log VALUES (8)")
        .unwrap();
    let error = client.batch_execute(&insert(9)).unwrap_err();
    let said = error.as_db_error().map(|error| error.message().to_owned());
    assert_eq!(said.unwrap(), "audit_log only grows: an entry has the number after the last");
    // Nor does it matter which schemas the session looks through.
    client.batch_execute("SET search_path = ''").unwrap();
    client.batch_execute(&insert(4)).unwrap();
}
