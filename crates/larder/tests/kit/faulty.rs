//! A driver around another: it writes down each call that passes, and lets calls fail that were told to.

use larder::driver::{
    Access, Action, Checkpoint, Checkpointed, Connection, Dialect, Driver, Durability, Interrupter, Listener,
    Lock, LogSize, RowSink, Tally,
};
use larder::{Error, ErrorKind, Param, Result, ValueRef};
use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// When a fault strikes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum When {
    /// The call is not made.
    Instead,
    /// The call is made and succeeds; its caller is told that it failed.
    After,
    /// The call is not made, and panics.
    Panic,
}

#[derive(Debug)]
struct Fault {
    call: &'static str,
    when: When,
    kind: ErrorKind,
    skip: usize,
    /// Only where it opens or ends a transaction, not a savepoint.
    outermost: bool,
}

#[derive(Debug, Default)]
struct Script {
    log: Mutex<Vec<String>>,
    faults: Mutex<Vec<Fault>>,
}

/// The wrapping driver.
#[derive(Debug)]
pub(crate) struct Faulty {
    inner: Arc<dyn Driver>,
    script: Arc<Script>,
}

impl Faulty {
    pub(crate) fn around(inner: Arc<dyn Driver>) -> Arc<Self> {
        Arc::new(Self { inner, script: Arc::default() })
    }

    /// Lets the next call that begins with `call` (as it stands in the log) fail once with an error of `kind`.
    pub(crate) fn fail(&self, call: &'static str, when: When, kind: ErrorKind) {
        self.fail_later(0, call, when, kind);
    }

    /// The same after `skip` such calls that pass.
    pub(crate) fn fail_later(&self, skip: usize, call: &'static str, when: When, kind: ErrorKind) {
        self.script.faults.lock().unwrap().push(Fault { call, when, kind, skip, outermost: false });
    }

    /// The same for the next call that opens or ends a transaction; those of savepoints pass.
    pub(crate) fn fail_outermost(&self, call: &'static str, when: When, kind: ErrorKind) {
        self.script.faults.lock().unwrap().push(Fault { call, when, kind, skip: 0, outermost: true });
    }

    /// The calls since the last time: `connect Write`, `begin Read`, `execute INSERT …`, `commit`, …
    pub(crate) fn log(&self) -> Vec<String> {
        std::mem::take(&mut *self.script.log.lock().unwrap())
    }

    /// True when every fault has struck: a test whose faults did not says nothing.
    pub(crate) fn all_struck(&self) -> bool {
        self.script.faults.lock().unwrap().is_empty()
    }
}

impl Script {
    fn pass<T>(&self, call: String, make: impl FnOnce() -> Result<T>) -> Result<T> {
        self.pass_at(call, false, make)
    }

    fn pass_at<T>(&self, call: String, outermost: bool, make: impl FnOnce() -> Result<T>) -> Result<T> {
        let fault = self.strike(&call, outermost);
        self.log.lock().unwrap().push(call);
        match fault {
            None => make(),
            Some(Fault { when: When::Instead, kind, .. }) => Err(injected(kind)),
            Some(Fault { when: When::Panic, .. }) => std::panic::resume_unwind(Box::new("injected")),
            Some(Fault { kind, .. }) => make().and(Err(injected(kind))),
        }
    }

    fn strike(&self, call: &str, outermost: bool) -> Option<Fault> {
        let mut faults = self.faults.lock().unwrap();
        let at = faults
            .iter()
            .position(|fault| call.starts_with(fault.call) && (outermost || !fault.outermost))?;
        match faults[at].skip.checked_sub(1) {
            Some(left) => {
                faults[at].skip = left;
                None
            }
            None => Some(faults.remove(at)),
        }
    }
}

fn injected(kind: ErrorKind) -> Error {
    Error::new(kind, "this fault was injected")
}

impl fmt::Display for Faulty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (wrapped)", self.inner)
    }
}

impl Driver for Faulty {
    fn dialect(&self) -> Dialect {
        self.inner.dialect()
    }

    fn is_single(&self) -> bool {
        self.inner.is_single()
    }

    fn is_concurrent(&self) -> bool {
        self.inner.is_concurrent()
    }

    fn file(&self) -> Option<&Path> {
        self.inner.file()
    }

    fn patience(&self) -> Duration {
        self.inner.patience()
    }

    fn connect(&self, access: Access) -> Result<Box<dyn Connection>> {
        let inner = self.script.pass(format!("connect {access:?}"), || self.inner.connect(access))?;
        Ok(Box::new(FaultyConnection { inner, script: Arc::clone(&self.script), depth: 0, refusing: false }))
    }

    fn listen(&self) -> Result<Option<Box<dyn Listener>>> {
        self.script.pass("listen".to_owned(), || self.inner.listen())
    }
}

struct FaultyConnection {
    inner: Box<dyn Connection>,
    script: Arc<Script>,
    /// The open transaction and the savepoints in it, as the caller has been told.
    depth: usize,
    /// A savepoint could not be rolled back, so that all is refused until the transaction was.
    refusing: bool,
}

impl FaultyConnection {
    fn refuse(&self) -> Result<()> {
        if self.refusing {
            return Err(Error::new(ErrorKind::Closed, "a rollback has failed before"));
        }
        Ok(())
    }
}

impl Connection for FaultyConnection {
    fn dialect(&self) -> Dialect {
        self.inner.dialect()
    }

    fn execute(&mut self, sql: &str, params: &[Param<'_>]) -> Result<u64> {
        self.refuse()?;
        self.script.pass(format!("execute {sql}"), || self.inner.execute(sql, params))
    }

    fn execute_list(&mut self, sql: &str, values: &[ValueRef<'_>]) -> Result<u64> {
        self.refuse()?;
        self.script.pass(format!("execute {sql}"), || self.inner.execute_list(sql, values))
    }

    fn is_prepared(&self, sql: &str) -> bool {
        self.inner.is_prepared(sql)
    }

    fn query(&mut self, sql: &str, params: &[Param<'_>], each: &mut RowSink<'_>) -> Result<()> {
        self.refuse()?;
        self.script.pass(format!("query {sql}"), || self.inner.query(sql, params, each))
    }

    fn begin(&mut self, access: Access) -> Result<()> {
        self.refuse()?;
        let outermost = self.depth == 0;
        self.script.pass_at(format!("begin {access:?}"), outermost, || self.inner.begin(access))?;
        self.depth += 1;
        Ok(())
    }

    fn commit(&mut self) -> Result<()> {
        self.refuse()?;
        self.script.pass_at("commit".into(), self.depth == 1, || self.inner.commit())?;
        self.depth = self.depth.saturating_sub(1);
        Ok(())
    }

    fn rollback(&mut self) -> Result<()> {
        let level = self.depth;
        self.depth = level.saturating_sub(1);
        let mut made = false;
        let result = self.script.pass_at("rollback".into(), level == 1, || {
            made = true;
            self.inner.rollback()
        });
        // As the contract has it: that level is over all the same.
        if level > 1 && result.is_err() && !made {
            self.inner.rollback()?;
        }
        self.refusing = level > 1 && (self.refusing || result.is_err());
        result
    }

    fn is_lost(&self) -> bool {
        self.refusing || self.inner.is_lost()
    }

    fn lock(&mut self, name: &str) -> Result<Lock> {
        self.script.pass(format!("lock {name}"), || self.inner.lock(name))
    }

    fn watch(&mut self, on: bool) -> Result<Vec<Action>> {
        self.script.pass(format!("watch {on}"), || self.inner.watch(on))
    }

    fn set_durability(&mut self, durability: Durability) -> Result<()> {
        self.script.pass(format!("durability {durability:?}"), || self.inner.set_durability(durability))
    }

    fn take_over_log(&mut self, size: &Arc<LogSize>) -> Result<Option<u32>> {
        // Not in the log: it is no more than a setting, and asked for with each connection that writes.
        self.inner.take_over_log(size)
    }

    fn checkpoint(&mut self, how: Checkpoint) -> Result<Checkpointed> {
        self.script.pass(format!("checkpoint {how:?}"), || self.inner.checkpoint(how))
    }

    fn data_version(&mut self) -> Result<Option<u64>> {
        self.script.pass("data version".to_owned(), || self.inner.data_version())
    }

    fn is_broken(&mut self) -> bool {
        self.inner.is_broken()
    }

    fn announce(&mut self) -> Result<()> {
        self.refuse()?;
        self.script.pass("announce".to_owned(), || self.inner.announce())
    }

    fn interrupter(&self) -> Interrupter {
        self.inner.interrupter()
    }

    fn tally(&self) -> &Arc<Tally> {
        self.inner.tally()
    }
}
