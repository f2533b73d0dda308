//! A future that is dropped: what had not begun never does, what had begun ends as a whole, and nobody else is touched.

use super::{ADD, Place, bounded, count, many_threads, one_thread, poll_once};
use larder::{AsyncDatabase, Database, params};
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;
use tokio::runtime::Runtime;

/// Holds the line from the start of a write until `go`.
fn hold(db: &Database) -> (mpsc::Sender<()>, std::thread::JoinHandle<()>) {
    let (go, wait) = mpsc::channel::<()>();
    let (began, begun) = mpsc::channel::<()>();
    let db = db.clone();
    let thread = std::thread::spawn(move || {
        db.write(move |_| {
            began.send(()).unwrap();
            let _ = wait.recv();
            Ok(())
        })
        .unwrap();
    });
    begun.recv().unwrap();
    (go, thread)
}

#[test]
fn what_has_not_begun_never_does_and_lets_go_of_what_it_holds() {
    bounded(|| {
        let place = Place::new();
        let db = place.open();
        let ran = Arc::new(AtomicUsize::new(0));
        let add = |n: i64| {
            let ran = Arc::clone(&ran);
            Box::pin(db.write(move |tx| {
                ran.fetch_add(1, Ordering::Relaxed);
                tx.execute(ADD, params! { n })
            }))
        };
        // Never polled.
        drop(add(1));
        assert_eq!(Arc::strong_count(&ran), 1);
        let (go, thread) = hold(db.database());
        let mut gone: Vec<_> = (0..40).map(add).collect();
        let mut stays = add(100);
        for future in &mut gone {
            assert!(poll_once(future).is_pending());
        }
        assert!(poll_once(&mut stays).is_pending());
        drop(gone);
        assert_eq!(Arc::strong_count(&ran), 2, "only the one that stays holds on to it");
        drop(go);
        thread.join().unwrap();
        one_thread().block_on(stays).unwrap();
        assert_eq!(ran.load(Ordering::Relaxed), 1);
        assert_eq!(count(&db), 1);
    });
}

#[test]
fn what_has_begun_ends_as_a_whole() {
    bounded(|| {
        let place = Place::new();
        let db = place.open();
        let (go, wait) = mpsc::channel::<()>();
        let (began, begun) = mpsc::channel::<()>();
        let mut future = Box::pin(db.write(move |tx| {
            tx.execute(ADD, params! { n: 1 })?;
            began.send(()).unwrap();
            wait.recv().unwrap();
            tx.execute(ADD, params! { n: 2 })
        }));
        assert!(poll_once(&mut future).is_pending());
        begun.recv().unwrap();
        drop(future);
        go.send(()).unwrap();
        // This one stands behind it.
        db.database().execute(ADD, params! { n: 3 }).unwrap();
        assert_eq!(count(&db), 3);
    });
}

/// The future goes at the very moment when the lead is handed to it: it must not go with it.
#[test]
fn the_lead_is_never_lost() {
    bounded(|| {
        let place = Place::new();
        let db = place.open();
        let runtime = many_threads();
        for turn in 0..500 {
            let (go, thread) = hold(db.database());
            let mut first = Box::pin(db.execute(ADD, params! { n: 1 }));
            assert!(poll_once(&mut first).is_pending());
            let second = runtime.spawn(db.execute(ADD, params! { n: 2 }));
            drop(go);
            for _ in 0..turn * 20 {
                std::hint::spin_loop();
            }
            drop(first);
            runtime.block_on(second).unwrap().unwrap();
            thread.join().unwrap();
        }
    });
}

/// The same without chance: the lead was handed to it, and who leads for tasks is held before it looks.
#[test]
fn a_lead_that_was_handed_over_goes_on_to_the_next() {
    struct Held(mpsc::Sender<()>, mpsc::Receiver<()>);
    impl Drop for Held {
        fn drop(&mut self) {
            self.0.send(()).unwrap();
            self.1.recv().unwrap();
        }
    }
    bounded(|| {
        let place = Place::new();
        let db = place.open();
        let ((go, wait), (began, begun)) = (mpsc::channel::<()>(), mpsc::channel());
        let ((dropping, dropped), (release, held)) = (mpsc::channel(), mpsc::channel());
        let held = Held(dropping, held);
        let mut first = Box::pin(db.write(move |tx| {
            let _ = &held;
            began.send(()).unwrap();
            wait.recv().unwrap();
            tx.execute(ADD, params! { n: 1 })
        }));
        assert!(poll_once(&mut first).is_pending());
        begun.recv().unwrap();
        // It asks for more than the first, so it is not done together with it.
        let mut second = Box::pin(db.write_durable(|tx| tx.execute(ADD, params! { n: 2 })));
        assert!(poll_once(&mut second).is_pending());
        let mut third = Box::pin(db.execute(ADD, params! { n: 3 }));
        assert!(poll_once(&mut third).is_pending());
        go.send(()).unwrap();
        // What the first closure holds is dropped when its commit is done and the lead is handed over.
        dropped.recv().unwrap();
        drop(second);
        release.send(()).unwrap();
        one_thread().block_on(async {
            first.await.unwrap();
            third.await.unwrap();
        });
        let rows: Vec<i64> = db.database().query_all("SELECT n FROM t ORDER BY n", &[]).unwrap();
        assert_eq!(rows, [1, 3]);
    });
}

#[test]
fn a_runtime_may_end_while_writes_wait() {
    for build in [one_thread as fn() -> Runtime, many_threads] {
        bounded(move || {
            let place = Place::new();
            let db = place.open();
            for _ in 0..20 {
                let runtime = build();
                let (go, thread) = hold(db.database());
                for n in 0..20 {
                    runtime.spawn(db.execute(ADD, params! { n }));
                }
                runtime.block_on(tokio::task::yield_now());
                // It does not wait for the line, which is held.
                drop(runtime);
                drop(go);
                thread.join().unwrap();
            }
            assert_eq!(count(&db), 0, "none had begun");
            db.database().execute(ADD, params! { n: 1 }).unwrap();
        });
    }
}

/// Tasks that write are aborted at random while others write.
///
/// Each writes two rows with its number. Afterwards a number stands there twice or not at all, whoever heard `Ok` is there,
/// and another connection finds no transaction open.
fn aborted_at_random(runtime: &Runtime, times: usize) {
    let place = Place::new();
    let db = place.open();
    let acknowledged = Arc::new(Mutex::new(BTreeSet::new()));
    let next = Arc::new(AtomicI64::new(0));
    let over = Arc::new(AtomicBool::new(false));
    let held = Arc::new(());

    let pair = {
        let (next, held) = (Arc::clone(&next), Arc::clone(&held));
        move |db: &AsyncDatabase| {
            let (n, held) = (next.fetch_add(1, Ordering::Relaxed), Arc::clone(&held));
            db.write(move |tx| {
                let _ = &held;
                tx.execute(ADD, params! { n })?;
                tx.execute(ADD, params! { n })?;
                if n % 17 == 0 {
                    return Err(larder::Error::new(larder::ErrorKind::Application, "it does not want to"));
                }
                Ok(n)
            })
        }
    };

    let threads: Vec<_> = (0..2)
        .map(|_| {
            let (db, over, acknowledged, next) =
                (db.database().clone(), Arc::clone(&over), Arc::clone(&acknowledged), Arc::clone(&next));
            std::thread::spawn(move || {
                while !over.load(Ordering::Relaxed) {
                    let n = next.fetch_add(1, Ordering::Relaxed);
                    db.write(|tx| {
                        tx.execute(ADD, params! { n })?;
                        tx.execute(ADD, params! { n })
                    })
                    .unwrap();
                    acknowledged.lock().unwrap().insert(n);
                }
            })
        })
        .collect();
    let steady: Vec<_> = (0..2)
        .map(|_| {
            let (db, over, acknowledged, pair) =
                (db.clone(), Arc::clone(&over), Arc::clone(&acknowledged), pair.clone());
            runtime.spawn(async move {
                while !over.load(Ordering::Relaxed) {
                    if let Ok(n) = pair(&db).await {
                        acknowledged.lock().unwrap().insert(n);
                    }
                }
            })
        })
        .collect();

    let (mut cancelled, mut finished) = (0, 0);
    runtime.block_on(async {
        while cancelled < times {
            let tasks: Vec<_> = (0..100)
                .map(|_| {
                    let (acknowledged, write) = (Arc::clone(&acknowledged), pair(&db));
                    tokio::spawn(async move {
                        if let Ok(n) = write.await {
                            acknowledged.lock().unwrap().insert(n);
                        }
                    })
                })
                .collect();
            for task in &tasks {
                match fastrand::u8(..8) {
                    0 => tokio::task::yield_now().await,
                    1 => (0..fastrand::u32(..2000)).for_each(|_| std::hint::spin_loop()),
                    _ => {}
                }
                task.abort();
            }
            for task in tasks {
                match task.await {
                    Ok(()) => finished += 1,
                    Err(error) if error.is_cancelled() => cancelled += 1,
                    Err(error) => panic!("{error}"),
                }
            }
        }
        over.store(true, Ordering::Relaxed);
        for task in steady {
            task.await.unwrap();
        }
    });
    threads.into_iter().for_each(|thread| thread.join().unwrap());

    // Whoever was begun stands before this in the line.
    db.database().execute("DELETE FROM t WHERE n < 0", &[]).unwrap();
    assert_eq!(Arc::strong_count(&held), 2, "all that was captured is dropped; `pair` and this are left");
    let other = place.options().busy_timeout(Duration::ZERO).open().unwrap();
    other.execute("DELETE FROM t WHERE n < 0", &[]).unwrap();
    let rows: Vec<(i64, i64)> = other.query_all("SELECT n, count(*) FROM t GROUP BY n", &[]).unwrap();
    assert!(rows.iter().all(|(_, times)| *times == 2), "nothing is there by half");
    let there: BTreeSet<i64> = rows.into_iter().map(|(n, _)| n).collect();
    let acknowledged = acknowledged.lock().unwrap();
    let missing: Vec<_> = acknowledged.difference(&there).collect();
    assert!(missing.is_empty(), "acknowledged and not there: {missing:?}");
    let all = usize::try_from(next.load(Ordering::Relaxed)).unwrap();
    assert!(there.len() < all, "some were taken back before they began");
    assert!(
        there.len() > acknowledged.len(),
        "some had begun, and nobody heard of their end: {finished} were heard"
    );
}

#[test]
fn aborted_at_random_on_many_threads() {
    bounded(|| aborted_at_random(&many_threads(), 8_000));
}

#[test]
fn aborted_at_random_on_one_thread() {
    bounded(|| aborted_at_random(&one_thread(), 2_000));
}
