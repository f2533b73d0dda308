//! One of several tasks of an async runtime that write at once. Which runtime is up to the worker, who starts the tasks
//! and puts their meters together.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::write::Try;
use crate::{Clock, Meter, Outcome, Random, data};

/// One task of a round: each operation commits one row of [`data::EVENTS`].
#[derive(Debug, Clone)]
pub struct Turn {
    /// The task's share of the round.
    pub clock: Clock,
    /// Which round it is.
    pub round: u64,
    /// Which of the tasks it is, from 0.
    pub number: u64,
    /// How often a try ended with "database is locked", of all tasks together.
    pub busy: Arc<AtomicU64>,
}

impl Turn {
    /// Operations one after another, each timed, for as long as the clock says. `write` inserts a text; what was busy is
    /// tried again within the time of the same operation.
    ///
    /// # Errors
    /// The first that `write` returned.
    pub async fn rows<W, O>(self, mut write: W) -> Outcome<Meter>
    where
        W: FnMut(Arc<str>) -> O,
        O: Future<Output = Outcome<Try>>,
    {
        let mut random = Random::new(self.round * 1000 + self.number);
        let mut meter = self.clock.start(1);
        while meter.more() {
            let body: Arc<str> = data::event_body(&mut random).into();
            while write(Arc::clone(&body)).await? == Try::Busy {
                self.busy.fetch_add(1, Ordering::Relaxed);
            }
        }
        Ok(meter)
    }
}

#[cfg(test)]
mod tests {
    use std::future::{poll_fn, ready};
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};
    use std::time::Duration;

    use super::*;

    fn turn() -> Turn {
        let clock = Clock { ops: Some(3), budget: Duration::ZERO };
        Turn { clock, round: 1, number: 0, busy: Arc::default() }
    }

    fn finished<T>(future: impl Future<Output = T>) -> Option<T> {
        match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(output) => Some(output),
            Poll::Pending => None,
        }
    }

    #[test]
    fn what_was_busy_is_tried_again_with_the_same_text_and_counted() {
        let (turn, mut tries) = (turn(), Vec::new());
        let busy = Arc::clone(&turn.busy);
        let meter = finished(turn.rows(|body| {
            tries.push(body);
            ready(Ok(if tries.len() % 2 == 1 { Try::Busy } else { Try::Done }))
        }));
        assert_eq!(Meter::together(vec![meter.unwrap().unwrap()]).ops, 3);
        assert_eq!((tries.len(), busy.load(Ordering::Relaxed)), (6, 3));
        assert!(tries.chunks(2).all(|pair| pair[0] == pair[1]), "{tries:?}");
    }

    #[test]
    fn a_task_waits_for_its_operation_and_hands_on_its_fault() {
        assert!(finished(turn().rows(|_| poll_fn(|_| Poll::<Outcome<Try>>::Pending))).is_none());
        let fault = finished(turn().rows(|_| ready(Err("broken".into())))).unwrap().unwrap_err();
        assert_eq!(fault.to_string(), "broken");
    }
}
