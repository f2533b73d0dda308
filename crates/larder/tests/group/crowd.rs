//! Writes that surely meet: one holds the writer until it is told, the others stand in the line behind it, in an order that
//! the test knows.

use larder::{Database, Result, WriteTx};
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::Duration;

/// A write that has begun and waits, and all that came after it.
pub(crate) struct Crowd<T> {
    db: Database,
    held: mpsc::Sender<()>,
    holder: JoinHandle<Result<T>>,
}

impl Crowd<()> {
    /// Begins a write that does nothing but wait.
    pub(crate) fn held(db: &Database) -> Self {
        Self::held_by(db, |_| Ok(()))
    }
}

impl<T: Send + 'static> Crowd<T> {
    /// Begins a write that waits and then goes on with `then`.
    pub(crate) fn held_by(
        db: &Database,
        mut then: impl FnMut(&mut WriteTx<'_>) -> Result<T> + Send + 'static,
    ) -> Self {
        let (held, released) = mpsc::channel::<()>();
        let (began, begun) = mpsc::channel();
        let (writer, db) = (db.clone(), db.clone());
        let holder = std::thread::spawn(move || {
            writer.write(move |tx| {
                let _ = began.send(());
                // Until the other end is dropped. When it has to run again it waits no more.
                let _ = released.recv();
                then(tx)
            })
        });
        begun.recv().unwrap();
        Self { db, held, holder }
    }

    /// Makes a call from a thread of its own, and comes back when that waits for its turn.
    pub(crate) fn comes<R: Send + 'static>(
        &self,
        call: impl FnOnce(&Database) -> R + Send + 'static,
    ) -> JoinHandle<R> {
        waiting(&self.db, call)
    }

    /// The same for a write.
    pub(crate) fn writes<R: Send + 'static>(
        &self,
        f: impl FnMut(&mut WriteTx<'_>) -> Result<R> + Send + 'static,
    ) -> JoinHandle<Result<R>> {
        self.comes(move |db| db.write(f))
    }

    /// Lets the writer go on; gives the thread that held it.
    pub(crate) fn release(self) -> JoinHandle<Result<T>> {
        drop(self.held);
        self.holder
    }
}

/// Makes a call from a thread of its own, and comes back when that stands in the line (or is done already).
pub(crate) fn waiting<R: Send + 'static>(
    db: &Database,
    call: impl FnOnce(&Database) -> R + Send + 'static,
) -> JoinHandle<R> {
    let before = db.stats().waiting;
    let own = db.clone();
    let thread = std::thread::spawn(move || call(&own));
    while db.stats().waiting <= before && !thread.is_finished() {
        std::thread::sleep(Duration::from_micros(100));
    }
    thread
}
