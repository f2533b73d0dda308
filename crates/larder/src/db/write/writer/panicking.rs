//! A driver that panics, and values that panic when they are dropped: whom it meets, and what is left of it.

use super::Writer;
use crate::db::write::batch::engine::{Call, Engine, Fault, How};
use crate::driver::{Access, Connection, Dialect, Driver, Durability};
use crate::error::{ErrorKind, Result};
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::thread;

#[derive(Debug)]
struct Stub {
    engine: Engine,
    single: bool,
}

impl fmt::Display for Stub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a stub")
    }
}

impl Driver for Stub {
    fn dialect(&self) -> Dialect {
        Dialect::Sqlite
    }

    fn is_single(&self) -> bool {
        self.single
    }

    fn connect(&self, _: Access) -> Result<Box<dyn Connection>> {
        self.engine.reopen();
        Ok(Box::new(self.engine.clone()))
    }
}

fn writer(engine: &Engine, single: bool) -> Writer {
    let driver = Stub { engine: engine.clone(), single };
    let first = driver.connect(Access::Write).unwrap();
    Writer::new(Arc::new(driver), Some(first), std::time::Duration::MAX).unwrap()
}

fn fails(call: Call, nth: usize, how: How) -> Engine {
    Engine::with(Some(Fault { call, how, nth, always: false }))
}

/// Writes row 0 on one thread, as the leader, and has `other` done on another, which is in the line before the first is done.
fn beside<A: Send>(
    writer: &Writer,
    other: impl FnOnce() -> A + Send,
) -> (thread::Result<Result<u64>>, thread::Result<A>) {
    thread::scope(|scope| {
        let mut follower = None;
        let mut other = Some(other);
        let led = catch_unwind(AssertUnwindSafe(|| {
            writer.write(Durability::Normal, |tx| {
                // The line is what this thread stands before, so the other is let go from here.
                if let Some(other) = other.take() {
                    follower = Some(scope.spawn(other));
                    while writer.waiting() == 0 {
                        thread::yield_now();
                    }
                }
                tx.execute("add 0", &[])
            })
        }));
        (led, follower.unwrap().join())
    })
}

#[test]
fn after_a_panic_in_a_savepoint_writing_goes_on() {
    let calls = [Call::Savepoint, Call::Release];
    for (call, single) in calls.into_iter().flat_map(|call| [(call, false), (call, true)]) {
        let engine = fails(call, 0, How::Panics);
        let writer = writer(&engine, single);
        let (led, followed) =
            beside(&writer, || writer.write(Durability::Normal, |tx| tx.execute("add 1", &[])));
        assert!(led.is_err(), "the driver panicked in its thread");
        assert_eq!(followed.unwrap().unwrap_err().kind(), ErrorKind::UnknownOutcome);
        assert_eq!((engine.count(0), engine.count(1)), (0, 0));
        writer.write(Durability::Normal, |tx| tx.execute("add 2", &[])).unwrap();
        assert!(engine.is_idle());
        assert_eq!(engine.count(2), 1, "it was told that this is committed");
    }
}

#[test]
fn a_panic_in_the_commit_is_a_success_to_nobody() {
    let engine = fails(Call::Commit, 0, How::Panics);
    let writer = writer(&engine, false);
    let (led, followed) = beside(&writer, || writer.write(Durability::Normal, |tx| tx.execute("add 1", &[])));
    assert!(led.is_err());
    assert_eq!(followed.unwrap().unwrap_err().kind(), ErrorKind::UnknownOutcome);
    assert_eq!(engine.count(1), 0);
}

/// Who leads on for others has committed its own work already.
#[test]
fn a_panic_in_the_commit_of_others_does_not_meet_who_leads() {
    let engine = fails(Call::Commit, 1, How::Panics);
    let writer = writer(&engine, false);
    let (led, followed) = beside(&writer, || {
        // Durable: not to be done together with what is not.
        writer.write(Durability::Full, |tx| tx.execute("add 1", &[]))
    });
    assert_eq!(led.unwrap().unwrap(), 1);
    assert!(followed.is_err() || followed.unwrap().is_err());
    assert_eq!((engine.count(0), engine.count(1)), (1, 0));
}

struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        resume_unwind(Box::new("dropped"));
    }
}

#[test]
fn a_value_that_panics_when_dropped_meets_its_owner_only() {
    let engine = fails(Call::Commit, 0, How::Gone(ErrorKind::DiskFull));
    let writer = writer(&engine, false);
    let (led, followed) = beside(&writer, || {
        writer.write(Durability::Normal, |tx| {
            tx.execute("add 1", &[])?;
            Ok(Bomb)
        })
    });
    assert_eq!(led.unwrap().unwrap_err().kind(), ErrorKind::DiskFull);
    assert!(followed.is_err_and(|panic| panic.is::<&str>()));
}

/// Whose thread it runs on decides what work may ask of another database, so it stays on its own.
#[test]
fn what_is_inside_another_database_is_done_on_its_own_thread() {
    let (one, two) = (Engine::default(), Engine::default());
    let (one, two) = (writer(&one, false), writer(&two, false));
    let (led, followed) = beside(&one, || {
        two.write(Durability::Normal, |_| {
            one.write(Durability::Normal, |_| {
                two.write(Durability::Normal, |_| Ok(())).map_err(|error| {
                    assert_eq!(error.kind(), ErrorKind::Nested, "{error}");
                    error
                })
            })
        })
    });
    led.unwrap().unwrap();
    assert_eq!(followed.unwrap().unwrap_err().kind(), ErrorKind::Nested);
}
