//! Rounds of threads that write, whatever they write through.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::{Ledger, Outcome, Random, Round, Task, data};

/// How one try of a transaction ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Try {
    /// Committed.
    Done,
    /// "Database is locked": counted as `busy`, and tried again within the time of the same operation.
    Busy,
}

/// Each operation commits one row of [`data::EVENTS`]. `writer` gives a thread of that number what inserts a text;
/// `count` returns how many rows there are, by [`data::COUNT_EVENTS`].
///
/// # Errors
/// When the task does not say how many threads.
pub fn rows<W>(
    task: &Task,
    writer: impl Fn(i64) -> Outcome<W> + Sync + 'static,
    count: impl Fn() -> Outcome<i64> + 'static,
) -> Outcome<Round>
where
    W: FnMut(&str) -> Outcome<Try>,
{
    rounds(
        task,
        data::event_body,
        move |thread| {
            let mut write = writer(thread)?;
            Ok(move |body: &String| write(body))
        },
        count,
    )
}

/// Each operation reads one number of [`data::COUNTERS`] and writes it back one larger, in one transaction. `writer`
/// gives what does that to the number with a key; `sum` returns the sum of all, by [`data::SUM_COUNTERS`].
///
/// # Errors
/// When the task does not say how many threads.
pub fn counters<W>(
    task: &Task,
    writer: impl Fn() -> Outcome<W> + Sync + 'static,
    sum: impl Fn() -> Outcome<i64> + 'static,
) -> Outcome<Round>
where
    W: FnMut(i64) -> Outcome<Try>,
{
    let key = |random: &mut Random| random.key(data::COUNTERS_ROWS);
    rounds(
        task,
        key,
        move |_| {
            let mut write = writer()?;
            Ok(move |key: &i64| write(*key))
        },
        sum,
    )
}

/// Each operation makes up a value and tries to write it until that is done.
fn rounds<V, W>(
    task: &Task,
    value: impl Fn(&mut Random) -> V + Sync + 'static,
    writer: impl Fn(i64) -> Outcome<W> + Sync + 'static,
    count: impl Fn() -> Outcome<i64> + 'static,
) -> Outcome<Round>
where
    W: FnMut(&V) -> Outcome<Try>,
{
    let crowd = task.crowd()?;
    let mut ledger = Ledger::default();
    let mut round = 0;
    Ok(Box::new(move || {
        round += 1;
        let busy = AtomicU64::new(0);
        let sample = crowd.run(|thread| {
            let (mut write, value, busy) = (writer(i64::try_from(thread)?)?, &value, &busy);
            let mut random = Random::new(round * 1000 + thread);
            Ok(move || {
                let value = value(&mut random);
                while write(&value)? == Try::Busy {
                    busy.fetch_add(1, Ordering::Relaxed);
                }
                Ok(())
            })
        })?;
        ledger.check(sample.with_count("busy", busy.into_inner()), count()?)
    }))
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    fn task() -> Task {
        Task::from_arguments(["a", "write", "threads=3", "ops=9"].map(str::to_owned).into_iter()).unwrap()
    }

    #[test]
    fn what_was_busy_is_tried_again_with_the_same_text_and_counted() {
        let written = Arc::new(Mutex::new(Vec::new()));
        let (here, there) = (Arc::clone(&written), Arc::clone(&written));
        let mut round = rows(
            &task(),
            move |_| {
                let (written, mut refused) = (Arc::clone(&here), None);
                Ok(move |body: &str| {
                    if refused.take().is_none_or(|before| before != body) {
                        refused = Some(body.to_owned());
                        return Ok(Try::Busy);
                    }
                    written.lock().unwrap().push(body.to_owned());
                    Ok(Try::Done)
                })
            },
            move || Ok(there.lock().unwrap().len() as i64),
        )
        .unwrap();
        let sample = round().unwrap();
        assert_eq!((sample.ops, sample.counts), (9, vec![("busy", 9)]));
        assert_eq!(round().unwrap().ops, 9, "the ledger holds both rounds");
        assert_eq!(written.lock().unwrap().len(), 18);
    }

    #[test]
    fn a_lost_write_fails_the_round() {
        let mut round = counters(&task(), || Ok(|_| Ok(Try::Done)), || Ok(8)).unwrap();
        assert!(round().is_err());
    }
}
