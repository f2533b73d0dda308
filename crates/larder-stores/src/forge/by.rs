//! Who acts, and by which clock: what every change needs to know.

use super::name::is_unseen;
use super::trail::TRAIL;
use crate::audit;
use crate::clock::{self, Clock, SystemClock};
use jiff::Timestamp;
use larder::{Error, ErrorKind, ReadTx, Result, WriteTx};
use std::fmt;

/// The name of an actor has at most so many bytes.
const LONGEST: usize = 500;

/// Who makes a change, and by which clock. Every function that changes something takes it, and the trail keeps it.
#[derive(Clone, Copy)]
pub struct By<'a> {
    /// Who: a person, a service, `user@host`. For a lease, its holder. Of at most 500 bytes, without control characters, and
    /// without a blank at its ends. It is what the program says, and no proof: that is for who calls to have checked.
    pub actor: &'a str,
    clock: &'a dyn Clock,
}

impl<'a> By<'a> {
    /// `actor`, by the clock of this machine; for leases on PostgreSQL, by that of the server.
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

    /// The time of a change, before which it is seen to that the trail can say who made it: nothing is changed by nobody, also
    /// where the caller passes over the error. It comes before all that the change looks at: each change appends to the trail,
    /// so on an engine with many writers they take turns there, and who has his turn sees what the one before him did.
    pub(super) fn change(&self, tx: &mut WriteTx<'_>) -> Result<Timestamp> {
        self.take_turn(tx)?;
        Ok(self.now())
    }

    /// As [`change`](Self::change), for who judges a lease: by the clock on which all agree who can have it.
    pub(super) fn judge(&self, tx: &mut WriteTx<'_>) -> Result<Timestamp> {
        self.take_turn(tx)?;
        self.agreed(tx)
    }

    /// The time by which leases are judged.
    pub(super) fn agreed(&self, tx: &mut ReadTx<'_>) -> Result<Timestamp> {
        clock::agreed(tx, self.clock)
    }

    fn take_turn(&self, tx: &mut WriteTx<'_>) -> Result<()> {
        check_actor(self.actor).map_err(|reason| {
            Error::new(ErrorKind::Parameter, reason).with_help("name a person, a service, or user@host")
        })?;
        audit::take_turn(tx, &TRAIL)
    }
}

/// Whether somebody is named whom a trail and a terminal can show.
pub(super) fn check_actor(actor: &str) -> std::result::Result<(), &'static str> {
    if actor.trim().is_empty() {
        Err("nobody is named as the actor")
    } else if actor.len() > LONGEST {
        Err("the name of the actor has more than 500 bytes")
    } else if actor.trim() != actor {
        Err("the name of the actor begins or ends with a blank")
    } else if actor.chars().any(is_unseen) {
        Err("the name of the actor has a control character")
    } else {
        Ok(())
    }
}

impl fmt::Debug for By<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("By").field("actor", &self.actor).finish_non_exhaustive()
    }
}
