//! Whether what failed is done again, and when.

use super::gate::Closed;
use super::lent::Fate;
use super::turn::Turn;
use super::{Pool, jittered};
use crate::error::{Error, ErrorKind, Result};
use std::time::{Duration, Instant};

/// So often a write is run again because the server went away. Once is enough where the others that may be broken too are
/// asked before they are used; a second time where the server goes away while it comes back.
const LOSSES: u32 = 2;

/// The attempts at one piece of work.
pub(super) struct Effort<'p> {
    pool: &'p Pool,
    conflicts: u32,
    /// When others came in between for the first time.
    since: Option<Instant>,
    losses: u32,
    /// Held from the third attempt on: whoever writes anew waits a little. It is opened before the turn is given on.
    alone: Option<Closed<'p>>,
    /// Held from the second attempt on: of all those that others came in between of, one goes at a time, so that they do not
    /// come in between of each other again and again.
    turn: Option<Turn<'p>>,
}

impl<'p> Effort<'p> {
    pub(super) fn new(pool: &'p Pool) -> Self {
        Self { pool, conflicts: 0, since: None, losses: 0, alone: None, turn: None }
    }

    /// Waits until it may be tried again; gives the error where it may not. Nothing that was tried is in force: of what
    /// failed with an unknown outcome that can't be said, and so it is never done again.
    pub(super) fn again(&mut self, error: Error, fate: Fate) -> Result<()> {
        if is_in(&error, ErrorKind::UnknownOutcome) {
            return Err(error);
        }
        if is_in(&error, ErrorKind::Conflict) && fate != Fate::Lost {
            self.conflict(error)?;
        } else if (is_in(&error, ErrorKind::Unavailable) && fate == Fate::Lost) || fate == Fate::Demoted {
            self.losses += 1;
            if self.losses > LOSSES {
                return Err(error);
            }
        } else {
            return Err(error);
        }
        self.pool.count.rerun();
        Ok(())
    }

    fn conflict(&mut self, error: Error) -> Result<()> {
        const SHORTEST: Duration = Duration::from_millis(1);
        const DOUBLINGS: u32 = 6;
        let patience = self.pool.limits.retry_for;
        let until = *self.since.get_or_insert_with(Instant::now) + patience;
        self.conflicts += 1;
        if self.turn.is_none() {
            self.turn = self.pool.retrying.take(until);
            if self.turn.is_some() && Instant::now() < until {
                return Ok(());
            }
        } else if Instant::now() < until {
            // Others of this process wait; it is another one that came in between, or one that had begun already.
            self.alone.get_or_insert_with(|| self.pool.gate.close());
            let doublings = self.conflicts.saturating_sub(2).min(DOUBLINGS);
            std::thread::sleep(jittered(SHORTEST * 2_u32.pow(doublings)));
            return Ok(());
        }
        Err(self.give_up(error))
    }

    fn give_up(&self, error: Error) -> Error {
        if error.kind() != ErrorKind::Conflict {
            // The application has said it in its own words.
            return error;
        }
        let message = format!(
            "transactions of others came in between in each of {} attempts within {} ms",
            self.conflicts,
            self.pool.limits.retry_for.as_millis()
        );
        Error::new(ErrorKind::Conflict, message)
            .with_help(
                "keep what is done inside `write` short, and let it read no more than it needs; or try for longer, by \
                 `Options::retry_for`",
            )
            .with_cause(error)
    }
}

/// Whether an error, or one that it was made of, is of that kind: a closure may have put the error of a statement into one of
/// its own.
fn is_in(error: &Error, kind: ErrorKind) -> bool {
    let mut next: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = next {
        if error.downcast_ref::<Error>().is_some_and(|error| error.kind() == kind) {
            return true;
        }
        next = error.source();
    }
    false
}
