//! Any one entry changed, removed, swapped or put in is found, and the first broken one is named.

use super::{Entry, anchor, append, bare, many, reference, verify};
use crate::many_times::many_times;
use larder::{Database, params};
use larder_kit::Place;
use larder_stores::audit::{self, Anchor, Fault};
use larder_stores::journal::TRAIL;
use proptest::prelude::*;

const TEXTS: [&str; 5] = ["ts", "scope", "event", "message", "data_json"];

#[derive(Clone, Debug)]
enum Tamper {
    /// A column of an entry holds another text.
    Change { at: usize, column: usize, text: String },
    /// A digit of a hash is another one.
    Hash { at: usize, digit: usize },
    /// An entry is gone.
    Remove { at: usize },
    /// An entry is gone, and those behind it moved up.
    Close { at: usize },
    /// Two entries hold each other's place, hashes and all.
    Swap { at: usize, other: usize },
    /// An entry was put in, and those behind it moved down; its hash is right where `chained`.
    Insert { at: usize, entry: Entry, chained: bool },
}

fn entries() -> impl Strategy<Value = Vec<Entry>> {
    proptest::collection::vec(entry(), 1..12)
}

fn entry() -> impl Strategy<Value = Entry> {
    // Without a NUL, which no text of a server has.
    let text = || "[^\\n\\x00]{0,12}";
    (
        text(),
        text(),
        text(),
        proptest::option::of(text()),
        proptest::option::of(text()),
        proptest::option::of(text()),
    )
        .prop_map(|(ts, scope, event, message, run_id, data_json)| Entry {
            ts,
            level: "info".into(),
            run_id,
            scope,
            event,
            message,
            data_json,
        })
}

fn tamper() -> impl Strategy<Value = Tamper> {
    let at = || 0..12usize;
    prop_oneof![
        (at(), 0..TEXTS.len(), "[^\\n\\x00]{0,12}").prop_map(|(at, column, text)| Tamper::Change {
            at,
            column,
            text
        }),
        (at(), 0..64usize).prop_map(|(at, digit)| Tamper::Hash { at, digit }),
        at().prop_map(|at| Tamper::Remove { at }),
        at().prop_map(|at| Tamper::Close { at }),
        (at(), at()).prop_map(|(at, other)| Tamper::Swap { at, other }),
        (at(), entry(), any::<bool>()).prop_map(|(at, entry, chained)| Tamper::Insert { at, entry, chained }),
    ]
}

/// Does it, and gives the first entry that is broken then and, where there is but one, the fault; `None` when nothing
/// is broken that the table alone could show.
fn apply(db: &Database, entries: &[Entry], tamper: &Tamper) -> Option<(i64, Option<Fault>)> {
    let count = entries.len();
    let number = |at: usize| i64::try_from(at % count + 1).unwrap();
    let last = number(count - 1);
    let execute = |sql: &str, params: &[larder::Param<'_>]| db.execute(sql, params).unwrap();
    match tamper {
        Tamper::Change { at, column, text } => {
            let (seq, column) = (number(*at), TEXTS[*column]);
            let sql = format!(
                "UPDATE audit_log SET {column} = :text WHERE seq = :seq AND {column} IS DISTINCT FROM :text"
            );
            (execute(&sql, params! { text, seq }) > 0).then_some((seq, Some(Fault::Changed)))
        }
        Tamper::Hash { at, digit } => {
            let (seq, digit) = (number(*at), i64::try_from(digit + 1).unwrap());
            let other = "CASE substr(hash, :digit, 1) WHEN '0' THEN '1' ELSE '0' END";
            let sql = format!(
                "UPDATE audit_log SET hash = substr(hash, 1, :digit - 1) || {other} || substr(hash, :digit + 1) WHERE seq = :seq"
            );
            execute(&sql, params! { seq, digit });
            Some((seq, Some(Fault::Changed)))
        }
        Tamper::Remove { at } => {
            let seq = number(*at);
            execute("DELETE FROM audit_log WHERE seq = :seq", params! { seq });
            (seq < last).then_some((seq, Some(Fault::Missing)))
        }
        Tamper::Close { at } => {
            let seq = number(*at);
            execute("DELETE FROM audit_log WHERE seq = :seq", params! { seq });
            execute("UPDATE audit_log SET seq = seq - 1 WHERE seq > :seq", params! { seq });
            (seq < last).then_some((seq, Some(Fault::Changed)))
        }
        Tamper::Swap { at, other } => {
            let (a, b) = (number(*at), number(*other));
            execute("UPDATE audit_log SET seq = :a - seq + :b WHERE seq IN (:a, :b)", params! { a, b });
            (a != b).then_some((a.min(b), Some(Fault::Changed)))
        }
        Tamper::Insert { at, entry, chained } => {
            let seq = i64::try_from(at % (count + 1) + 1).unwrap();
            let hashes = reference::stored(db);
            let before = usize::try_from(seq - 2).ok().map(|at| hashes[at].clone());
            let mut previous = [0; 32];
            if let Some(text) = before {
                for (byte, at) in previous.iter_mut().zip((0..64).step_by(2)) {
                    *byte = u8::from_str_radix(&text[at..at + 2], 16).unwrap();
                }
            }
            let right = reference::hex(reference::hash(previous, seq, entry));
            let hash = if *chained { right } else { "5a".repeat(32) };
            execute("UPDATE audit_log SET seq = seq + 1 WHERE seq >= :seq", params! { seq });
            let Entry { ts, level, run_id, scope, event, message, data_json } = entry;
            execute(
                "INSERT INTO audit_log VALUES \
                 (:seq, :ts, :level, :run_id, :scope, :event, :message, :data_json, :hash)",
                params! { seq, ts, level, run_id, scope, event, message, data_json, hash },
            );
            match chained {
                false => Some((seq, Some(Fault::Changed))),
                // As good as one that was written by this tool; the one behind it does not follow from it.
                true => (seq <= last).then_some((seq + 1, Some(Fault::Changed))),
            }
        }
    }
}

larder_kit::engines! {
    fn one_change_is_found_and_the_first_broken_entry_named(place: &Place) {
        many_times(place.engine(), 300, (entries(), tamper()), |place, (entries, tamper)| {
            let db = bare(place);
            append(&db, &entries);
            prop_assert_eq!(reference::stored(&db), reference::chain(&entries));
            let kept = anchor(&db).unwrap();
            prop_assert!(verify(&db, Some(&kept)).is_whole());

            let expected = apply(&db, &entries, &tamper);
            let found = verify(&db, None);
            match expected {
                Some((seq, fault)) => {
                    let broken = found.broken.unwrap();
                    prop_assert_eq!(broken.seq, seq);
                    if let Some(fault) = fault {
                        prop_assert_eq!(broken.fault, fault);
                    }
                    prop_assert_eq!(found.entries, u64::try_from(seq - 1).unwrap());
                    prop_assert!(!verify(&db, Some(&kept)).is_whole());
                }
                None => prop_assert_eq!(found.broken, None),
            }
            Ok(())
        });
    }
}

larder_kit::engines! {
    fn a_cut_tail_shows_against_an_anchor_only(place: &Place) {
        let db = bare(place);
        append(&db, &many(6));
        let kept = anchor(&db).unwrap();
        db.execute("DELETE FROM audit_log WHERE seq > 4", &[]).unwrap();
        assert!(verify(&db, None).is_whole());
        let broken = verify(&db, Some(&kept)).broken.unwrap();
        assert_eq!(broken.seq, 5);
        assert!(matches!(broken.fault, Fault::Cut { anchor: 6 }));
        // All of it.
        db.execute("DELETE FROM audit_log", &[]).unwrap();
        assert_eq!(verify(&db, Some(&kept)).broken.unwrap().seq, 1);
    }

    fn a_history_written_anew_shows_against_an_anchor_only(place: &Place) {
        let db = bare(place);
        append(&db, &many(6));
        let kept = anchor(&db).unwrap();
        append(&db, &many(2));
        assert!(verify(&db, Some(&kept)).is_whole());
        db.execute("DELETE FROM audit_log", &[]).unwrap();
        let mut others = many(9);
        others[2].message = Some("never happened".into());
        append(&db, &others);
        assert!(verify(&db, None).is_whole());
        let broken = verify(&db, Some(&kept)).broken.unwrap();
        assert_eq!((broken.seq, broken.fault), (6, Fault::Rewritten));
    }

    fn of_many_anchors_the_first_that_does_not_fit_is_told(place: &Place) {
        let db = bare(place);
        let mut kept = Vec::new();
        for entry in many(6) {
            append(&db, &[entry]);
            kept.push(anchor(&db).unwrap());
        }
        let found = |anchors: &[Anchor]| db.read(|tx| audit::verify(tx, &TRAIL, anchors)).unwrap().broken;
        kept.reverse();
        assert_eq!(found(&kept), None);
        let mut wrong = kept.clone();
        // Of the entries 5 and 3.
        for at in [1, 3] {
            wrong[at].hash = kept[0].hash;
        }
        let broken = found(&wrong).unwrap();
        assert_eq!((broken.seq, broken.fault), (3, Fault::Rewritten));
        db.execute("DELETE FROM audit_log WHERE seq > 2", &[]).unwrap();
        let broken = found(&kept).unwrap();
        assert_eq!(broken.seq, 3);
        assert!(matches!(broken.fault, Fault::Cut { anchor: 3 }), "{broken:?}");
    }
}
