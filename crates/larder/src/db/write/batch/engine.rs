//! An engine of the tests: it keeps rows in memory, loses and refuses as an engine may, and fails where it is told to.

use crate::driver::{Access, Action, Connection, Dialect, Durability, Interrupter, Lock, RowSink, Tally};
use crate::error::{Error, ErrorKind, Result};
use crate::sql::{Param, ValueRef};
use std::panic::resume_unwind;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A call that can be made to fail: of the outermost transaction, or of a savepoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::db::write) enum Call {
    Begin,
    Commit,
    Rollback,
    Savepoint,
    Release,
    RollbackTo,
}

/// How it fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::db::write) enum How {
    /// Nothing was done.
    Instead(ErrorKind),
    /// Nothing was done, and the transaction is gone.
    Gone(ErrorKind),
    /// It was done all the same.
    After(ErrorKind),
    Panics,
}

/// The `nth` such call fails, and all after it where `always`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::db::write) struct Fault {
    pub(in crate::db::write) call: Call,
    pub(in crate::db::write) how: How,
    pub(in crate::db::write) nth: usize,
    pub(in crate::db::write) always: bool,
}

/// A row, by the number of who wrote it; `dangling` is one that no commit takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::db::write) struct Row {
    pub(in crate::db::write) by: usize,
    dangling: bool,
}

#[derive(Debug, Default)]
pub(in crate::db::write) struct State {
    pub(in crate::db::write) committed: Vec<Row>,
    /// What each open level has written.
    open: Vec<Vec<Row>>,
    /// Everything was rolled back, and nobody asked for it.
    lost: bool,
    /// The transaction ended with the call that failed.
    gone: bool,
    fault: Option<Fault>,
}

#[derive(Clone, Debug, Default)]
pub(in crate::db::write) struct Engine {
    state: Arc<Mutex<State>>,
    tally: Arc<Tally>,
}

impl Engine {
    pub(in crate::db::write) fn with(fault: Option<Fault>) -> Self {
        Self { state: Arc::new(Mutex::new(State { fault, ..State::default() })), ..Self::default() }
    }

    pub(in crate::db::write) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A connection took the place of another, and what that had open is gone with it.
    pub(in crate::db::write) fn reopen(&self) {
        let state = &mut *self.state();
        state.open.clear();
        (state.lost, state.gone) = (false, false);
    }

    /// How often it holds a row of that number for good.
    pub(in crate::db::write) fn count(&self, by: usize) -> usize {
        self.state().committed.iter().filter(|row| row.by == by).count()
    }

    /// Nothing is open.
    pub(in crate::db::write) fn is_idle(&self) -> bool {
        let state = self.state();
        state.open.is_empty() && !state.lost
    }
}

impl State {
    fn strike(&mut self, call: Call) -> Option<How> {
        let fault = self.fault.as_mut().filter(|fault| fault.call == call)?;
        let Some(left) = fault.nth.checked_sub(1) else {
            let how = fault.how;
            if !fault.always {
                self.fault = None;
            }
            if how == How::Panics {
                // Not `panic!`, which would print.
                resume_unwind(Box::new("the engine panicked"));
            }
            return Some(how);
        };
        fault.nth = left;
        None
    }

    fn lose(&mut self) {
        self.open.iter_mut().for_each(Vec::clear);
        self.lost = !self.open.is_empty();
    }

    fn begin(&mut self) -> Result<()> {
        if self.lost {
            return Err(lost());
        }
        let call = if self.open.is_empty() { Call::Begin } else { Call::Savepoint };
        match self.strike(call) {
            None => {}
            Some(How::Gone(kind)) => {
                self.lose();
                return Err(fault(kind));
            }
            Some(How::Instead(kind) | How::After(kind)) => return Err(fault(kind)),
            Some(How::Panics) => unreachable!(),
        }
        self.open.push(Vec::new());
        Ok(())
    }

    fn commit(&mut self) -> Result<()> {
        if self.lost {
            return Err(lost());
        }
        let outermost = self.open.len() == 1;
        if outermost && self.open[0].iter().any(|row| row.dangling) {
            return Err(Error::new(ErrorKind::Constraint, "a row points nowhere"));
        }
        let struck = self.strike(if outermost { Call::Commit } else { Call::Release });
        match struck {
            Some(How::Instead(kind)) => return Err(fault(kind)),
            Some(How::Gone(kind)) => {
                self.lose();
                self.lost = !outermost;
                self.gone = outermost;
                return Err(fault(kind));
            }
            _ => {}
        }
        let rows = if let Some(How::After(_)) = struck {
            self.gone = outermost;
            self.open.last_mut().map(std::mem::take)
        } else {
            self.open.pop()
        }
        .expect("a commit needs a transaction");
        let below = if struck.is_some() { self.open.len() - 1 } else { self.open.len() };
        match below.checked_sub(1) {
            Some(below) => self.open[below].extend(rows),
            None => self.committed.extend(rows),
        }
        match struck {
            Some(How::After(kind)) => Err(fault(kind)),
            _ => Ok(()),
        }
    }

    fn rollback(&mut self) -> Result<()> {
        let outermost = self.open.len() == 1;
        if self.open.is_empty() {
            return Ok(());
        }
        let struck = if self.lost || self.gone {
            None
        } else {
            self.strike(if outermost { Call::Rollback } else { Call::RollbackTo })
        };
        let rows = self.open.pop().unwrap_or_default();
        self.gone &= !outermost;
        self.lost &= !outermost;
        let Some(How::Instead(kind) | How::Gone(kind) | How::After(kind)) = struck else { return Ok(()) };
        if let Some(below) = self.open.last_mut() {
            // Nothing was undone: a commit now would take it along.
            below.extend(rows);
            self.lost = true;
        }
        Err(fault(kind))
    }

    fn execute(&mut self, sql: &str) -> Result<u64> {
        if self.lost {
            return Err(lost());
        }
        let (what, by) = sql.split_once(' ').expect("a verb and a number");
        let by = by.parse().expect("a number");
        match what {
            "add" | "dangle" => {
                let open = self.open.last_mut().expect("a transaction");
                open.push(Row { by, dangling: what == "dangle" });
                Ok(1)
            }
            "refuse" => Err(Error::new(ErrorKind::Constraint, "not this row")),
            _ => {
                self.lose();
                Err(Error::new(ErrorKind::DiskFull, "the disk is full"))
            }
        }
    }
}

fn lost() -> Error {
    Error::new(ErrorKind::Closed, "everything was rolled back")
}

fn fault(kind: ErrorKind) -> Error {
    Error::new(kind, "this fault was injected")
}

impl Connection for Engine {
    fn dialect(&self) -> Dialect {
        Dialect::Sqlite
    }

    fn execute(&mut self, sql: &str, _: &[Param<'_>]) -> Result<u64> {
        self.state().execute(sql)
    }

    fn execute_list(&mut self, sql: &str, _: &[ValueRef<'_>]) -> Result<u64> {
        self.state().execute(sql)
    }

    fn query(&mut self, _: &str, _: &[Param<'_>], _: &mut RowSink<'_>) -> Result<()> {
        panic!("no work of the tests asks for this")
    }

    fn begin(&mut self, _: Access) -> Result<()> {
        self.state().begin()
    }

    fn commit(&mut self) -> Result<()> {
        self.state().commit()
    }

    fn rollback(&mut self) -> Result<()> {
        self.state().rollback()
    }

    fn is_lost(&self) -> bool {
        self.state().lost
    }

    fn lock(&mut self, _: &str) -> Result<Lock> {
        panic!("no work of the tests asks for this")
    }

    fn watch(&mut self, _: bool) -> Result<Vec<Action>> {
        panic!("no work of the tests asks for this")
    }

    fn set_durability(&mut self, _: Durability) -> Result<()> {
        Ok(())
    }

    fn interrupter(&self) -> Interrupter {
        panic!("no work of the tests asks for this")
    }

    fn tally(&self) -> &Arc<Tally> {
        &self.tally
    }
}
