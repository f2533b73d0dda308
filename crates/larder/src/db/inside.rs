//! Which transactions the running thread is inside of: what would wait for itself, or would not see what it expects, is
//! refused instead.

use crate::driver::Access;
use crate::error::{Error, ErrorKind, Result};
use std::cell::RefCell;
use std::sync::atomic::{AtomicUsize, Ordering};

thread_local! {
    static INSIDE: RefCell<Vec<(usize, Access)>> = const { RefCell::new(Vec::new()) };
}

/// A number that tells a database from others within the process.
pub(super) fn number() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// The thread is inside a transaction as long as this lives.
pub(super) struct Inside {
    database: usize,
    access: Access,
    /// It belongs to the thread it was made on.
    _not_send: std::marker::PhantomData<*const ()>,
}

impl Inside {
    /// Enters a transaction of the database with that number.
    pub(super) fn enter(database: usize, access: Access) -> Self {
        // While a thread ends its notes may be gone already; then nothing is noted.
        let _ = INSIDE.try_with(|inside| inside.borrow_mut().push((database, access)));
        Self { database, access, _not_send: std::marker::PhantomData }
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        let mine = (self.database, self.access);
        let _ = INSIDE.try_with(|inside| {
            let mut inside = inside.borrow_mut();
            if let Some(at) = inside.iter().rposition(|entry| *entry == mine) {
                inside.remove(at);
            }
        });
    }
}

/// Whether the thread is inside a transaction of that database that is of the kind.
fn is(database: usize, access: Access) -> bool {
    INSIDE.try_with(|inside| inside.borrow().contains(&(database, access))).unwrap_or(false)
}

/// Whether the thread is inside any transaction.
pub(super) fn is_any() -> bool {
    INSIDE.try_with(|inside| !inside.borrow().is_empty()).unwrap_or(false)
}

/// How many transactions of that database the thread is inside of.
pub(super) fn depth(database: usize) -> usize {
    INSIDE.try_with(|inside| inside.borrow().iter().filter(|entry| entry.0 == database).count()).unwrap_or(0)
}

/// Refuses what would wait for the connection that this thread has.
pub(super) fn refuse_waiting(database: usize) -> Result<()> {
    if !is(database, Access::Write) {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Nested, "the database was asked for inside a transaction of the same thread")
        .with_help("use the transaction that is open, or its `savepoint`"))
}

/// Refuses a write in a place where one can't be.
pub(super) fn refuse_write(database: usize) -> Result<()> {
    refuse_waiting(database)?;
    if !is(database, Access::Read) {
        return Ok(());
    }
    let message =
        "a write was asked for inside a `read` of the same thread, which would not see what it wrote";
    Err(Error::new(ErrorKind::Nested, message)
        .with_help("read inside the `write` instead, or write when the `read` has returned"))
}
