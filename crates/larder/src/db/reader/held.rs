//! Who is reading, to be looked at from outside while it goes on.

use super::thread;
use std::panic::Location;
use std::sync::atomic::{AtomicPtr, AtomicU64, Ordering, fence};

/// A note of whether a connection is in use, since when in its own counting, and by whom. Who has the connection writes it,
/// without a lock and without looking at a clock; who wants to know how long looks twice.
#[derive(Default)]
pub(super) struct Use {
    /// Odd while in use.
    sequence: AtomicU64,
    caller: AtomicPtr<Location<'static>>,
    thread: AtomicU64,
}

/// A read that is going on. One that was there a while ago with the same `slot` and `sequence` has lasted since then.
#[derive(Clone, Debug)]
pub(crate) struct Held {
    /// The number of its connection.
    pub(crate) slot: usize,
    /// Which use of the connection it is.
    pub(crate) sequence: u64,
    /// Where in the program the read was asked for.
    pub(crate) caller: &'static Location<'static>,
    /// The thread that reads: its name, or its number where it has none.
    pub(crate) thread: String,
}

/// A use that ends when this is dropped, also by a panic.
pub(super) struct Using<'u>(&'u Use);

impl Use {
    pub(super) fn begin(&self, caller: &'static Location<'static>, thread: u64) -> Using<'_> {
        // Who reads one of the two values below also sees that the use before is over.
        fence(Ordering::Release);
        self.caller.store(std::ptr::from_ref(caller).cast_mut(), Ordering::Relaxed);
        self.thread.store(thread, Ordering::Relaxed);
        self.step();
        Using(self)
    }

    /// Only who has the connection writes, so a load and a store are enough.
    fn step(&self) {
        self.sequence.store(self.sequence.load(Ordering::Relaxed).wrapping_add(1), Ordering::Release);
    }

    /// How often it was used, with now.
    pub(super) fn count(&self) -> u64 {
        self.sequence.load(Ordering::Relaxed).div_ceil(2)
    }

    /// The use that is going on. `slot` is what it is to be called.
    #[allow(
        unsafe_code,
        reason = "a reference can't be kept where other threads may look at it without a lock"
    )]
    pub(super) fn look(&self, slot: usize) -> Option<Held> {
        let sequence = self.sequence.load(Ordering::Acquire);
        let caller = self.caller.load(Ordering::Relaxed);
        let number = self.thread.load(Ordering::Relaxed);
        fence(Ordering::Acquire);
        if sequence.is_multiple_of(2) || self.sequence.load(Ordering::Relaxed) != sequence {
            return None;
        }
        // SAFETY: only `begin` writes it, from a reference that is good for ever; before that it is null.
        let caller = unsafe { caller.as_ref() }?;
        Some(Held { slot, sequence, caller, thread: thread::name(number) })
    }
}

impl Drop for Using<'_> {
    fn drop(&mut self) {
        self.0.step();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_use_is_seen_with_its_caller_and_thread_while_it_lasts_and_counted() {
        let used = Use::default();
        assert!(used.look(0).is_none());
        let here = Location::caller();
        let using = used.begin(here, thread::number());
        let seen = used.look(3).unwrap();
        assert_eq!((seen.slot, seen.sequence, seen.caller), (3, 1, here));
        assert_eq!(seen.thread, std::thread::current().name().unwrap());
        drop(using);
        assert!(used.look(0).is_none());
        let _again = used.begin(here, thread::number());
        assert_ne!(used.look(3).unwrap().sequence, seen.sequence);
        assert_eq!(used.count(), 2);
    }

    #[test]
    fn a_look_never_mixes_two_uses() {
        // Each thread number goes with one caller.
        let first = Location::caller();
        let callers = [first, Location::caller()];
        assert_ne!(callers[0], callers[1]);
        let used = Use::default();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for n in 0..200_000_usize {
                    drop(used.begin(callers[n % 2], 0));
                }
            });
            while used.count() < 200_000 {
                if let Some(held) = used.look(0) {
                    let which = usize::from(held.sequence % 4 == 3);
                    assert_eq!(held.caller, callers[which], "{held:?}");
                }
                std::hint::spin_loop();
            }
        });
    }
}
