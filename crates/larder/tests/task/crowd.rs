//! Many tasks, and threads between them.

use super::{ADD, Place, bounded, count, in_each, many_threads, one_thread};
use larder::{Durability, params};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

async fn write_with(db: larder::AsyncDatabase, tasks: i64, each: i64) {
    let writers: Vec<_> = (0..tasks)
        .map(|task| {
            let db = db.clone();
            tokio::spawn(async move {
                for turn in 0..each {
                    let n = task * each + turn;
                    db.write(move |tx| tx.execute(ADD, params! { n })).await.unwrap();
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    assert_eq!(count(&db), tasks * each);
    let different: i64 = db.query_one("SELECT count(DISTINCT n) FROM t", &[]).await.unwrap();
    assert_eq!(different, tasks * each);
}

#[test]
fn sixty_four_tasks_write() {
    in_each(async |db| write_with(db, 64, 20).await);
}

#[test]
fn five_hundred_and_twelve_tasks_write() {
    in_each(async |db| write_with(db, 512, 4).await);
}

/// Each thinks it is alone: it reads a number and writes it back one larger. Some ask for more than others.
#[test]
fn threads_and_tasks_stand_in_one_line() {
    for runtime in [one_thread as fn() -> _, many_threads] {
        bounded(move || {
            let place = Place::new();
            let db = place.open();
            db.database().execute(ADD, params! { n: 0 }).unwrap();
            let threads: Vec<_> = (0..8)
                .map(|thread| {
                    let db = db.database().clone();
                    std::thread::spawn(move || {
                        for turn in 0..50 {
                            if (thread + turn) % 7 == 0 {
                                db.write_durable(|tx| tx.execute("UPDATE t SET n = n + 1", &[])).unwrap();
                                continue;
                            }
                            db.write(|tx| {
                                let n: i64 = tx.query_one("SELECT n FROM t", &[])?;
                                tx.execute("UPDATE t SET n = :n", params! { n: n + 1 })
                            })
                            .unwrap();
                        }
                    })
                })
                .collect();
            runtime().block_on(async {
                let tasks: Vec<_> = (0..32)
                    .map(|task| {
                        let db = db.clone();
                        tokio::spawn(async move {
                            for turn in 0..25 {
                                if (task + turn) % 5 == 0 {
                                    db.execute("UPDATE t SET n = n + 1", &[]).await.unwrap();
                                    continue;
                                }
                                db.write(|tx| {
                                    let n: i64 = tx.query_one("SELECT n FROM t", &[])?;
                                    tx.execute("UPDATE t SET n = :n", params! { n: n + 1 })
                                })
                                .await
                                .unwrap();
                            }
                        })
                    })
                    .collect();
                for task in tasks {
                    task.await.unwrap();
                }
            });
            for thread in threads {
                thread.join().unwrap();
            }
            let n: i64 = db.database().query_one("SELECT n FROM t", &[]).unwrap();
            assert_eq!(n, 8 * 50 + 32 * 25);
        });
    }
}

/// Who comes while a write is under way is served in the order of coming, threads and tasks alike.
#[test]
fn the_line_is_served_in_its_order() {
    bounded(|| {
        let place = Place::new();
        let db = place.open_with(place.options().durability(Durability::Full));
        let order = Arc::new(AtomicI64::new(0));
        let runtime = many_threads();
        let mut waiting = Vec::new();
        let (go, wait) = std::sync::mpsc::channel::<()>();
        let (began, begun) = std::sync::mpsc::channel::<()>();
        let first = runtime.spawn(db.write(move |_| {
            began.send(()).unwrap();
            wait.recv().unwrap();
            Ok(())
        }));
        begun.recv().unwrap();
        let mut futures = Vec::new();
        for expected in 0..40_i64 {
            let order = Arc::clone(&order);
            let work = move |_: &mut larder::WriteTx<'_>| {
                assert_eq!(order.fetch_add(1, Ordering::Relaxed), expected);
                Ok(())
            };
            // In the line when it was polled for the first time.
            let mut future = Box::pin(db.write(work));
            assert!(super::poll_once(&mut future).is_pending());
            futures.push(future);
        }
        go.send(()).unwrap();
        for future in futures {
            waiting.push(runtime.spawn(future));
        }
        runtime.block_on(async {
            first.await.unwrap().unwrap();
            for task in waiting {
                task.await.unwrap().unwrap();
            }
        });
        assert_eq!(order.load(Ordering::Relaxed), 40);
    });
}
