//! What the writer does with the line, on a database that tells when two use it at once.

use crate::queue::{Lead, Owner, Queue, Ticket, Waited, Wake};
use crate::sync::{Arc, Thread, current};
use loom::cell::Cell;
use loom::sync::atomic::{AtomicUsize, Ordering};
use loom::thread::{JoinHandle, spawn};
use std::cell::RefCell;
use std::time::{Duration, Instant};

/// How many may take part in one world.
const MOST: usize = 4;

std::thread_local! {
    /// Where the stand-ins of tasks find it. Loom runs all threads of a scene on one.
    static WORLD: RefCell<Option<Arc<World>>> = const { RefCell::new(None) };
}

pub(crate) const FOR_EVER: Duration = Duration::ZERO;
/// The time is up once, at any moment.
pub(crate) const ONCE: Duration = Duration::from_secs(1);
pub(crate) const TWICE: Duration = Duration::from_secs(2);

/// One line and what it is before.
pub(crate) struct World {
    pub(crate) queue: Queue<Job>,
    /// The rows that are written and those that are committed. Loom sees when two use it and neither knows of the other.
    database: Cell<Rows>,
    /// How often each caller's work was committed, for its eyes.
    committed: [AtomicUsize; MOST],
    /// How many transactions one who leads makes at most: after its own, of others only.
    batches: usize,
    /// Those that lead, or have led, in place of a task.
    stand_ins: std::sync::Mutex<Vec<JoinHandle<()>>>,
}

#[derive(Default)]
struct Rows {
    written: Vec<usize>,
    committed: Vec<usize>,
}

/// What a caller's stack holds while it waits, and others use meanwhile.
struct Place {
    caller: usize,
    runs: Cell<usize>,
}

/// Work that was lent: as long as it lives its owner must not go on.
pub(crate) struct Job {
    place: Arc<Place>,
}

impl Place {
    fn of(caller: usize) -> Arc<Self> {
        Arc::new(Self { caller, runs: Cell::new(0) })
    }

    /// Counts as a use: it writes.
    fn runs(&self) -> usize {
        self.runs.replace(self.runs.get())
    }
}

impl Job {
    fn run(&self, world: &World) {
        self.place.runs.set(self.place.runs.get() + 1);
        world.database(|rows| rows.written.push(self.place.caller));
    }
}

impl Drop for Job {
    fn drop(&mut self) {
        // The stack that it stands on is used to the last, and its owner may not use it yet.
        if !std::thread::panicking() {
            self.place.runs();
        }
    }
}

/// How a write ended for its caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wrote {
    Fine,
    Stalled,
}

impl World {
    pub(crate) fn new(batches: usize) -> Arc<Self> {
        let world = Arc::new(Self {
            queue: Queue::new(),
            database: Cell::new(Rows::default()),
            committed: std::array::from_fn(|_| AtomicUsize::new(0)),
            batches,
            stand_ins: std::sync::Mutex::default(),
        });
        WORLD.set(Some(Arc::clone(&world)));
        world
    }

    fn database<T>(&self, f: impl FnOnce(&mut Rows) -> T) -> T {
        let mut rows = self.database.take();
        let result = f(&mut rows);
        self.database.set(rows);
        result
    }

    /// Lends work and waits; leads where it is its turn.
    pub(crate) fn write(&self, caller: usize, rank: u8, patience: Duration) -> Wrote {
        let place = Place::of(caller);
        let lead = match self.queue.try_lead() {
            Some(lead) => Some(lead),
            None => {
                let ticket = Ticket::with(Job { place: Arc::clone(&place) }, rank, Owner::Thread(current()));
                let waited = match self.queue.join(&ticket) {
                    Some(lead) => Waited::Leads(lead),
                    None => self.queue.wait(&ticket, patience),
                };
                match waited {
                    Waited::Done => None,
                    Waited::Leads(lead) => {
                        drop(ticket.take().expect("the work of who is to lead is untouched"));
                        Some(lead)
                    }
                    Waited::Stalled => {
                        drop(ticket.take().expect("the work of who left is untouched"));
                        return self.stalled(&place);
                    }
                }
            }
        };
        if let Some(lead) = lead {
            self.lead(lead, Job { place: Arc::clone(&place) }, rank);
        }
        assert_eq!(place.runs(), 1, "the work of {caller}");
        self.acknowledge(caller);
        Wrote::Fine
    }

    /// Uses the database alone.
    pub(crate) fn with(&self, caller: usize, patience: Duration) -> Wrote {
        let lead = match self.queue.try_lead() {
            Some(lead) => lead,
            None => {
                let ticket = Ticket::alone();
                let waited = match self.queue.join(&ticket) {
                    Some(lead) => Waited::Leads(lead),
                    None => self.queue.wait(&ticket, patience),
                };
                match waited {
                    Waited::Leads(lead) => lead,
                    Waited::Stalled => return Wrote::Stalled,
                    Waited::Done => panic!("the turn of {caller} was taken by another"),
                }
            }
        };
        self.database(|rows| rows.committed.push(caller));
        lead.progress();
        Wrote::Fine
    }

    /// A task stands in the line. One that is `dropped` takes its work back at any moment, if nobody has begun it.
    pub(crate) fn posted(&self, caller: usize, dropped: bool) -> Wrote {
        let place = Place::of(caller);
        let done = Arc::new(AtomicUsize::new(0));
        let owner = Task { done: Arc::clone(&done), thread: current() };
        let ticket = Ticket::with(Job { place: Arc::clone(&place) }, 0, Owner::Other(Box::new(owner)));
        self.queue.post(&ticket);
        if dropped && let Some(job) = ticket.take() {
            self.queue.leave(&ticket);
            drop(job);
            return self.stalled(&place);
        }
        while done.load(Ordering::Acquire) == 0 {
            current().park();
        }
        assert_eq!(place.runs(), 1, "the work of {caller}");
        self.acknowledge(caller);
        Wrote::Fine
    }

    /// Leads in place of a task.
    fn lead_for(&self, ticket: &Arc<Ticket<Job>>) {
        let lead = self.queue.claim(ticket).expect("the lead was handed over, to one");
        // Where its owner took the work back the lead goes on to the next.
        let Some(own) = ticket.take() else { return };
        let mut members = self.batch(&lead, own, ticket.rank);
        members.push(Arc::clone(ticket));
        drop(lead);
        tell(members);
    }

    /// Leads: its own work and that of those who wait, one commit; then as many more as `batches`; then the next leads.
    fn lead(&self, lead: Lead<'_, Job>, own: Job, rank: u8) {
        let mut members = self.batch(&lead, own, rank);
        for _ in 1..self.batches {
            let Some(next) = lead.take(u8::MAX) else { break };
            tell(std::mem::take(&mut members));
            members = Vec::new();
            let Some(own) = next.take() else { continue };
            members = self.batch(&lead, own, next.rank);
            members.push(next);
        }
        drop(lead);
        tell(members);
    }

    fn batch(&self, lead: &Lead<'_, Job>, own: Job, rank: u8) -> Vec<Arc<Ticket<Job>>> {
        own.run(self);
        lead.progress();
        let mut members = Vec::new();
        while let Some(ticket) = lead.take(rank) {
            assert!(ticket.rank <= rank, "work that needs more than it gets");
            // What its owner took back is passed over.
            let Some(work) = ticket.take() else { continue };
            work.run(self);
            lead.progress();
            // What was lent goes back before its owner is told.
            drop(work);
            members.push(ticket);
        }
        self.database(|rows| {
            for caller in rows.written.drain(..) {
                self.committed[caller].fetch_add(1, Ordering::Relaxed);
                rows.committed.push(caller);
            }
        });
        members
    }

    /// `Ok`, to the caller: then it is committed, and once.
    fn acknowledge(&self, caller: usize) {
        assert_eq!(
            self.committed[caller].load(Ordering::Relaxed),
            1,
            "{caller} was told that it is committed"
        );
    }

    fn stand_in(&self) -> Option<JoinHandle<()>> {
        self.stand_ins.lock().unwrap().pop()
    }

    fn stalled(&self, place: &Place) -> Wrote {
        assert_eq!(place.runs(), 0, "who left has its work done all the same");
        Wrote::Stalled
    }

    /// When all have gone: what is there, in the order in which it came. Nobody leads and nobody waits.
    pub(crate) fn end(&self) -> Vec<usize> {
        while let Some(stand_in) = self.stand_in() {
            stand_in.join().expect("it led well");
        }
        WORLD.set(None);
        assert_eq!(self.queue.waiting(), 0);
        drop(self.queue.try_lead().expect("nobody leads"));
        self.database(|rows| {
            assert!(rows.written.is_empty(), "what was written was not committed");
            rows.committed.clone()
        })
    }
}

fn tell(members: Vec<Arc<Ticket<Job>>>) {
    for member in members {
        member.done();
    }
}

/// A task, which a thread stands for.
struct Task {
    done: Arc<AtomicUsize>,
    thread: Thread,
}

impl Wake<Job> for Task {
    fn done(&self) {
        self.done.store(1, Ordering::Release);
        self.thread.unpark();
    }

    fn lead(&self, ticket: Arc<Ticket<Job>>) {
        let world = WORLD.with_borrow(|world| Arc::clone(world.as_ref().expect("a world")));
        let stand_in = spawn({
            let world = Arc::clone(&world);
            move || world.lead_for(&ticket)
        });
        world.stand_ins.lock().unwrap().push(stand_in);
    }

    fn since(&self) -> Instant {
        unreachable!("nobody looks at the clock")
    }
}
