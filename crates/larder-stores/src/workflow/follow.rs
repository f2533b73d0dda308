//! The events of a run, live.

use super::{Event, event, run};
use larder::{Changes, Database, ErrorKind, Result, Waker, params};
use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// So many events are read at a time.
const BATCH: u32 = 1000;

/// The events of a run as they are committed, by this process or another. [`follow`] makes it.
pub struct Follow {
    db: Database,
    changes: Changes,
    run_id: String,
    after: i64,
    until_finished: bool,
    ended: bool,
    stopped: Arc<AtomicBool>,
}

/// Ends a [`Follow`], from any thread.
#[derive(Clone, Debug)]
pub struct FollowStop {
    stopped: Arc<AtomicBool>,
    waker: Waker,
}

/// Follows the events of a run that come after the number `after` (0 for all), those that are there already included.
///
/// Each event is given once, in order. A commit of this handle wakes at once, one of another process within 50 ms, without
/// reading the disk meanwhile: [`Changes`] says how.
///
/// ```
/// use larder::Database;
/// use larder_stores::workflow::{self, NewEvent, NewRun};
/// use std::time::Duration;
///
/// # fn main() -> larder::Result<()> {
/// let db = Database::open(":memory:")?;
/// db.migrate(&[&workflow::MIGRATIONS])?;
/// let run = db.write(|tx| {
///     workflow::create_run(tx, &NewRun { feature_branch: "parser", repo_path: "/src/app", ..NewRun::default() })
/// })?;
///
/// let mut live = workflow::follow(&db, &run, 0)?.until_finished();
/// db.write(|tx| workflow::append(tx, &run, &NewEvent::new("note")))?;
/// db.write(|tx| workflow::cancel_run(tx, &run))?;
///
/// let mut names = Vec::new();
/// while let Some(events) = live.next(Duration::from_secs(10))? {
///     names.extend(events.into_iter().map(|event| event.event_type));
/// }
/// assert_eq!(names, ["run_created", "note", "run_cancelled"]);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// [`ErrorKind::NotFound`] when there is no such run, or what the engine says.
pub fn follow(db: &Database, run_id: &str, after: i64) -> Result<Follow> {
    let changes = db.changes()?;
    db.read(|tx| run::status(tx, run_id))?;
    Ok(Follow {
        db: db.clone(),
        changes,
        run_id: run_id.to_owned(),
        after,
        until_finished: false,
        ended: false,
        stopped: Arc::default(),
    })
}

impl Follow {
    /// Ends by itself when the run is completed, failed or cancelled and all its events were given.
    #[must_use]
    pub fn until_finished(mut self) -> Self {
        self.until_finished = true;
        self
    }

    /// The next events, at least one, as soon as there are some. None of them, an empty list, when `timeout` is over
    /// ([`Duration::MAX`] is for ever); `None` when it has ended: it was stopped, the run was pruned, or is finished and that was asked for.
    ///
    /// # Errors
    /// [`ErrorKind::Closed`] when the handle was closed, or what the engine says.
    pub fn next(&mut self, timeout: Duration) -> Result<Option<Vec<Event>>> {
        let until = Instant::now().checked_add(timeout);
        loop {
            if self.ended || self.stopped.load(Ordering::Acquire) {
                self.ended = true;
                return Ok(None);
            }
            let (events, is_over) = self.read()?;
            let whole = events.len() < BATCH as usize;
            self.ended = is_over && whole;
            if let Some(last) = events.last() {
                self.after = last.sequence;
                return Ok(Some(events));
            }
            if self.ended {
                return Ok(None);
            }
            let left = until.map_or(Duration::MAX, |until| until.saturating_duration_since(Instant::now()));
            if !self.changes.wait(left)? {
                return Ok(Some(Vec::new()));
            }
        }
    }

    /// The events one by one, waiting for each, until it has ended. An error is the last item.
    pub fn events(self) -> impl Iterator<Item = Result<Event>> {
        let (mut follow, mut held, mut failed) = (self, VecDeque::new(), false);
        std::iter::from_fn(move || {
            while held.is_empty() && !failed {
                match follow.next(Duration::MAX) {
                    Ok(Some(events)) => held.extend(events),
                    Ok(None) => return None,
                    Err(error) => {
                        failed = true;
                        return Some(Err(error));
                    }
                }
            }
            held.pop_front().map(Ok)
        })
    }

    /// What ends it from another thread, or from a Ctrl-C.
    pub fn stopper(&self) -> FollowStop {
        FollowStop { stopped: Arc::clone(&self.stopped), waker: self.changes.waker() }
    }

    /// The next events, and whether there will be no more: both of one state of the database.
    fn read(&self) -> Result<(Vec<Event>, bool)> {
        self.db.read(|tx| {
            let is_over = match run::status(tx, &self.run_id) {
                Ok(status) => self.until_finished && status.is_finished(),
                Err(error) if error.kind() == ErrorKind::NotFound => return Ok((Vec::new(), true)),
                Err(error) => return Err(error),
            };
            let after = self.after;
            let events = tx.query_all(event::FROM, params! { run_id: self.run_id, after, limit: BATCH })?;
            Ok((events, is_over))
        })
    }
}

impl FollowStop {
    /// Ends it: who waits goes on at once.
    pub fn stop(&self) {
        self.stopped.store(true, Ordering::Release);
        self.waker.wake();
    }
}

impl fmt::Debug for Follow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Follow")
            .field("run_id", &self.run_id)
            .field("after", &self.after)
            .finish_non_exhaustive()
    }
}
