//! Numbers for threads, and their names by number.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

thread_local! {
    static ME: Me = Me::new();
}

struct Me {
    number: u64,
}

impl Me {
    fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let thread = std::thread::current();
        let name = thread.name().map_or_else(|| format!("{:?}", thread.id()), str::to_owned);
        names().insert(number, name);
        Self { number }
    }
}

impl Drop for Me {
    fn drop(&mut self) {
        names().remove(&self.number);
    }
}

fn names() -> MutexGuard<'static, HashMap<u64, String>> {
    static NAMES: OnceLock<Mutex<HashMap<u64, String>>> = OnceLock::new();
    NAMES.get_or_init(Mutex::default).lock().unwrap_or_else(PoisonError::into_inner)
}

/// The number of the running thread, from 1 on; 0 for one that is ending.
pub(super) fn number() -> u64 {
    ME.try_with(|me| me.number).unwrap_or(0)
}

/// What a thread is called.
pub(super) fn name(number: u64) -> String {
    names().get(&number).cloned().unwrap_or_else(|| "a thread that is ending".to_owned())
}
