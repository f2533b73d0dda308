//! The handle for tasks: what is promised of it, in runtimes of one thread and of many, and without any.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

mod blocking;
mod cancel;
mod crowd;
mod held;
mod patience;
mod stream;
#[path = "../kit/watchdog.rs"]
mod watchdog;
mod write;

use larder::{AsyncDatabase, Database, Options};
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};

/// A database of its own, gone afterwards.
struct Place {
    folder: TempDir,
}

const COUNT: &str = "SELECT count(*) FROM t";
const ADD: &str = "INSERT INTO t (n) VALUES (:n)";

impl Place {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn options(&self) -> Options {
        Database::options(self.folder.path().join("app.db").display().to_string())
    }

    fn open(&self) -> AsyncDatabase {
        self.open_with(self.options())
    }

    /// With the table `t`.
    fn open_with(&self, options: Options) -> AsyncDatabase {
        let db = options.open().unwrap();
        db.execute("CREATE TABLE IF NOT EXISTS t (id INTEGER PRIMARY KEY, n)", &[]).unwrap();
        db.to_async()
    }
}

fn count(db: &AsyncDatabase) -> i64 {
    db.database().query_one(COUNT, &[]).unwrap()
}

fn one_thread() -> Runtime {
    Builder::new_current_thread().enable_time().build().unwrap()
}

fn many_threads() -> Runtime {
    Builder::new_multi_thread().worker_threads(4).enable_time().build().unwrap()
}

/// Runs `test` in a runtime of each sort; a hang is a failure.
fn in_each(test: impl AsyncFn(AsyncDatabase) + Copy + Send + 'static) {
    for runtime in [one_thread as fn() -> Runtime, many_threads] {
        bounded(move || {
            let place = Place::new();
            let db = place.open();
            runtime().block_on(test(db));
        });
    }
}

fn bounded<T: Send + 'static>(test: impl FnOnce() -> T + Send + 'static) -> T {
    watchdog::bounded(Duration::from_secs(120), test)
}

/// Polls once; nothing wakes it afterwards.
fn poll_once<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    Pin::new(future).poll(&mut Context::from_waker(Waker::noop()))
}
