//! Work of tasks: a thread that polls must not wait for a server, so threads of Larder's own do it.
//!
//! There are no more of them than connections, and one that waits for its turn. They are started when they are needed, and
//! end with the database or after some time without work.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::Builder;
use std::time::Duration;

/// How long a thread without work stays.
const IDLE: Duration = Duration::from_secs(5);

/// Work that is owned.
pub(super) type Job = Box<dyn FnOnce() + Send>;

/// Where work waits for a thread.
#[derive(Default)]
pub(super) struct Desk {
    state: Mutex<State>,
    bell: Condvar,
}

#[derive(Default)]
struct State {
    line: VecDeque<Arc<Slip>>,
    threads: usize,
    asleep: usize,
    over: bool,
}

/// A piece of work in the line.
pub(super) struct Slip(Mutex<Option<Job>>);

impl Slip {
    /// The work, for whoever does it: once. Its owner may take it back as long as nobody has.
    pub(super) fn take(&self) -> Option<Job> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl Desk {
    /// Has the work done, by one of at most so many threads.
    pub(super) fn put(self: &Arc<Self>, job: Job, most: usize) -> Arc<Slip> {
        let slip = Arc::new(Slip(Mutex::new(Some(job))));
        let mut state = self.state();
        state.line.push_back(Arc::clone(&slip));
        if state.asleep >= state.line.len() || state.threads >= most {
            drop(state);
            self.bell.notify_one();
            return slip;
        }
        state.threads += 1;
        drop(state);
        let desk = Arc::clone(self);
        if Builder::new().name("larder-task".into()).spawn(move || desk.serve(IDLE)).is_err() {
            // There is no thread to be had. Who comes here does it, for otherwise nobody would.
            self.serve(Duration::ZERO);
        }
        slip
    }

    /// How many pieces of work wait.
    pub(super) fn waiting(&self) -> usize {
        self.state().line.len()
    }

    pub(super) fn end(&self) {
        self.state().over = true;
        self.bell.notify_all();
    }

    fn serve(&self, idle: Duration) {
        while let Some(slip) = self.next(idle) {
            if let Some(job) = slip.take() {
                // A panic of a closure is its owner's and does not come here.
                let _ = catch_unwind(AssertUnwindSafe(job));
            }
        }
    }

    fn next(&self, idle: Duration) -> Option<Arc<Slip>> {
        let mut state = self.state();
        let mut waited = false;
        loop {
            if let Some(slip) = state.line.pop_front() {
                return Some(slip);
            }
            if waited || state.over || idle.is_zero() {
                state.threads -= 1;
                return None;
            }
            state.asleep += 1;
            let (woken, timeout) =
                self.bell.wait_timeout(state, idle).unwrap_or_else(PoisonError::into_inner);
            state = woken;
            state.asleep -= 1;
            waited = timeout.timed_out();
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
