//! The flags of `larder workflow`.

use super::words;
use clap::{Args as ClapArgs, Subcommand};
use larder_stores::workflow::Status;

#[derive(Debug, ClapArgs)]
pub(crate) struct Workflow {
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// List the runs, the newest first
    List(List),
    /// Show a run and its units
    Show(Id),
    /// Print the events of a run, also as they come
    Events(Events),
    /// Fold the events of a run and compare what they say with its rows
    Replay(Id),
    /// Mark what a crash left running as interrupted
    Recover(Recover),
    /// Delete old runs with all that belongs to them
    Prune(Prune),
}

#[derive(Debug, ClapArgs)]
pub(crate) struct List {
    /// Only those of this status
    #[arg(long, value_name = "STATUS", value_parser = words(Status::ALL, Status::as_str))]
    pub(crate) status: Option<Status>,
    /// Only those of this repository
    #[arg(long, value_name = "PATH")]
    pub(crate) repo: Option<String>,
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 1000)]
    pub(crate) limit: u32,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Id {
    /// The run
    #[arg(value_name = "RUN")]
    pub(crate) run: String,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Events {
    /// The run
    #[arg(value_name = "RUN")]
    pub(crate) run: String,
    /// The number of the first event to print
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(i64).range(1..))]
    pub(crate) from: i64,
    /// Only the last of those that are there
    #[arg(long, value_name = "N", conflicts_with = "from")]
    pub(crate) last: Option<u32>,
    /// Go on with those that come, until the run is finished or Ctrl-C is pressed; with --json each is a line of its own
    #[arg(long)]
    pub(crate) follow: bool,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Recover {
    /// Also take runs whose process is alive, or of which nothing is known here
    #[arg(long)]
    pub(crate) all: bool,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Prune {
    /// How long ago they were finished, at least: 30d, 12h, 2w
    #[arg(long, value_name = "TIME")]
    pub(crate) older_than: String,
}
