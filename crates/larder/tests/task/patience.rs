//! Nobody waits behind one transaction for ever.

use super::{ADD, Place, bounded, count, one_thread, poll_once};
use larder::{AsyncDatabase, ErrorKind, params};
use std::sync::mpsc;
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_millis(200);

fn impatient(place: &Place) -> AsyncDatabase {
    place.open_with(place.options().busy_timeout(PATIENCE))
}

async fn gives_up(db: &AsyncDatabase) {
    let start = Instant::now();
    let waiting: Vec<_> = (0..20).map(|n| tokio::spawn(db.execute(ADD, params! { n }))).collect();
    for task in waiting {
        let error = task.await.unwrap().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Busy, "{error}");
    }
    assert!(start.elapsed() >= PATIENCE);
}

#[test]
fn a_task_gives_up_behind_a_thread() {
    bounded(|| {
        let place = Place::new();
        let db = impatient(&place);
        let (go, wait) = mpsc::channel::<()>();
        let (began, begun) = mpsc::channel::<()>();
        let other = db.database().clone();
        let thread = std::thread::spawn(move || {
            other.write(move |_| {
                began.send(()).unwrap();
                wait.recv().unwrap();
                Ok(())
            })
        });
        begun.recv().unwrap();
        one_thread().block_on(gives_up(&db));
        go.send(()).unwrap();
        thread.join().unwrap().unwrap();
        // The line goes on, without those who gave up.
        one_thread().block_on(db.execute(ADD, params! { n: 1 })).unwrap();
        assert_eq!(count(&db), 1);
    });
}

#[test]
fn a_task_gives_up_behind_a_task() {
    bounded(|| {
        let place = Place::new();
        let db = impatient(&place);
        let (go, wait) = mpsc::channel::<()>();
        let (began, begun) = mpsc::channel::<()>();
        let mut first = Box::pin(db.write(move |_| {
            began.send(()).unwrap();
            wait.recv().unwrap();
            Ok(())
        }));
        assert!(poll_once(&mut first).is_pending());
        begun.recv().unwrap();
        let runtime = one_thread();
        runtime.block_on(gives_up(&db));
        go.send(()).unwrap();
        runtime.block_on(first).unwrap();
        assert_eq!(count(&db), 0);
    });
}

/// The line moves all the time; whoever stands in it for longer than the patience is not given up.
#[test]
fn a_line_that_moves_has_patience() {
    bounded(|| {
        let place = Place::new();
        let db = impatient(&place);
        one_thread().block_on(async {
            let slow = |n: i32| {
                db.write(move |tx| {
                    std::thread::sleep(PATIENCE / 4);
                    tx.execute(ADD, params! { n })
                })
            };
            let tasks: Vec<_> = (0..12).map(|n| tokio::spawn(slow(n))).collect();
            for task in tasks {
                task.await.unwrap().unwrap();
            }
        });
        assert_eq!(count(&db), 12);
    });
}

/// Another process holds the lock.
#[test]
fn a_lock_held_elsewhere_is_busy_for_a_task_too() {
    bounded(|| {
        let place = Place::new();
        let db = impatient(&place);
        let other = place.open();
        other
            .database()
            .write(|_| {
                let error = one_thread().block_on(db.execute(ADD, params! { n: 1 })).unwrap_err();
                assert_eq!(error.kind(), ErrorKind::Busy);
                Ok(())
            })
            .unwrap();
        one_thread().block_on(db.execute(ADD, params! { n: 1 })).unwrap();
    });
}
