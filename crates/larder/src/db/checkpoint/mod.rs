//! Moving the write-ahead log into the file, off the path of those who write.
//!
//! The connection that writes counts the pages of the log at each commit. When a checkpoint is due, a thread with a
//! connection of its own is asked for it; it is made when it is first needed, so that small tools never have one. A writer
//! that commits without a pause stays ahead of it for ever, and the log can begin anew only when all of it is moved. So when the
//! log is long, the writer moves what little is left between two transactions.

mod policy;
mod reader;
mod trouble;
mod worker;

use super::log_holder::log_holders;
use super::reader::Readers;
use crate::driver::{Checkpoint, Checkpointed, Connection, Driver, Interrupter, LogSize};
use crate::error::{ErrorKind, Result};
use policy::{Log, Step};
pub use reader::LongRead;
use reader::Watch;
use serde::Serialize;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use trouble::Trouble;

/// Takes care of the log of one database. Dropping it ends its thread.
pub(super) struct Checkpointer {
    shared: Arc<Shared>,
}

struct Shared {
    driver: Arc<dyn Driver>,
    /// The pages of the log after the last commit.
    size: Arc<LogSize>,
    /// From so many pages on a checkpoint is due; `u32::MAX` for never.
    threshold: AtomicU32,
    /// From so many pages on something is to be decided: the threshold, or more when that was done already.
    next: AtomicU32,
    state: Mutex<State>,
    /// Rung when something is asked of the thread, and when it is done.
    bell: Condvar,
    /// Those who read through the same handle.
    readers: OnceLock<Weak<Readers>>,
    /// A read that lasts longer and is in the way is reported.
    long_read: Duration,
}

#[derive(Default)]
struct State {
    worker: Worker,
    /// Work for the thread.
    asked: bool,
    /// The thread is at it.
    moving: bool,
    stopping: bool,
    /// So many have asked that the thread rests.
    resting: usize,
    interrupter: Option<Interrupter>,
    log: Log,
    trouble: Trouble,
    watch: Watch,
    /// Checkpoints that were made.
    made: u64,
    /// The thread does it, and not the writer; decided when it is first needed.
    beside: Option<bool>,
}

#[derive(Default)]
enum Worker {
    /// Not needed so far.
    #[default]
    None,
    Running(JoinHandle<()>),
    /// It could not be made, or it is over: the writer does the work.
    Gone,
}

/// What is known of the write-ahead log and its checkpoints, of this handle: another process may do some too.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct LogStats {
    /// The pages of the log after the last commit of this handle.
    pub pages: u32,
    /// Checkpoints that were made, whole or in part.
    pub checkpoints: u64,
    /// Checkpoints that failed. Nothing is lost by that, but the log grows.
    pub failed: u64,
    /// What the last checkpoint failed with; `None` when it did not.
    pub last_error: Option<String>,
    /// The reads that have lasted for [`Options::long_read`](crate::Options::long_read) and keep the log from being moved.
    pub long_reads: Vec<LongRead>,
}

impl Checkpointer {
    pub(super) fn new(driver: Arc<dyn Driver>, long_read: Duration) -> Self {
        Self {
            shared: Arc::new(Shared {
                driver,
                size: Arc::default(),
                threshold: AtomicU32::new(u32::MAX),
                next: AtomicU32::new(u32::MAX),
                state: Mutex::default(),
                bell: Condvar::new(),
                readers: OnceLock::new(),
                long_read,
            }),
        }
    }

    /// Whom to ask who reads.
    pub(super) fn watch(&self, readers: &Arc<Readers>) {
        // It is told once, by who makes both.
        let _ = self.shared.readers.set(Arc::downgrade(readers));
    }

    /// Takes over the log of a connection that will write.
    pub(super) fn adopt(&self, connection: &mut dyn Connection) -> Result<()> {
        let shared = &self.shared;
        if let Some(threshold) = connection.take_over_log(&shared.size)? {
            shared.state().log.threshold = threshold;
            shared.threshold.store(threshold, Ordering::Relaxed);
            shared.next.store(threshold, Ordering::Relaxed);
        }
        Ok(())
    }

    /// True when something is to be decided about the log, by [`committed`](Self::committed). To be asked after each commit;
    /// it costs next to nothing.
    pub(super) fn is_due(&self) -> bool {
        let shared = &*self.shared;
        let (pages, threshold) = (shared.size.pages(), shared.threshold.load(Ordering::Relaxed));
        if pages >= threshold {
            return pages >= shared.next.load(Ordering::Relaxed);
        }
        // The log has begun anew since.
        if shared.next.load(Ordering::Relaxed) != threshold {
            shared.next.store(threshold, Ordering::Relaxed);
        }
        false
    }

    /// Does what is due, or has it done, with the connection that writes, outside any transaction. It never fails: what goes
    /// wrong with a checkpoint loses nothing and is reported otherwise.
    pub(super) fn committed(&self, connection: &mut dyn Connection) {
        self.shared.due(self.shared.size.pages(), connection);
    }

    /// Lets the thread rest as long as the guard lives: for work that does a checkpoint of its own or wants the database for
    /// itself. SQLite's checkpoints do not wait for each other, whatever the patience.
    pub(super) fn rest(&self) -> Rest<'_> {
        let mut state = self.shared.state();
        state.resting += 1;
        while state.moving {
            state = self.shared.bell.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        Rest(&self.shared)
    }

    pub(super) fn stats(&self) -> LogStats {
        let state = self.shared.state();
        LogStats {
            pages: self.shared.size.pages(),
            checkpoints: state.made,
            failed: state.trouble.count(),
            last_error: state.trouble.last().map(str::to_owned),
            long_reads: state.watch.long(self.shared.long_read),
        }
    }

    /// Ends the thread: a checkpoint under way is broken off. Nothing is done about the log from here on.
    pub(super) fn stop(&self) {
        let shared = &*self.shared;
        let mut state = shared.state();
        state.stopping = true;
        shared.threshold.store(u32::MAX, Ordering::Relaxed);
        let worker = std::mem::replace(&mut state.worker, Worker::Gone);
        shared.bell.notify_all();
        let Worker::Running(thread) = worker else { return };
        // The thread itself lets go of the database: it ends by itself.
        if thread.thread().id() == std::thread::current().id() {
            return;
        }
        // Again and again, for a call just before the checkpoint begins stops nothing.
        while state.moving {
            if let Some(interrupter) = &state.interrupter {
                interrupter.interrupt();
            }
            let waited = shared.bell.wait_timeout(state, Duration::from_millis(5));
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        drop(state);
        // What it could have panicked with was reported by itself.
        let _ = thread.join();
    }
}

/// The thread rests as long as it lives.
pub(super) struct Rest<'a>(&'a Shared);

impl Drop for Rest<'_> {
    fn drop(&mut self) {
        self.0.state().resting -= 1;
        self.0.bell.notify_all();
    }
}

impl Drop for Checkpointer {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Decides what is to be done about a log of so many pages, and does it or has it done.
    fn due(self: &Arc<Self>, pages: u32, connection: &mut dyn Connection) {
        let mut state = self.state();
        if state.stopping {
            return;
        }
        if pages < state.log.pages {
            state.log = Log { threshold: state.log.threshold, ..Log::default() };
        }
        state.log.pages = pages;
        state.log.moving = state.moving || state.asked;
        let beside = match state.beside {
            Some(beside) => beside,
            None => *state.beside.insert(is_beside(connection)),
        };
        self.next.store(state.log.next(beside), Ordering::Relaxed);
        if state.trouble.pause().is_some() {
            return;
        }
        let step = if beside { state.log.beside() } else { state.log.between() };
        let patience = match step {
            Step::Leave => return,
            Step::Ask if self.ask(&mut state) => return,
            Step::Ask | Step::Pass => Duration::ZERO,
            Step::Move => state.log.patience(),
        };
        while state.moving {
            state = self.bell.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        drop(state);
        let done = connection.checkpoint(Checkpoint::Between { patience });
        let mut state = self.state();
        self.note(&mut state, done, !patience.is_zero());
        if state.log.held || state.trouble.is_there() {
            // There may be no more commits to try it again.
            self.ask(&mut state);
        }
    }

    /// Asks the thread, which is made when there is none yet. False when there can be none.
    fn ask(self: &Arc<Self>, state: &mut State) -> bool {
        if let Worker::None = state.worker {
            state.worker = match worker::spawn(self) {
                Ok(thread) => Worker::Running(thread),
                Err(error) => {
                    tracing::warn!(database = %self.driver, %error, "no thread for checkpoints: writers do them");
                    Worker::Gone
                }
            };
        }
        let there = matches!(state.worker, Worker::Running(_));
        if there {
            state.asked = true;
            self.bell.notify_all();
        }
        there
    }

    /// Looks who is in the way, and reports who is for long.
    fn look(&self, state: &mut State) {
        if !state.log.held {
            return state.watch.clear();
        }
        let now = Instant::now();
        if !state.watch.is_due(now, worker::AGAIN.min(self.long_read) / 4) {
            return;
        }
        let here =
            self.readers.get().and_then(Weak::upgrade).map(|readers| readers.held()).unwrap_or_default();
        let elsewhere = || {
            let mut all = log_holders(self.driver.file()?)?;
            all.retain(|process| process.id != std::process::id());
            Some(all)
        };
        for read in state.watch.look(now, self.long_read, here, elsewhere) {
            tracing::warn!(
                database = %self.driver,
                reader = %read,
                seconds = read.lasting.as_secs_f64(),
                log_pages = self.size.pages(),
                "a read that lasts long keeps the log from being moved into the file, and the log grows"
            );
        }
    }

    /// Notes how a checkpoint ended; `anew` when it was to let the log begin anew. True when it did something.
    fn note(&self, state: &mut State, done: Result<Checkpointed>, anew: bool) -> bool {
        let done = match done {
            Ok(done) => done,
            // Another process is at it, or the handle is being closed.
            Err(error) if matches!(error.kind(), ErrorKind::Interrupted | ErrorKind::Busy) => return false,
            Err(error) => {
                state.trouble.note(&error, &self.driver, self.size.pages());
                return false;
            }
        };
        state.trouble.is_over(&self.driver);
        let log = &mut state.log;
        // Without a page it says only that another connection is at it.
        if done.pages == 0 {
            return false;
        }
        if anew && !done.is_whole() {
            log.stays();
        }
        state.made += 1;
        log.moved = done.moved;
        let was_held =
            std::mem::replace(&mut log.held, done.pages.saturating_sub(done.moved) > log.threshold);
        if was_held && !log.held {
            log.not_before = 0;
        }
        if !log.held && (log.is_long() || anew && done.is_whole()) {
            // The next commit decides about the rest, or begins the log anew.
            self.next.store(log.threshold, Ordering::Relaxed);
        }
        true
    }
}

impl State {
    /// The thread ends, in whichever way.
    fn worker_ends(&mut self) {
        self.worker = Worker::Gone;
        self.interrupter = None;
        (self.asked, self.moving) = (false, false);
    }
}

/// Whether a thread is to do the work. Where each commit waits for the disk, a second one who waits for it makes all slower.
fn is_beside(connection: &mut dyn Connection) -> bool {
    let mut synchronous = 1;
    let asked = connection.query("PRAGMA synchronous", &[], &mut |row| {
        synchronous = row.get::<i64>(0)?;
        Ok(ControlFlow::Break(()))
    });
    asked.is_ok() && synchronous < 2
}
