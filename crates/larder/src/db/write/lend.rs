//! Standing in the line with work that lives on the waiting thread's stack.

use super::queue::{Lead, Owner, Queue, Ticket, Waited};
use super::sync::current;
use super::work::{Lent, Work};
use super::writer::Job;
use std::time::Duration;

/// How the line came to an end for who stood in it with work.
pub(super) enum Served<'q> {
    /// Another thread has done the work.
    Done,
    /// The work is untouched and is to be done now, by leading.
    Lead(Lead<'q, Job>),
    /// Nothing moved for too long. The work is untouched and nobody will touch it.
    Stalled,
}

/// Stands in the line with `work` until it is done, or its owner is to lead, or nothing moves for as long as `patience`.
#[allow(unsafe_code, reason = "the line can't name how long the work of each of those who wait in it lives")]
pub(super) fn stand<'q>(
    queue: &'q Queue<Job>,
    work: &mut dyn Work,
    rank: u8,
    patience: Duration,
) -> Served<'q> {
    /// Going on in another way than by returning would leave the work to others while its place is taken away.
    struct Stay;
    impl Drop for Stay {
        fn drop(&mut self) {
            std::process::abort();
        }
    }
    let stay = Stay;
    let lent: Box<dyn Work + '_> = Box::new(Lent(work));
    // SAFETY: only the lifetime changes. What was lent is used by nobody once this function has returned: it returns when
    // the ticket is done, which who took the work says only after dropping it (`Member`); or when the lead was handed
    // over or the line was left, and then nobody has taken it, and it is dropped here. It can't unwind.
    let lent = unsafe { std::mem::transmute::<Box<dyn Work + '_>, Box<dyn Work + 'static>>(lent) };
    let ticket = Ticket::with(lent, rank, Owner::Thread(current()));
    let waited = match queue.join(&ticket) {
        Some(lead) => Waited::Leads(lead),
        None => queue.wait(&ticket, patience),
    };
    let served = match waited {
        Waited::Done => Served::Done,
        Waited::Leads(lead) => {
            drop(ticket.take());
            Served::Lead(lead)
        }
        Waited::Stalled => {
            drop(ticket.take());
            Served::Stalled
        }
    };
    std::mem::forget(stay);
    served
}
