//! Whatever is changed behind the store's back is named.

use crate::kit::{started, store, write};
use larder::Database;
use larder_kit::Place;
use larder_stores::workflow::{self, Difference, Status};

fn found(db: &Database, run: &str) -> Vec<String> {
    let found = db.read(|tx| workflow::check(tx, run)).unwrap();
    for difference in &found {
        let json = serde_json::to_string(difference).unwrap();
        assert_eq!(&serde_json::from_str::<Difference>(&json).unwrap(), difference);
    }
    found.iter().map(ToString::to_string).collect()
}

larder_kit::engines! {
    fn each_difference_is_named(place: &Place) {
        let cases = [
            (
                "UPDATE runs SET status = 'completed'",
                "the run: status is completed in its row and running by the events",
            ),
            ("UPDATE units SET error = 'x'", "unit a: error is x in its row and nothing by the events"),
            ("UPDATE units SET started_at = NULL", "unit a: started_at is nothing in its row and 20"),
            (
                "UPDATE runs SET last_sequence = 9",
                "the run: 4 events with the numbers 1 to 4, and its row says that the last is 9",
            ),
            ("DELETE FROM units", "unit a: the events tell of it and it has no row"),
            (
                "DELETE FROM events WHERE event_type = 'unit_created'",
                "unit a: no event tells that it was created",
            ),
            (
                "UPDATE events SET event_type = 'unit_completed' WHERE event_type = 'unit_started'",
                "unit a: event 4 takes it from pending to completed, which is no legal move",
            ),
            ("DELETE FROM events", "the run: no event tells that it was created"),
            ("DELETE FROM events WHERE sequence = 1", "the run: no event tells that it was created"),
            (
                "INSERT INTO events (run_id, sequence, event_type) SELECT id, 5, 'run_created' FROM runs",
                "the run: event 5 takes it from running to pending, which is no legal move",
            ),
            ("UPDATE runs SET started_at = 'soon'", "the run: started_at is soon in its row and 20"),
            (
                "UPDATE units SET completed_at = ''",
                "unit a: completed_at is  in its row and nothing by the events",
            ),
            (
                "UPDATE events SET created_at = 'soon' WHERE event_type = 'run_started'",
                "the run: event 3 was written at `soon`, which is no time",
            ),
            (
                "UPDATE events SET payload_json = '{\"error\":\"x\"}' WHERE event_type = 'unit_started'",
                "unit a: error is nothing in its row and x by the events",
            ),
        ];
        for (change, wanted) in cases {
            // A column of times on a server holds nothing else.
            if place.is_postgres() && (change.contains("'soon'") || change.contains("= ''")) {
                continue;
            }
            let place = &Place::new(place.engine());
            let db = store(place);
            let (run, _) = started(&db, "b");
            assert!(found(&db, &run).is_empty());
            db.execute(change, &[]).unwrap();
            let found = found(&db, &run);
            assert!(found.iter().any(|line| line.starts_with(wanted)), "{change}: {found:#?}");
        }
    }

    fn what_is_no_payload_of_a_move_says_nothing(place: &Place) {
        for payload in ["5", "[1]", "null", "{\"error\":5}", "1e999", "\"\\ud800\""] {
            // Neither is half a character JSON for a server.
            if place.is_postgres() && payload.contains("ud800") {
                continue;
            }
            let place = &Place::new(place.engine());
            let db = store(place);
            let (run, unit) = started(&db, "b");
            write(&db, |tx| workflow::fail_unit(tx, &unit, "no space"));
            assert!(found(&db, &run).is_empty());
            db.execute("UPDATE events SET payload_json = :payload", larder::params! { payload }).unwrap();
            assert_eq!(
                found(&db, &run),
                ["unit a: error is no space in its row and nothing by the events"],
                "{payload}"
            );
        }
    }

    fn a_replay_gives_the_states_of_the_run_and_its_units(place: &Place) {
        let db = store(place);
        let (run, unit) = started(&db, "b");
        write(&db, |tx| workflow::fail_unit(tx, &unit, "no space"));
        let replay = db.read(|tx| workflow::replay(tx, &run)).unwrap();
        assert_eq!((replay.run.status, replay.moves), (Status::Running, 5));
        let unit = &replay.units["a"];
        assert_eq!((unit.status, unit.error.as_deref()), (Status::Failed, Some("no space")));
        assert!(unit.completed_at >= unit.started_at && unit.started_at.is_some());
    }
}
