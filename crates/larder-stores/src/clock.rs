//! What time it is.

use jiff::{SignedDuration, Timestamp};
use larder::sql::text::Dialect;
use larder::{ReadTx, Result};
use std::sync::{Mutex, PoisonError};

/// Tells the time. Leases are judged by it, and changes are dated by it.
///
/// It is asked inside the transaction, when the lock for writing is held already: who had to wait for that gets the time
/// after the wait, and never judges a lease by an older one.
pub trait Clock: Sync {
    /// The time now. Digits below a microsecond are not kept.
    fn now(&self) -> Timestamp;

    /// True for the clock of this machine. Where a server has the database, leases are judged by the server's clock instead:
    /// machines that share leases have to agree about the time.
    fn is_of_machine(&self) -> bool {
        false
    }
}

/// The clock of this machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn is_of_machine(&self) -> bool {
        true
    }
}

/// The time now, and not that of the transaction's beginning. Only for PostgreSQL: a file's database has no clock of its own.
pub(crate) const SERVER: &str = "SELECT clock_timestamp()";

/// The time by `clock`, or by the server's where that is to be asked instead.
pub(crate) fn agreed(tx: &mut ReadTx<'_>, clock: &dyn Clock) -> Result<Timestamp> {
    match tx.dialect() {
        Dialect::Postgres if clock.is_of_machine() => tx.query_one(SERVER, &[]),
        _ => Ok(clock.now()),
    }
}

/// A clock that stands still until it is moved: for tests.
///
/// ```
/// use larder_stores::{Clock, ManualClock};
///
/// let clock = ManualClock::at("2026-01-31T09:30:00Z".parse()?);
/// clock.advance(jiff::SignedDuration::from_hours(72));
/// assert_eq!(clock.now().to_string(), "2026-02-03T09:30:00Z");
/// # Ok::<_, jiff::Error>(())
/// ```
#[derive(Debug)]
pub struct ManualClock {
    now: Mutex<Timestamp>,
}

impl ManualClock {
    /// A clock that shows `now`.
    pub fn at(now: Timestamp) -> Self {
        Self { now: Mutex::new(now) }
    }

    /// Moves it by `time`, back where that is negative; it stops at the ends of time. Gives what it shows then.
    pub fn advance(&self, time: SignedDuration) -> Timestamp {
        let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        let end = if time.is_negative() { Timestamp::MIN } else { Timestamp::MAX };
        *now = now.checked_add(time).unwrap_or(end);
        *now
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        *self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
