//! The seam between Larder and an engine: two small traits, and the engines behind them.
//!
//! An engine implements [`Driver`] and [`Connection`], and passes the conformance suite of the crate's tests. An
//! operation stands here only if it means the same on every engine; what an engine cannot do it refuses with
//! [`ErrorKind::Unsupported`](crate::ErrorKind::Unsupported) before anything runs.

use crate::error::Result;
use crate::sql::{Param, Row, ValueRef};
use std::any::Any;
use std::fmt;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

mod durability;
mod isolation;
pub(crate) mod load;
mod log;
#[cfg(feature = "postgres")]
pub mod postgres;
pub mod sqlite;
mod tally;

pub use crate::sql::text::Dialect;
pub use durability::Durability;
pub use isolation::Isolation;
pub use load::{Fill, RowTarget, TableColumns};
pub(crate) use log::LOG_FILE;
pub use log::{Checkpoint, Checkpointed, LogSize};
pub use tally::{Counts, Tally};

/// What the message of an error says where the role lacks a privilege, whatever was put before it since.
pub(crate) const FORBIDDEN: &str = "not permitted: ";

/// Whether the role lacks a privilege for it.
pub(crate) fn is_forbidden(error: &crate::error::Error) -> bool {
    error.message().contains(FORBIDDEN)
}

/// What a connection, or a transaction on it, may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Access {
    /// Only read: every statement that would write is refused with
    /// [`ErrorKind::ReadOnly`](crate::ErrorKind::ReadOnly) before it runs, whatever it looks like.
    Read,
    /// Read and write.
    Write,
}

/// An engine, and where its database is.
///
/// Its `Display` is what people are shown: where the database is, without a password.
pub trait Driver: Any + fmt::Debug + fmt::Display + Send + Sync {
    /// The language it speaks.
    fn dialect(&self) -> Dialect;

    /// True where each connection would be a database of its own (one in memory), so that there may be only one.
    fn is_single(&self) -> bool {
        false
    }

    /// True where several connections can write at the same time, each in a transaction of its own.
    fn is_concurrent(&self) -> bool {
        false
    }

    /// The file of the database, where it is one file.
    fn file(&self) -> Option<&Path> {
        None
    }

    /// How long is waited for what somebody else holds.
    fn patience(&self) -> Duration {
        Duration::from_secs(5)
    }

    /// Opens one more connection, with every setting in force and checked.
    ///
    /// # Errors
    /// [`NotInitialized`](crate::ErrorKind::NotInitialized) when the database is missing and may not be made,
    /// [`CannotOpen`](crate::ErrorKind::CannotOpen), [`NotADatabase`](crate::ErrorKind::NotADatabase),
    /// [`ReadOnly`](crate::ErrorKind::ReadOnly) when writing was asked for in a place that only reads, and
    /// [`Busy`](crate::ErrorKind::Busy).
    fn connect(&self, access: Access) -> Result<Box<dyn Connection>>;

    /// Listens for what is announced by [`Connection::announce`], and for commits, from now on. `None` where the engine has no
    /// such thing, or a connection can tell by [`Connection::data_version`].
    ///
    /// # Errors
    /// As [`connect`](Self::connect).
    fn listen(&self) -> Result<Option<Box<dyn Listener>>> {
        Ok(None)
    }
}

/// Hears of commits, on a connection of its own.
pub trait Listener: Send {
    /// Waits until a commit is announced, or until `timeout` is over: whether one was.
    ///
    /// # Errors
    /// [`Unavailable`](crate::ErrorKind::Unavailable) when the server went away: listen anew.
    fn wait(&mut self, timeout: Duration) -> Result<bool>;

    /// What is another text whenever somebody has committed something, announced or not. A round trip. `None` where the server
    /// has no such thing.
    ///
    /// # Errors
    /// As [`wait`](Self::wait).
    fn state(&mut self) -> Result<Option<String>>;

    /// True where announcements do not get through, so that only asking helps.
    fn is_deaf(&self) -> bool {
        false
    }
}

/// One connection. Statements are prepared once and kept; parameters are named (`:name`).
///
/// # Transactions
/// [`begin`](Self::begin) opens a transaction or, inside one, a savepoint; [`commit`](Self::commit) and
/// [`rollback`](Self::rollback) end the innermost. Outside a transaction each statement commits by itself. Statements that
/// would end or open one (`COMMIT`, `SAVEPOINT`, …) are refused: nobody can leave a transaction by the back door.
///
/// # Faults
/// Which fault becomes which [`ErrorKind`](crate::ErrorKind), and what the caller may then do:
///
/// | fault | kind | state afterwards |
/// |---|---|---|
/// | a lock not had within the busy timeout | `Busy` | as before the call; try again |
/// | disk full | `DiskFull` | the engine may have rolled the whole transaction back: roll back |
/// | a constraint | `Constraint` | that statement did nothing; the transaction goes on |
/// | syntax, missing table | `Statement` | nothing ran |
/// | an unknown, missing or unused parameter | `Parameter` | nothing ran |
/// | a write where only reading is allowed | `ReadOnly` | nothing ran |
/// | stopped through the [`Interrupter`] | `Interrupted` | the engine may have rolled back: roll back |
/// | an I/O fault during commit | `UnknownOutcome` | the transaction is over; look before writing again |
/// | the server went away | `Unavailable`; `UnknownOutcome` where a commit, or a statement that writes outside a transaction, was under way | the connection is of no use any more: open another |
/// | a serialization failure, a deadlock | `Conflict` | roll back, and run the whole transaction again |
///
/// When the engine itself rolled a whole transaction back, every later statement is refused until the outermost
/// [`rollback`](Self::rollback): none can slip through and commit alone.
pub trait Connection: Any + Send {
    /// The language it speaks.
    fn dialect(&self) -> Dialect;

    /// Runs one statement; gives the number of rows it changed.
    ///
    /// # Errors
    /// As in the table above.
    fn execute(&mut self, sql: &str, params: &[Param<'_>]) -> Result<u64>;

    /// The same as [`execute`](Self::execute) with the values in the order in which the statement's parameters first appear
    /// ([`Mapped::names`](crate::sql::text::Mapped::names)): for statements of hundreds of them, whose names nobody reads. The
    /// engine may read texts and blobs where they lie and needs no copy.
    ///
    /// # Errors
    /// As in the table above.
    fn execute_list(&mut self, sql: &str, values: &[ValueRef<'_>]) -> Result<u64>;

    /// Whether the statement is kept prepared, so that running it costs no preparing. An engine may always say no.
    fn is_prepared(&self, sql: &str) -> bool {
        let _ = sql;
        false
    }

    /// Runs one statement and hands each row to `each`, until that says stop.
    ///
    /// # Errors
    /// As in the table above; an error of `each` ends the statement and comes back as it is.
    fn query(&mut self, sql: &str, params: &[Param<'_>], each: &mut RowSink<'_>) -> Result<()>;

    /// Adds rows to a table in the way that the engine does fastest; gives how many. `fill` is called once and hands over
    /// every row; where it fails, its error comes back, and the transaction around is to be rolled back.
    ///
    /// The rows go past nothing that a statement would not go past: constraints and triggers hold.
    ///
    /// # Errors
    /// As in the table above; [`Conversion`](crate::ErrorKind::Conversion) for a value that does not fit its column.
    fn load(&mut self, into: &TableColumns<'_>, fill: &mut Fill<'_>) -> Result<u64> {
        load::by_statements(self, into, fill)
    }

    /// Hands each row of a table to `each`, in any order, until that says stop: as [`query`](Self::query) of all of it, in
    /// the way that the engine does fastest.
    ///
    /// # Errors
    /// As of [`query`](Self::query).
    fn unload(&mut self, of: &TableColumns<'_>, each: &mut RowSink<'_>) -> Result<()> {
        self.query(&format!("SELECT {} FROM {}", of.list(), load::quoted(of.table)), &[], each)
    }

    /// True where the connection may not be as it was opened: something may lie in its session that no transaction takes away.
    /// Who lends connections closes such a one.
    fn leaves_traces(&mut self) -> bool {
        false
    }

    /// Opens a transaction, or a savepoint inside one. A transaction to write holds the database's write lock from here
    /// on, so that what it reads cannot change under it.
    ///
    /// # Errors
    /// [`Busy`](crate::ErrorKind::Busy) when the lock is not had in time; [`ReadOnly`](crate::ErrorKind::ReadOnly) when a
    /// reading connection is asked to write.
    fn begin(&mut self, access: Access) -> Result<()>;

    /// Commits the innermost transaction or savepoint.
    ///
    /// # Errors
    /// When it fails the transaction is still to be rolled back.
    /// [`UnknownOutcome`](crate::ErrorKind::UnknownOutcome) when it can't be told whether it happened.
    fn commit(&mut self) -> Result<()>;

    /// Rolls the innermost transaction or savepoint back. Succeeds when the engine has done so already, and does nothing
    /// when none is open.
    ///
    /// # Errors
    /// When it could not. That level is over all the same; where it was a savepoint, everything is refused until the
    /// outermost rollback.
    fn rollback(&mut self) -> Result<()>;

    /// True from when the engine itself rolled a whole transaction back until that was rolled back here too.
    fn is_lost(&self) -> bool;

    /// Waits for a lock of that name, which one connection of one process holds at a time, and holds it until the guard
    /// is dropped or the process dies. It is apart from transactions.
    ///
    /// # Errors
    /// [`Busy`](crate::ErrorKind::Busy) when it is not had within the busy timeout.
    fn lock(&mut self, name: &str) -> Result<Lock>;

    /// Switches the watch over the connection on or off and gives the actions seen since it was switched on. Watched, a
    /// connection may run what an application may not (`PRAGMA x = y`, `VACUUM`), for that is how migrations run.
    ///
    /// # Errors
    /// When the engine refuses.
    fn watch(&mut self, on: bool) -> Result<Vec<Action>>;

    /// Makes the commits from here on as durable as asked: with [`Durability::Full`] at least that, with
    /// [`Durability::Normal`] as the connection was opened to be, which may be more. Costs nothing when that is so already.
    ///
    /// What was committed before a commit with `Full` is then as safe as that commit.
    ///
    /// # Errors
    /// [`Nested`](crate::ErrorKind::Nested) inside a transaction, or what the engine says.
    fn set_durability(&mut self, durability: Durability) -> Result<()>;

    /// Leaves the care of the write-ahead log to the caller: from now on each commit notes in `size` how many pages the log
    /// has, and the connection itself moves none of them into the file. Gives from how many pages on a
    /// [`checkpoint`](Self::checkpoint) is due; `None` where there is no such log, or nobody is to move it.
    ///
    /// # Errors
    /// What the engine says.
    fn take_over_log(&mut self, size: &Arc<LogSize>) -> Result<Option<u32>> {
        let _ = size;
        Ok(None)
    }

    /// Moves the write-ahead log into the file. Somebody in the way is no error. Nothing to do where there is no log.
    ///
    /// # Errors
    /// [`Nested`](crate::ErrorKind::Nested) inside a transaction, [`DiskFull`](crate::ErrorKind::DiskFull),
    /// [`Io`](crate::ErrorKind::Io), [`Interrupted`](crate::ErrorKind::Interrupted). Nothing is lost: what was not moved
    /// stays in the log.
    fn checkpoint(&mut self, how: Checkpoint) -> Result<Checkpointed> {
        let _ = how;
        Ok(Checkpointed::default())
    }

    /// A number that is another one when another connection, of this process or not, has committed since it was asked for.
    /// It is asked for again and again while somebody waits, so it must not cost a look at the disk, or a round trip: an
    /// engine that tells its listeners counts what it was told. `None` where the engine has no such thing.
    ///
    /// # Errors
    /// [`Busy`](crate::ErrorKind::Busy), where who commits keeps everybody out, or what the engine says.
    fn data_version(&mut self) -> Result<Option<u64>> {
        Ok(None)
    }

    /// True when the connection is known to be of no use any more, because the server went away. It is found without waiting and
    /// without a round trip, so false says little.
    fn is_broken(&mut self) -> bool {
        false
    }

    /// Tells those who listen by [`Driver::listen`] of the transaction that is open, when it is committed. Nothing where every
    /// commit is seen anyway.
    ///
    /// # Errors
    /// What the engine says.
    fn announce(&mut self) -> Result<()> {
        Ok(())
    }

    /// A handle that stops the running statement from another thread.
    fn interrupter(&self) -> Interrupter;

    /// What the connection counts of its own doing. Whoever wants to look later, perhaps from another thread, clones it.
    fn tally(&self) -> &Arc<Tally>;
}

/// Takes the rows of [`Connection::query`].
pub type RowSink<'a> = dyn FnMut(Row<'_>) -> Result<ControlFlow<()>> + 'a;

/// A lock held; dropping it lets go.
pub struct Lock {
    is_held: Box<dyn FnMut() -> bool + Send>,
}

impl Lock {
    /// A lock that is held as long as `held` lives.
    pub fn new(held: impl Any + Send) -> Self {
        Self::watched(held, |_| true)
    }

    /// A lock that is held as long as `held` lives, and no longer than `is_held` says so: it may be lost to a server that went
    /// away.
    pub fn watched<H: Any + Send>(held: H, is_held: impl Fn(&mut H) -> bool + Send + 'static) -> Self {
        let mut held = held;
        Self { is_held: Box::new(move || is_held(&mut held)) }
    }

    /// False when it was lost, as far as is known here without asking. Who holds a lock for long looks before each step that
    /// nobody else may take.
    pub fn is_held(&mut self) -> bool {
        (self.is_held)()
    }
}

impl fmt::Debug for Lock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Lock")
    }
}

/// Stops the statement that its connection is running, from any thread. The statement fails with
/// [`Interrupted`](crate::ErrorKind::Interrupted); where none runs, nothing happens.
#[derive(Clone)]
pub struct Interrupter {
    stop: Arc<dyn Fn() + Send + Sync>,
}

impl Interrupter {
    /// An interrupter that calls `stop`.
    pub fn new(stop: impl Fn() + Send + Sync + 'static) -> Self {
        Self { stop: Arc::new(stop) }
    }

    /// Stops the running statement.
    pub fn interrupt(&self) {
        (self.stop)();
    }
}

impl fmt::Debug for Interrupter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Interrupter")
    }
}

/// What a statement does to the database, as the engine itself reports it: directly, by a trigger or by a cascade.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Action {
    /// Something is made.
    Create {
        /// What.
        object: Object,
        /// Its name.
        name: String,
        /// The table it belongs to; for a table, its own name.
        table: String,
    },
    /// Something is dropped.
    Drop {
        /// What.
        object: Object,
        /// Its name.
        name: String,
        /// The table it belongs to; for a table, its own name.
        table: String,
    },
    /// A table is renamed, or a column of it added or renamed.
    Alter {
        /// The table.
        table: String,
    },
    /// A column of a table is dropped, with its values.
    DropColumn {
        /// The table.
        table: String,
        /// The column.
        column: String,
    },
    /// Rows are added.
    Insert {
        /// The table.
        table: String,
    },
    /// Values of a column are changed.
    Update {
        /// The table.
        table: String,
        /// The column.
        column: String,
    },
    /// Rows are removed.
    Delete {
        /// The table.
        table: String,
    },
    /// A setting is read or changed.
    Pragma {
        /// Its name.
        name: String,
        /// What it is changed to.
        value: Option<String>,
    },
    /// A transaction or a savepoint is opened or ended.
    Transaction,
    /// Another database is attached or detached.
    Attach,
}

/// The sorts of thing in a schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Object {
    /// A table, also a virtual one.
    Table,
    /// An index.
    Index,
    /// A trigger.
    Trigger,
    /// A view, also a materialised one.
    View,
    /// A sequence.
    Sequence,
    /// A type.
    Type,
    /// A function or a procedure.
    Function,
}

impl Object {
    /// The word that stands for it in SQL and in messages.
    pub fn word(self) -> &'static str {
        match self {
            Self::Table => "table",
            Self::Index => "index",
            Self::Trigger => "trigger",
            Self::View => "view",
            Self::Sequence => "sequence",
            Self::Type => "type",
            Self::Function => "function",
        }
    }
}
