//! The connections that read.

mod held;
mod slot;
mod thread;
mod turn;

use super::inside;
use super::write::{RollbackFailed, closed};
use crate::db::tallies::Tallies;
use crate::driver::{Access, Connection, Counts, Driver};
use crate::error::Result;
pub(crate) use held::Held;
use held::Use;
use slot::{Place, Slot};
use std::panic::Location;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering, fence};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use turn::Turns;

/// The reading connections: a fixed number of slots with one each, and more when they are not enough.
///
/// A thread has a slot where it looks first, so that threads that read at the same time do not touch the same memory, and
/// each finds what it read before in the cache of its own connection. When all are taken, a thread that is inside a
/// transaction of the same database gets another connection at once, for it may be what the others wait for; any other
/// waits, and after a while gets one as well.
pub(super) struct Readers {
    driver: Arc<dyn Driver>,
    /// The database, as threads note that they are inside of it.
    id: usize,
    slots: Box<[Slot]>,
    turns: Turns,
    closed: AtomicBool,
    more: Mutex<More>,
    tallies: Tallies,
    /// The reads that were done on other connections than those in the slots.
    reads_beside: AtomicU64,
    /// The number of slots, and then of each use beside them.
    next: AtomicUsize,
}

/// Connections beside those in the slots.
#[derive(Default)]
struct More {
    spare: Vec<Box<dyn Connection>>,
    used: Vec<(usize, Arc<Use>)>,
}

/// Which connection a read may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seat {
    /// One in a slot, for which it waits a little.
    Slot,
    /// One in a slot if one is free, else another: it must not wait.
    #[cfg_attr(not(feature = "tokio"), allow(dead_code, reason = "tasks are a feature"))]
    AtOnce,
    /// None of those in the slots: it may rest for long, and the others would wait for it.
    #[cfg_attr(not(feature = "tokio"), allow(dead_code, reason = "tasks are a feature"))]
    Beside,
}

impl Readers {
    pub(super) fn new(driver: Arc<dyn Driver>, id: usize) -> Self {
        let count = cores().max(4);
        Self {
            driver,
            id,
            slots: (0..count).map(|_| Slot::default()).collect(),
            turns: Turns::default(),
            closed: AtomicBool::new(false),
            more: Mutex::default(),
            tallies: Tallies::default(),
            reads_beside: AtomicU64::new(0),
            next: AtomicUsize::new(count),
        }
    }

    /// Opens the first connection, so that what is wrong is said now.
    pub(super) fn open_one(&self) -> Result<()> {
        let connection = self.connect()?;
        if let Some(mut place) = self.take(thread::number()) {
            *place = Some(connection);
        }
        Ok(())
    }

    /// Runs `f` with a connection for which `caller` asked. `inside` is how many of the transactions that this thread is
    /// inside of are the one that asks.
    pub(super) fn with<T>(
        &self,
        caller: &'static Location<'static>,
        inside: usize,
        seat: Seat,
        f: impl FnOnce(&mut dyn Connection) -> Result<T>,
    ) -> Result<T> {
        let me = thread::number();
        if seat != Seat::Beside
            && let Some(place) = self.take(me)
        {
            return self.on(place, caller, me, f);
        }
        if seat == Seat::Slot
            && inside::depth(self.id) <= inside
            && let Some(place) = self.turns.wait(|| self.take(me))
        {
            return self.on(place, caller, me, f);
        }
        self.beside(caller, me, f)
    }

    /// A slot that is free, from the thread's own on.
    fn take(&self, me: u64) -> Option<Place<'_>> {
        let count = self.slots.len();
        let home = usize::try_from(me).unwrap_or(0) % count;
        let (before, from) = self.slots.split_at_checked(home)?;
        from.iter().chain(before).find_map(Slot::take)
    }

    fn on<T>(
        &self,
        place: Place<'_>,
        caller: &'static Location<'static>,
        me: u64,
        f: impl FnOnce(&mut dyn Connection) -> Result<T>,
    ) -> Result<T> {
        // Whatever comes now, the next is told that the slot is free, once it is: of these two, this one goes last.
        let _left = Left(self);
        let mut place = place;
        if self.closed.load(Ordering::Acquire) {
            *place = None;
            return Err(closed());
        }
        let used = place.used();
        // A panic in `f` drops the connection, and with it whatever was open on it.
        let mut connection = match place.take() {
            Some(connection) => connection,
            None => self.connect()?,
        };
        let using = used.begin(caller, me);
        let result = f(connection.as_mut());
        drop(using);
        if is_usable(&result) {
            *place = Some(connection);
        }
        result
    }

    /// Runs `f` with a connection that is in no slot.
    fn beside<T>(
        &self,
        caller: &'static Location<'static>,
        me: u64,
        f: impl FnOnce(&mut dyn Connection) -> Result<T>,
    ) -> Result<T> {
        if self.closed.load(Ordering::Acquire) {
            return Err(closed());
        }
        let spare = self.more().spare.pop();
        let mut connection = match spare {
            Some(connection) => connection,
            None => self.connect()?,
        };
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let used = Arc::new(Use::default());
        let using = used.begin(caller, me);
        self.more().used.push((number, Arc::clone(&used)));
        let listed = Listed { readers: self, number };
        let result = f(connection.as_mut());
        drop(using);
        drop(listed);
        self.reads_beside.fetch_add(1, Ordering::Relaxed);
        if is_usable(&result) {
            let mut more = self.more();
            if more.spare.len() < self.slots.len() && !self.closed.load(Ordering::Acquire) {
                more.spare.push(connection);
            }
        }
        result
    }

    /// Closes all that are not in use, and the others when they are no more.
    pub(super) fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
        self.clear();
        self.more().spare.clear();
    }

    fn clear(&self) {
        fence(Ordering::SeqCst);
        for mut place in self.slots.iter().filter_map(Slot::take) {
            *place = None;
        }
    }

    /// The reads that are going on.
    #[allow(dead_code, reason = "for what reports on the database")]
    pub(super) fn held(&self) -> Vec<Held> {
        let slots = self.slots.iter().enumerate().filter_map(|(number, slot)| slot.used().look(number));
        let mut held: Vec<Held> = slots.collect();
        held.extend(self.more().used.iter().filter_map(|(number, used)| used.look(*number)));
        held
    }

    /// A read that is done on another connection than these: there is only one.
    pub(super) fn count_one(&self) {
        self.reads_beside.fetch_add(1, Ordering::Relaxed);
    }

    /// How many reads there have been, with those that are going on.
    pub(super) fn reads(&self) -> u64 {
        let in_slots: u64 = self.slots.iter().map(|slot| slot.used().count()).sum();
        in_slots + self.reads_beside.load(Ordering::Relaxed)
    }

    /// What all connections that read have counted, also those that are closed.
    pub(super) fn counts(&self) -> Counts {
        self.tallies.counts()
    }

    fn connect(&self) -> Result<Box<dyn Connection>> {
        let connection = self.driver.connect(Access::Read)?;
        self.tallies.add(connection.as_ref());
        Ok(connection)
    }

    fn more(&self) -> MutexGuard<'_, More> {
        self.more.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A slot is left, dropped after it was.
struct Left<'r>(&'r Readers);

impl Drop for Left<'_> {
    fn drop(&mut self) {
        // Between letting go of the slot and looking who wants it: either they see it free, or they are seen here.
        fence(Ordering::SeqCst);
        self.0.turns.call();
        if self.0.closed.load(Ordering::Relaxed) {
            self.0.clear();
        }
    }
}

/// A use beside the slots, as long as it lasts.
struct Listed<'r> {
    readers: &'r Readers,
    number: usize,
}

impl Drop for Listed<'_> {
    fn drop(&mut self) {
        self.readers.more().used.retain(|(number, _)| *number != self.number);
    }
}

/// One whose rollback failed may still stand in its transaction, and would see that state for ever.
fn is_usable<T>(result: &Result<T>) -> bool {
    !result.as_ref().is_err_and(RollbackFailed::is_in)
}

/// How many cores there are: asked once, for it takes longer than opening a database.
fn cores() -> usize {
    static CORES: OnceLock<usize> = OnceLock::new();
    *CORES.get_or_init(|| std::thread::available_parallelism().map_or(4, usize::from))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::driver::sqlite::{Place, Settings, Sqlite};
    use std::ops::ControlFlow;
    use std::sync::Barrier;

    fn readers(file: &std::path::Path) -> Readers {
        let driver = Sqlite { place: Place::File(file.to_owned()), settings: Settings::default() };
        driver.connect(Access::Write).unwrap();
        Readers::new(Arc::new(driver), usize::MAX)
    }

    fn one(connection: &mut dyn Connection) -> Result<()> {
        connection.query("SELECT 1", &[], &mut |_| Ok(ControlFlow::Continue(())))
    }

    #[test]
    fn who_reads_is_seen_with_thread_and_caller_until_it_ends() {
        let folder = tempfile::tempdir().unwrap();
        let readers = readers(&folder.path().join("app.db"));
        let slots = readers.slots.len();
        let caller = Location::caller();
        let (inside, looked) = (Barrier::new(slots + 4), Barrier::new(slots + 4));
        std::thread::scope(|scope| {
            for n in 0..slots + 3 {
                let reading = || {
                    readers.with(caller, 0, Seat::Slot, |connection| {
                        inside.wait();
                        looked.wait();
                        one(connection)
                    })
                };
                std::thread::Builder::new().name(format!("reader {n}")).spawn_scoped(scope, reading).unwrap();
            }
            inside.wait();
            let mut held = readers.held();
            let again = readers.held();
            looked.wait();
            assert_eq!(held.len(), slots + 3);
            assert!(held.iter().all(|held| held.caller == caller));
            assert!(held.iter().zip(&again).all(|(a, b)| (a.slot, a.sequence) == (b.slot, b.sequence)));
            held.sort_by(|a, b| a.thread.cmp(&b.thread));
            held.dedup_by(|a, b| a.thread == b.thread);
            assert_eq!(held.len(), slots + 3);
            assert_eq!(held[0].thread, "reader 0");
        });
        assert!(readers.held().is_empty());
        assert_eq!(readers.reads(), slots as u64 + 3);
        assert_eq!(readers.counts().statements, slots as u64 + 3);
        assert_eq!(readers.counts().prepared, slots as u64 + 3);
    }

    #[test]
    fn a_panic_drops_the_connection_and_frees_the_slot() {
        let folder = tempfile::tempdir().unwrap();
        let readers = readers(&folder.path().join("app.db"));
        let caller = Location::caller();
        for _ in 0..3 {
            let read = std::panic::AssertUnwindSafe(|| {
                readers.with(caller, 0, Seat::Slot, |connection| -> Result<()> {
                    one(connection)?;
                    panic!("on purpose")
                })
            });
            std::panic::catch_unwind(read).unwrap_err();
            assert!(readers.held().is_empty());
            assert!(readers.slots.iter().all(|slot| slot.take().unwrap().is_none()), "a connection was kept");
        }
        readers.with(caller, 0, Seat::Slot, one).unwrap();
        assert!(readers.slots.iter().any(|slot| slot.take().unwrap().is_some()), "none was kept");
        assert_eq!(readers.counts().statements, 4, "what a closed connection counted is lost");
    }

    #[test]
    fn closing_leaves_no_connection_behind_not_even_of_reads_that_go_on() {
        let folder = tempfile::tempdir().unwrap();
        let readers = readers(&folder.path().join("app.db"));
        let caller = Location::caller();
        let (inside, closed) = (Barrier::new(3), Barrier::new(3));
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    readers
                        .with(caller, 0, Seat::Slot, |connection| {
                            inside.wait();
                            closed.wait();
                            one(connection)
                        })
                        .unwrap();
                });
            }
            inside.wait();
            readers.close();
            closed.wait();
        });
        assert!(readers.slots.iter().all(|slot| slot.take().unwrap().is_none()), "a connection was kept");
        let error = readers.with(caller, 0, Seat::Slot, one).unwrap_err();
        assert_eq!(error.kind(), crate::ErrorKind::Closed);
    }
}
