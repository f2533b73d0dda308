//! The thread that leads when the lead falls to a task: a commit waits for the disk, and a thread that polls must not.
//!
//! It is Larder's own and no runtime's: no runtime has to be there, none that ends takes the lead with it, and a pool of
//! threads that are all taken can't stop the line. It is started when it is first needed, and ends with the database or
//! after some time without work.

use super::batch::Member;
use super::queue::{Lead, Ticket};
use super::watch::Watch;
use super::work::Work;
use super::writer::{Job, Writer};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::Builder;
use std::time::{Duration, Instant};

/// How long a thread without work stays.
pub(super) const IDLE: Duration = Duration::from_secs(5);

/// What a writer has for the tasks that write through it.
#[derive(Default)]
pub(super) struct StandIn {
    desk: Arc<Desk>,
    watch: Arc<Watch>,
}

/// Where the lead waits for the thread, and the thread for the lead.
#[derive(Default)]
struct Desk {
    state: Mutex<State>,
    bell: Condvar,
}

#[derive(Default)]
struct State {
    /// There is one lead, so there is one turn at most.
    next: Option<Turn>,
    /// Somebody serves, and will look for the next turn.
    here: bool,
    /// It sleeps and must be woken.
    asleep: bool,
    /// The database is gone.
    over: bool,
}

/// Whose lead it is.
struct Turn {
    writer: Arc<Writer>,
    ticket: Arc<Ticket<Job>>,
}

impl StandIn {
    /// Has the line led, beginning with the work of `ticket`.
    pub(super) fn lead(&self, writer: &Arc<Writer>, ticket: Arc<Ticket<Job>>) {
        let mut state = self.desk.state();
        state.next = Some(Turn { writer: Arc::clone(writer), ticket });
        if std::mem::replace(&mut state.here, true) {
            if state.asleep {
                self.desk.bell.notify_one();
            }
            return;
        }
        drop(state);
        let desk = Arc::clone(&self.desk);
        if Builder::new().name("larder-writer".into()).spawn(move || desk.serve(IDLE)).is_err() {
            // There is no thread to be had. Who comes here does it, for otherwise nobody would.
            self.desk.serve(Duration::ZERO);
        }
    }

    /// Looks at the clock for the tasks that wait.
    pub(super) fn watch(&self, writer: &Arc<Writer>) {
        self.watch.begin(writer);
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        self.watch.end();
        self.desk.state().over = true;
        self.desk.bell.notify_one();
    }
}

impl Desk {
    fn serve(&self, idle: Duration) {
        while let Some(turn) = self.next(idle) {
            // A panic of a closure is its owner's and does not come here; any other has handed the lead over.
            let _ = catch_unwind(AssertUnwindSafe(|| turn.writer.lead_for(&turn)));
        }
    }

    fn next(&self, idle: Duration) -> Option<Turn> {
        let mut state = self.state();
        let mut waited = false;
        loop {
            if let Some(turn) = state.next.take() {
                return Some(turn);
            }
            if waited || state.over || idle.is_zero() {
                state.here = false;
                return None;
            }
            state.asleep = true;
            let (woken, timeout) =
                self.bell.wait_timeout(state, idle).unwrap_or_else(PoisonError::into_inner);
            state = woken;
            state.asleep = false;
            waited = timeout.timed_out();
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Writer {
    /// Leads in place of the ticket's owner: one transaction, or what has the connection for itself.
    fn lead_for(&self, turn: &Turn) {
        let Some(lead) = self.queue.claim(&turn.ticket) else { return };
        // Where its owner took the work back the lead goes on to the next.
        let Some(mut own) = Member::of(Arc::clone(&turn.ticket)) else { return };
        let Some((work, durability)) = own.work() else { return };
        let members = if turn.ticket.is_apart() {
            self.do_apart(&lead, work);
            Vec::new()
        } else {
            self.batch(&lead, work, durability)
        };
        if self.checkpointer.is_due() {
            // Nobody whose commit is done waits for this.
            drop(own.settle());
            drop(members);
            self.care();
            return;
        }
        // Where the next is a task, its turn waits on the desk of the thread that is here already.
        drop(lead);
        drop(own.settle());
        drop(members);
    }

    /// A statement by itself.
    fn do_apart(&self, lead: &Lead<'_, Job>, work: &mut dyn Work) {
        let start = Instant::now();
        match self.alone(lead, |connection| Ok(work.run(connection))) {
            Ok(true) => self.count.committed(1, start.elapsed()),
            Ok(false) => {}
            Err(error) => work.fail(error),
        }
    }
}
