//! Waiting for what others hold, with a bound, and saying who they are.

use super::lookout::Lookout;
use super::{Running, session};
use crate::driver::{Connection, Dialect};
use crate::error::{Error, ErrorKind, Result};
use crate::migrate::report::Phase;
use std::time::{Duration, Instant};

impl Running<'_, '_> {
    /// Begins the transaction that holds all of a rehearsal.
    pub(super) fn begin_outermost(&mut self, connection: &mut dyn Connection) -> Result<()> {
        let terms = self.settings.terms;
        let process = self.patiently(|| session::begin(connection, terms))?;
        self.look_out(process);
        Ok(())
    }

    /// From now on somebody looks at who keeps the server's `process` waiting.
    pub(super) fn look_out(&mut self, process: Option<i64>) {
        let every = (self.settings.terms.lock_timeout / 2).max(Duration::from_millis(10));
        self.lookout = process.map(|process| Lookout::new(self.database.driver(), process, every));
    }

    /// Whether a migration that failed is tried again: it met what others hold or did, and there is time left. It waits
    /// before that, while nothing of it holds anybody up.
    pub(super) fn tries_again(&mut self, error: &Error) -> bool {
        let server = self.database.driver().dialect() == Dialect::Postgres;
        if !server || !matches!(error.kind(), ErrorKind::Busy | ErrorKind::Conflict) {
            return false;
        }
        let since = *self.blocked.get_or_insert_with(Instant::now);
        let left = self.settings.patience.saturating_sub(since.elapsed());
        if left.is_zero() || self.settings.stop.is_asked() {
            return false;
        }
        self.tell(Phase::Waiting);
        // Longer each time, and not in step with others.
        let pause = (since.elapsed() / 4).clamp(Duration::from_millis(50), Duration::from_secs(2));
        std::thread::sleep(pause.mul_f64(0.5 + fastrand::f64()).min(left));
        true
    }

    /// The error with who was in the way, where it was about that.
    pub(super) fn with_holder(&self, error: Error) -> Error {
        let who = self.lookout.as_ref().filter(|_| error.kind() == ErrorKind::Busy).and_then(Lookout::seen);
        match who {
            Some(who) => {
                let message = format!("{}: it is held by {who}", error.message());
                error.restated(error.kind(), message).with_cause(error)
            }
            None => error,
        }
    }

    /// Waits longer than other writes do: who is in the way may be another process that migrates, and that may take long.
    pub(super) fn patiently<T>(&mut self, mut attempt: impl FnMut() -> Result<T>) -> Result<T> {
        let until = Instant::now() + self.settings.patience;
        loop {
            self.check_stop()?;
            match attempt() {
                Err(error) if error.kind() == ErrorKind::Busy && Instant::now() < until => {
                    self.tell(Phase::Waiting);
                }
                result => return result,
            }
        }
    }
}
