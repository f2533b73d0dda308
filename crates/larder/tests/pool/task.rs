//! Tasks of tokio on a server.

use larder::{AsyncDatabase, Database, Error, ErrorKind, params};
use larder_kit::{Engine, Place};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};

fn one_thread() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

fn open(place: &Place, most: usize) -> AsyncDatabase {
    let db = Database::options(place.url()).connections(most).open().unwrap();
    db.execute("CREATE TABLE t (k BIGINT NOT NULL, n BIGINT NOT NULL)", &[]).unwrap();
    db.to_async()
}

#[test]
fn what_a_task_asks_is_answered() {
    let place = Place::new(Engine::Postgres);
    let db = open(&place, 4);
    one_thread().block_on(async {
        assert_eq!(db.execute("INSERT INTO t VALUES (:k, 0)", params! { k: 1 }).await.unwrap(), 1);
        let twice = db
            .write(|tx| {
                tx.execute("INSERT INTO t VALUES (2, 0)", &[])?;
                tx.query_one::<i64>("SELECT 2 * max(k) FROM t", &[])
            })
            .await
            .unwrap();
        assert_eq!(twice, 4);
        let all: Vec<(i64, i64)> = db.query_all("SELECT k, n FROM t ORDER BY k", &[]).await.unwrap();
        assert_eq!(all, [(1, 0), (2, 0)]);
        let k = db.query_opt::<i64>("SELECT k FROM t WHERE k = :k", params! { k: 2 }).await.unwrap();
        assert_eq!(k, Some(2));
        assert_eq!(db.query_opt::<i64>("SELECT k FROM t WHERE k = 3", &[]).await.unwrap(), None);
        let none = db.query_one::<i64>("SELECT k FROM t WHERE k = 3", &[]).await.unwrap_err();
        assert_eq!(none.kind(), ErrorKind::NotFound);
        let many = db.query_one::<i64>("SELECT k FROM t", &[]).await.unwrap_err();
        assert_eq!(many.kind(), ErrorKind::Conversion);
        let wrong = db.query_one::<i64>("SELECT k FROM missing", &[]).await.unwrap_err();
        assert_eq!(wrong.kind(), ErrorKind::Statement);
        let count = db.read(|tx| tx.query_one::<i64>("SELECT count(*) FROM t", &[])).await.unwrap();
        let blocking =
            db.read_blocking(|tx| tx.query_one::<i64>("SELECT count(*) FROM t", &[])).await.unwrap();
        assert_eq!((count, blocking), (2, 2));
        let mut rows = db.stream::<i64>("SELECT k FROM t ORDER BY k", &[]);
        assert_eq!(rows.next().await.unwrap().unwrap(), 1);
        assert_eq!(rows.next().await.unwrap().unwrap(), 2);
        assert!(rows.next().await.is_none());
    });
}

#[test]
fn the_thread_that_polls_goes_on_while_the_server_works() {
    let place = Place::new(Engine::Postgres);
    let db = open(&place, 4);
    one_thread().block_on(async {
        let over = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&over);
        let slow = async {
            db.query_one::<i64>("SELECT 1 FROM pg_sleep(0.3)", &[]).await.unwrap();
            db.write(|tx| tx.query_one::<i64>("SELECT 1 FROM pg_sleep(0.3)", &[])).await.unwrap();
            over.store(true, Ordering::SeqCst);
        };
        let beside = async {
            let mut turns = 0;
            while !seen.load(Ordering::SeqCst) {
                tokio::time::sleep(Duration::from_millis(1)).await;
                turns += 1;
            }
            turns
        };
        let ((), turns) = tokio::join!(slow, beside);
        assert!(turns > 20, "{turns}");
    });
}

#[test]
fn hundreds_of_tasks_share_a_few_connections() {
    let place = Place::new(Engine::Postgres);
    let db = open(&place, 4);
    Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap().block_on(async {
        db.execute("INSERT INTO t VALUES (0, 0)", &[]).await.unwrap();
        let tasks: Vec<_> = (1..=300_i64)
            .map(|k| {
                let db = db.clone();
                tokio::spawn(async move {
                    db.execute("INSERT INTO t VALUES (:k, 0)", params! { k }).await?;
                    db.write(|tx| {
                        let n: i64 = tx.query_one("SELECT n FROM t WHERE k = 0", &[])?;
                        tx.execute("UPDATE t SET n = :n WHERE k = 0", params! { n: n + 1 })
                    })
                    .await?;
                    db.query_one::<i64>("SELECT k FROM t WHERE k = :k", params! { k }).await
                })
            })
            .collect();
        for (at, task) in tasks.into_iter().enumerate() {
            assert_eq!(task.await.unwrap().unwrap(), at as i64 + 1);
        }
        assert_eq!(db.query_one::<i64>("SELECT n FROM t WHERE k = 0", &[]).await.unwrap(), 300);
    });
    assert!(db.database().stats().connections <= 4);
}

/// Lets the others go on until it is so.
async fn until(is_so: impl Fn() -> bool) {
    while !is_so() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

#[test]
fn a_write_that_nobody_has_begun_is_taken_back() {
    let place = Place::new(Engine::Postgres);
    let db = open(&place, 1);
    one_thread().block_on(async {
        // All threads are taken: one has the connection until it is told, and one waits for it.
        let (begun, (go, told)) = (Arc::new(AtomicBool::new(false)), mpsc::channel::<()>());
        let (seen, holding) = (Arc::clone(&begun), db.clone());
        let told = Mutex::new(told);
        let first = tokio::spawn(async move {
            holding
                .write(move |_| {
                    seen.store(true, Ordering::SeqCst);
                    told.lock().unwrap().recv().map_err(Error::other)
                })
                .await
        });
        until(|| begun.load(Ordering::SeqCst)).await;
        let waiting = db.clone();
        let second = tokio::spawn(async move { waiting.write(|_| Ok(())).await });
        until(|| db.database().stats().waiting == 1).await;
        let runs = Arc::new(AtomicU32::new(0));
        let counted = Arc::clone(&runs);
        let third = db.write(move |tx| {
            counted.fetch_add(1, Ordering::SeqCst);
            tx.execute("INSERT INTO t VALUES (1, 1)", &[])
        });
        assert!(tokio::time::timeout(Duration::ZERO, third).await.is_err());
        go.send(()).unwrap();
        first.await.unwrap().unwrap();
        second.await.unwrap().unwrap();
        assert_eq!(db.query_one::<i64>("SELECT count(*) FROM t", &[]).await.unwrap(), 0);
        assert_eq!(runs.load(Ordering::SeqCst), 0);
        assert_eq!(Arc::strong_count(&runs), 1, "what the closure holds was not let go");
    });
}

#[test]
fn a_panic_goes_on_in_the_task_and_an_error_comes_back_as_it_is() {
    let place = Place::new(Engine::Postgres);
    let db = open(&place, 2);
    one_thread().block_on(async {
        let other = db.clone();
        let panicked = tokio::spawn(async move {
            other
                .write(|tx| -> larder::Result<()> {
                    tx.execute("INSERT INTO t VALUES (1, 1)", &[])?;
                    panic!("mine")
                })
                .await
        });
        assert!(panicked.await.unwrap_err().is_panic());
        let error = db.write(|_| Err::<(), _>(Error::other("no"))).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Application);
        assert_eq!(db.query_one::<i64>("SELECT count(*) FROM t", &[]).await.unwrap(), 0);
    });
}

#[test]
fn a_write_polled_inside_a_write_is_refused() {
    let place = Place::new(Engine::Postgres);
    let db = open(&place, 2);
    let inner = db.clone();
    let kind = db
        .database()
        .write(move |_| {
            let refused = one_thread().block_on(inner.execute("INSERT INTO t VALUES (1, 1)", &[]));
            Ok(refused.unwrap_err().kind())
        })
        .unwrap();
    assert_eq!(kind, ErrorKind::Nested);
}
