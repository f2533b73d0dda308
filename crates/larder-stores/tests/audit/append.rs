//! Appending: one, many, by many threads, and what is refused.

use super::{Entry, anchor, append, journal, many, reference, verify};
use larder::{Database, ErrorKind, Isolation, params};
use larder_kit::Place;
use larder_stores::audit;
use larder_stores::journal::{MIGRATIONS, TRAIL};

larder_kit::engines! {
    fn entries_of_one_call_and_of_many_make_one_chain(place: &Place) {
        let db = journal(place);
        let entries = many(300);
        append(&db, &entries[..3]);
        let head = db
            .write(|tx| {
                audit::append_many(tx, &TRAIL, |new| {
                    for Entry { ts, level, run_id, scope, event, message, data_json } in &entries[3..] {
                        new.push(params! { ts, level, run_id, scope, event, message, data_json })?;
                    }
                    Ok(())
                })
            })
            .unwrap();
        assert_eq!(reference::stored(&db), reference::chain(&entries));
        let found = verify(&db, None);
        assert_eq!((found.entries, found.head, found.broken), (300, head, None));
    }

    fn the_columns_may_be_given_in_any_order(place: &Place) {
        let another = Place::new(place.engine());
        let (one, other) = (journal(place), journal(&another));
        append(&one, &[Entry::saying("x")]);
        let Entry { ts, level, run_id, scope, event, message, data_json } = Entry::saying("x");
        other
            .write(|tx| {
                audit::append(tx, &TRAIL, params! { data_json, message, event, scope, run_id, level, ts })
            })
            .unwrap();
        assert_eq!(reference::stored(&one), reference::stored(&other));
    }

    fn an_entry_that_could_never_be_verified_is_refused(place: &Place) {
        let db = journal(place);
        let Entry { ts, level, run_id, scope, event, message, data_json } = Entry::saying("x");
        for (params, said) in [
            (params! { ts, level, run_id, scope, event, message }, "7 columns and 6"),
            (
                params! { ts, level, run_id, scope, event, message, data: data_json },
                "data_json of audit_log was not given",
            ),
            (
                params! { ts, level, run_id, scope, event, message: 7, data_json },
                "message of audit_log holds text",
            ),
            (params! { ts, level, run_id, scope, event, message: [0u8; 3], data_json }, "a blob was given"),
        ] {
            let error = db.write(|tx| audit::append(tx, &TRAIL, params)).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Parameter);
            assert!(error.message().contains(said), "{error}");
        }
        assert_eq!(anchor(&db), None);
    }

    fn an_entry_that_was_rolled_back_leaves_no_gap(place: &Place) {
        let db = journal(place);
        append(&db, &many(2));
        db.write(|tx| {
            let undone = tx.savepoint(|tx| {
                Entry::saying("undone").append(tx)?;
                Err::<(), _>(larder::Error::other("no"))
            });
            assert!(undone.is_err());
            Entry::saying("kept").append(tx)
        })
        .unwrap();
        assert_eq!(verify(&db, None).entries, 3);
        assert!(verify(&db, None).is_whole());
    }

    fn a_fault_in_many_leaves_none_of_them(place: &Place) {
        let db = journal(place);
        let before = many(2);
        append(&db, &before);
        let error = db
            .write(|tx| {
                audit::append_many(tx, &TRAIL, |new| {
                    for n in 0..40 {
                        let Entry { ts, run_id, scope, event, message, data_json, .. } = Entry::saying("x");
                        let level = if n == 30 { "loud" } else { "info" };
                        new.push(params! { ts, level, run_id, scope, event, message, data_json })?;
                    }
                    Ok(())
                })
            })
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Constraint);
        assert_eq!(error.find::<larder::FailedRow>().unwrap().first, 31);
        assert_eq!(reference::stored(&db), reference::chain(&before));
    }
}

larder_kit::engines! {
    fn many_threads_on_two_handles_make_one_whole_chain(place: &Place) {
        let committed = Database::options(place.url()).migrations(&MIGRATIONS);
        let committed = if place.is_postgres() { committed.isolation(Isolation::ReadCommitted) } else { committed };
        let handles = [journal(place), committed.open().unwrap()];
        std::thread::scope(|scope| {
            for worker in 0..8 {
                let db = &handles[worker % 2];
                scope.spawn(move || {
                    for n in 0..25 {
                        append(db, &[Entry::saying(&format!("worker {worker}, entry {n}"))]);
                    }
                });
            }
        });
        let found = verify(&handles[0], None);
        assert_eq!((found.entries, found.broken), (200, None));
    }
}

larder_kit::engines! {
    fn the_tail_is_the_last_entries_in_their_order(place: &Place) {
        let db = journal(place);
        append(&db, &many(5));
        let tail = db.read(|tx| audit::tail(tx, &TRAIL, 2)).unwrap();
        let seen: Vec<_> =
            tail.iter().map(|entry| (entry.seq, entry.columns["message"].as_str().unwrap())).collect();
        assert_eq!(seen, [(4, "entry number 4"), (5, "entry number 5")]);
        assert_eq!(tail[1].columns["run_id"], serde_json::Value::Null);
        assert_eq!(tail[1].hash, anchor(&db).unwrap().hash.to_string());
        assert_eq!(db.read(|tx| audit::tail(tx, &TRAIL, usize::MAX)).unwrap().len(), 5);
    }
}
