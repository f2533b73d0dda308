//! `larder repo`: projects and repositories of the store `forge`.

mod add;
mod list;

use super::Context;
use crate::args::Repo;
use crate::environment::Environment;
use crate::exit::Exit;
use larder::Result;

pub(super) fn run(args: &Repo, environment: &Environment, context: Context<'_>) -> Result<Exit> {
    match args {
        Repo::Add(args) => add::run(args, environment, context),
        Repo::List(args) => list::run(args, context),
    }
}

/// The name that JSON has for it.
pub(super) fn name(args: &Repo) -> &'static str {
    match args {
        Repo::Add(_) => "repo add",
        Repo::List(_) => "repo list",
    }
}
