//! A command that is run for somebody: its streams are ours, and so is its end.

use crate::exit::Exit;
use larder::{Error, ErrorKind, Result};
use std::ffi::{OsStr, OsString};
use std::io;
use std::process::{Command, ExitStatus};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ended {
    /// What is answered to the shell: the command's own code, 128 and the signal that ended it, or as a shell has it 127
    /// for a command that was not found and 126 for one that can't be run.
    pub(crate) code: u8,
    /// The signal that ended it.
    pub(crate) signal: Option<i32>,
}

impl Ended {
    pub(crate) fn is_well(self) -> bool {
        self.code == 0
    }

    pub(crate) fn exit(self) -> Exit {
        Exit::Command(self.code)
    }
}

/// Runs `command` with `variables` besides our own, and waits for its end. Ctrl-C reaches it by the terminal, another signal
/// that asks us to end is handed on; either way it is the command that ends first.
///
/// Once in a process, for it listens for signals.
///
/// # Errors
/// [`ErrorKind::Config`] for an empty command, [`ErrorKind::Internal`] when nobody can listen. A command that could not
/// be started is no error: `Err` in the result says why.
pub(crate) fn run(command: &[OsString], variables: &[(&str, &str)]) -> Result<(Ended, Option<io::Error>)> {
    let (program, arguments) =
        command.split_first().ok_or_else(|| Error::new(ErrorKind::Config, "there is no command to run"))?;
    let running = Arc::new(AtomicU32::new(0));
    let heard = Arc::clone(&running);
    ctrlc::set_handler(move || hand_on(heard.load(Ordering::SeqCst)))
        .map_err(|error| Error::new(ErrorKind::Internal, "can't listen for Ctrl-C").with_cause(error))?;
    let started = Command::new(program).args(arguments).envs(variables.iter().copied()).spawn();
    let mut child = match started {
        Ok(child) => child,
        Err(error) => {
            let code = if error.kind() == io::ErrorKind::NotFound { 127 } else { 126 };
            return Ok((Ended { code, signal: None }, Some(error)));
        }
    };
    running.store(child.id(), Ordering::SeqCst);
    let status = child.wait();
    running.store(0, Ordering::SeqCst);
    match status {
        Ok(status) => Ok((ended(status), None)),
        Err(error) => Ok((Ended { code: 1, signal: None }, Some(error))),
    }
}

/// The name of a command, as its step is named.
pub(crate) fn name(command: &[OsString]) -> String {
    let program = command.first().map(OsString::as_os_str).unwrap_or_default();
    let file = std::path::Path::new(program).file_name().unwrap_or(OsStr::new("command"));
    file.to_string_lossy().into_owned()
}

fn ended(status: ExitStatus) -> Ended {
    let signal = signal(status);
    let code = match (status.code(), signal) {
        // Windows has codes beyond a byte; none of them may become 0.
        (Some(code), _) => u8::try_from(code).unwrap_or(1),
        (None, Some(signal)) => u8::try_from(128 + signal).unwrap_or(1),
        (None, None) => 1,
    };
    Ended { code, signal }
}

#[cfg(unix)]
fn signal(status: ExitStatus) -> Option<i32> {
    std::os::unix::process::ExitStatusExt::signal(&status)
}

#[cfg(not(unix))]
fn signal(_: ExitStatus) -> Option<i32> {
    None
}

/// Where a terminal is, it has told the command already.
#[cfg(unix)]
fn hand_on(id: u32) {
    use rustix::process::{Pid, Signal, kill_process};
    use std::io::IsTerminal;
    if io::stdin().is_terminal() {
        return;
    }
    if let Some(pid) = i32::try_from(id).ok().and_then(Pid::from_raw) {
        // It may have ended in this moment.
        let _ = kill_process(pid, Signal::TERM);
    }
}

#[cfg(not(unix))]
fn hand_on(_: u32) {}
