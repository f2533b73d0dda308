//! One at a time, in the order in which they came.

use super::line::Line;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// A turn that one thread has at a time.
#[derive(Default)]
pub(super) struct Turns(Mutex<Taken>);

#[derive(Default)]
struct Taken {
    taken: bool,
    line: Line<()>,
}

/// The turn; dropping it gives it to the next.
pub(super) struct Turn<'t>(&'t Turns);

impl Turns {
    /// The turn; nothing when it is not had in time.
    pub(super) fn take(&self, until: Instant) -> Option<Turn<'_>> {
        let spot = {
            let mut taken = self.taken();
            if !std::mem::replace(&mut taken.taken, true) {
                return Some(Turn(self));
            }
            taken.line.join()
        };
        if spot.wait(until).is_some() || !self.taken().line.leave(&spot) {
            return Some(Turn(self));
        }
        None
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let next = {
            let mut taken = self.0.taken();
            let next = taken.line.call(()).ok();
            taken.taken = next.is_some();
            next
        };
        if let Some(next) = next {
            next.unpark();
        }
    }
}
