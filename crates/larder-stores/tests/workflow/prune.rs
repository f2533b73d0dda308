//! Old runs go, piece by piece, and none is ever seen half.

use crate::kit::{assert_agrees, names, run, snapshot, started, store, write};
use jiff::{SignedDuration, Timestamp};
use larder::{Database, ErrorKind};
use larder_kit::Place;
use larder_stores::workflow::{self, NewEvent, RunFilter, RunNotReady, Status};

/// A run with so many events of its own that ended some days ago.
fn old(db: &Database, branch: &str, days: i64, events: usize) -> String {
    let (run, _) = started(db, branch);
    let batch = vec![NewEvent::new("tick"); events];
    write(db, |tx| workflow::append_many(tx, &run, &batch));
    write(db, |tx| workflow::fail_run(tx, &run, "no"));
    let at = larder::sql::timestamp_text(Timestamp::now() - SignedDuration::from_hours(24 * days));
    db.write(|tx| {
        let params = larder::params! { at, run };
        tx.execute("UPDATE runs SET completed_at = :at WHERE id = :run", params)?;
        tx.execute(
            "UPDATE events SET created_at = :at WHERE run_id = :run AND event_type = 'run_failed'",
            params,
        )
    })
    .unwrap();
    run
}

fn ids(db: &Database) -> Vec<String> {
    let runs = db.read(|tx| workflow::list_runs(tx, &RunFilter::default())).unwrap();
    runs.into_iter().map(|run| run.id).collect()
}

larder_kit::engines! {
    fn what_is_older_goes_with_all_that_belongs_to_it_and_nothing_else(place: &Place) {
        let db = store(place);
        let young = old(&db, "young", 2, 5);
        let (running, _) = started(&db, "running");
        let kept = snapshot(&db);
        for n in 0..7 {
            old(&db, &format!("old {n}"), 40, 100 * n);
        }
        let before = Timestamp::now() - SignedDuration::from_hours(24 * 30);
        for chunk in [64, 1] {
            let pruned = workflow::prune(&db, before, chunk).unwrap();
            // run_created, unit_created, run_started, unit_started, unit_cancelled, run_failed: six each.
            let wanted = if chunk == 64 { (7, 7, 2100 + 7 * 6) } else { (0, 0, 0) };
            assert_eq!((pruned.runs, pruned.units, pruned.events), wanted);
        }
        assert_eq!(snapshot(&db), kept);
        for run in [&young, &running] {
            assert_agrees(&db, run);
        }
        let (again, _) = started(&db, "old 3");
        assert_agrees(&db, &again);
    }

    fn while_it_is_at_it_every_run_that_is_found_is_whole(place: &Place) {
        let db = store(place);
        for n in 0..6 {
            old(&db, &format!("old {n}"), 40, 300);
        }
        let (reader, done) = (db.clone(), std::sync::atomic::AtomicBool::new(false));
        std::thread::scope(|scope| {
            let looks = scope.spawn(|| {
                let mut looks = 0;
                while !done.load(std::sync::atomic::Ordering::Relaxed) || looks == 0 {
                    reader
                        .read(|tx| {
                            for run in workflow::list_runs(tx, &RunFilter::default())? {
                                let found = workflow::check(tx, &run.id)?;
                                assert!(found.is_empty(), "{found:?}");
                            }
                            Ok(())
                        })
                        .unwrap();
                    looks += 1;
                }
                looks
            });
            let pruned = workflow::prune(&db, Timestamp::now(), 10).unwrap();
            done.store(true, std::sync::atomic::Ordering::Relaxed);
            assert_eq!(pruned.runs, 6);
            assert!(looks.join().unwrap() > 0);
        });
        assert!(snapshot(&db).is_empty());
    }

    fn a_discarded_run_is_not_found_and_what_was_broken_off_goes_on(place: &Place) {
        let db = store(place);
        let (open_run, _) = started(&db, "open");
        let error = db.write(|tx| workflow::discard_run(tx, &open_run)).unwrap_err();
        assert_eq!(error.find::<RunNotReady>().unwrap().status, Status::Running);

        let gone = old(&db, "gone", 0, 30);
        write(&db, |tx| workflow::discard_run(tx, &gone));
        assert_eq!(ids(&db), std::slice::from_ref(&open_run));
        assert_eq!(db.write(|tx| workflow::discard_run(tx, &gone)).unwrap_err().kind(), ErrorKind::NotFound);
        let append = db.write(|tx| workflow::append(tx, &gone, &NewEvent::new("late")));
        assert_eq!(append.unwrap_err().kind(), ErrorKind::NotFound);
        assert!(db.read(|tx| workflow::list_units(tx, &gone, None)).unwrap().is_empty());
        assert!(db.read(|tx| workflow::events_from(tx, &gone, 0, 10)).unwrap().is_empty());
        assert!(db.read(|tx| workflow::last_events(tx, &gone, 10)).unwrap().is_empty());
        let unit: String =
            db.query_one("SELECT id FROM units WHERE run_id = :gone", larder::params! { gone }).unwrap();
        let placed = db.write(|tx| workflow::place_unit(tx, &unit, Some("late"), None));
        assert_eq!(placed.unwrap_err().kind(), ErrorKind::NotFound);
        let next = run(&db, "gone");
        // As after a crash in the middle: some of its events are gone already.
        db.execute("DELETE FROM events WHERE run_id = :gone AND sequence < 9", larder::params! { gone }).unwrap();
        let long_ago = Timestamp::now() - SignedDuration::from_hours(24 * 365);
        assert_eq!(workflow::prune(&db, long_ago, 1000).unwrap().runs, 1);
        assert_eq!(ids(&db).len(), 2);
        assert_eq!(names(&db, &next), ["run_created"]);
    }
}
