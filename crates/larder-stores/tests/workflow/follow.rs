//! Following a run live: each event once, in order, and an end.

use crate::kit::{LONG, assert_agrees, open, run, started, store, write};
use larder::{Database, Isolation};
use larder_kit::Place;
use larder_stores::workflow::{self, NewEvent};
use std::time::Duration;

larder_kit::engines! {
    fn a_follower_sees_each_event_once_while_many_write(place: &Place) {
        let (first, second) = (store(place), store(place));
        let memory = (!place.is_postgres()).then(|| open(":memory:"));
        let pairs = [Some((&first, &second)), memory.as_ref().map(|memory| (memory, memory))];
        for (db, other) in pairs.into_iter().flatten() {
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
}

fn run_of_another(db: &Database) -> String {
    run(db, "noise")
}

larder_kit::engines! {
    /// The writer who has the first number commits last of all that write then. Who reads by an id that grows would have read
    /// past it.
    fn a_late_commit_is_never_passed_over(place: &Place) {
        let (db, other) = (store(place), store(place));
        let run = run(&db, "b");
        let noise = run_of_another(&db);
        let mut live = workflow::follow(&db, &run, 1).unwrap();
        let (has_appended, appended) = std::sync::mpsc::channel();
        let (go, may_go) = std::sync::mpsc::channel::<()>();
        let may_go = std::sync::Mutex::new(may_go);
        std::thread::scope(|scope| {
            let (first, second, run) = (&db, &other, &run);
            scope.spawn(move || {
                first
                    .write(|tx| {
                        let number = workflow::append(tx, run, &NewEvent::new("first"))?;
                        has_appended.send(number).unwrap();
                        may_go.lock().unwrap().recv().unwrap();
                        Ok(())
                    })
                    .unwrap();
            });
            assert_eq!(appended.recv().unwrap(), 2);
            let late = scope.spawn(move || {
                second.write(|tx| workflow::append(tx, run, &NewEvent::new("second"))).unwrap()
            });
            if place.is_postgres() {
                // Another run does not wait.
                write(&other, |tx| workflow::append(tx, &noise, &NewEvent::new("noise")));
            }
            assert_eq!(live.next(Duration::from_millis(50)).unwrap(), Some(Vec::new()));
            assert!(!late.is_finished());
            go.send(()).unwrap();
            assert_eq!(late.join().unwrap(), 3);
            let mut seen = Vec::new();
            while seen.len() < 2 {
                let events = live.next(LONG).unwrap().unwrap();
                assert!(!events.is_empty());
                seen.extend(events.into_iter().map(|event| (event.sequence, event.event_type)));
            }
            assert_eq!(seen, [(2, "first".to_owned()), (3, "second".to_owned())]);
        });
    }

    /// Many writers at both isolations, several runs, a follower of each: every one sees every event of its run, in order.
    fn followers_see_all_that_many_writers_append(place: &Place) {
        const WRITERS: usize = 12;
        const EACH: usize = 30;
        for isolation in [Isolation::Serializable, Isolation::ReadCommitted] {
            let open = || {
                let options = Database::options(place.url()).migrations(&workflow::MIGRATIONS);
                let options = if place.is_postgres() { options.isolation(isolation) } else { options };
                options.open().unwrap()
            };
            let handles = [open(), open()];
            let runs = [0, 1].map(|n| run(&handles[0], &format!("{isolation:?} {n}")));
            std::thread::scope(|scope| {
                for writer in 0..WRITERS {
                    let (db, runs) = (&handles[writer % 2], &runs);
                    scope.spawn(move || {
                        for n in 0..EACH {
                            let events = vec![NewEvent::new("tick"); 1 + n % 3];
                            let run = &runs[(writer + n) % 2];
                            db.write(|tx| workflow::append_many(tx, run, &events)).unwrap();
                        }
                    });
                }
                for run in &runs {
                    let db = &handles[1];
                    scope.spawn(move || {
                        let mut live = workflow::follow(db, run, 0).unwrap();
                        let mut seen = 0;
                        // run_created, and half of what the writers append.
                        while seen < 1 + (WRITERS * EACH) as i64 {
                            let events = live.next(LONG).unwrap().unwrap();
                            assert!(!events.is_empty(), "after {seen} nothing came any more");
                            for event in events {
                                seen += 1;
                                assert_eq!(event.sequence, seen);
                            }
                        }
                    });
                }
            });
            for run in &runs {
                assert_agrees(&handles[0], run);
            }
        }
    }

    fn it_ends_when_the_run_is_finished_if_asked(place: &Place) {
        let db = store(place);
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

    fn it_is_stopped_from_another_thread_and_ends_with_a_pruned_run(place: &Place) {
        let memory = (!place.is_postgres()).then_some(":memory:");
        for url in std::iter::once(place.url()).chain(memory) {
            let db = open(url);
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
}
