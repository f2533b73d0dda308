//! The hash, computed once more from nothing but what `docs/stores/audit.md` says.

use super::{Entry, append, journal, many};
use larder::Database;
use larder_kit::Place;
use sha2::{Digest, Sha256};

/// The hash of the entry `seq` after one with the hash `previous`.
pub(super) fn hash(previous: [u8; 32], seq: i64, entry: &Entry) -> [u8; 32] {
    let mut sum = Sha256::new();
    sum.update("larder-audit:1:audit_log\n");
    sum.update(previous);
    sum.update(seq.to_be_bytes());
    let text = |text: &String| Some(text.clone());
    for column in [
        text(&entry.ts),
        text(&entry.level),
        entry.run_id.clone(),
        text(&entry.scope),
        text(&entry.event),
        entry.message.clone(),
        entry.data_json.clone(),
    ] {
        match column {
            None => sum.update([0]),
            Some(text) => {
                sum.update([2]);
                sum.update(u32::try_from(text.len()).unwrap().to_be_bytes());
                sum.update(text);
            }
        }
    }
    sum.finalize().into()
}

pub(super) fn hex(hash: [u8; 32]) -> String {
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// All hashes of a chain of these entries.
pub(super) fn chain(entries: &[Entry]) -> Vec<String> {
    let mut previous = [0; 32];
    let mut all = Vec::new();
    for (seq, entry) in (1..).zip(entries) {
        previous = hash(previous, seq, entry);
        all.push(hex(previous));
    }
    all
}

pub(super) fn stored(db: &Database) -> Vec<String> {
    db.query_all("SELECT hash FROM audit_log ORDER BY seq", &[]).unwrap()
}

larder_kit::engines! {
    /// It stands in the documentation, made there with `printf` and `sha256sum`.
    fn the_example_of_the_documentation_is_true(place: &Place) {
        let db = journal(place);
        append(
            &db,
            &[Entry {
                ts: "2026-01-31T09:30:00.000000Z".into(),
                level: "info".into(),
                run_id: None,
                scope: "cli".into(),
                event: "started".into(),
                message: None,
                data_json: Some("{}".into()),
            }],
        );
        assert_eq!(stored(&db), ["044548e2bd6035cbc8494025f60635c803040b21ce03c4209178858d0cfecf2d"]);
    }

    fn the_stored_hashes_are_those_of_the_documented_bytes(place: &Place) {
        let db = journal(place);
        let mut entries = many(5);
        entries[1].run_id = Some("01JJ".into());
        // No text of a server has a NUL.
        let between = if place.is_postgres() { " " } else { "\0" };
        entries[2].message = Some(format!("zwölf{between}Boxkämpfer"));
        entries[3].data_json = None;
        entries[4].scope = String::new();
        append(&db, &entries);
        assert_eq!(stored(&db), chain(&entries));
    }
}
