//! Appending and reading events.

use crate::kit::{assert_agrees, names, run, snapshot, store, write};
use larder::ErrorKind;
use larder_kit::Place;
use larder_stores::workflow::{self, NewEvent, ReservedEvent};
use std::collections::BTreeSet;

larder_kit::engines! {
    fn events_are_numbered_from_one_and_read_from_any_number_on(place: &Place) {
        let db = store(place);
        let run = run(&db, "b");
        let payload = serde_json::json!({ "n": 1 });
        let first =
            write(&db, |tx| workflow::append(tx, &run, &NewEvent::new("note").in_unit("a").with(&payload)?));
        assert_eq!(first, 2);
        let batch: Vec<NewEvent<'_>> = (0..250).map(|_| NewEvent::new("tick")).collect();
        assert_eq!(write(&db, |tx| workflow::append_many(tx, &run, &batch)), 3..253);
        assert_eq!(write(&db, |tx| workflow::append_many(tx, &run, &[])), 253..253);

        let from = |after, limit| db.read(|tx| workflow::events_from(tx, &run, after, limit)).unwrap();
        let note = &from(1, 1)[0];
        assert_eq!((note.sequence, note.event_type.as_str(), note.unit_id.as_deref()), (2, "note", Some("a")));
        assert_eq!(note.payload_json.as_ref().unwrap().0, payload);
        let some: Vec<i64> = from(100, 3).iter().map(|event| event.sequence).collect();
        assert_eq!(some, [101, 102, 103]);
        assert!(from(252, 10).is_empty());
        let last = db.read(|tx| workflow::last_events(tx, &run, 2)).unwrap();
        assert_eq!(last.iter().map(|event| event.sequence).collect::<Vec<_>>(), [251, 252]);
        assert_agrees(&db, &run);
    }

    fn the_names_of_moves_are_refused(place: &Place) {
        let db = store(place);
        let run = run(&db, "b");
        let before = snapshot(&db);
        for name in ["run_created", "run_completed", "unit_interrupted", "unit_started"] {
            let events = [NewEvent::new("note"), NewEvent::new(name)];
            let error = db.write(|tx| workflow::append_many(tx, &run, &events)).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Refused);
            assert_eq!(error.find::<ReservedEvent>().unwrap().event_type, name);
        }
        assert_eq!(snapshot(&db), before);
        write(&db, |tx| workflow::append(tx, &run, &NewEvent::new("run_paused")));
    }

    fn what_fails_leaves_no_gap_also_where_the_transaction_goes_on(place: &Place) {
        let db = store(place);
        let run = run(&db, "b");
        write(&db, |tx| {
            let bad = NewEvent { payload_json: Some("{not json".into()), ..NewEvent::new("note") };
            let error = workflow::append(tx, &run, &bad).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Constraint);
            let many = [NewEvent::new("note"), NewEvent::new("note"), bad];
            workflow::append_many(tx, &run, &many).unwrap_err();
            assert_eq!(
                workflow::append(tx, "none", &NewEvent::new("note")).unwrap_err().kind(),
                ErrorKind::NotFound
            );
            workflow::append(tx, &run, &NewEvent::new("note"))
        });
        assert_eq!(names(&db, &run), ["run_created", "note"]);
        assert_agrees(&db, &run);
    }
}

larder_kit::engines! {
    fn sixteen_writers_number_without_gaps_and_each_event_is_there_once(place: &Place) {
        const EACH: usize = 40;
        let db = store(place);
        let runs: Vec<String> = (0..3).map(|n| run(&db, &format!("b{n}"))).collect();
        std::thread::scope(|scope| {
            for writer in 0..16 {
                let (db, runs) = (&db, &runs);
                scope.spawn(move || {
                    for n in 0..EACH {
                        let texts: Vec<String> =
                            (0..3).map(|k| format!("{{\"by\":\"{writer}-{n}-{k}\"}}")).collect();
                        let events: Vec<_> = texts
                            .iter()
                            .map(|text| NewEvent { payload_json: Some(text.into()), ..NewEvent::new("note") })
                            .collect();
                        let run = &runs[(writer + n) % runs.len()];
                        // Some are rolled back, and must leave no gap.
                        if n % 7 == 3 {
                            let failed = db.write(|tx| {
                                workflow::append_many(tx, run, &events)?;
                                Err::<(), _>(larder::Error::other("no"))
                            });
                            failed.unwrap_err();
                        }
                        let numbers = db.write(|tx| workflow::append_many(tx, run, &events)).unwrap();
                        assert_eq!(numbers.end - numbers.start, 3);
                    }
                });
            }
        });
        let mut seen = BTreeSet::new();
        for run in &runs {
            names(&db, run);
            assert_agrees(&db, run);
            for event in db.read(|tx| workflow::events_from(tx, run, 1, 100_000)).unwrap() {
                assert!(seen.insert(event.payload_json.unwrap().0["by"].as_str().unwrap().to_owned()));
            }
        }
        assert_eq!(seen.len(), 16 * EACH * 3);
    }
}

larder_kit::engines! {
    fn what_could_not_be_read_again_is_refused(place: &Place) {
        let db = store(place);
        let run = run(&db, "b");
        let nested = |levels: usize| format!("{}1{}", "[".repeat(levels), "]".repeat(levels));
        // The database takes each of these for JSON.
        for payload in [
            nested(128).as_str(),
            "1e999",
            "{\"a\":[-1e999]}",
            "\"\\ud800\"",
            "{\"\\udc00\":1}",
            &"9".repeat(400),
        ] {
            let event = NewEvent { payload_json: Some(payload.into()), ..NewEvent::new("note") };
            let error = db.write(|tx| workflow::append(tx, &run, &event)).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Constraint, "{payload}");
            assert!(error.to_string().contains("the payload of the event `note`"), "{error}");
        }
        let nested_most = nested(127);
        for payload in
            [nested_most.as_str(), "1e-999", "{\"a\":1,\"a\":2}", "null", " [\"\\u0001\\ud83d\\ude00\"] "]
        {
            let event = NewEvent { payload_json: Some(payload.into()), ..NewEvent::new("note") };
            write(&db, |tx| workflow::append(tx, &run, &event));
        }
        assert_eq!(names(&db, &run).len(), 1 + 5);
        // No text of a server has a NUL, so its jsonb has none.
        let event = NewEvent { payload_json: Some("\"\\u0000\"".into()), ..NewEvent::new("note") };
        let appended = db.write(|tx| workflow::append(tx, &run, &event));
        assert_eq!(appended.is_err(), place.is_postgres(), "{appended:?}");

        let config: serde_json::Value = (0..128).fold(1.into(), |inner, _| vec![inner].into());
        let new =
            workflow::NewRun { feature_branch: "deep", config: Some(&config), ..workflow::NewRun::default() };
        let error = db.write(|tx| workflow::create_run(tx, &new)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Constraint);
        assert_eq!(db.read(|tx| workflow::list_runs(tx, &workflow::RunFilter::default())).unwrap().len(), 1);
    }

    fn a_run_without_numbers_left_says_so(place: &Place) {
        let db = store(place);
        let run = run(&db, "b");
        for last in [i64::MAX - 1, i64::MAX] {
            db.execute("UPDATE runs SET last_sequence = :last", larder::params! { last }).unwrap();
            let error = db.write(|tx| workflow::append(tx, &run, &NewEvent::new("note"))).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Constraint);
        }
    }
}
