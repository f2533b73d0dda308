//! Long reads, on the pool for what blocks.

use super::{ADD, COUNT, Place, bounded, in_each, one_thread, poll_once};
use larder::{ErrorKind, params};

/// Runs for days, unless it is stopped.
pub(crate) const ENDLESS: &str = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000000000000) SELECT max(i) FROM n";

#[test]
fn a_long_read_leaves_the_task_s_thread_free() {
    in_each(async |db| {
        let here = std::thread::current().id();
        let other = db.read_blocking(move |_| Ok(std::thread::current().id())).await.unwrap();
        assert_ne!(other, here);
        db.execute(ADD, params! { n: 5 }).await.unwrap();
        let (count, n) = db
            .read_blocking(|tx| {
                Ok((tx.query_one::<i64>(COUNT, &[])?, tx.query_one::<i64>("SELECT n FROM t", &[])?))
            })
            .await
            .unwrap();
        assert_eq!((count, n), (1, 5));
        let error = db.read_blocking(|tx| tx.query_one::<i64>("SELECT x FROM t", &[])).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Statement);
    });
}

#[test]
fn a_panic_in_a_long_read_goes_on_in_its_task() {
    in_each(async |db| {
        let other = db.clone();
        let task = tokio::spawn(other.read_blocking::<(), _>(|_| panic!("while reading")));
        assert!(task.await.unwrap_err().is_panic());
        assert_eq!(db.query_one::<i64>(COUNT, &[]).await.unwrap(), 0);
    });
}

/// A runtime that ends waits for what its pool is doing: this has an end only because the statement is stopped.
#[test]
fn a_long_read_that_nobody_wants_is_stopped() {
    bounded(|| {
        let place = Place::new();
        let db = place.open();
        let runtime = one_thread();
        let (began, begun) = std::sync::mpsc::channel();
        let mut read = Box::pin(db.read_blocking(move |tx| {
            tx.query_one::<i64>(COUNT, &[])?;
            began.send(()).unwrap();
            // The sender of the stop may come before the statement runs; then it is the second that it meets.
            let first = tx.query_one::<i64>(ENDLESS, &[]);
            assert_eq!(first.unwrap_err().kind(), ErrorKind::Interrupted);
            Ok(())
        }));
        {
            let _inside = runtime.enter();
            assert!(poll_once(&mut read).is_pending());
        }
        begun.recv().unwrap();
        std::thread::sleep(std::time::Duration::from_millis(50));
        drop(read);
        drop(runtime);
        // What was stopped there stops nothing else.
        assert_eq!(db.database().read(|tx| tx.query_one::<i64>(COUNT, &[])).unwrap(), 0);
    });
}

/// It is dropped between two statements, when there is none to stop.
#[test]
fn a_long_read_that_nobody_wants_begins_no_other_statement() {
    bounded(|| {
        let place = Place::new();
        let db = place.open();
        let runtime = one_thread();
        let (began, begun) = std::sync::mpsc::channel();
        let (go, wait) = std::sync::mpsc::channel();
        let (tell, told) = std::sync::mpsc::channel();
        let mut read = Box::pin(db.read_blocking(move |tx| {
            tx.query_one::<i64>(COUNT, &[])?;
            began.send(()).unwrap();
            wait.recv().unwrap();
            let second = tx.query_one::<i64>(COUNT, &[]);
            tell.send(second.err().map(|error| error.kind())).unwrap();
            Ok(())
        }));
        {
            let _inside = runtime.enter();
            assert!(poll_once(&mut read).is_pending());
        }
        begun.recv().unwrap();
        drop(read);
        go.send(()).unwrap();
        assert_eq!(told.recv().unwrap(), Some(ErrorKind::Interrupted));
        // The connection serves others as before.
        drop(runtime);
        assert_eq!(db.database().read(|tx| tx.query_one::<i64>(COUNT, &[])).unwrap(), 0);
    });
}

#[test]
fn outside_a_runtime_it_is_an_error_and_not_a_panic() {
    bounded(|| {
        let place = Place::new();
        let db = place.open();
        let mut read = Box::pin(db.read_blocking(|_| Ok(())));
        let std::task::Poll::Ready(Err(error)) = poll_once(&mut read) else { panic!("no error") };
        assert_eq!(error.kind(), ErrorKind::Config);
    });
}
