//! One connection to a PostgreSQL server.

use super::decode::Layout;
use super::fault;
use super::message;
use super::open::Postgres;
use super::run::Values;
use super::session::{Broken, Session, Status};
use super::statement::{Reading, Statements};
use super::transaction::{ANNOUNCE, Control, Transaction};
use super::{advisory, link, load};
use crate::driver::{
    Access, Action, Connection, Dialect, Durability, Fill, Interrupter, Lock, RowSink, TableColumns, Tally,
};
use crate::error::{Error, ErrorKind, Result};
use crate::sql::text::Verb;
use crate::sql::{Param, ValueRef};
use std::borrow::Cow;
use std::ops::ControlFlow;
use std::sync::{Arc, PoisonError};

/// A connection to a PostgreSQL server.
///
/// # Savepoints around statements
/// PostgreSQL refuses everything in a transaction in which one statement failed. The contract of [`Connection`] says that
/// such a statement did nothing and that the transaction goes on. So a statement that writes, or that runs for the first
/// time, goes inside a transaction with `SAVEPOINT` before it and `RELEASE` behind it, all in one message. A statement that
/// only reads and has run before goes without: should it fail, the transaction, or the savepoint that it runs in, is to be
/// rolled back.
///
/// That costs no round trip; one-row updates and inserts were at most a tenth slower than without, over a Unix socket. But each
/// such statement takes a transaction number of its own from the server: rows in bulk belong into statements of many rows, or
/// into [`load`](Connection::load).
pub(super) struct PostgresConnection {
    pub(super) driver: Postgres,
    pub(super) session: Session,
    access: Access,
    pub(super) transaction: Transaction,
    pub(super) statements: Statements,
    pub(super) layout: Layout,
    pub(super) tally: Arc<Tally>,
    /// Statements may be kept prepared.
    pub(super) names_statements: bool,
    pub(super) watching: bool,
    durability: Durability,
    /// A commit does not wait for the disk, as the server is set. `None`: not asked yet.
    relaxed: Option<bool>,
    /// How often somebody who was listened to told something; `None` as long as nobody is listened to.
    told: Option<u64>,
}

impl PostgresConnection {
    pub(super) fn new(session: Session, driver: &Postgres, access: Access) -> Self {
        Self {
            driver: driver.clone(),
            access,
            transaction: Transaction::default(),
            statements: Statements::new(),
            layout: Layout::default(),
            tally: Arc::default(),
            names_statements: session.settled && driver.place.prepared_statements,
            watching: false,
            durability: Durability::Normal,
            relaxed: None,
            told: None,
            session,
        }
    }

    /// Refuses what can't be run now.
    pub(super) fn may_run(&self) -> Result<()> {
        // That the session is over is said where it is next used.
        let over = self.transaction.depth() == 0 && self.session.is_broken();
        if self.transaction.is_refused() && !over {
            return Err(Error::new(
                ErrorKind::Closed,
                "an earlier statement of the transaction failed, and PostgreSQL refuses all that follows",
            )
            .with_help("let the error leave the transaction's closure, then try again"));
        }
        Ok(())
    }

    /// A single statement needs a transaction around it where its settings are not those of the session.
    pub(super) fn needs_wrapping(&self, reading: &Reading) -> bool {
        // A replica says so of itself, and refuses by itself.
        let says = |name| self.session.parameter(name) == Some("on");
        let reads_only =
            self.access == Access::Read && !says("in_hot_standby") && !says("default_transaction_read_only");
        let writes = reading.verb.writes_rows() || reading.verb == Verb::With;
        reads_only && !self.watching || writes && (self.must_wait() || !self.session.settled)
    }

    pub(super) fn wrapping(&self) -> Vec<Control> {
        let begin = if self.access == Access::Read { "BEGIN READ ONLY" } else { "BEGIN" };
        let mut controls = vec![Cow::Borrowed(begin)];
        controls.extend(self.begin_settings());
        controls
    }

    /// What follows the beginning of a transaction.
    pub(super) fn begin_settings(&self) -> Vec<Control> {
        let mut settings = Vec::new();
        if !self.session.settled && !link::bounds_locks(&self.driver.place) {
            let patience = link::lock_timeout(&self.driver);
            settings.push(Cow::Owned(format!("SET LOCAL lock_timeout = {patience}")));
        }
        if self.must_wait() {
            settings.push(Cow::Borrowed("SET LOCAL synchronous_commit = on"));
        }
        settings
    }

    /// Commits have to wait for the disk, and would not.
    fn must_wait(&self) -> bool {
        self.durability == Durability::Full && self.relaxed == Some(true)
    }

    /// From here on it is counted what others tell.
    pub(super) fn listen(&mut self) {
        self.told.get_or_insert(0);
    }

    /// Sends statements that open or end something, and waits for the answer; gives the last one's tag.
    fn control(&mut self, controls: &[Control]) -> Result<String, Ended> {
        for control in controls {
            message::control(&mut self.session.out, control);
        }
        message::sync(&mut self.session.out);
        self.session.send()?;
        self.session.settle()?;
        self.session.finish()
    }

    fn send_rollback(&mut self, waiting: bool) -> Result<()> {
        if self.session.is_broken() || self.session.status() == Status::Idle {
            return Ok(());
        }
        if waiting {
            let ended = self.control(&[Cow::Borrowed("ROLLBACK")]);
            return match ended {
                // The server rolls back what was open on a connection that broke.
                Ok(_) | Err(Ended::Broken(_)) => Ok(()),
                Err(Ended::Fault(fault)) => Err(fault::general(&fault, &[])),
            };
        }
        message::control(&mut self.session.out, "ROLLBACK");
        message::sync(&mut self.session.out);
        let _ = self.session.send_ahead();
        Ok(())
    }

    fn commit_outermost(&mut self) -> Result<()> {
        let reading = self.transaction.is_reading();
        let Some(due) = self.transaction.commit_outermost() else {
            self.transaction.end();
            return Ok(());
        };
        if reading {
            for control in &due {
                message::control(&mut self.session.out, control);
            }
            message::sync(&mut self.session.out);
            self.transaction.end();
            // What was read is read; that the connection broke is found out by the next who uses it.
            let _ = self.session.send_ahead();
            return Ok(());
        }
        let error = match self.control(&due) {
            // A transaction in which a statement failed is rolled back by COMMIT without a word.
            Ok(tag) if tag == "ROLLBACK" => Error::new(
                ErrorKind::Closed,
                "the server rolled the transaction back instead of committing it",
            ),
            Ok(_) => {
                self.transaction.end();
                return Ok(());
            }
            Err(Ended::Fault(fault)) => {
                let error = fault::general(&fault, &[]);
                let open = error.kind() == ErrorKind::Unavailable && fault.may_have_happened();
                if open || fault.code == "40003" { fault::doubtful().with_cause(error) } else { error }
            }
            Err(Ended::Broken(broken)) => fault::uncertain(broken),
        };
        self.transaction.lose();
        Err(error)
    }
}

/// Why a round ended otherwise than well.
pub(super) enum Ended {
    /// The server said no.
    Fault(Box<fault::Fault>),
    /// The connection broke.
    Broken(Broken),
}

impl From<Broken> for Ended {
    fn from(broken: Broken) -> Self {
        Self::Broken(broken)
    }
}

impl From<Ended> for Error {
    fn from(ended: Ended) -> Self {
        match ended {
            Ended::Fault(fault) => fault::general(&fault, &[]),
            Ended::Broken(broken) => fault::gone(broken),
        }
    }
}

impl Connection for PostgresConnection {
    fn dialect(&self) -> Dialect {
        Dialect::Postgres
    }

    fn execute(&mut self, sql: &str, params: &[Param<'_>]) -> Result<u64> {
        self.run(sql, Values::Named(params), None)
    }

    fn execute_list(&mut self, sql: &str, values: &[ValueRef<'_>]) -> Result<u64> {
        self.run(sql, Values::List(values), None)
    }

    fn is_prepared(&self, sql: &str) -> bool {
        self.statements.is_prepared(sql)
    }

    fn query(&mut self, sql: &str, params: &[Param<'_>], each: &mut RowSink<'_>) -> Result<()> {
        self.run(sql, Values::Named(params), Some(each)).map(|_| ())
    }

    fn load(&mut self, into: &TableColumns<'_>, fill: &mut Fill<'_>) -> Result<u64> {
        load::load(self, into, fill)
    }

    fn unload(&mut self, of: &TableColumns<'_>, each: &mut RowSink<'_>) -> Result<()> {
        load::unload(self, of, each)
    }

    fn begin(&mut self, access: Access) -> Result<()> {
        self.may_run()?;
        if access == Access::Write && self.access == Access::Read {
            return Err(Error::new(
                ErrorKind::ReadOnly,
                "a transaction to write was asked of a connection that only reads",
            )
            .with_help("open the database to write"));
        }
        self.transaction.begin(access);
        Ok(())
    }

    fn commit(&mut self) -> Result<()> {
        self.may_run()?;
        match self.transaction.depth() {
            0 => Err(Error::new(ErrorKind::Internal, "there is no transaction to commit")),
            1 => self.commit_outermost(),
            _ => {
                self.transaction.release();
                Ok(())
            }
        }
    }

    fn rollback(&mut self) -> Result<()> {
        match self.transaction.depth() {
            0 => Ok(()),
            1 => {
                let reading = self.transaction.is_reading();
                self.transaction.end();
                self.send_rollback(!reading)
            }
            _ => {
                self.transaction.roll_back_savepoint();
                Ok(())
            }
        }
    }

    fn is_lost(&self) -> bool {
        self.transaction.is_lost()
    }

    fn lock(&mut self, name: &str) -> Result<Lock> {
        advisory::lock(&self.driver, name)
    }

    fn watch(&mut self, on: bool) -> Result<Vec<Action>> {
        self.watching = on;
        Ok(Vec::new())
    }

    fn set_durability(&mut self, durability: Durability) -> Result<()> {
        if self.transaction.depth() > 0 {
            return Err(Error::new(
                ErrorKind::Nested,
                "the durability of a transaction was to be changed inside it",
            )
            .with_help("ask for it before the transaction begins"));
        }
        if durability == Durability::Full && self.relaxed.is_none() {
            let mut relaxed = false;
            let sql = "SELECT current_setting('synchronous_commit') = 'off'";
            self.run(
                sql,
                Values::List(&[]),
                Some(&mut |row| {
                    relaxed = row.get(0)?;
                    Ok(ControlFlow::Continue(()))
                }),
            )?;
            self.relaxed = Some(relaxed);
        }
        self.durability = durability;
        Ok(())
    }

    fn is_broken(&mut self) -> bool {
        self.session.look().is_err()
    }

    fn leaves_traces(&mut self) -> bool {
        self.statements.left_traces() || self.session.is_changed()
    }

    fn announce(&mut self) -> Result<()> {
        if self.transaction.depth() > 0 {
            self.transaction.announce();
            return Ok(());
        }
        self.run(ANNOUNCE, Values::List(&[]), None).map(|_| ())
    }

    /// Counts what was told since the first `LISTEN` on this connection.
    fn data_version(&mut self) -> Result<Option<u64>> {
        let Some(told) = &mut self.told else { return Ok(None) };
        if self.transaction.depth() == 0 {
            self.session.look().map_err(fault::gone)?;
        }
        *told += std::mem::take(&mut self.session.notifications);
        Ok(Some(*told))
    }

    fn interrupter(&self) -> Interrupter {
        let (way, key) = (self.session.way.clone(), self.session.key);
        let busy = self.session.busy();
        Interrupter::new(move || {
            // Held until the server has been told: what runs ends only afterwards, and what comes next is not stopped.
            let busy = busy.lock().unwrap_or_else(PoisonError::into_inner);
            if *busy
                && let Some(way) = &way
                && let Err(error) = link::cancel(way, key)
            {
                tracing::debug!(%error, "the server could not be asked to stop a statement");
            }
        })
    }

    fn tally(&self) -> &Arc<Tally> {
        &self.tally
    }
}
