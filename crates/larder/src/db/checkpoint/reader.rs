//! Who reads for so long that the log can't be moved?

use crate::db::log_holder::Process;
use crate::db::reader::Held;
use serde::Serialize;
use std::fmt;
use std::time::{Duration, Instant};

/// One who reads, and keeps the write-ahead log from being moved into the file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct LongRead {
    /// Where in this program the read was asked for, as `file:line:column`; or the other process, by its program and number.
    pub place: String,
    /// The thread of this program that reads; `None` for another process.
    pub thread: Option<String>,
    /// For how long it has been seen, which is a little less than for how long it has been there.
    pub lasting: Duration,
}

impl fmt::Display for LongRead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.place)?;
        match &self.thread {
            Some(thread) => write!(f, ", thread {thread}"),
            None => Ok(()),
        }
    }
}

/// The reads that were seen, and since when.
#[derive(Debug, Default)]
pub(super) struct Watch {
    seen: Vec<Seen>,
    last: Option<Instant>,
}

#[derive(Debug)]
struct Seen {
    who: Who,
    read: LongRead,
    since: Instant,
    told: bool,
}

/// What tells one read from the next by the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Who {
    Here {
        slot: usize,
        sequence: u64,
    },
    Process(u32),
    /// Another process, of which the system tells no more.
    Unknown,
}

impl Watch {
    /// True when the last look was long enough ago.
    pub(super) fn is_due(&self, now: Instant, pause: Duration) -> bool {
        self.last.is_none_or(|last| now.saturating_duration_since(last) >= pause)
    }

    /// Notes who reads at this moment; gives those who have been doing so for `long` and were not given before.
    ///
    /// `elsewhere` is asked for other processes when nobody here has been seen before.
    pub(super) fn look(
        &mut self,
        now: Instant,
        long: Duration,
        here: Vec<Held>,
        elsewhere: impl FnOnce() -> Option<Vec<Process>>,
    ) -> Vec<LongRead> {
        self.last = Some(now);
        let mut found: Vec<(Who, String, Option<String>)> = here
            .into_iter()
            .map(|held| {
                let who = Who::Here { slot: held.slot, sequence: held.sequence };
                (who, held.caller.to_string(), Some(held.thread))
            })
            .collect();
        if !found.iter().any(|(who, ..)| self.seen.iter().any(|seen| seen.who == *who)) {
            match elsewhere() {
                Some(processes) => {
                    found.extend(processes.into_iter().map(|it| (Who::Process(it.id), it.to_string(), None)));
                }
                None if found.is_empty() => found.push((Who::Unknown, "another process".into(), None)),
                None => {}
            }
        }
        self.seen.retain(|seen| found.iter().any(|(who, ..)| *who == seen.who));
        for (who, place, thread) in found {
            match self.seen.iter_mut().find(|seen| seen.who == who) {
                Some(seen) => seen.read.lasting = now.saturating_duration_since(seen.since),
                None => {
                    let read = LongRead { place, thread, lasting: Duration::ZERO };
                    self.seen.push(Seen { who, read, since: now, told: false });
                }
            }
        }
        let due = self.seen.iter_mut().filter(|seen| !seen.told && seen.read.lasting >= long);
        due.map(|seen| {
            seen.told = true;
            seen.read.clone()
        })
        .collect()
    }

    /// Nobody is in the way any more.
    pub(super) fn clear(&mut self) {
        self.seen.clear();
    }

    /// Those who have read for `long`.
    pub(super) fn long(&self, long: Duration) -> Vec<LongRead> {
        self.seen.iter().filter(|seen| seen.read.lasting >= long).map(|seen| seen.read.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::panic::Location;

    const LONG: Duration = Duration::from_secs(5);

    fn held(slot: usize, sequence: u64) -> Held {
        Held { slot, sequence, caller: Location::caller(), thread: "reporter".into() }
    }

    fn nobody() -> Option<Vec<Process>> {
        Some(Vec::new())
    }

    #[test]
    fn a_read_is_told_of_once_when_it_has_lasted_and_is_no_more_when_it_is_over() {
        let mut watch = Watch::default();
        let begun = Instant::now();
        let at = |seconds| begun + Duration::from_secs(seconds);
        assert!(watch.look(at(0), LONG, vec![held(0, 1), held(1, 7)], nobody).is_empty());
        // The second slot has gone on to another read.
        assert!(watch.look(at(4), LONG, vec![held(0, 1), held(1, 9)], nobody).is_empty());
        let told = watch.look(at(5), LONG, vec![held(0, 1), held(1, 9)], nobody);
        assert_eq!(told.len(), 1);
        assert_eq!((told[0].thread.as_deref(), told[0].lasting), (Some("reporter"), LONG));
        assert!(told[0].to_string().contains("reader.rs"), "{}", told[0]);
        assert!(watch.look(at(6), LONG, vec![held(0, 1)], nobody).is_empty());
        assert_eq!(watch.long(LONG).len(), 1);
        assert!(watch.look(at(7), LONG, Vec::new(), nobody).is_empty());
        assert!(watch.long(LONG).is_empty());
    }

    #[test]
    fn another_process_is_named_where_the_system_tells_and_else_not() {
        for (process, place) in [(Some(42), "backup (process 42)"), (None, "another process")] {
            let elsewhere = || process.map(|id| vec![Process { id, name: "backup".into() }]);
            let mut watch = Watch::default();
            let begun = Instant::now();
            assert!(watch.look(begun, LONG, Vec::new(), elsewhere).is_empty());
            let told = watch.look(begun + LONG, LONG, vec![held(0, 3)], elsewhere);
            match process {
                Some(_) => assert_eq!((told[0].place.as_str(), &told[0].thread), (place, &None)),
                // Somebody reads here, if not for long: it may be he.
                None => assert!(told.is_empty()),
            }
        }
    }
}
