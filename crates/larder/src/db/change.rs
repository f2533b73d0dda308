//! Waiting for the next commit, of this process or another.

use super::bell::Bell;
use super::pool::Listening;
use super::{Database, Way};
use crate::driver::{Access, Connection};
use crate::error::{ErrorKind, Result};
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The pause between two looks for what others committed: it begins with this and doubles while nothing happens.
const SHORTEST: Duration = Duration::from_millis(5);
const LONGEST: Duration = Duration::from_millis(40);

/// Tells that something was committed to the database: by this handle, by another one, or by another process. It says
/// neither what nor how much: look at the database after each [`wait`](Self::wait), and nothing is missed.
///
/// A commit of the same handle, or of a clone, wakes at once. Of others it is asked whether there was one, after 5 ms and
/// then, while nothing happens, up to every 40 ms. What that costs: a connection of its own, and a question that SQLite
/// answers from the memory that it shares between processes (`PRAGMA data_version`): some microseconds, without reading
/// the disk. Where the journal mode is not WAL, it reads 16 bytes of the file. Writers pay nothing for it while nobody listens.
///
/// On PostgreSQL a commit of another handle or process wakes at once when it was announced by
/// [`WriteTx::announce`](crate::WriteTx::announce). Any other is found by asking the server: after 50 ms and then, while nothing
/// happens, up to every second; through a pooler that lets no announcement through, up to every 200 ms. What that costs: one
/// connection and one thread for a handle and its clones, however many listen, and a question of some 50 µs that reads no
/// table. The server counts all its databases together, so a commit to another one wakes too. What is read from a
/// replica may lag behind the wake: look at [`Database::primary`].
///
/// ```
/// use larder::{Database, params};
/// use std::time::Duration;
///
/// # fn main() -> larder::Result<()> {
/// # let folder = tempfile::tempdir().unwrap();
/// let db = Database::open(folder.path().join("app.db"))?;
/// db.execute("CREATE TABLE jobs (id INTEGER PRIMARY KEY) STRICT", &[])?;
///
/// // Listen first, then look, then wait: what is committed in between ends the wait at once.
/// let mut changes = db.changes()?;
/// let before: i64 = db.query_one("SELECT count(*) FROM jobs", &[])?;
/// db.execute("INSERT INTO jobs DEFAULT VALUES", &[])?;
/// assert!(changes.wait(Duration::from_secs(10))?);
/// let after: i64 = db.query_one("SELECT count(*) FROM jobs", &[])?;
/// assert_eq!((before, after), (0, 1));
/// # Ok(())
/// # }
/// ```
pub struct Changes {
    /// Goes before the handle: a handle that is dropped closes what it has.
    connection: Option<Box<dyn Connection>>,
    /// Somebody else asks, and rings the bell.
    _listening: Option<Listening>,
    /// What the connection said last.
    version: Option<u64>,
    seen: u64,
    pause: Duration,
    bell: Arc<Bell>,
    db: Database,
}

/// Ends the wait of a [`Changes`], from any thread.
#[derive(Clone)]
pub struct Waker {
    bell: Arc<Bell>,
}

impl Database {
    /// Listens for commits from now on. The handle stays open as long as the listener is there.
    ///
    /// # Errors
    /// What the engine says of one more connection; [`ErrorKind::Closed`].
    pub fn changes(&self) -> Result<Changes> {
        self.check_open()?;
        let (connection, listening) = match &self.inner.way {
            Way::Pool { pool, .. } => (None, Some(pool.listen()?)),
            // A database in memory has nobody but this handle.
            Way::Line { .. } if self.is_single() => (None, None),
            Way::Line { .. } => (Some(self.inner.driver.connect(Access::Read)?), None),
        };
        let bell = Arc::clone(&self.inner.bell);
        let seen = bell.listen();
        let mut changes = Changes {
            connection,
            _listening: listening,
            version: None,
            seen,
            pause: SHORTEST,
            bell,
            db: self.clone(),
        };
        changes.version = changes.look()?;
        Ok(changes)
    }
}

impl Changes {
    /// Waits until something was committed since the last call, or since this was made: then true, and what is read from
    /// now on shows it. False when `timeout` is over; [`Duration::MAX`] is for ever.
    ///
    /// It may be true without anything new: the commit may have been one that was read already, or a [`Waker`] was called.
    ///
    /// # Errors
    /// [`ErrorKind::Closed`] when the handle was closed, or what the engine says.
    pub fn wait(&mut self, timeout: Duration) -> Result<bool> {
        let until = Instant::now().checked_add(timeout);
        loop {
            self.db.check_open()?;
            let version = self.look()?;
            if version != self.version {
                self.version = version;
                self.pause = SHORTEST;
                return Ok(true);
            }
            let left = until.map(|until| until.saturating_duration_since(Instant::now()));
            let pause = self.connection.as_ref().map(|_| self.pause);
            if self.bell.wait(&mut self.seen, left.into_iter().chain(pause).min()) {
                self.db.check_open()?;
                // All that is committed by now will be read.
                self.version = self.look()?;
                self.pause = SHORTEST;
                return Ok(true);
            }
            if left.is_some_and(|left| left.is_zero()) {
                return Ok(false);
            }
            self.pause = (self.pause * 2).min(LONGEST);
        }
    }

    /// What ends a wait from another thread.
    pub fn waker(&self) -> Waker {
        Waker { bell: Arc::clone(&self.bell) }
    }

    fn look(&mut self) -> Result<Option<u64>> {
        let Some(connection) = &mut self.connection else { return Ok(None) };
        match connection.data_version() {
            // Without WAL, who commits keeps everybody out. It will be seen next time.
            Err(error) if error.kind() == ErrorKind::Busy => Ok(self.version),
            // There is nothing to ask on this engine.
            Ok(None) => {
                self.connection = None;
                Ok(None)
            }
            result => result,
        }
    }
}

impl Drop for Changes {
    fn drop(&mut self) {
        self.bell.leave();
    }
}

impl Waker {
    /// Ends the wait that is going on, or the next one. All that listen to the same handle are woken.
    pub fn wake(&self) {
        self.bell.ring();
    }
}

impl fmt::Debug for Changes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Changes").field("place", &self.db.to_string()).finish_non_exhaustive()
    }
}

impl fmt::Debug for Waker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Waker")
    }
}
