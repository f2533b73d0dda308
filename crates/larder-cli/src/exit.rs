//! What a run answers to the shell.

use larder::{Error, ErrorKind};
use std::process::ExitCode;

/// The exit codes. They are part of the program's face: one is never given another meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// What was asked for is done, or there was nothing to do.
    Done,
    /// It failed.
    Failed,
    /// The command line, the environment or `larder.toml` can't be understood.
    Usage,
    /// Something would be lost, or replaced, and nobody has approved it. It was not done.
    ApprovalNeeded,
    /// `status --check`: migrations are pending.
    Pending,
    /// `doctor`, `verify`, `audit` or `status --check` found something wrong.
    Unsound,
    /// A rule of a store forbids it: a lease is held by another, a status can't move so. Nothing was changed.
    Refused,
    /// Stopped by Ctrl-C; what had begun was rolled back.
    Interrupted,
    /// The code of a command that was run for somebody: `run exec`, `lease hold`.
    Command(u8),
}

/// The table of `--help`.
pub(crate) const TABLE: &str = "\
Exit codes:
    0  done, or nothing to do
    1  failed
    2  the command line, the environment or larder.toml can't be understood
    3  an approval or a confirmation is needed; nothing was lost
    4  migrations are pending (status --check)
    5  something is wrong (doctor, verify, audit, tool verify, workflow replay, status --check)
    6  a store refused it: a lease is held by another, a status can't move so; nothing was changed
  130  stopped by Ctrl-C; what had begun was rolled back";

impl Exit {
    /// The code that stands for an error.
    pub(crate) fn of(error: &Error) -> Self {
        match error.kind() {
            ErrorKind::Config => Self::Usage,
            ErrorKind::ApprovalNeeded => Self::ApprovalNeeded,
            ErrorKind::Refused => Self::Refused,
            ErrorKind::Interrupted => Self::Interrupted,
            _ => Self::Failed,
        }
    }

    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::ApprovalNeeded => 3,
            Self::Pending => 4,
            Self::Unsound => 5,
            Self::Refused => 6,
            Self::Interrupted => 130,
            Self::Command(code) => code,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_stands_in_the_table_and_stands_for_one_thing() {
        use Exit::{ApprovalNeeded, Done, Failed, Interrupted, Pending, Refused, Unsound, Usage};
        let all = [Done, Failed, Usage, ApprovalNeeded, Pending, Unsound, Refused, Interrupted];
        let listed: Vec<u8> = TABLE
            .lines()
            .skip(1)
            .map(|line| line.split_whitespace().next().unwrap().parse().unwrap())
            .collect();
        assert_eq!(all.map(Exit::code).to_vec(), listed);
    }

    #[test]
    fn an_error_to_decide_on_has_a_code_of_its_own() {
        let of = |kind| Exit::of(&Error::new(kind, "x")).code();
        assert_eq!(of(ErrorKind::Config), 2);
        assert_eq!(of(ErrorKind::ApprovalNeeded), 3);
        assert_eq!(of(ErrorKind::Refused), 6);
        assert_eq!(of(ErrorKind::Interrupted), 130);
        assert_eq!(of(ErrorKind::MigrationFailed), 1);
    }
}
