//! Signals to this program are signals to the command that it runs.

use super::Ran;
use larder::{Error, ErrorKind, Result};
use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, waitid};
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use signal_hook::iterator::Signals;
use std::io::{self, IsTerminal};
use std::process::Command;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

/// Listens for the signals that end programs: from here on they end this one no more.
pub(crate) struct Relay {
    stage: Arc<Mutex<Stage>>,
}

enum Stage {
    /// The command has not begun.
    Before,
    /// This signal came before it began; it never will.
    Stopped(i32),
    /// It runs.
    Running(Pid),
    /// It is over.
    After,
}

impl Relay {
    /// Begins to listen. Once in a process.
    pub(crate) fn listen() -> Result<Self> {
        let stage = Arc::new(Mutex::new(Stage::Before));
        let heard = Arc::clone(&stage);
        let mut signals = Signals::new([SIGHUP, SIGINT, SIGQUIT, SIGTERM])
            .map_err(|error| Error::new(ErrorKind::Internal, "can't listen for signals").with_cause(error))?;
        // Nobody waits for this thread; it ends with the program.
        thread::spawn(move || {
            for number in signals.forever() {
                let mut stage = lock(&heard);
                match *stage {
                    Stage::Before => *stage = Stage::Stopped(number),
                    Stage::Running(pid) if !reached_by_terminal(number) => {
                        if let Some(signal) = Signal::from_named_raw(number) {
                            // It may have ended in this moment.
                            let _ = kill_process(pid, signal);
                        }
                    }
                    Stage::Running(_) | Stage::Stopped(_) | Stage::After => {}
                }
            }
        });
        Ok(Self { stage })
    }

    pub(super) fn wait_for(&self, command: &mut Command) -> io::Result<Ran> {
        let mut child = {
            let mut stage = lock(&self.stage);
            if let Stage::Stopped(signal) = *stage {
                return Ok(Ran::Stopped(signal));
            }
            let child = command.spawn()?;
            *stage = Stage::Running(Pid::from_child(&child));
            child
        };
        // It is waited for without being reaped: until this is over its number is no other process's, which a signal would hit.
        let pid = Pid::from_child(&child);
        while let Err(Errno::INTR) = waitid(WaitId::Pid(pid), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT) {
        }
        *lock(&self.stage) = Stage::After;
        child.wait().map(Ran::Ended)
    }
}

/// Ctrl-C at a terminal goes to the command as well, without our help; twice would be once too often.
fn reached_by_terminal(signal: i32) -> bool {
    matches!(signal, SIGINT | SIGQUIT)
        && (io::stdin().is_terminal() || io::stdout().is_terminal() || io::stderr().is_terminal())
}

fn lock(stage: &Mutex<Stage>) -> MutexGuard<'_, Stage> {
    stage.lock().unwrap_or_else(PoisonError::into_inner)
}
