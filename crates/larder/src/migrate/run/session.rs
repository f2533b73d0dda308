//! How a transaction that migrates begins.
//!
//! On SQLite BEGIN IMMEDIATE says it all. A server lets many write at the same time, so there a migrator first takes a lock
//! that belongs to migrations alone, and only then reads the history: each statement must see what is committed when it
//! begins (READ COMMITTED), for a snapshot from before the lock would not show what the migrator before this one did. The
//! lock belongs to the transaction: however that ends, it is free, also behind a pooler.

use crate::db::Database;
use crate::driver::{Access, Connection, Dialect, Lock};
use crate::error::{Error, ErrorKind, Result};
use crate::migrate::history::one;
use crate::params;
use std::ops::ControlFlow;
use std::time::Duration;

/// How long a transaction waits for what others hold, and for its own statements. For engines that are servers.
#[derive(Clone, Copy, Debug)]
pub(in crate::migrate) struct Terms {
    /// For one lock, in one attempt. Whoever comes later and wants the same table waits behind the one that waits, so this
    /// is how long a migration may hold up everybody else without getting anywhere.
    pub(in crate::migrate) lock_timeout: Duration,
    /// For one statement; `None` for as long as it takes.
    pub(in crate::migrate) statement_timeout: Option<Duration>,
}

impl Default for Terms {
    fn default() -> Self {
        Self { lock_timeout: Duration::from_secs(2), statement_timeout: None }
    }
}

/// The lock of the transactions that migrate: "larder" and a number. It is of one database, as all such locks are.
const LOCK: i64 = 0x6c61_7264_6572_0001;
/// The lock of those that migrate outside a transaction.
const OUTSIDE: i64 = LOCK + 1;

const ISOLATION: &str = "SET TRANSACTION ISOLATION LEVEL READ COMMITTED";
// A migration may be idle for as long as its Rust computes. A server that asks now and then whether its client is still
// there lets go of the locks of one that was killed in the middle of a long statement; not every system can tell it.
const SETTINGS: &str = "SELECT pg_backend_pid(), set_config('lock_timeout', :lock, true), \
     set_config('statement_timeout', :statement, true), \
     set_config('idle_in_transaction_session_timeout', '0', true), \
     (SELECT set_config(name, '200ms', true) FROM pg_settings \
      WHERE name = 'client_connection_check_interval' AND version() LIKE '%linux%')";
const TAKE: &str = "SELECT pg_advisory_xact_lock(:key) IS NULL";

/// Begins a transaction to migrate in, alone among all that migrate. Gives the number of the server's process, where there
/// is one.
///
/// # Errors
/// [`ErrorKind::Busy`] where somebody else migrates, or holds what is asked for.
pub(in crate::migrate) fn begin(connection: &mut dyn Connection, terms: Terms) -> Result<Option<i64>> {
    connection.begin(Access::Write)?;
    if connection.dialect() == Dialect::Sqlite {
        return Ok(None);
    }
    match prepare(connection, terms, LOCK) {
        Ok(process) => Ok(Some(process)),
        Err(error) => {
            connection.rollback()?;
            // It is the isolation that a replica refuses first.
            if error.message().contains("hot standby") {
                let message = "the server is a replica, on which nothing can be written";
                let help = "name the primary in the URL, or all hosts with target_session_attrs=read-write";
                return Err(Error::new(ErrorKind::ReadOnly, message).with_help(help).with_cause(error));
            }
            Err(error)
        }
    }
}

fn prepare(connection: &mut dyn Connection, terms: Terms, key: i64) -> Result<i64> {
    connection.execute(ISOLATION, &[])?;
    let mut process = None;
    let statement = terms.statement_timeout.unwrap_or_default();
    let params = params! { lock: milliseconds(terms.lock_timeout), statement: milliseconds(statement) };
    connection.query(SETTINGS, params, &mut |row| {
        process = Some(row.get::<i64>(0)?);
        Ok(ControlFlow::Break(()))
    })?;
    connection.query(TAKE, params! { key }, &mut |_| Ok(ControlFlow::Break(())))?;
    process
        .ok_or_else(|| Error::new(ErrorKind::Internal, "the server did not tell the number of its process"))
}

/// The lock that is held while a migration runs outside a transaction, until the answer is dropped or this process ends.
///
/// On a server it belongs to a transaction of a connection of its own, which must hold no snapshot: CREATE INDEX CONCURRENTLY
/// waits for all who have an older one, and so would wait for its own migrator.
///
/// # Errors
/// [`ErrorKind::Busy`] where somebody else holds it.
pub(super) fn lock(database: &Database, connection: &mut dyn Connection, terms: Terms) -> Result<Lock> {
    if connection.dialect() == Dialect::Sqlite {
        return connection.lock("migrate");
    }
    let mut own = database.driver().connect(Access::Write)?;
    own.begin(Access::Write)?;
    // Whatever ends here ends the connection, and its transaction with it.
    own.watch(true)?;
    prepare(own.as_mut(), terms, OUTSIDE)?;
    // A query keeps its snapshot until the next statement takes its place, also when all its rows were read.
    own.execute("SET LOCAL idle_in_transaction_session_timeout = 0", &[])?;
    Ok(Lock::watched(own, |own| !own.is_broken()))
}

/// As a setting has it: 0 is for ever, so that what is shorter than the least is the least.
fn milliseconds(time: Duration) -> String {
    match time.as_millis() {
        0 if !time.is_zero() => "1".into(),
        all => all.min(i32::MAX.unsigned_abs().into()).to_string(),
    }
}

/// Does `f` in a transaction of its own, alone among all that migrate.
pub(in crate::migrate) fn commit_alone<T>(
    connection: &mut dyn Connection,
    f: impl FnOnce(&mut dyn Connection) -> Result<T>,
) -> Result<T> {
    begin(connection, Terms::default())?;
    end(connection, f)
}

/// Does `f` in a transaction of its own, for a mark that only the holder of [`lock`] sets.
pub(super) fn commit_mark(
    connection: &mut dyn Connection,
    f: impl FnOnce(&mut dyn Connection) -> Result<()>,
) -> Result<()> {
    connection.begin(Access::Write)?;
    end(connection, |connection| {
        if connection.dialect() == Dialect::Postgres {
            connection.execute(ISOLATION, &[])?;
        }
        f(connection)
    })
}

fn end<T>(connection: &mut dyn Connection, f: impl FnOnce(&mut dyn Connection) -> Result<T>) -> Result<T> {
    let result = f(connection).and_then(|done| connection.commit().map(|()| done));
    if result.is_err() {
        connection.rollback()?;
    }
    result
}

// Of those that may be deferred and those that are. The names of constraints are given more than once.
const DEFERRED: &str = "SELECT count(*) FILTER (WHERE condeferrable), \
     string_agg(DISTINCT format('%I.%I', nspname, conname), ', ') FILTER (WHERE condeferred) \
     FROM pg_catalog.pg_constraint c JOIN pg_catalog.pg_namespace n ON n.oid = c.connamespace";

/// Does what a migration has put off until the commit, which is too late to measure it; the next one finds all as it was.
pub(super) fn settle(connection: &mut dyn Connection) -> Result<()> {
    if connection.dialect() == Dialect::Sqlite {
        return Ok(());
    }
    let (count, deferred): (i64, Option<String>) = one(connection, DEFERRED)?.unwrap_or_default();
    if count > 0 {
        connection.execute("SET CONSTRAINTS ALL IMMEDIATE", &[])?;
    }
    if let Some(names) = deferred {
        connection.execute(&format!("SET CONSTRAINTS {names} DEFERRED"), &[])?;
    }
    Ok(())
}

/// What a migration may set for the rest of its transaction, or of the connection, which is not only its own. What values look
/// like as text is among it (`TimeZone`, `DateStyle`, …), which the gate must find as it was.
pub(super) struct Settings {
    role: String,
    /// JSON: by name.
    all: String,
}

// What begins with `transaction` is of the transaction, and can't be set any more.
const GET: &str = "SELECT current_setting('role'), CAST(json_object_agg(name, setting) AS text) FROM pg_settings \
     WHERE context IN ('user', 'superuser') AND name NOT LIKE 'transaction%' AND name <> 'session_authorization'";
const ROLE: &str = "SELECT set_config('role', :role, true)";
// What Larder sets for its transaction must end with it; everything else is what it was for the connection, too.
const PUT: &str = "SELECT set_config(now.name, was.value, now.name IN ('role', 'lock_timeout', 'statement_timeout', \
     'idle_in_transaction_session_timeout', 'client_connection_check_interval')) \
     FROM pg_settings AS now JOIN json_each_text(CAST(:all AS json)) AS was ON was.key = now.name \
     WHERE was.value IS DISTINCT FROM now.setting";

impl Settings {
    /// As they are now.
    pub(super) fn read(connection: &mut dyn Connection) -> Result<Self> {
        let found: Option<(String, String)> = one(connection, GET)?;
        let (role, all) = found.unwrap_or_default();
        Ok(Self { role, all })
    }

    /// Puts them back.
    pub(super) fn restore(&self, connection: &mut dyn Connection) -> Result<()> {
        let Self { role, all } = self;
        // Another role may not be allowed to set the rest.
        connection.query(ROLE, params! { role }, &mut |_| Ok(ControlFlow::Continue(())))?;
        connection.query(PUT, params! { all }, &mut |_| Ok(ControlFlow::Continue(())))
    }
}
