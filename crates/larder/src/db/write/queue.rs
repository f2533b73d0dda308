//! Who may do the work, and in which order: one leads, the others wait in a line. Who leads may do the work of those behind
//! as well; then they only wait to be told that it is done. Whoever stops leading hands over to the first in the line.
//!
//! There is no thread for it and no waiting for company: who comes when nobody leads, leads at once. Nothing here knows of
//! databases; `crates/larder-model` runs this very file under every order of events.

use super::sync::{Arc, AtomicU8, AtomicU64, Mutex, MutexGuard, Ordering, Sleep, Thread, current};
use std::collections::VecDeque;
use std::sync::PoisonError;
use std::time::{Duration, Instant};

/// The line before one place of work. `W` is a piece of work that another may do.
pub(super) struct Queue<W> {
    line: Mutex<Line<W>>,
    /// Grows whenever something was done: who waits sees by it that the line moves.
    progress: AtomicU64,
}

struct Line<W> {
    /// Somebody leads, or was told to and is about to.
    led: bool,
    waiting: VecDeque<Arc<Ticket<W>>>,
}

/// A place in the line.
pub(super) struct Ticket<W> {
    /// What is to be done; `None` where its owner must lead to do it, and once it was taken.
    work: Mutex<Option<W>>,
    /// The owner must lead by itself.
    alone: bool,
    /// What must be equal for two to be done together, the greater serving the lesser.
    pub(super) rank: u8,
    state: AtomicU8,
    owner: Owner<W>,
}

/// Whom to tell.
pub(super) enum Owner<W> {
    /// A thread that waits.
    Thread(Thread),
    /// Something else that waits: a task.
    #[allow(dead_code, reason = "tasks are a feature")]
    Other(Box<dyn Wake<W>>),
}

/// How to tell who waits, if not a thread.
pub(super) trait Wake<W>: Send + Sync {
    /// The work is done.
    fn done(&self);
    /// It is first in the line: have the line led, beginning with the work of `ticket`, which is this one's own. Whoever
    /// leads takes the lead by [`Queue::claim`]. It must not wait.
    fn lead(&self, ticket: Arc<Ticket<W>>);
    /// Since when it has been waiting.
    #[allow(dead_code, reason = "tasks are a feature")]
    fn since(&self) -> Instant;
}

const WAITING: u8 = 0;
const LEADS: u8 = 1;
const DONE: u8 = 2;

/// How waiting ended.
pub(super) enum Waited<'q, W> {
    /// Another has done the work.
    Done,
    /// It is this one's turn to lead.
    Leads(Lead<'q, W>),
    /// Nothing moved for as long as the patience lasts. The place in the line is given up, the work untouched.
    Stalled,
}

impl<W> Queue<W> {
    pub(super) fn new() -> Self {
        Self { line: Mutex::new(Line { led: false, waiting: VecDeque::new() }), progress: AtomicU64::new(0) }
    }

    /// Leads, if nobody does.
    pub(super) fn try_lead(&self) -> Option<Lead<'_, W>> {
        let mut line = self.line();
        if line.led {
            return None;
        }
        line.led = true;
        Some(Lead { queue: self })
    }

    /// Goes to the end of the line, or leads if nobody does.
    pub(super) fn join(&self, ticket: &Arc<Ticket<W>>) -> Option<Lead<'_, W>> {
        let mut line = self.line();
        if line.led {
            line.waiting.push_back(Arc::clone(ticket));
            return None;
        }
        line.led = true;
        Some(Lead { queue: self })
    }

    /// Waits on the thread that the ticket names.
    pub(super) fn wait(&self, ticket: &Arc<Ticket<W>>, patience: Duration) -> Waited<'_, W> {
        let mut seen = self.progress.load(Ordering::Relaxed);
        let mut sleep = Sleep::new(patience);
        loop {
            match ticket.state.load(Ordering::Acquire) {
                DONE => return Waited::Done,
                LEADS => return Waited::Leads(Lead { queue: self }),
                _ => {}
            }
            if sleep.sleep() {
                continue;
            }
            let now = self.progress.load(Ordering::Relaxed);
            if now == seen && self.leave(ticket) {
                return Waited::Stalled;
            }
            seen = now;
            sleep.again();
        }
    }

    /// Goes to the end of the line for who waits on no thread. It is told when it is to lead, which may be at once.
    #[allow(dead_code, reason = "tasks are a feature")]
    pub(super) fn post(&self, ticket: &Arc<Ticket<W>>) {
        let mut line = self.line();
        line.waiting.push_back(Arc::clone(ticket));
        let led = std::mem::replace(&mut line.led, true);
        drop(line);
        if !led {
            // Handed over to the first in the line, who is this one: where nobody leads nobody waits.
            drop(Lead { queue: self });
        }
    }

    /// The lead that was handed to the owner of `ticket`, for who leads in its place: once.
    #[allow(dead_code, reason = "tasks are a feature")]
    pub(super) fn claim(&self, ticket: &Ticket<W>) -> Option<Lead<'_, W>> {
        if ticket.state.load(Ordering::Acquire) != LEADS {
            return None;
        }
        ticket.state.store(WAITING, Ordering::Relaxed);
        Some(Lead { queue: self })
    }

    /// Those in the line who wait on no thread.
    #[allow(dead_code, reason = "tasks are a feature")]
    pub(super) fn others(&self) -> Vec<Arc<Ticket<W>>> {
        let line = self.line();
        line.waiting.iter().filter(|ticket| ticket.since().is_some()).map(Arc::clone).collect()
    }

    /// What is greater whenever something was done.
    #[allow(dead_code, reason = "tasks are a feature")]
    pub(super) fn progress(&self) -> u64 {
        self.progress.load(Ordering::Relaxed)
    }

    /// Leaves the line; false for who is not in it any more, because the work was taken or the lead was handed over.
    pub(super) fn leave(&self, ticket: &Arc<Ticket<W>>) -> bool {
        let mut line = self.line();
        let at = line.waiting.iter().position(|other| Arc::ptr_eq(other, ticket));
        at.and_then(|at| line.waiting.remove(at)).is_some()
    }

    /// How many wait.
    pub(super) fn waiting(&self) -> usize {
        self.line().waiting.len()
    }

    fn line(&self) -> MutexGuard<'_, Line<W>> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<W> Ticket<W> {
    /// For work that another may do, of this rank.
    pub(super) fn with(work: W, rank: u8, owner: Owner<W>) -> Arc<Self> {
        Arc::new(Self {
            work: Mutex::new(Some(work)),
            alone: false,
            rank,
            state: AtomicU8::new(WAITING),
            owner,
        })
    }

    /// For work that has the place for itself, led by another in its owner's stead.
    #[allow(dead_code, reason = "tasks are a feature")]
    pub(super) fn apart(work: W, owner: Owner<W>) -> Arc<Self> {
        Arc::new(Self {
            work: Mutex::new(Some(work)),
            alone: true,
            rank: 0,
            state: AtomicU8::new(WAITING),
            owner,
        })
    }

    /// For who must lead, on this thread.
    pub(super) fn alone() -> Arc<Self> {
        Arc::new(Self {
            work: Mutex::new(None),
            alone: true,
            rank: 0,
            state: AtomicU8::new(WAITING),
            owner: Owner::Thread(current()),
        })
    }

    /// Nothing is done together with it.
    #[allow(dead_code, reason = "tasks are a feature")]
    pub(super) fn is_apart(&self) -> bool {
        self.alone
    }

    /// Since when its owner has been waiting; nothing for a thread, which looks at the clock by itself.
    #[allow(dead_code, reason = "tasks are a feature")]
    pub(super) fn since(&self) -> Option<Instant> {
        match &self.owner {
            Owner::Thread(_) => None,
            Owner::Other(other) => Some(other.since()),
        }
    }

    /// The work, for whoever does it: once. Its owner may take it back as long as nobody has.
    pub(super) fn take(&self) -> Option<W> {
        self.work.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Tells the owner that its work is done. The work itself must be gone by then: its owner may have lent it.
    pub(super) fn done(&self) {
        self.state.store(DONE, Ordering::Release);
        match &self.owner {
            Owner::Thread(thread) => thread.unpark(),
            Owner::Other(other) => other.done(),
        }
    }

    fn leads(this: &Arc<Self>) {
        this.state.store(LEADS, Ordering::Release);
        match &this.owner {
            Owner::Thread(thread) => thread.unpark(),
            Owner::Other(other) => other.lead(Arc::clone(this)),
        }
    }
}

/// The right to do the work. There is one at a time; dropping it hands it to the first in the line.
pub(super) struct Lead<'q, W> {
    queue: &'q Queue<W>,
}

impl<W> Lead<'_, W> {
    /// Takes the first from the line, if its work may be done together with work of `rank`. It can't leave any more, so its
    /// work is to be begun at once: taken ahead, it would wait without bound for one before it that waits for it.
    pub(super) fn take(&self, rank: u8) -> Option<Arc<Ticket<W>>> {
        let mut line = self.queue.line();
        line.waiting.pop_front_if(|first| !first.alone && first.rank <= rank)
    }

    /// Lets those who wait know that the line moves.
    pub(super) fn progress(&self) {
        let progress = &self.queue.progress;
        // Only who leads writes it.
        progress.store(progress.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
    }
}

impl<W> Drop for Lead<'_, W> {
    fn drop(&mut self) {
        let next = {
            let mut line = self.queue.line();
            let next = line.waiting.pop_front();
            line.led = next.is_some();
            next
        };
        if let Some(next) = next {
            Ticket::leads(&next);
        }
    }
}
