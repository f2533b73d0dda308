//! `larder audit`

use clap::builder::PossibleValuesParser;
use clap::{Args as ClapArgs, Subcommand};
use larder_stores::STORES;
use std::path::PathBuf;

#[derive(Debug, ClapArgs)]
pub(crate) struct Audit {
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What to do with an audit trail.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show the last entries
    Tail(Tail),
    /// Say whether an entry was changed, removed or put in, and which is the first
    Verify(Verify),
    /// Print a line to keep elsewhere, against which `verify` notices a cut or rewritten trail
    Anchor(Of),
}

/// Which trails.
#[derive(Debug, ClapArgs)]
pub(crate) struct Of {
    /// The trail of this store; without it all that the database has
    #[arg(long, value_name = "NAME", value_parser = PossibleValuesParser::new(with_trail()))]
    pub(crate) store: Option<String>,
}

fn with_trail() -> Vec<&'static str> {
    STORES.iter().filter(|store| store.trail.is_some()).map(|store| store.name).collect()
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Tail {
    /// How many
    #[arg(long, short = 'n', value_name = "N", default_value_t = 10)]
    pub(crate) count: usize,
    #[command(flatten)]
    pub(crate) of: Of,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Verify {
    /// A line of `larder audit anchor`; may be given many times
    #[arg(long, value_name = "TEXT")]
    pub(crate) anchor: Vec<String>,
    /// A file of such lines; blank lines and those that begin with # don't count
    #[arg(long, value_name = "FILE")]
    pub(crate) anchor_file: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) of: Of,
}
