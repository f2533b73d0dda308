//! The thread that moves the log beside the writers.

use super::{Shared, State};
use crate::driver::{Access, Checkpoint, Checkpointed, Connection};
use crate::error::Result;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// How often the thread looks again when something keeps the log from being moved.
pub(super) const AGAIN: Duration = Duration::from_secs(1);

pub(super) fn spawn(shared: &Arc<Shared>) -> std::io::Result<JoinHandle<()>> {
    let shared = Arc::clone(shared);
    std::thread::Builder::new().name("larder-checkpoint".into()).spawn(move || {
        // Whoever waits for the thread waits no longer, however it ends.
        let _end = End(&shared);
        let _ = catch_unwind(AssertUnwindSafe(|| work(&shared)));
    })
}

struct End<'a>(&'a Shared);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.state().worker_ends();
        self.0.bell.notify_all();
    }
}

fn work(shared: &Shared) {
    let mut connection: Option<Box<dyn Connection>> = None;
    while let Some(mut state) = next(shared) {
        state.moving = true;
        drop(state);
        let mut before = None;
        loop {
            let done = pass(shared, &mut connection);
            let mut state = shared.state();
            let moved = shared.note(&mut state, done, false);
            shared.look(&mut state);
            let pages = shared.size.pages();
            if !moved || state.stopping || state.resting > 0 || !state.log.is_worth_more(pages, before) {
                state.moving = false;
                break;
            }
            before = Some(pages.saturating_sub(state.log.moved));
        }
        shared.bell.notify_all();
    }
}

/// Waits for work; `None` when it is over.
fn next(shared: &Shared) -> Option<MutexGuard<'_, State>> {
    let mut state = shared.state();
    loop {
        if state.stopping {
            return None;
        }
        // There may be no more commits to ask for what is still to be done.
        let wait = match state.trouble.pause() {
            _ if state.resting > 0 => None,
            Some(pause) => Some(pause),
            None if std::mem::take(&mut state.asked) => return Some(state),
            None if state.trouble.is_there() => return Some(state),
            None => state.log.held.then_some(AGAIN.min(shared.long_read / 2 + Duration::from_millis(1))),
        };
        let Some(wait) = wait else {
            state = shared.bell.wait(state).unwrap_or_else(PoisonError::into_inner);
            continue;
        };
        let (woken, waited) = shared.bell.wait_timeout(state, wait).unwrap_or_else(PoisonError::into_inner);
        state = woken;
        state.asked |= waited.timed_out();
    }
}

fn pass(shared: &Shared, held: &mut Option<Box<dyn Connection>>) -> Result<Checkpointed> {
    let connection = match held {
        Some(connection) => connection,
        None => {
            // One that reads: it makes no new file where the database's was deleted.
            let connection = shared.driver.connect(Access::Read)?;
            shared.state().interrupter = Some(connection.interrupter());
            held.insert(connection)
        }
    };
    connection.checkpoint(Checkpoint::Beside)
}
