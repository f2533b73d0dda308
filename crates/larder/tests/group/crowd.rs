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
        let db = self.db.clone();
        waiting(move || call(&db))
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

/// Starts a thread and comes back when it sleeps: as there is nothing else in `f` for it to wait for, in the line.
pub(crate) fn waiting<R: Send + 'static>(f: impl FnOnce() -> R + Send + 'static) -> JoinHandle<R> {
    let (say, hear) = mpsc::channel();
    let thread = std::thread::spawn(move || {
        let _ = say.send(std::fs::read_link("/proc/thread-self").ok());
        f()
    });
    match hear.recv().unwrap() {
        Some(task) => {
            let stat = std::path::Path::new("/proc").join(task).join("stat");
            let mut asleep = 0;
            while asleep < 4 && !thread.is_finished() {
                std::thread::sleep(Duration::from_micros(500));
                let sleeps = std::fs::read_to_string(&stat)
                    .is_ok_and(|stat| stat.rsplit(')').next().is_some_and(|rest| rest.starts_with(" S")));
                asleep = if sleeps { asleep + 1 } else { 0 };
            }
        }
        // No such folder on this system: it gets a moment.
        None => std::thread::sleep(Duration::from_millis(100)),
    }
    thread
}
