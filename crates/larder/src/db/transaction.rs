//! What a closure of `read` or `write` gets.

use super::write::RollbackFailed;
use crate::driver::{Access, Connection, Dialect};
use crate::error::{Error, ErrorKind, Result};
use crate::sql::text::{Pragma, pragma};
use crate::sql::{Param, Row};
use serde::de::DeserializeOwned;
use std::ops::{ControlFlow, Deref, DerefMut};
#[cfg(feature = "tokio")]
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

/// A transaction that reads. It has no way to write, and the engine refuses a statement that would.
///
/// ```compile_fail
/// # let db = larder::Database::open(":memory:").unwrap();
/// db.read(|tx| tx.execute("DELETE FROM agents", &[])); // there is no `execute` here
/// ```
pub struct ReadTx<'c> {
    connection: &'c mut dyn Connection,
    rule: Rule,
}

/// What is asked before each statement.
#[derive(Clone)]
enum Rule {
    Nothing,
    /// Settings are refused here, though the connection would take them: a migration in Rust.
    NoSetting,
    /// Whether somebody still wants to know: it is true when nobody does.
    #[cfg(feature = "tokio")]
    Until(Arc<AtomicBool>),
}

/// A transaction that reads and writes. All that a [`ReadTx`] can do, it can do too.
///
/// Inside a savepoint the transaction itself is out of reach, so none can be used in the wrong order:
///
/// ```compile_fail
/// # let db = larder::Database::open(":memory:").unwrap();
/// db.write(|tx| tx.savepoint(|_inner| tx.execute("DELETE FROM agents", &[])));
/// ```
pub struct WriteTx<'c> {
    read: ReadTx<'c>,
}

impl<'c> ReadTx<'c> {
    pub(crate) fn new(connection: &'c mut dyn Connection) -> Self {
        Self { connection, rule: Rule::Nothing }
    }

    /// The language that the engine speaks, for the few statements that can't be the same on both.
    pub fn dialect(&self) -> Dialect {
        self.connection.dialect()
    }

    /// Begins no statement any more once `unwanted` is true.
    #[cfg(feature = "tokio")]
    pub(crate) fn until(&mut self, unwanted: Arc<AtomicBool>) {
        self.rule = Rule::Until(unwanted);
    }

    fn check(&self, sql: &str) -> Result<()> {
        match &self.rule {
            Rule::Nothing => Ok(()),
            // Asked only there, for it reads the text.
            Rule::NoSetting => match pragma(sql).filter(Pragma::is_setting) {
                Some(pragma) => Err(Error::new(
                    ErrorKind::InvalidMigration,
                    format!("a migration in Rust can't set PRAGMA {}", pragma.name),
                )
                .with_help("set it in the options with which the database is opened")),
                None => Ok(()),
            },
            #[cfg(feature = "tokio")]
            Rule::Until(unwanted) if unwanted.load(Ordering::Relaxed) => {
                Err(Error::new(ErrorKind::Interrupted, "who asked for the read went away"))
            }
            #[cfg(feature = "tokio")]
            Rule::Until(_) => Ok(()),
        }
    }

    /// Reads the one row that a statement gives.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] when there is none, [`ErrorKind::Conversion`] when it does not fit `T` or when there are
    /// more, or what the engine says.
    pub fn query_one<T: DeserializeOwned>(&mut self, sql: &str, params: &[Param<'_>]) -> Result<T> {
        self.query_opt(sql, params)?.ok_or_else(Self::no_row)
    }

    /// There was none where one was asked for.
    pub(crate) fn no_row() -> Error {
        Error::new(ErrorKind::NotFound, "the statement gave no row and one was asked for")
            .with_help("use `query_opt` where there may be none")
    }

    /// There were several where one was asked for.
    pub(crate) fn more_rows() -> Error {
        Error::new(ErrorKind::Conversion, "the statement gave more than one row and one was asked for")
            .with_help("use `query_all`, or add LIMIT 1")
    }

    /// Reads the one row that a statement gives, or `None`.
    ///
    /// # Errors
    /// [`ErrorKind::Conversion`] when it does not fit `T` or when there are more, or what the engine says.
    pub fn query_opt<T: DeserializeOwned>(&mut self, sql: &str, params: &[Param<'_>]) -> Result<Option<T>> {
        self.check(sql)?;
        let mut found = None;
        self.connection.query(sql, params, &mut |row| {
            if found.is_some() {
                return Err(Self::more_rows());
            }
            found = Some(row.to()?);
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(found)
    }

    /// Reads all rows that a statement gives.
    ///
    /// # Errors
    /// [`ErrorKind::Conversion`] when one does not fit `T`, or what the engine says.
    pub fn query_all<T: DeserializeOwned>(&mut self, sql: &str, params: &[Param<'_>]) -> Result<Vec<T>> {
        self.check(sql)?;
        let mut all = Vec::new();
        self.connection.query(sql, params, &mut |row| {
            all.push(row.to()?);
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(all)
    }

    /// Hands each row to `each` as it comes, without keeping them, until `each` breaks or the rows end: so a table of any
    /// size is read in the memory of one row.
    ///
    /// ```
    /// use larder::Database;
    /// use std::ops::ControlFlow;
    ///
    /// # fn main() -> larder::Result<()> {
    /// # let db = Database::open(":memory:")?;
    /// # db.execute("CREATE TABLE files (id INTEGER PRIMARY KEY, size INTEGER NOT NULL)", &[])?;
    /// # db.execute("INSERT INTO files (size) VALUES (40), (50), (60)", &[])?;
    /// let mut total = 0;
    /// db.read(|tx| {
    ///     tx.query_each("SELECT size FROM files ORDER BY id", &[], |row| {
    ///         total += row.get::<i64>("size")?;
    ///         Ok(if total > 80 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
    ///     })
    /// })?;
    /// assert_eq!(total, 90);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// What `each` returns, or what the engine says.
    pub fn query_each(
        &mut self,
        sql: &str,
        params: &[Param<'_>],
        mut each: impl FnMut(Row<'_>) -> Result<ControlFlow<()>>,
    ) -> Result<()> {
        self.check(sql)?;
        self.connection.query(sql, params, &mut each)
    }

    /// The connection behind the transaction, for [`with_connection`](crate::driver::sqlite::with_connection).
    ///
    /// Leave the transaction as it is. Whoever begins one here, or ends one, does so for all whose writes share it: nothing that
    /// is written from then on is safe.
    pub fn connection(&mut self) -> &mut dyn Connection {
        self.connection
    }
}

impl<'c> WriteTx<'c> {
    pub(crate) fn new(connection: &'c mut dyn Connection) -> Self {
        Self { read: ReadTx::new(connection) }
    }

    /// For a migration in Rust.
    pub(crate) fn guarded(connection: &'c mut dyn Connection) -> Self {
        Self { read: ReadTx { connection, rule: Rule::NoSetting } }
    }

    /// Runs one statement; gives the number of rows it changed.
    ///
    /// # Errors
    /// What the engine says. The transaction goes on; return the error to roll it back.
    pub fn execute(&mut self, sql: &str, params: &[Param<'_>]) -> Result<u64> {
        self.read.check(sql)?;
        self.read.connection.execute(sql, params)
    }

    /// Has those who listen by [`Database::changes`](crate::Database::changes) in other processes woken by the commit, where they
    /// would otherwise see it only after a while: on PostgreSQL, by a NOTIFY. On SQLite nothing has to be done for it.
    ///
    /// A commit that announces waits on PostgreSQL for all others that do, so that it is for what somebody waits for, and not for
    /// every row.
    ///
    /// # Errors
    /// What the engine says.
    pub fn announce(&mut self) -> Result<()> {
        self.read.connection.announce()
    }

    /// Runs `f` in a savepoint: when it returns an error or panics, what it wrote is rolled back and the transaction goes
    /// on. Savepoints nest.
    ///
    /// # Errors
    /// What `f` returns, or what the engine says.
    pub fn savepoint<T>(&mut self, f: impl FnOnce(&mut WriteTx<'_>) -> Result<T>) -> Result<T> {
        let rule = self.read.rule.clone();
        within(self.read.connection, Access::Write, |connection| {
            f(&mut WriteTx { read: ReadTx { connection, rule } })
        })
    }
}

impl<'c> Deref for WriteTx<'c> {
    type Target = ReadTx<'c>;
    fn deref(&self) -> &ReadTx<'c> {
        &self.read
    }
}

impl DerefMut for WriteTx<'_> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.read
    }
}

pub(super) fn read<T>(
    connection: &mut dyn Connection,
    f: impl FnOnce(&mut ReadTx<'_>) -> Result<T>,
) -> Result<T> {
    within(connection, Access::Read, |connection| f(&mut ReadTx::new(connection)))
}

/// Runs `f` between begin and commit, or begin and rollback.
pub(crate) fn within<T>(
    connection: &mut dyn Connection,
    access: Access,
    f: impl FnOnce(&mut dyn Connection) -> Result<T>,
) -> Result<T> {
    connection.begin(access)?;
    let mut open = Open { connection, ended: false };
    let value = match f(open.connection) {
        Ok(value) => value,
        Err(error) => return Err(open.roll_back(error)),
    };
    match open.connection.commit() {
        Ok(()) => {
            open.ended = true;
            Ok(value)
        }
        Err(error) => Err(open.roll_back(error)),
    }
}

/// A transaction that is open, and is rolled back when nobody ends it: when the closure panics.
struct Open<'c> {
    connection: &'c mut dyn Connection,
    ended: bool,
}

impl Open<'_> {
    /// The error of the closure wins; a rollback that fails as well is added to it.
    fn roll_back(&mut self, because: Error) -> Error {
        self.ended = true;
        match self.connection.rollback() {
            Ok(()) => because,
            Err(rollback) => RollbackFailed::after(because, rollback),
        }
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        if !self.ended {
            // The panic goes on; should this fail too, the next BEGIN on the connection says so.
            let _ = self.connection.rollback();
        }
    }
}
