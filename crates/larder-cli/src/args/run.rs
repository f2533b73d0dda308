//! The flags of `larder run`.

use super::words;
use clap::{Args as ClapArgs, Subcommand};
use larder_stores::journal::Status;
use std::ffi::OsString;

#[derive(Debug, ClapArgs)]
pub(crate) struct Run {
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// List the runs, the newest first
    List(List),
    /// Show a run, its steps and the entries of the audit log about it
    Show(Show),
    /// Run a command, and record that: its arguments without secrets, how long it took, its exit code
    Exec(Exec),
    /// End, as failed, the runs that dead processes left running
    Recover(Recover),
}

#[derive(Debug, ClapArgs)]
pub(crate) struct List {
    /// Only those of this status
    #[arg(long, value_name = "STATUS", value_parser = words(Status::ALL, Status::as_str))]
    pub(crate) status: Option<Status>,
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub(crate) limit: u32,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Show {
    /// The run
    #[arg(value_name = "RUN")]
    pub(crate) run: String,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Exec {
    /// The name of the step, instead of the command's
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// The command and its arguments. It finds the run in LARDER_RUN_ID; its exit code is passed on
    #[arg(value_name = "COMMAND", required = true, last = true)]
    pub(crate) command: Vec<OsString>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Recover {
    /// How long ago they began, at least: 1d, 12h, 2w. One that is younger may live still
    #[arg(long, value_name = "TIME", default_value = "1d")]
    pub(crate) older_than: String,
}
