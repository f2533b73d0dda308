//! What a run tells: while it goes on, when it is done, and when it stopped.

use super::lint::Warning;
use super::loss::Loss;
use super::migration::Way;
use crate::driver::Interrupter;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// What a run did.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Report {
    /// Each migration that ran and stayed, in order.
    pub done: Vec<Done>,
    /// How many of the asked-for migrations were applied before.
    pub already: usize,
    /// The number of the newest migration that is applied now; `None` where there is none.
    pub schema_version: Option<i64>,
    /// How long the whole run took.
    pub duration: Duration,
}

/// One migration that ran.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Done {
    /// As the history knows it.
    pub id: String,
    /// The set it belongs to.
    pub set: String,
    /// Up or down.
    pub way: Way,
    /// From its first statement to the last of its measurements.
    pub duration: Duration,
    /// What it did.
    pub effects: Effects,
    /// What approved its losses, where it had any.
    pub approval: Option<String>,
    /// The backup that was made before it was committed.
    pub backup: Option<PathBuf>,
    /// False only in a dry run, for one that could not be tried: on a server, one that runs outside a transaction.
    #[serde(skip_serializing_if = "Clone::clone")]
    pub rehearsed: bool,
    /// What of it holds up others on big tables.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<Warning>,
}

/// What a migration did, as it was measured.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Effects {
    /// In plain sentences: "creates table notes".
    pub changes: Vec<String>,
    /// What was there before and is not any more.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub losses: Vec<Loss>,
    /// The tables it made, by name; renamed ones under their new name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tables_created: Vec<String>,
    /// The tables it dropped, by name; renamed ones under their old name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tables_dropped: Vec<String>,
}

/// A migration would lose something that nobody approved. It was rolled back.
///
/// It is in the chain of an error of kind [`ApprovalNeeded`](crate::ErrorKind::ApprovalNeeded):
/// `error.find::<larder::migrate::Refused>()`.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Refused {
    /// The migration, as the history knows it.
    pub id: String,
    /// What would be lost.
    pub losses: Vec<Loss>,
    /// What approves exactly this, as [`Approval`](super::Approval) reads it: the id and a fingerprint of the losses.
    pub token: String,
    /// What the run did before.
    pub report: Report,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} would lose:", self.id)?;
        self.losses.iter().try_for_each(|loss| write!(f, "\n  - {loss}"))
    }
}

impl std::error::Error for Refused {}

/// A migration failed. It was rolled back.
///
/// It is in the chain of the run's error: `error.find::<larder::migrate::Failed>()`.
#[derive(Debug)]
#[non_exhaustive]
pub struct Failed {
    /// The migration, as the history knows it.
    pub id: String,
    /// The statement that failed, counted from 1; 0 where it was none of its own.
    pub statement: usize,
    /// How many statements it has; 0 for one in Rust.
    pub statements: usize,
    /// What the run did before.
    pub report: Report,
    pub(super) cause: crate::error::Error,
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.cause.message())
    }
}

impl std::error::Error for Failed {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        std::error::Error::source(&self.cause)
    }
}

/// Where a run is.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Progress {
    /// The migration, as the history knows it.
    pub id: String,
    /// Its place among those that run, counted from 1.
    pub migration: usize,
    /// How many run.
    pub migrations: usize,
    /// The statement that begins now, counted from 1.
    pub statement: usize,
    /// How many statements the migration has; 0 for one in Rust.
    pub statements: usize,
    /// What happens now.
    pub phase: Phase,
    /// Since the run began.
    pub elapsed: Duration,
}

/// What happens during a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Phase {
    /// Another connection holds the write lock: it may be migrating.
    Waiting,
    /// The migration's own statements run.
    Running,
    /// Its effects are measured.
    Measuring,
    /// A backup is made before a loss.
    BackingUp,
    /// It is committed.
    Committing,
}

/// Stops a run from another thread, such as the one that waits for a signal. The migration that runs is rolled back, and the run ends
/// with an error of kind [`Interrupted`](crate::ErrorKind::Interrupted), whose [`Failed`] tells what stays: what was
/// committed before. Migrations that shared a transaction with the one that was stopped may go with it; the next run does
/// them again.
#[derive(Clone, Debug, Default)]
pub struct Stop {
    asked: Arc<AtomicBool>,
    reached: Arc<Mutex<Vec<(u64, Interrupter)>>>,
}

impl Stop {
    /// How long until a statement is stopped that began at the very moment it was asked for.
    const AGAIN: Duration = Duration::from_millis(20);

    /// A stop that nobody has asked for yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks for it.
    pub fn stop(&self) {
        if self.asked.swap(true, Ordering::SeqCst) || !self.interrupt() {
            return;
        }
        // An engine forgets an interrupt that meets no statement: this asks until none is left that may be stopped.
        let this = self.clone();
        let again = move || {
            while this.interrupt() {
                std::thread::sleep(Self::AGAIN);
            }
        };
        // Without a thread it was asked once, which mostly is enough.
        let _ = std::thread::Builder::new().name("larder-stop".into()).spawn(again);
    }

    /// False where no run is at a statement that may be stopped.
    fn interrupt(&self) -> bool {
        let reached = lock(&self.reached);
        reached.iter().for_each(|(_, interrupter)| interrupter.interrupt());
        !reached.is_empty()
    }

    /// True once it was asked for.
    pub fn is_asked(&self) -> bool {
        self.asked.load(Ordering::SeqCst)
    }

    /// Statements of this connection are stopped too, as long as the answer lives. Ask whether it was asked for once more
    /// after this.
    pub(crate) fn reach(&self, interrupter: Interrupter) -> Reached {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let id = NEXT.fetch_add(1, Ordering::Relaxed);
        lock(&self.reached).push((id, interrupter));
        Reached { id, of: Arc::clone(&self.reached) }
    }
}

/// A connection whose statements are stopped.
#[derive(Debug)]
pub(crate) struct Reached {
    id: u64,
    of: Arc<Mutex<Vec<(u64, Interrupter)>>>,
}

impl Drop for Reached {
    fn drop(&mut self) {
        lock(&self.of).retain(|(id, _)| *id != self.id);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
