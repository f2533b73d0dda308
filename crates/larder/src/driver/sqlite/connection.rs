//! One connection to SQLite.

use super::action::Seen;
use super::backoff::Backoff;
use super::cache::{Entry, Statements, Values};
use super::open::Place;
use super::synchronous::Synchronous;
use super::{log, rule};
use crate::driver::{
    Access, Action, Checkpoint, Checkpointed, Connection, Durability, Interrupter, LOG_FILE, Lock, LogSize,
    RowSink, Tally,
};
use crate::error::{Error, ErrorKind, Result};
use crate::sql::text::{Dialect, Verb};
use crate::sql::{Cells, Param, Row, ValueRef};
use self_cell::self_cell;
use std::any::Any;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

self_cell!(
    /// The connection, and the statements that were prepared on it and borrow from it.
    struct Held {
        owner: rusqlite::Connection,
        #[not_covariant]
        dependent: Statements,
    }
);

/// A connection to SQLite with its statements.
pub(super) struct Sqlite {
    held: Held,
    place: Place,
    patience: Duration,
    access: Access,
    /// The open transaction and the savepoints in it, counted.
    depth: usize,
    /// The transaction that is open may only read.
    reading: bool,
    /// SQLite rolled the whole transaction back while we held it to be open.
    lost: bool,
    watching: bool,
    /// What the statements run under watch do, and which watch it is: each statement is told of once a watch.
    actions: Vec<Action>,
    watch: u64,
    seen: Seen,
    noting: Arc<AtomicBool>,
    synchronous: Synchronous,
    tally: Arc<Tally>,
    /// Where SQLite notes the size of the log; below `held`, to be there as long as the connection.
    log: Option<Arc<LogSize>>,
    /// The pages to which the file of the log is still to be limited.
    log_limit: Option<u64>,
}

#[allow(
    unsafe_code,
    reason = "the statements' borrow of their own connection keeps the compiler from seeing it"
)]
// SAFETY: a `rusqlite::Connection` may be moved to another thread, and so may its statements as long as they go with it:
// SQLite is built to be used from one thread at a time, whichever that is. `Held` keeps both together, gives neither
// away, and is reached only through `&mut self` (or `&self` of a type that is not `Sync`).
unsafe impl Send for Sqlite {}

impl Sqlite {
    pub(super) fn new(
        connection: rusqlite::Connection,
        place: Place,
        patience: Duration,
        access: Access,
        seen: Seen,
        noting: Arc<AtomicBool>,
    ) -> Self {
        Self {
            held: Held::new(connection, |_| Statements::new()),
            place,
            patience,
            access,
            depth: 0,
            reading: false,
            lost: false,
            watching: false,
            actions: Vec::new(),
            watch: 1,
            seen,
            noting,
            synchronous: Synchronous::default(),
            tally: Arc::default(),
            log: None,
            log_limit: None,
        }
    }

    /// Runs the statement and gives `with` what it stands on, row by row.
    fn run<T>(
        &mut self,
        sql: &str,
        values: Values<'_>,
        with: impl FnOnce(&rusqlite::Connection, &mut Entry<'_>) -> Result<T>,
    ) -> Result<T> {
        if self.lost {
            return Err(lost());
        }
        let may_write = self.access == Access::Write && !self.reading;
        let (seen, watching, watch, actions) = (&self.seen, self.watching, self.watch, &mut self.actions);
        let tally = &*self.tally;
        let result = self.held.with_dependent_mut(|connection, statements| {
            let entry = statements.get(connection, seen, sql, tally)?;
            rule::check(entry.verb, sql, watching)?;
            if !entry.readonly && !may_write {
                return Err(reader());
            }
            if watching && entry.told != watch {
                entry.told = watch;
                for action in &entry.actions {
                    if !actions.contains(action) {
                        actions.push(action.clone());
                    }
                }
            }
            tally.note_statement();
            let result = entry.with_values(values, |entry| with(connection, entry));
            let again = std::mem::take(&mut entry.new_plans);
            if watching {
                actions.extend(entry.note_late(seen));
            }
            if again > 0 {
                tally.note_prepared_again(again);
                // Only how fast later statements are depends on it.
                if result.is_ok()
                    && let Err(error) = statements.prepared_again(connection)
                {
                    tracing::debug!(%error, "the schema could not be looked at again");
                }
            }
            result
        });
        if result.is_err() {
            self.note_lost();
        }
        result
    }

    /// Runs a statement to its end; gives the number of rows it changed.
    fn change(&mut self, sql: &str, values: Values<'_>) -> Result<u64> {
        if self.depth > 0 {
            return self.step(sql, values);
        }
        self.leave_what_is_open()?;
        let result = if Verb::of(sql, Dialect::Sqlite).writes_rows() {
            self.patiently(|this| this.step(sql, values))
        } else {
            self.step(sql, values)
        };
        // By itself a statement is its own commit.
        result.map_err(uncertain)
    }

    fn note_lost(&mut self) {
        self.lost = self.depth > 0 && self.held.borrow_owner().is_autocommit();
    }

    /// Runs one of Larder's own statements that open or end a transaction.
    fn control(&mut self, sql: &'static str) -> Result<()> {
        let (seen, tally) = (&self.seen, &*self.tally);
        self.held.with_dependent_mut(|connection, statements| {
            let entry = statements.get(connection, seen, sql, tally)?;
            step_through(entry, sql)
        })
    }
}

impl Connection for Sqlite {
    fn dialect(&self) -> Dialect {
        Dialect::Sqlite
    }

    fn execute(&mut self, sql: &str, params: &[Param<'_>]) -> Result<u64> {
        self.change(sql, Values::Named(params))
    }

    fn execute_list(&mut self, sql: &str, values: &[ValueRef<'_>]) -> Result<u64> {
        self.change(sql, Values::List(values))
    }

    fn is_prepared(&self, sql: &str) -> bool {
        self.held.with_dependent(|_, statements| statements.has(sql))
    }

    fn query(&mut self, sql: &str, params: &[Param<'_>], each: &mut RowSink<'_>) -> Result<()> {
        self.run(sql, Values::Named(params), |_, entry| {
            let mut running = Running::start(entry, sql);
            while running.step()? {
                if each(Row::new(&running))?.is_break() {
                    // One that writes is done, and where it stands alone committed, only at its end.
                    while !running.entry.readonly && running.step()? {}
                    break;
                }
            }
            Ok(())
        })
    }

    fn begin(&mut self, access: Access) -> Result<()> {
        if self.lost {
            return Err(lost());
        }
        if self.depth > 0 {
            self.control("SAVEPOINT larder")?;
        } else {
            self.leave_what_is_open()?;
            match access {
                Access::Read => self.control("BEGIN")?,
                Access::Write if self.access == Access::Read => return Err(reader()),
                Access::Write => self.patiently(|this| this.control("BEGIN IMMEDIATE"))?,
            }
            self.reading = access == Access::Read;
        }
        self.depth += 1;
        Ok(())
    }

    fn commit(&mut self) -> Result<()> {
        if self.lost {
            return Err(lost());
        }
        match self.depth {
            0 => return Err(Error::new(ErrorKind::Internal, "there is no transaction to commit")),
            1 => {
                let before = self.synchronous.before_commit(self.held.borrow_owner());
                self.control("COMMIT")
                    .and_then(|()| self.synchronous.after_commit(self.held.borrow_owner(), before))
                    .map_err(uncertain)?;
            }
            _ => self.control("RELEASE larder")?,
        }
        self.depth -= 1;
        self.reading &= self.depth > 0;
        Ok(())
    }

    fn rollback(&mut self) -> Result<()> {
        let gone = self.held.borrow_owner().is_autocommit();
        let result = match self.depth {
            0 => return Ok(()),
            _ if gone => Ok(()),
            1 => self.control("ROLLBACK"),
            _ => self.control("ROLLBACK TO larder").and_then(|()| self.control("RELEASE larder")),
        };
        self.depth -= 1;
        // What SQLite threw away as a whole, or could not undo in part, stays refused until the outermost level has
        // heard of it.
        self.lost = self.depth > 0 && (self.lost || gone || result.is_err());
        self.reading &= self.depth > 0;
        result
    }

    fn is_lost(&self) -> bool {
        self.lost
    }

    fn lock(&mut self, name: &str) -> Result<Lock> {
        match &self.place {
            Place::File(path) => super::lock::lock(path, name, self.patience),
            // Nobody else can reach it.
            Place::Memory => Ok(Lock::new(())),
        }
    }

    fn watch(&mut self, on: bool) -> Result<Vec<Action>> {
        if on != self.watching {
            // SQLite reports what a statement does while it prepares it: those at hand were prepared unwatched.
            self.held.with_dependent_mut(|_, statements| statements.clear(on));
            self.watching = on;
            self.noting.store(on, Ordering::Relaxed);
        }
        self.watch += 1;
        let mut actions = std::mem::take(&mut self.actions);
        // What was run past the cache, through `with_connection`.
        actions.extend(self.seen.take());
        Ok(actions)
    }

    fn set_durability(&mut self, durability: Durability) -> Result<()> {
        if self.depth > 0 {
            return Err(Error::new(
                ErrorKind::Nested,
                "the durability of a transaction was to be changed inside it",
            )
            .with_help("ask for it before the transaction begins"));
        }
        if self.synchronous.is(durability) {
            return Ok(());
        }
        self.leave_what_is_open()?;
        self.synchronous.change(self.held.borrow_owner(), durability)
    }

    fn take_over_log(&mut self, size: &Arc<LogSize>) -> Result<Option<u32>> {
        let connection = self.held.borrow_owner();
        if self.place == Place::Memory || self.access == Access::Read {
            return Ok(None);
        }
        let threshold = log::threshold(connection)?;
        if threshold == 0 {
            return Ok(None);
        }
        log::count(connection, size);
        self.log = Some(Arc::clone(size));
        self.log_limit = Some(u64::from(threshold) * u64::from(LOG_FILE));
        Ok(Some(threshold))
    }

    fn checkpoint(&mut self, how: Checkpoint) -> Result<Checkpointed> {
        if self.depth > 0 {
            return Err(Error::new(ErrorKind::Nested, "the log was to be moved inside a transaction"));
        }
        if self.place == Place::Memory {
            return Ok(Checkpointed::default());
        }
        self.leave_what_is_open()?;
        let connection = self.held.borrow_owner();
        // Not before there is a log to speak of: a small tool has no need of it.
        if let Some(pages) = self.log_limit.take() {
            log::limit_file(connection, pages)?;
        }
        let done = log::checkpoint(connection, how);
        super::pragma::wait(connection, self.patience)?;
        done
    }

    fn data_version(&mut self) -> Result<Option<u64>> {
        let mut version = 0;
        self.query("PRAGMA data_version", &[], &mut |row| {
            version = row.get::<u64>(0)?;
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(Some(version))
    }

    fn interrupter(&self) -> Interrupter {
        let handle = self.held.borrow_owner().get_interrupt_handle();
        Interrupter::new(move || handle.interrupt())
    }

    fn tally(&self) -> &Arc<Tally> {
        &self.tally
    }
}

impl Sqlite {
    /// Rolls back a transaction that is open where none may be: one whose rollback failed, or that was left open through
    /// [`with_connection`]. What followed would become part of it and never be committed.
    fn leave_what_is_open(&mut self) -> Result<()> {
        if self.held.borrow_owner().is_autocommit() { Ok(()) } else { self.control("ROLLBACK") }
    }

    fn step(&mut self, sql: &str, values: Values<'_>) -> Result<u64> {
        self.run(sql, values, |connection, entry| {
            step_through(entry, sql)?;
            Ok(if entry.verb.writes_rows() { connection.changes() } else { 0 })
        })
    }

    /// Does what takes the write lock. The waiting is done here and not by SQLite, whose own pauses have no jitter and grow to
    /// 100 ms: among many processes one of them then waited for seconds.
    fn patiently<T>(&mut self, mut f: impl FnMut(&mut Self) -> Result<T>) -> Result<T> {
        match self.without_patience(&mut f) {
            Err(error) if error.kind() == ErrorKind::Busy => {}
            result => return result,
        }
        let mut wait = Backoff::new(self.patience);
        while wait.pause() {
            self.tally.note_busy_retry();
            match self.without_patience(&mut f) {
                Err(error) if error.kind() == ErrorKind::Busy => {}
                result => return result,
            }
        }
        Err(Error::new(
            ErrorKind::Busy,
            format!(
                "another process has been writing to {} for {} ms",
                self.place,
                self.patience.as_millis()
            ),
        )
        .with_help("try again, find what holds it, or set a longer busy_timeout"))
    }

    fn without_patience<T>(&mut self, f: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        super::pragma::wait(self.held.borrow_owner(), Duration::ZERO)?;
        let result = f(self);
        super::pragma::wait(self.held.borrow_owner(), self.patience)?;
        result
    }
}

fn reader() -> Error {
    Error::new(ErrorKind::ReadOnly, "a statement writes where only reading is allowed")
        .with_help("run it in `write`, on a database that was not opened read-only")
}

/// Reading or writing failed while a commit was under way.
fn uncertain(error: Error) -> Error {
    if error.kind() != ErrorKind::Io {
        return error;
    }
    Error::new(ErrorKind::UnknownOutcome, "the commit failed and may have happened all the same")
        .with_help("read what was written before you write it again")
        .with_cause(error)
}

fn lost() -> Error {
    Error::new(ErrorKind::Closed, "SQLite has rolled the whole transaction back after an earlier error in it")
        .with_help("let the error leave the transaction's closure, then try again")
}

fn step_through(entry: &mut Entry<'_>, sql: &str) -> Result<()> {
    let mut running = Running::start(entry, sql);
    while running.step()? {}
    Ok(())
}

/// A statement that is run, and the row that it stands on. It is ended when this is dropped, however that comes.
struct Running<'e, 'c> {
    entry: &'e mut Entry<'c>,
    sql: &'e str,
    started: bool,
}

impl<'e, 'c> Running<'e, 'c> {
    fn start(entry: &'e mut Entry<'c>, sql: &'e str) -> Self {
        Self { entry, sql, started: false }
    }

    fn step(&mut self) -> Result<bool> {
        let stepped = self.entry.prepared.step(self.sql);
        if !std::mem::replace(&mut self.started, true) {
            self.entry.note_plans();
        }
        stepped
    }
}

impl Drop for Running<'_, '_> {
    fn drop(&mut self) {
        self.entry.prepared.reset();
    }
}

impl Cells for Running<'_, '_> {
    fn columns(&self) -> &[Box<str>] {
        &self.entry.columns
    }

    fn bytes(&self, index: usize) -> &[u8] {
        match self.entry.prepared.value(index) {
            Ok(ValueRef::Text(text)) => text.as_bytes(),
            Ok(ValueRef::Blob(bytes)) | Err(bytes) => bytes,
            Ok(_) => &[],
        }
    }

    fn value(&self, index: usize) -> Result<ValueRef<'_>> {
        self.entry.prepared.value(index).map_err(|bytes| {
            let name = self.entry.columns.get(index).map_or("?", |name| name);
            let error =
                Error::new(ErrorKind::Conversion, format!("column `{name}` holds text that is not UTF-8"))
                    .with_help("read it with CAST(… AS BLOB)");
            match std::str::from_utf8(bytes) {
                Err(cause) => error.with_cause(cause),
                Ok(_) => error,
            }
        })
    }
}

/// Gives `with` the `rusqlite` connection behind a connection of this driver: the one way out of Larder's own types, for
/// what Larder has no word for (a function of your own, the backup interface, a session). `None` for another driver.
///
/// What you do there Larder does not see: leave transactions and settings as they were.
pub fn with_connection<T>(
    connection: &mut dyn Connection,
    with: impl FnOnce(&rusqlite::Connection) -> T,
) -> Option<T> {
    let any: &mut dyn Any = connection;
    any.downcast_mut::<Sqlite>().map(|sqlite| with(sqlite.held.borrow_owner()))
}
