//! Who does what at once.

use crate::queue::{Owner, Queue, Ticket, Wake};
use crate::sync::Arc;
use crate::world::{FOR_EVER, ONCE, TWICE, World, Wrote};
use loom::thread;
use std::time::Instant;

/// Runs `scene` in every order of events in which no more than `preemptions` times a thread is stopped that could go on.
fn each_order(preemptions: usize, scene: impl Fn() + Send + Sync + 'static) {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(preemptions);
    model.check(scene);
}

/// Runs all of `callers` at once, the first on this thread, and gives how it ended for each and what is in the database.
fn together<const N: usize>(batches: usize, callers: [fn(&World) -> Wrote; N]) -> ([Wrote; N], Vec<usize>) {
    let world = World::new(batches);
    let mut callers = callers.into_iter();
    let first = callers.next().expect("a caller");
    let others: Vec<_> = callers
        .map(|caller| {
            let world = Arc::clone(&world);
            thread::spawn(move || caller(&world))
        })
        .collect();
    let mut wrote = vec![first(&world)];
    wrote.extend(others.into_iter().map(|other| other.join().expect("it ended well")));
    (wrote.try_into().expect("as many as callers"), world.end())
}

/// Each that was told so is there, once, and no other.
fn exactly(wrote: &[Wrote], mut rows: Vec<usize>) {
    rows.sort_unstable();
    let fine = (0..wrote.len()).filter(|caller| wrote[*caller] == Wrote::Fine);
    assert!(rows.into_iter().eq(fine), "{wrote:?}");
}

#[test]
fn two_write() {
    each_order(6, || {
        let (wrote, rows) = together(1, [|w| w.write(0, 0, FOR_EVER), |w| w.write(1, 0, FOR_EVER)]);
        exactly(&wrote, rows);
        assert_eq!(wrote, [Wrote::Fine; 2], "nobody has a reason to leave");
    });
}

#[test]
fn three_write() {
    each_order(3, || {
        let (wrote, rows) = together(
            1,
            [|w| w.write(0, 0, FOR_EVER), |w| w.write(1, 0, FOR_EVER), |w| w.write(2, 0, FOR_EVER)],
        );
        exactly(&wrote, rows);
        assert_eq!(wrote, [Wrote::Fine; 3]);
    });
}

#[test]
fn one_leads_on_for_others() {
    each_order(3, || {
        let (wrote, rows) = together(
            3,
            [|w| w.write(0, 0, FOR_EVER), |w| w.write(1, 1, FOR_EVER), |w| w.write(2, 0, FOR_EVER)],
        );
        exactly(&wrote, rows);
        assert_eq!(wrote, [Wrote::Fine; 3]);
    });
}

#[test]
fn one_of_two_loses_patience() {
    each_order(6, || {
        let (wrote, rows) = together(1, [|w| w.write(0, 0, TWICE), |w| w.write(1, 0, TWICE)]);
        exactly(&wrote, rows);
    });
}

#[test]
fn of_three_some_lose_patience() {
    each_order(3, || {
        let (wrote, rows) =
            together(1, [|w| w.write(0, 0, FOR_EVER), |w| w.write(1, 0, ONCE), |w| w.write(2, 0, ONCE)]);
        exactly(&wrote, rows);
        assert_eq!(wrote[0], Wrote::Fine);
    });
}

#[test]
fn one_is_alone() {
    each_order(3, || {
        let (wrote, rows) =
            together(2, [|w| w.write(0, 0, FOR_EVER), |w| w.with(1, FOR_EVER), |w| w.write(2, 0, FOR_EVER)]);
        exactly(&wrote, rows);
        assert_eq!(wrote, [Wrote::Fine; 3]);
    });
}

#[test]
fn who_is_alone_loses_patience() {
    each_order(3, || {
        let (wrote, rows) =
            together(1, [|w| w.with(0, ONCE), |w| w.with(1, ONCE), |w| w.write(2, 0, FOR_EVER)]);
        exactly(&wrote, rows);
        assert_eq!(wrote[2], Wrote::Fine);
    });
}

#[test]
fn four_write() {
    each_order(1, || {
        let (wrote, rows) = together(
            2,
            [
                |w| w.write(0, 0, FOR_EVER),
                |w| w.write(1, 0, FOR_EVER),
                |w| w.write(2, 1, FOR_EVER),
                |w| w.write(3, 0, ONCE),
            ],
        );
        exactly(&wrote, rows);
        assert_eq!(wrote[..3], [Wrote::Fine; 3]);
    });
}

#[test]
fn tasks_and_a_thread_write() {
    each_order(2, || {
        let (wrote, rows) =
            together(2, [|w| w.write(0, 1, FOR_EVER), |w| w.posted(1, false), |w| w.posted(2, false)]);
        exactly(&wrote, rows);
        assert_eq!(wrote, [Wrote::Fine; 3]);
    });
}

#[test]
fn a_task_is_dropped_at_any_moment() {
    each_order(2, || {
        let (wrote, rows) =
            together(2, [|w| w.write(0, 0, FOR_EVER), |w| w.posted(1, true), |w| w.write(2, 0, FOR_EVER)]);
        exactly(&wrote, rows);
        assert_eq!([wrote[0], wrote[2]], [Wrote::Fine; 2]);
    });
}

#[test]
fn the_lead_falls_to_a_task_that_is_dropped() {
    each_order(2, || {
        let (wrote, rows) =
            together(1, [|w| w.with(0, FOR_EVER), |w| w.posted(1, true), |w| w.posted(2, false)]);
        exactly(&wrote, rows);
        assert_eq!([wrote[0], wrote[2]], [Wrote::Fine; 2]);
    });
}

/// The line itself is no matter of threads: first come, first to lead.
#[test]
fn the_lead_goes_to_who_came_first() {
    struct Called(usize, Arc<loom::sync::Mutex<Vec<usize>>>);
    impl Wake<()> for Called {
        fn done(&self) {}
        fn lead(&self, _: Arc<Ticket<()>>) {
            self.1.lock().unwrap().push(self.0);
        }
        fn since(&self) -> Instant {
            unreachable!("nobody looks at the clock")
        }
    }
    each_order(0, || {
        let called = Arc::new(loom::sync::Mutex::new(Vec::new()));
        let queue = Queue::new();
        let lead = queue.try_lead().unwrap();
        let tickets: Vec<_> = (0..4)
            .map(|at| {
                Ticket::with((), at % 2, Owner::Other(Box::new(Called(at.into(), Arc::clone(&called)))))
            })
            .collect();
        assert!(tickets.iter().all(|ticket| queue.join(ticket).is_none()));
        assert!(queue.leave(&tickets[1]) && !queue.leave(&tickets[1]));
        drop(lead);
        for ticket in [&tickets[0], &tickets[2], &tickets[3]] {
            drop(queue.claim(ticket).expect("it is to lead"));
            assert!(queue.claim(ticket).is_none(), "the lead is there once");
        }
        assert_eq!(*called.lock().unwrap(), [0, 2, 3]);
    });
}
