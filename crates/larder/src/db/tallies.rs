//! The tallies of many connections, as one.

use crate::driver::{Connection, Counts, Tally};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What the connections of a handle have counted, also those that are closed.
#[derive(Default)]
pub(super) struct Tallies(Mutex<All>);

#[derive(Default)]
struct All {
    live: Vec<Arc<Tally>>,
    past: Counts,
}

impl Tallies {
    /// Counts this one too from now on.
    pub(super) fn add(&self, connection: &dyn Connection) {
        let mut all = self.all();
        all.fold();
        all.live.push(Arc::clone(connection.tally()));
    }

    /// All together.
    pub(super) fn counts(&self) -> Counts {
        let mut all = self.all();
        all.fold();
        let mut counts = all.past;
        for tally in &all.live {
            counts += tally.counts();
        }
        counts
    }

    fn all(&self) -> MutexGuard<'_, All> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl All {
    /// Keeps no tally whose connection is gone.
    fn fold(&mut self) {
        let past = &mut self.past;
        self.live.retain(|tally| {
            let lives = Arc::strong_count(tally) > 1;
            if !lives {
                *past += tally.counts();
            }
            lives
        });
    }
}
