//! Following a run live: each event once, in order, and an end.

use crate::kit::{LONG, open, run, started, write};
use larder::Database;
use larder_stores::workflow::{self, NewEvent};
use std::time::Duration;

#[test]
fn a_follower_sees_each_event_once_while_many_write() {
    let folder = tempfile::tempdir().unwrap();
    let file = open(folder.path().join("app.db"));
    let other = open(folder.path().join("app.db"));
    let memory = open(":memory:");
    for (db, other) in [(&file, &other), (&memory, &memory)] {
        let (run, _) = started(db, "b");
        let noise = run_of_another(db);
        std::thread::scope(|scope| {
            for writer in [db, other] {
                let (run, noise) = (&run, &noise);
                scope.spawn(move || {
                    for n in 0..150 {
                        let events = vec![NewEvent::new("tick"); n % 4];
                        writer.write(|tx| workflow::append_many(tx, run, &events)).unwrap();
                        writer.write(|tx| workflow::append(tx, noise, &NewEvent::new("noise"))).unwrap();
                    }
                });
            }
            let mut live = workflow::follow(db, &run, 2).unwrap();
            let mut seen = 2;
            // 4 moves before, and 2 × (0 + 1 + 2 + 3) × 37.5 of the writers.
            let wanted = 4 + 2 * (0..150).map(|n| n % 4).sum::<i64>();
            while seen < wanted {
                let events = live.next(LONG).unwrap().unwrap();
                assert!(!events.is_empty(), "after {seen} of {wanted} nothing came any more");
                for event in events {
                    seen += 1;
                    assert_eq!((event.sequence, event.run_id.as_str()), (seen, run.as_str()));
                }
            }
            assert!(live.next(Duration::ZERO).unwrap().unwrap().is_empty());
        });
    }
}

fn run_of_another(db: &Database) -> String {
    run(db, "noise")
}

#[test]
fn it_ends_when_the_run_is_finished_if_asked() {
    let folder = tempfile::tempdir().unwrap();
    let db = open(folder.path().join("app.db"));
    let (run, _) = started(&db, "b");
    let live = workflow::follow(&db, &run, 0).unwrap().until_finished();
    let reading = std::thread::spawn(move || live.events().map(|event| event.unwrap().event_type).collect());
    write(&db, |tx| workflow::append_many(tx, &run, &vec![NewEvent::new("tick"); 2500]));
    write(&db, |tx| workflow::interrupt_run(tx, &run, "pause"));
    write(&db, |tx| workflow::fail_run(tx, &run, "no"));
    let names: Vec<String> = reading.join().unwrap();
    assert_eq!(names.len(), 4 + 2500 + 4);
    assert_eq!(names.last().unwrap(), "run_failed");
    // One that is finished already is read to its end.
    let live = workflow::follow(&db, &run, 2504).unwrap().until_finished();
    assert_eq!(live.events().count(), 4);
}

#[test]
fn it_is_stopped_from_another_thread_and_ends_with_a_pruned_run() {
    let folder = tempfile::tempdir().unwrap();
    for path in [folder.path().join("app.db"), ":memory:".into()] {
        let db = open(&path);
        let run = run(&db, "b");
        let mut live = workflow::follow(&db, &run, 1).unwrap();
        let stopper = live.stopper();
        let waiting = std::thread::spawn(move || live.next(Duration::MAX).unwrap());
        stopper.stop();
        assert!(waiting.join().unwrap().is_none());

        let mut live = workflow::follow(&db, &run, 1).unwrap();
        let waiting = std::thread::spawn(move || live.next(Duration::MAX).unwrap());
        write(&db, |tx| {
            workflow::cancel_run(tx, &run)?;
            workflow::discard_run(tx, &run)
        });
        assert!(waiting.join().unwrap().is_none());
    }
}
