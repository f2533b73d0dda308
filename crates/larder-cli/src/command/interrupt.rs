//! Ctrl-C: a migration that runs is stopped and rolled back; a question that waits for an answer just ends.

use crate::exit::Exit;
use larder::migrate::Stop;
use larder::{Error, ErrorKind, Result};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

/// How long after an interruption the next one comes.
const AGAIN: Duration = Duration::from_millis(100);

/// Listens for Ctrl-C, and for the signals by which a system ends a program.
#[derive(Clone)]
pub(crate) struct Interrupt {
    pub(crate) stop: Stop,
    asks: Arc<AtomicBool>,
}

impl Interrupt {
    /// Begins to listen. Once in a process.
    pub(crate) fn listen() -> Result<Self> {
        let interrupt = Self { stop: Stop::new(), asks: Arc::new(AtomicBool::new(false)) };
        let heard = interrupt.clone();
        // The handler has a thread of its own, which nothing else waits for. It asks again and again, for an interruption
        // that comes between two statements reaches neither. Ctrl-C pressed again changes nothing: what runs is on its way
        // back already, and to kill it would save nothing.
        ctrlc::set_handler(move || {
            loop {
                heard.stop.stop();
                if heard.asks.load(Ordering::SeqCst) {
                    std::process::exit(Exit::Interrupted.code().into());
                }
                thread::sleep(AGAIN);
            }
        })
        .map_err(|error| Error::new(ErrorKind::Internal, "can't listen for Ctrl-C").with_cause(error))?;
        Ok(interrupt)
    }

    /// Runs `f`, which waits for a person: Ctrl-C then ends the program, for there is nothing to roll back.
    pub(crate) fn while_asking<T>(&self, f: impl FnOnce() -> T) -> T {
        self.asks.store(true, Ordering::SeqCst);
        let result = f();
        self.asks.store(false, Ordering::SeqCst);
        result
    }
}
