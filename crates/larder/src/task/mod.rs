//! For tasks of an async runtime: a thin handle over the same engine, and no second one.

mod blocking;
mod stop;
mod stream;

pub use stream::RowStream;

use crate::db::{Database, ReadTx, Seat, WriteTx};
use crate::driver::Durability;
use crate::error::Result;
use crate::sql::{Param, Value};
use serde::de::DeserializeOwned;
use std::fmt;
use std::panic::Location;
use tokio::task::coop::consume_budget;

/// A [`Database`] for tasks. Made by [`Database::to_async`], cheap to clone; it shares everything with the handle it was
/// made from, and both may be used at once: the writes of tasks and of threads stand in one line and share commits.
///
/// ```
/// use larder::{Database, params};
///
/// # fn main() -> larder::Result<()> {
/// # let folder = tempfile::tempdir().unwrap();
/// # let path = folder.path().join("app.db");
/// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
/// # runtime.block_on(async {
/// let db = Database::open(path)?.to_async();
/// db.execute("CREATE TABLE agents (id INTEGER PRIMARY KEY, name TEXT NOT NULL) STRICT", &[]).await?;
///
/// let name = "supervisor".to_owned();
/// let id: i64 = db
///     .write(move |tx| {
///         tx.query_one("INSERT INTO agents (name) VALUES (:name) RETURNING id", params! { name: &name })
///     })
///     .await?;
///
/// let found: Option<String> =
///     db.read(|tx| tx.query_opt("SELECT name FROM agents WHERE id = :id", params! { id })).await?;
/// assert_eq!(found.as_deref(), Some("supervisor"));
/// # Ok(())
/// # })
/// # }
/// ```
///
/// # Where the work is done, and what it needs of the runtime
///
/// | | where | needs |
/// |---|---|---|
/// | [`read`](Self::read), `query_one`, `query_opt`, `query_all` | on the task's own thread, at once | nothing |
/// | [`write`](Self::write), [`write_durable`](Self::write_durable), [`execute`](Self::execute) | on whichever thread leads: another writer's, or one of Larder's own | nothing but to be polled |
/// | [`read_blocking`](Self::read_blocking), [`stream`](Self::stream) | on tokio's pool for blocking work | a runtime of tokio |
///
/// A short read is done where it is asked for because going to another thread and back costs several times as much as the
/// read itself. A write waits for the disk, which a thread that polls must not do; Larder starts a thread for it when the
/// first task writes, which ends with the database or after some seconds without work. Neither timers nor the runtime's
/// threads are used for writing: it works in every runtime, and goes on when all threads of a pool are taken.
///
/// On PostgreSQL every statement goes over a network, for which a thread that polls must not wait either: `query_one`,
/// `query_opt`, `query_all` and all that writes are done on threads of Larder's own, no more than the pool has connections,
/// and one. Only [`read`](Self::read), whose closure can't leave its task, waits for the server on the thread that polls, and
/// where all connections are taken opens one beyond the limit rather than wait for its turn: use
/// [`read_blocking`](Self::read_blocking) there. A [`stream`](Self::stream) has one of the pool's connections as long as it lasts.
///
/// # Dropping what is under way
///
/// Nothing happens before a future is polled. When the future of a write is dropped and nobody has begun the write, it is
/// taken back: its closure never runs. When it was begun, it runs to its end and is committed or rolled back as a whole; only
/// nobody hears which. So after a timeout around a write, look before you write again. A dropped stream or
/// `read_blocking` stops the statement that it is running and ends its transaction.
#[derive(Clone)]
pub struct AsyncDatabase {
    db: Database,
}

impl Database {
    /// The handle for tasks, on the same connections.
    pub fn to_async(&self) -> AsyncDatabase {
        AsyncDatabase::from(self.clone())
    }
}

impl From<Database> for AsyncDatabase {
    fn from(db: Database) -> Self {
        Self { db }
    }
}

impl AsyncDatabase {
    /// The handle for threads, for all that is not here. What takes long, such as a migration or a backup, belongs on a
    /// thread where waiting is allowed: `tokio::task::spawn_blocking`.
    pub fn database(&self) -> &Database {
        &self.db
    }

    /// As [`Database::read`], on the thread that polls: for reads of microseconds, up to a millisecond. Longer ones keep the
    /// other tasks of the thread waiting; they belong into [`read_blocking`](Self::read_blocking). A database in memory has
    /// one connection, for which it waits behind the writes.
    ///
    /// # Errors
    /// As [`Database::read`].
    #[track_caller]
    pub fn read<T, F>(&self, f: F) -> impl Future<Output = Result<T>> + use<'_, T, F>
    where
        F: FnOnce(&mut ReadTx<'_>) -> Result<T>,
    {
        let caller = Location::caller();
        async move {
            // A task that reads on and on lets others have their turn from time to time.
            consume_budget().await;
            self.db.read_for(caller, Seat::AtOnce, f)
        }
    }

    /// As [`Database::read`], on tokio's pool for blocking work. When the future is dropped, a read that has not begun
    /// never does, the statement that is running is stopped, and no other is begun.
    ///
    /// A panic of `f` goes on in the task that waits.
    ///
    /// # Errors
    /// As [`Database::read`]; [`ErrorKind::Config`](crate::ErrorKind::Config) outside a runtime of tokio;
    /// [`ErrorKind::Interrupted`](crate::ErrorKind::Interrupted) when the runtime was shut down before it began.
    #[track_caller]
    pub fn read_blocking<T, F>(&self, f: F) -> impl Future<Output = Result<T>> + Send + use<T, F>
    where
        T: Send + 'static,
        F: FnOnce(&mut ReadTx<'_>) -> Result<T> + Send + 'static,
    {
        let (db, caller) = (self.db.clone(), Location::caller());
        async move { blocking::run(move |stop| db.read_for(caller, Seat::Slot, |tx| stop.within(tx, f)))?.await }
    }

    /// As [`Database::query_one`], on the thread that polls, as [`read`](Self::read) is.
    ///
    /// # Errors
    /// As [`Database::query_one`].
    pub async fn query_one<T: DeserializeOwned>(&self, sql: &str, params: &[Param<'_>]) -> Result<T> {
        consume_budget().await;
        let caller = Location::caller();
        if let Some(fetched) = self.db.post_query(caller, sql, || owned(params), 2) {
            return one_of(fetched?.await?.each(|row| row.to())?)?.ok_or_else(ReadTx::no_row);
        }
        self.db.straight(caller, Seat::AtOnce, sql, |tx| tx.query_one(sql, params))
    }

    /// As [`Database::query_opt`], on the thread that polls, as [`read`](Self::read) is.
    ///
    /// # Errors
    /// As [`Database::query_opt`].
    pub async fn query_opt<T: DeserializeOwned>(&self, sql: &str, params: &[Param<'_>]) -> Result<Option<T>> {
        consume_budget().await;
        let caller = Location::caller();
        if let Some(fetched) = self.db.post_query(caller, sql, || owned(params), 2) {
            return one_of(fetched?.await?.each(|row| row.to())?);
        }
        self.db.straight(caller, Seat::AtOnce, sql, |tx| tx.query_opt(sql, params))
    }

    /// As [`Database::query_all`], on the thread that polls, as [`read`](Self::read) is.
    ///
    /// # Errors
    /// As [`Database::query_all`].
    pub async fn query_all<T: DeserializeOwned>(&self, sql: &str, params: &[Param<'_>]) -> Result<Vec<T>> {
        consume_budget().await;
        let caller = Location::caller();
        if let Some(fetched) = self.db.post_query(caller, sql, || owned(params), usize::MAX) {
            return fetched?.await?.each(|row| row.to());
        }
        self.db.straight(caller, Seat::AtOnce, sql, |tx| tx.query_all(sql, params))
    }

    /// As [`Database::write`]: tasks and threads that write at the same time share a commit. `f` runs on another thread, so
    /// it owns what it uses; it may be run again, as `Database::write` says. What it owns is dropped on that thread too.
    ///
    /// A panic of `f` goes on in the task that waits, and touches no other.
    ///
    /// # Errors
    /// As [`Database::write`]. [`ErrorKind::Nested`](crate::ErrorKind::Nested) when the future is polled inside a `write` or a
    /// `read` of the same thread, as when a closure, or the `Drop` of what it holds, blocks on it.
    pub fn write<T, F>(&self, f: F) -> impl Future<Output = Result<T>> + Send + use<T, F>
    where
        T: Send + 'static,
        F: FnMut(&mut WriteTx<'_>) -> Result<T> + Send + 'static,
    {
        let db = self.db.clone();
        async move { db.post(Durability::Normal, f)?.await }
    }

    /// As [`Database::write_durable`]: `Ok` means that no power cut takes it any more.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    pub fn write_durable<T, F>(&self, f: F) -> impl Future<Output = Result<T>> + Send + use<T, F>
    where
        T: Send + 'static,
        F: FnMut(&mut WriteTx<'_>) -> Result<T> + Send + 'static,
    {
        let db = self.db.clone();
        async move { db.post(Durability::Full, f)?.await }
    }

    /// As [`Database::execute`]: one statement that writes, by itself; gives the number of rows it changed.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    pub fn execute(
        &self,
        sql: &str,
        params: &[Param<'_>],
    ) -> impl Future<Output = Result<u64>> + Send + use<> {
        let (db, sql, params) = (self.db.clone(), sql.to_owned(), owned(params));
        async move { db.post_statement(sql, params?)?.await }
    }

    /// The rows that a statement gives, one after another, without keeping them: a `Stream` whose items are
    /// `Result<T>`. All come from one snapshot. Reading begins when the stream is first polled, on tokio's pool for blocking
    /// work, and is never more than some hundred rows ahead of who takes them.
    ///
    /// The snapshot, a connection of its own and a thread of the pool are held until the stream has ended or is dropped: a stream that rests
    /// keeps the write-ahead log from being emptied, and is to be dropped before the runtime is shut down. On a database in
    /// memory, whose one connection nobody else could use meanwhile, the rows are collected first.
    ///
    /// ```
    /// use larder::{Database, params};
    ///
    /// # fn main() -> larder::Result<()> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let path = folder.path().join("app.db");
    /// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    /// # runtime.block_on(async {
    /// let db = Database::open(path)?.to_async();
    /// let numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :last) SELECT i FROM n";
    /// let mut rows = db.stream::<i64>(numbers, params! { last: 1000 });
    /// let mut sum = 0;
    /// while let Some(row) = rows.next().await {
    ///     sum += row?;
    /// }
    /// assert_eq!(sum, 500_500);
    /// # Ok(())
    /// # })
    /// # }
    /// ```
    ///
    /// # Errors
    /// As items: what the engine says, [`ErrorKind::Conversion`](crate::ErrorKind::Conversion) for a row that does not fit
    /// `T`, and those of [`read_blocking`](Self::read_blocking). An error is the last item.
    #[track_caller]
    pub fn stream<T: DeserializeOwned + Send + 'static>(
        &self,
        sql: &str,
        params: &[Param<'_>],
    ) -> RowStream<T> {
        RowStream::new(self.db.clone(), sql.to_owned(), owned(params), Location::caller())
    }
}

impl fmt::Display for AsyncDatabase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.db.fmt(f)
    }
}

impl fmt::Debug for AsyncDatabase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AsyncDatabase").field("place", &self.to_string()).finish_non_exhaustive()
    }
}

/// The only one.
fn one_of<T>(rows: Vec<T>) -> Result<Option<T>> {
    let mut rows = rows.into_iter();
    let first = rows.next();
    if rows.next().is_some() { Err(ReadTx::more_rows()) } else { Ok(first) }
}

/// The parameters by themselves, for who outlives the caller.
fn owned(params: &[Param<'_>]) -> Result<Vec<(String, Value)>> {
    params.iter().map(|(name, value)| Ok(((*name).to_owned(), value.to_value()?.into_value()))).collect()
}
