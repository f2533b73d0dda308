//! A database: opened right, read and written in transactions.

mod bell;
mod bulk;
mod change;
mod checkpoint;
mod health;
mod inside;
pub(crate) mod log_holder;
mod options;
mod pool;
#[cfg(feature = "tokio")]
mod post;
mod reader;
mod stats;
mod tallies;
mod transaction;
mod write;

pub use bulk::{FailedRow, NewRows};
pub use change::{Changes, Waker};
pub use checkpoint::{LogStats, LongRead};
pub use health::Health;
pub use options::{OnOpen, Options};
pub use stats::Stats;
pub use transaction::{ReadTx, WriteTx};

use crate::driver::{Access, Connection, Driver, Durability};
use crate::error::{Error, ErrorKind, Result};
use crate::path::with_end;
use crate::sql::Param;
use bell::Bell;
use inside::Inside;
use options::Shape;
use pool::{Pool, Replicas};
use reader::Readers;
pub(crate) use reader::Seat;
use serde::de::DeserializeOwned;
use std::fmt;
use std::ops::ControlFlow;
use std::panic::Location;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use write::Writer;
pub(crate) use write::unusable;

/// A handle on one database. It is cheap to clone, and clones share their connections; use it from any thread.
///
/// ```
/// use larder::{Database, params};
/// use serde::Deserialize;
///
/// #[derive(Deserialize, PartialEq, Debug)]
/// struct Agent {
///     id: i64,
///     name: String,
/// }
///
/// # fn main() -> larder::Result<()> {
/// # let folder = tempfile::tempdir().unwrap();
/// let db = Database::open(folder.path().join("app.db"))?;
/// db.execute("CREATE TABLE agents (id INTEGER PRIMARY KEY, name TEXT NOT NULL) STRICT", &[])?;
///
/// let id: i64 = db.write(|tx| {
///     tx.query_one("INSERT INTO agents (name) VALUES (:name) RETURNING id", params! { name: "supervisor" })
/// })?;
///
/// let agent: Option<Agent> =
///     db.read(|tx| tx.query_opt("SELECT id, name FROM agents WHERE id = :id", params! { id }))?;
/// assert_eq!(agent, Some(Agent { id, name: "supervisor".into() }));
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Database {
    inner: Arc<Inner>,
    /// Nothing is read on a replica.
    primary_only: bool,
}

struct Inner {
    driver: Arc<dyn Driver>,
    /// Opened only for reading.
    read_only: bool,
    /// The file's identity when it was opened.
    identity: Option<health::Identity>,
    way: Way,
    /// Told of each commit of this handle.
    bell: Arc<Bell>,
    closed: AtomicBool,
}

/// How the connections are kept.
enum Way {
    /// One writes, for all; others read.
    Line { writer: Arc<Writer>, readers: Arc<Readers> },
    /// Any may write.
    Pool { pool: Arc<Pool>, replicas: Replicas },
}

impl Database {
    /// Opens the SQLite database in the file `path` for reading and writing; `:memory:` is one in memory. A missing file
    /// is made, with the folders above it, for its owner only. `postgres://…` is the URL of a database on a server, and taken as
    /// [`Database::options`] takes it, with which more is set.
    ///
    /// # Errors
    /// [`ErrorKind::CannotOpen`] when the folder or the file can't be made or opened, [`ErrorKind::NotADatabase`],
    /// [`ErrorKind::ReadOnly`] where the file can't be written, [`ErrorKind::Busy`], [`ErrorKind::DiskFull`].
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        Options::path(path).open()
    }

    /// The options to open `url` with: a path, `sqlite:PATH`, `:memory:`, or `postgres://USER@HOST/DATABASE` (feature `postgres`).
    /// Nothing is opened yet.
    pub fn options(url: impl Into<String>) -> Options {
        Options::url(url)
    }

    fn connect(shape: Shape) -> Result<Self> {
        let Shape { driver, read_only, long_read, limits, replicas } = shape;
        let access = if read_only { Access::Read } else { Access::Write };
        let bell;
        let way = if driver.is_concurrent() {
            bell = Arc::default();
            let id = inside::number();
            let pool = Pool::new(Arc::clone(&driver), access, limits, id, Arc::clone(&bell));
            pool.open_one()?;
            Way::Pool { pool, replicas: Replicas::new(replicas, limits, id) }
        } else {
            let first = if read_only { None } else { Some(driver.connect(access)?) };
            let writer = Arc::new(Writer::new(Arc::clone(&driver), first, long_read)?);
            let readers = Arc::new(Readers::new(Arc::clone(&driver), writer.id()));
            writer.watch(&readers);
            if read_only {
                readers.open_one()?;
            }
            bell = Arc::clone(&writer.count().bell);
            Way::Line { writer, readers }
        };
        let identity = driver.file().and_then(health::Identity::of);
        let closed = AtomicBool::new(false);
        let inner = Inner { driver, read_only, identity, way, bell, closed };
        Ok(Self { inner: Arc::new(inner), primary_only: false })
    }

    /// The same handle, whose reads all go to the primary: for who must see what was written just now. Where no replica was
    /// given with [`Options::replica`], they do anyway.
    #[must_use]
    pub fn primary(&self) -> Self {
        Self { inner: Arc::clone(&self.inner), primary_only: true }
    }

    /// Runs `f` in a transaction that reads: all it sees is one state of the database, which writers neither change nor
    /// wait for. The snapshot is taken by the first statement.
    ///
    /// # Errors
    /// What `f` returns, or what the engine says. A database in memory has one connection: there, [`ErrorKind::Nested`]
    /// inside a `write` or another `read`, and [`ErrorKind::Busy`] as for [`write`](Self::write).
    #[track_caller]
    pub fn read<T>(&self, f: impl FnOnce(&mut ReadTx<'_>) -> Result<T>) -> Result<T> {
        self.read_for(Location::caller(), Seat::Slot, f)
    }

    /// [`read`](Self::read) for somebody else, who is named when it lasts too long.
    pub(crate) fn read_for<T>(
        &self,
        caller: &'static Location<'static>,
        seat: Seat,
        f: impl FnOnce(&mut ReadTx<'_>) -> Result<T>,
    ) -> Result<T> {
        self.check_open()?;
        let _span = tracing::trace_span!("read", database = %self.inner.driver).entered();
        match &self.inner.way {
            Way::Pool { pool, .. } if self.primary_only => pool.read(seat, f),
            Way::Pool { pool, replicas } => pool.read_by(replicas, seat, f),
            Way::Line { writer, readers } if self.is_single() => {
                readers.count_one();
                writer.with(|connection| transaction::read(connection, f))
            }
            Way::Line { writer, readers } => {
                let _inside = Inside::enter(writer.id(), Access::Read);
                readers.with(caller, 1, seat, |connection| transaction::read(connection, f))
            }
        }
    }

    /// Runs `f` in a transaction that reads and writes, and commits it. When `f` returns an error or panics, everything it
    /// wrote is rolled back. `Ok` means committed.
    ///
    /// Threads that write at the same time share a commit: who comes first leads, and does the work of those who come
    /// meanwhile too, each in a savepoint of its own. So `f` may run on the thread of another caller, with the stack that this one has, and
    /// must be `Send`.
    /// Nobody waits for company: alone, a write is one transaction like any other. What each caller sees is as if it had
    /// been alone: an error or a panic of one touches no other, and a panic goes on in the thread whose closure it was.
    ///
    /// Keep `f` short, and let it not wait for another thread that writes: that thread's commit may be the one that `f` is
    /// done in, and then both wait for ever. `f` may be run again when the transaction that it
    /// shared was lost through another's fault and nothing of it was committed, so let it change nothing outside the
    /// transaction that must not change twice.
    ///
    /// On PostgreSQL each `write` is a transaction of its own, beside the others and as if one after the other. When the server ends it because of
    /// others, `f` is run again, for [`Options::retry_for`]; then it is [`ErrorKind::Conflict`]. When the server goes away, it is
    /// run again on another connection, unless the commit was under way: that is [`ErrorKind::UnknownOutcome`].
    ///
    /// # Errors
    /// What `f` returns, or what the engine says; [`ErrorKind::Nested`] inside a `write` or a `read` of the same thread;
    /// [`ErrorKind::Busy`] when another process, or one transaction of this one, kept it waiting for longer than the busy
    /// timeout: `f` has then not run, or, where the journal mode is not WAL, what it wrote is rolled back;
    /// [`ErrorKind::UnknownOutcome`] when the commit failed and may have happened; [`ErrorKind::ReadOnly`] on a handle that
    /// only reads.
    pub fn write<T: Send>(&self, f: impl FnMut(&mut WriteTx<'_>) -> Result<T> + Send) -> Result<T> {
        self.write_as(Durability::Normal, f)
    }

    /// As [`write`](Self::write), and `Ok` means that no power cut takes it any more, however the database was opened: its
    /// commit, which takes all that was committed before along, waits for the disk. On a database that was opened with
    /// [`Durability::Full`] every write does.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    pub fn write_durable<T: Send>(&self, f: impl FnMut(&mut WriteTx<'_>) -> Result<T> + Send) -> Result<T> {
        self.write_as(Durability::Full, f)
    }

    fn write_as<T: Send>(
        &self,
        durability: Durability,
        f: impl FnMut(&mut WriteTx<'_>) -> Result<T> + Send,
    ) -> Result<T> {
        self.check_writable()?;
        match &self.inner.way {
            Way::Line { writer, .. } => writer.write(durability, f),
            Way::Pool { pool, .. } => pool.write(durability, f),
        }
    }

    /// Runs one statement that writes, by itself; gives the number of rows it changed.
    ///
    /// # Errors
    /// As [`Database::write`].
    pub fn execute(&self, sql: &str, params: &[Param<'_>]) -> Result<u64> {
        self.check_writable()?;
        match &self.inner.way {
            Way::Line { writer, .. } => writer.execute(sql, params),
            Way::Pool { pool, .. } => pool.execute(sql, params),
        }
    }

    /// Reads the one row that a statement gives, without a transaction around it.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] when there is none, [`ErrorKind::Conversion`] when it does not fit `T` or when there are
    /// more, or what the engine says.
    #[track_caller]
    pub fn query_one<T: DeserializeOwned>(&self, sql: &str, params: &[Param<'_>]) -> Result<T> {
        self.straight(Location::caller(), Seat::Slot, sql, |tx| tx.query_one(sql, params))
    }

    /// Reads the one row that a statement gives, or `None`, without a transaction around it.
    ///
    /// # Errors
    /// [`ErrorKind::Conversion`] when it does not fit `T` or when there are more, or what the engine says.
    #[track_caller]
    pub fn query_opt<T: DeserializeOwned>(&self, sql: &str, params: &[Param<'_>]) -> Result<Option<T>> {
        self.straight(Location::caller(), Seat::Slot, sql, |tx| tx.query_opt(sql, params))
    }

    /// Reads all rows that a statement gives, without a transaction around it.
    ///
    /// # Errors
    /// [`ErrorKind::Conversion`] when one does not fit `T`, or what the engine says.
    #[track_caller]
    pub fn query_all<T: DeserializeOwned>(&self, sql: &str, params: &[Param<'_>]) -> Result<Vec<T>> {
        self.straight(Location::caller(), Seat::Slot, sql, |tx| tx.query_all(sql, params))
    }

    /// The one statement `sql` for somebody else, without a transaction around it. Where the server goes away, `f` is run again.
    pub(crate) fn straight<T>(
        &self,
        caller: &'static Location<'static>,
        seat: Seat,
        sql: &str,
        mut f: impl FnMut(&mut ReadTx<'_>) -> Result<T>,
    ) -> Result<T> {
        self.check_open()?;
        match &self.inner.way {
            Way::Pool { pool, .. } if self.primary_only => pool.straight(sql, f),
            Way::Pool { pool, replicas } => pool.straight_by(replicas, sql, f),
            Way::Line { writer, readers } if self.is_single() => {
                readers.count_one();
                // Its only connection may write; the transaction is what keeps the statement from it.
                writer.with(|connection| transaction::read(connection, f))
            }
            Way::Line { readers, .. } => {
                readers.with(caller, 0, seat, |connection| f(&mut ReadTx::new(connection)))
            }
        }
    }

    /// Moves what is in the write-ahead log into the file, closes every connection and says what went wrong with that.
    /// Other clones of the handle are of no use afterwards. Dropping the last handle closes too, but in silence.
    ///
    /// Reads that are going on end as they would have. They keep the log from being moved: they are waited for, no longer
    /// than the busy timeout, and who closes inside a `read` waits that long for itself.
    ///
    /// # Errors
    /// What the engine says of the checkpoint; [`ErrorKind::Nested`] inside a `write` of the same thread;
    /// [`ErrorKind::Busy`] when one transaction of another thread kept it waiting for longer than the busy timeout: then
    /// nothing was closed. Another process that has the file open is no error: the log then stays.
    pub fn close(self) -> Result<()> {
        match &self.inner.way {
            Way::Line { writer, readers } => self.close_line(writer, readers),
            Way::Pool { pool, replicas } => {
                if self.inner.closed.load(Ordering::Acquire) {
                    return Ok(());
                }
                pool.end()?;
                self.inner.closed.store(true, Ordering::Release);
                replicas.close();
                self.inner.bell.ring();
                Ok(())
            }
        }
    }

    fn close_line(&self, writer: &Writer, readers: &Readers) -> Result<()> {
        writer.check_free()?;
        if self.inner.closed.swap(true, Ordering::AcqRel) {
            return Ok(());
        }
        let closing = writer.close().inspect_err(|_| self.inner.closed.store(false, Ordering::Release))?;
        readers.close();
        // Who listens hears of it.
        self.inner.bell.ring();
        let nothing_to_move = self.file().is_some_and(log_is_empty);
        closing.finish(|connection| {
            if nothing_to_move {
                return Ok(());
            }
            // Answers one row whatever the journal mode is.
            connection.query("PRAGMA wal_checkpoint(TRUNCATE)", &[], &mut |_| Ok(ControlFlow::Continue(())))
        })
    }

    /// The driver behind the handle.
    pub fn driver(&self) -> &Arc<dyn Driver> {
        &self.inner.driver
    }

    /// The file of the database, where it is one file.
    pub fn file(&self) -> Option<&Path> {
        self.inner.driver.file()
    }

    /// True for a handle that was opened only for reading.
    pub fn is_read_only(&self) -> bool {
        self.inner.read_only
    }

    /// Runs `f` with the connection that writes, outside any transaction, while nobody else of this process uses it. For
    /// the parts of Larder that are more than a transaction: migrations, vacuum.
    pub(crate) fn with_writer<T>(&self, f: impl FnOnce(&mut dyn Connection) -> Result<T>) -> Result<T> {
        self.check_writable()?;
        let result = match &self.inner.way {
            Way::Line { writer, .. } => writer.with(f),
            Way::Pool { pool, .. } => pool.with(f),
        };
        // What it was nobody here knows.
        self.inner.bell.ring();
        result
    }

    /// There can be no second connection: a database in memory.
    pub(crate) fn is_single(&self) -> bool {
        self.inner.driver.is_single()
    }

    /// Refuses a handle that was closed.
    pub(crate) fn check_open(&self) -> Result<()> {
        if self.inner.closed.load(Ordering::Acquire) {
            return Err(Error::new(ErrorKind::Closed, format!("the database {self} was closed")));
        }
        Ok(())
    }

    fn check_writable(&self) -> Result<()> {
        self.check_open()?;
        if self.inner.read_only {
            return Err(Error::new(
                ErrorKind::ReadOnly,
                format!("the database {self} was opened only for reading"),
            )
            .with_help("open it without `read_only`"));
        }
        Ok(())
    }
}

/// Where it is, without a password.
impl fmt::Display for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.driver.fmt(f)
    }
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Database").field("place", &self.to_string()).finish_non_exhaustive()
    }
}

/// True where the write-ahead log is there and empty. It is looked at from outside and never opened: closing it again would
/// drop the locks that SQLite holds in this process. Behind a symbolic link it is not found here, and counts as not empty.
fn log_is_empty(file: &Path) -> bool {
    std::fs::metadata(with_end(file, "-wal")).is_ok_and(|log| log.len() == 0)
}
