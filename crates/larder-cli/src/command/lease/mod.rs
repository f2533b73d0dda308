//! `larder lease`: who may write a repository.

mod acquire;
mod hold;
mod import;
mod list;
mod release;
mod show;

use super::{Context, actor};
use crate::args::Lease as Args;
use crate::args::lease::Term;
use crate::environment::Environment;
use crate::exit::Exit;
use jiff::{SignedDuration, Timestamp};
use larder::{Error, ErrorKind, ReadTx, Result};
use larder_stores::forge::{self, Lease, LeaseStatus};
use serde::Serialize;

pub(super) fn run(args: &Args, environment: &Environment, context: Context<'_>) -> Result<Exit> {
    match args {
        Args::Acquire(args) => acquire::run(args, environment, context),
        Args::Release(args) => release::run(args, environment, context),
        Args::Show(args) => show::run(args, context),
        Args::List(args) => list::run(args, context),
        Args::Import(args) => import::run(args, environment, context),
        Args::Hold(args) => hold::run(args, environment, context),
    }
}

/// The name that JSON has for it.
pub(super) fn name(args: &Args) -> &'static str {
    match args {
        Args::Acquire(_) => "lease acquire",
        Args::Release(_) => "lease release",
        Args::Show(_) => "lease show",
        Args::List(_) => "lease list",
        Args::Import(_) => "lease import",
        Args::Hold(_) => "lease hold",
    }
}

/// A lease as it is printed.
#[derive(Serialize)]
struct LeaseShape {
    /// `project/name`.
    repository: String,
    state: &'static str,
    #[serde(flatten)]
    lease: Lease,
}

impl LeaseShape {
    fn of(tx: &mut ReadTx<'_>, lease: Lease) -> Result<Self> {
        let id = lease.repository_id;
        let repository = forge::repository_path(tx, id)?.unwrap_or_else(|| id.to_string());
        let state = state(&lease, Timestamp::now());
        Ok(Self { repository, state, lease })
    }
}

fn state(lease: &Lease, now: Timestamp) -> &'static str {
    match lease.status {
        LeaseStatus::Held if lease.is_live(now) => "held",
        LeaseStatus::Held => "expired",
        _ => "released",
    }
}

impl Term {
    /// The term that was asked for; `None` is the longest.
    fn read(&self) -> Result<Option<SignedDuration>> {
        let read = |text: &String| {
            text.parse::<SignedDuration>().map_err(|_| {
                Error::new(ErrorKind::Config, format!("--for {text:?} is no time"))
                    .with_help("write it as in 30m, 8h or 1h30m")
            })
        };
        self.term.as_ref().map(read).transpose()
    }
}
