//! Writing: the same promises as for a thread.

use super::{ADD, COUNT, Place, bounded, count, in_each, one_thread, poll_once};
use larder::{Database, Error, ErrorKind, params};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::task::{Context, Poll, Wake};
use std::thread::Thread;
use std::time::Duration;

#[test]
fn what_was_written_is_there() {
    in_each(async |db| {
        let id: i64 =
            db.write(|tx| tx.query_one("INSERT INTO t (n) VALUES (7) RETURNING id", &[])).await.unwrap();
        assert_eq!(db.execute(ADD, params! { n: "eight" }).await.unwrap(), 1);
        db.write_durable(|tx| tx.execute(ADD, params! { n: 9 })).await.unwrap();
        let found: Option<i64> =
            db.read(|tx| tx.query_opt("SELECT n FROM t WHERE id = :id", params! { id })).await.unwrap();
        assert_eq!(found, Some(7));
        assert_eq!(db.query_one::<i64>(COUNT, &[]).await.unwrap(), 3);
        assert_eq!(db.query_opt::<i64>("SELECT n FROM t WHERE n = 1", &[]).await.unwrap(), None);
        assert_eq!(db.query_all::<i64>("SELECT id FROM t", &[]).await.unwrap().len(), 3);
    });
}

#[test]
fn a_statement_of_another_sort_has_the_connection_for_itself() {
    in_each(async |db| {
        let writers: Vec<_> = (0..20).map(|n| tokio::spawn(db.execute(ADD, params! { n }))).collect();
        db.execute("CREATE INDEX t_n ON t (n)", &[]).await.unwrap();
        db.execute("ANALYZE", &[]).await.unwrap();
        for writer in writers {
            writer.await.unwrap().unwrap();
        }
        let error = db.execute("VACUUM", &[]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        assert_eq!(count(&db), 20);
    });
}

/// Every third fails, every fifth panics.
#[test]
fn an_error_and_a_panic_touch_no_other() {
    in_each(async |db| {
        let writers: Vec<_> = (0..60)
            .map(|n| {
                tokio::spawn(db.write(move |tx| {
                    tx.execute(ADD, params! { n })?;
                    match n {
                        n if n % 5 == 0 => panic!("the panic of {n}"),
                        n if n % 3 == 0 => Err(Error::new(ErrorKind::Application, format!("error {n}"))),
                        n => Ok(n),
                    }
                }))
            })
            .collect();
        let mut kept = Vec::new();
        for (n, writer) in (0..).zip(writers) {
            match writer.await {
                Err(error) => {
                    let panic = error.into_panic();
                    assert_eq!(n % 5, 0);
                    assert_eq!(panic.downcast_ref::<String>().unwrap(), &format!("the panic of {n}"));
                }
                Ok(Err(error)) => assert_eq!(error.message(), format!("error {n}")),
                Ok(Ok(wrote)) => {
                    assert_eq!(wrote, n);
                    kept.push(n);
                }
            }
        }
        let rows: Vec<i32> = db.query_all("SELECT n FROM t ORDER BY n", &[]).await.unwrap();
        assert_eq!(rows, kept);
        assert_eq!(rows.len(), 32);
    });
}

/// The one whose panic it is leads: the line goes on behind it.
#[test]
fn who_leads_may_panic() {
    in_each(async |db| {
        for _ in 0..50 {
            let first = tokio::spawn(db.write::<(), _>(|_| panic!("it leads")));
            let second = tokio::spawn(db.execute(ADD, params! { n: 1 }));
            assert!(first.await.unwrap_err().is_panic());
            second.await.unwrap().unwrap();
        }
        assert_eq!(count(&db), 50);
    });
}

/// What a closure holds may panic when it is dropped. Nobody who waits may be forgotten over that.
#[test]
fn a_panic_while_a_closure_is_dropped_is_its_own() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("dropped");
        }
    }
    in_each(async |db| {
        let bomb = Bomb;
        let first = tokio::spawn(db.write(move |tx| {
            let _ = &bomb;
            tx.execute(ADD, params! { n: 1 })
        }));
        let second = tokio::spawn(db.execute(ADD, params! { n: 2 }));
        let panic = first.await.unwrap_err().into_panic();
        assert_eq!(panic.downcast_ref::<&str>(), Some(&"dropped"));
        second.await.unwrap().unwrap();
    });
}

#[test]
fn a_write_inside_a_transaction_of_the_same_thread_is_refused() {
    in_each(async |db| {
        // It blocks: in the closure of a write, which runs on a thread of Larder's own, and of a read, which is inline.
        let inner = db.clone();
        let error =
            db.write(move |_| Waiter::block_on(inner.execute(ADD, params! { n: 1 }))).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Nested);
        let error = db.read(|_| Waiter::block_on(db.execute(ADD, params! { n: 1 }))).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Nested);
        // It stands in the line behind the transaction in which it is waited for.
        let mut waiting = Box::pin(db.execute(ADD, params! { n: 1 }));
        let other = db.database().clone();
        let thread = std::thread::spawn(move || {
            other.write(|_| {
                std::thread::scope(|scope| {
                    scope.spawn(|| assert!(poll_once(&mut waiting).is_pending())).join().unwrap();
                });
                Waiter::block_on(&mut waiting)
            })
        });
        let error = thread.join().unwrap().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Nested);
        assert_eq!(count(&db), 0);
    });
}

#[test]
fn a_handle_that_only_reads_or_was_closed_says_so() {
    bounded(|| {
        let place = Place::new();
        let db = place.open();
        let reader = place.options().read_only(true).open().unwrap().to_async();
        let error = one_thread().block_on(reader.execute(ADD, params! { n: 1 })).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ReadOnly);
        db.database().clone().close().unwrap();
        let error = one_thread().block_on(db.execute(ADD, params! { n: 1 })).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Closed);
        let error = one_thread().block_on(db.query_one::<i64>(COUNT, &[])).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Closed);
    });
}

#[test]
fn a_parameter_that_is_no_value_is_an_error_and_not_a_panic() {
    in_each(async |db| {
        let error = db.execute(ADD, params! { n: u64::MAX }).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Parameter);
        let error = db.execute(ADD, params! { other: 1 }).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Parameter);
    });
}

#[test]
fn a_database_in_memory_serves_tasks_too() {
    in_each(async |_| {
        let db = Database::open(":memory:").unwrap().to_async();
        db.execute("CREATE TABLE t (n)", &[]).await.unwrap();
        let writers: Vec<_> = (0..100).map(|n| tokio::spawn(db.execute(ADD, params! { n }))).collect();
        for writer in writers {
            writer.await.unwrap().unwrap();
            assert!(db.query_one::<i64>(COUNT, &[]).await.unwrap() > 0);
        }
        assert_eq!(count(&db), 100);
    });
}

/// A waker that unparks a thread.
pub(super) struct Waiter(Thread);

impl Wake for Waiter {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

impl Waiter {
    /// The least that can be called a runtime.
    pub(super) fn block_on<T>(future: impl Future<Output = T>) -> T {
        let waker = Arc::new(Self(std::thread::current())).into();
        let mut future = pin!(future);
        loop {
            if let Poll::Ready(value) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
                return value;
            }
            std::thread::park();
        }
    }
}

#[test]
fn it_needs_no_runtime_to_write_and_to_read() {
    bounded(|| {
        let place = Place::new();
        let db = place.open();
        Waiter::block_on(async {
            db.execute(ADD, params! { n: 1 }).await.unwrap();
            db.write(|tx| tx.execute(ADD, params! { n: 2 })).await.unwrap();
            assert_eq!(db.query_one::<i64>(COUNT, &[]).await.unwrap(), 2);
        });
    });
}

/// All threads for blocking work are taken, and stay so until the writes are done.
#[test]
fn a_pool_without_a_free_thread_stops_no_write() {
    bounded(|| {
        let place = Place::new();
        let db = place.open();
        let runtime = tokio::runtime::Builder::new_current_thread().max_blocking_threads(1).build().unwrap();
        let (free, held) = mpsc::channel::<()>();
        let blocked = runtime.spawn_blocking(move || held.recv());
        runtime.block_on(async {
            let writers: Vec<_> = (0..50).map(|n| tokio::spawn(db.execute(ADD, params! { n }))).collect();
            for writer in writers {
                writer.await.unwrap().unwrap();
            }
        });
        free.send(()).unwrap();
        runtime.block_on(blocked).unwrap().unwrap();
        assert_eq!(count(&db), 50);
    });
}

/// On a runtime of one thread: were it held by a commit, or by the wait for one, it could not count.
#[test]
fn the_thread_that_polls_is_not_held() {
    bounded(|| {
        let place = Place::new();
        let db = place.open();
        one_thread().block_on(async {
            let (go, wait) = mpsc::channel::<()>();
            let first = tokio::spawn(db.write(move |tx| {
                wait.recv_timeout(Duration::from_secs(60)).unwrap();
                tx.execute(ADD, params! { n: 1 })
            }));
            let second = tokio::spawn(db.execute(ADD, params! { n: 2 }));
            let turns = AtomicUsize::new(0);
            while turns.fetch_add(1, Ordering::Relaxed) < 1000 {
                tokio::task::yield_now().await;
            }
            assert!(!first.is_finished() && !second.is_finished());
            go.send(()).unwrap();
            first.await.unwrap().unwrap();
            second.await.unwrap().unwrap();
        });
    });
}

/// The writing thread goes with the database.
#[test]
#[cfg(target_os = "linux")]
fn its_threads_end_with_the_handle() {
    fn threads() -> Vec<String> {
        let tasks = std::fs::read_dir("/proc/self/task").unwrap();
        tasks.filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("comm")).ok()).collect()
    }
    // Beside the other tests, so in a process of its own.
    if std::env::var_os("LARDER_TASK_CHILD").is_none() {
        let mut child = std::process::Command::new(std::env::current_exe().unwrap());
        child.args(["--exact", "write::its_threads_end_with_the_handle"]).env("LARDER_TASK_CHILD", "1");
        let output = child.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
        return;
    }
    bounded(|| {
        let place = Place::new();
        let db = place.open();
        Waiter::block_on(db.execute(ADD, params! { n: 1 })).unwrap();
        assert!(threads().iter().any(|name| name.starts_with("larder-writer")), "{:?}", threads());
        drop(db);
        while threads().iter().any(|name| name.starts_with("larder-")) {
            std::thread::sleep(Duration::from_millis(1));
        }
    });
}
