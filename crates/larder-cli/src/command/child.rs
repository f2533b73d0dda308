//! A command that is run for somebody: its streams are ours, and so is its end.

#[cfg(unix)]
mod relay;

use crate::exit::Exit;
use larder::{Error, ErrorKind, Result};
use std::ffi::{OsStr, OsString};
use std::io;
use std::process::{Command, ExitStatus};

#[cfg(unix)]
pub(crate) use relay::Relay;

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

/// Runs `command` with `variables` besides our own, and waits for its end. A signal that asks us to end is handed on: it is
/// the command that ends first.
///
/// Once in a process, for it listens for signals.
///
/// # Errors
/// [`ErrorKind::Config`] for an empty command, [`ErrorKind::Internal`] when nobody can listen. A command that could not
/// be started is no error: `Err` in the result says why.
pub(crate) fn run(command: &[OsString], variables: &[(&str, &str)]) -> Result<(Ended, Option<io::Error>)> {
    Relay::listen()?.run(command, variables)
}

impl Relay {
    /// Runs a command. Where a signal came since this listens, it is never begun, and ended by that signal.
    pub(crate) fn run(
        &self,
        command: &[OsString],
        variables: &[(&str, &str)],
    ) -> Result<(Ended, Option<io::Error>)> {
        let (program, arguments) = command
            .split_first()
            .ok_or_else(|| Error::new(ErrorKind::Config, "there is no command to run"))?;
        let mut command = Command::new(program);
        command.args(arguments).envs(variables.iter().copied());
        Ok(match self.wait_for(&mut command) {
            Ok(Ran::Ended(status)) => (ended(status), None),
            Ok(Ran::Stopped(signal)) => (of_signal(signal), None),
            Err(error) => {
                let code = if error.kind() == io::ErrorKind::NotFound { 127 } else { 126 };
                (Ended { code, signal: None }, Some(error))
            }
        })
    }
}

/// What became of a command.
enum Ran {
    Ended(ExitStatus),
    /// It was not begun, because of this signal.
    #[cfg_attr(not(unix), allow(dead_code, reason = "there are no signals"))]
    Stopped(i32),
}

/// The name of a command, as its step is named.
pub(crate) fn name(command: &[OsString]) -> String {
    let program = command.first().map(OsString::as_os_str).unwrap_or_default();
    let file = std::path::Path::new(program).file_name().unwrap_or(OsStr::new("command"));
    file.to_string_lossy().into_owned()
}

fn ended(status: ExitStatus) -> Ended {
    match (status.code(), signal(status)) {
        // Windows has codes beyond a byte; none of them may become 0.
        (Some(code), signal) => Ended { code: u8::try_from(code).unwrap_or(1), signal },
        (None, Some(signal)) => of_signal(signal),
        (None, None) => Ended { code: 1, signal: None },
    }
}

fn of_signal(signal: i32) -> Ended {
    Ended { code: u8::try_from(128 + signal).unwrap_or(1), signal: Some(signal) }
}

#[cfg(unix)]
fn signal(status: ExitStatus) -> Option<i32> {
    std::os::unix::process::ExitStatusExt::signal(&status)
}

#[cfg(not(unix))]
fn signal(_: ExitStatus) -> Option<i32> {
    None
}

/// Elsewhere Ctrl-C reaches the command by the console itself, and this program only has to outlive it.
#[cfg(not(unix))]
pub(crate) struct Relay;

#[cfg(not(unix))]
impl Relay {
    pub(crate) fn listen() -> Result<Self> {
        ctrlc::set_handler(|| {})
            .map_err(|error| Error::new(ErrorKind::Internal, "can't listen for Ctrl-C").with_cause(error))?;
        Ok(Self)
    }

    fn wait_for(&self, command: &mut Command) -> io::Result<Ran> {
        command.status().map(Ran::Ended)
    }
}
