//! Who acts, and by which clock: what every change needs to know.

use crate::clock::{Clock, SystemClock};
use jiff::Timestamp;
use std::fmt;

/// Who makes a change, and by which clock. Every function that changes something takes it, and the trail keeps it.
#[derive(Clone, Copy)]
pub struct By<'a> {
    /// Who: a person, a service, `user@host`. For a lease, its holder.
    pub actor: &'a str,
    clock: &'a dyn Clock,
}

impl<'a> By<'a> {
    /// `actor`, by the clock of this machine.
    pub const fn new(actor: &'a str) -> Self {
        Self { actor, clock: &SystemClock }
    }

    /// The same, by another clock.
    #[must_use]
    pub fn clock(self, clock: &'a dyn Clock) -> Self {
        Self { clock, ..self }
    }

    /// The time now.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }
}

impl fmt::Debug for By<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("By").field("actor", &self.actor).finish_non_exhaustive()
    }
}
