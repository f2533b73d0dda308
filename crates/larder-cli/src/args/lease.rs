//! `larder lease`

use clap::{Args as ClapArgs, Subcommand};
use std::ffi::OsString;
use std::path::PathBuf;

/// What to do with leases.
#[derive(Debug, Subcommand)]
pub(crate) enum Lease {
    /// Get the lease of a repository
    Acquire(Acquire),
    /// Give a lease back
    Release(Release),
    /// Show the lease of a repository
    Show(Show),
    /// List leases
    List(List),
    /// Import leases from JSON Lines
    Import(Import),
    /// Run a command while a lease is held
    Hold(Hold),
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Acquire {
    #[command(flatten)]
    pub(crate) repository: Repository,
    #[command(flatten)]
    pub(crate) holder: Holder,
    #[command(flatten)]
    pub(crate) term: Term,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Release {
    #[command(flatten)]
    pub(crate) repository: Repository,
    /// The token that came with the lease; LARDER_LEASE_TOKEN unless given
    #[arg(long, value_name = "NUMBER")]
    pub(crate) token: Option<i64>,
    #[command(flatten)]
    pub(crate) holder: Holder,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Show {
    #[command(flatten)]
    pub(crate) repository: Repository,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct List {
    /// Also those that were given back
    #[arg(long, conflicts_with = "expired")]
    pub(crate) all: bool,
    /// Only those past their time that nobody gave back
    #[arg(long)]
    pub(crate) expired: bool,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Import {
    /// The file; - for the standard input
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// Import nothing when one line is bad
    #[arg(long)]
    pub(crate) strict: bool,
    /// Who does it, for the trail; LARDER_HOLDER unless given, else user@host
    #[arg(long, value_name = "WHO")]
    pub(crate) by: Option<String>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Hold {
    #[command(flatten)]
    pub(crate) repository: Repository,
    #[command(flatten)]
    pub(crate) holder: Holder,
    #[command(flatten)]
    pub(crate) term: Term,
    /// The command and its arguments; LARDER_LEASE_TOKEN tells it the token
    #[arg(value_name = "COMMAND", last = true, required = true, num_args = 1..)]
    pub(crate) command: Vec<OsString>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Repository {
    /// The repository: its id, or PROJECT/NAME
    #[arg(value_name = "REPO")]
    pub(crate) repository: String,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Holder {
    /// Who holds it; LARDER_HOLDER unless given, else user@host
    #[arg(long, value_name = "WHO")]
    pub(crate) holder: Option<String>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Term {
    /// For how long, such as 30m, 8h or 1h30m; at most 72h, which it is unless given
    #[arg(long = "for", value_name = "TIME")]
    pub(crate) term: Option<String>,
}
