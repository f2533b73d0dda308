//! `larder lease release`

use super::{LeaseShape, actor};
use crate::args::lease::Release;
use crate::command::Context;
use crate::environment::Environment;
use crate::exit::Exit;
use crate::output::Shape;
use larder::{Error, ErrorKind, Result};
use larder_stores::forge::{self, By};

/// The variable that holds the token.
pub(super) const TOKEN: &str = "LARDER_LEASE_TOKEN";

pub(super) fn run(args: &Release, environment: &Environment, mut context: Context<'_>) -> Result<Exit> {
    let who = actor::named(args.holder.holder.as_deref(), environment)?;
    let token = token(args.token, environment)?;
    let database = context.store("forge")?;
    let lease = database.write_durable(|tx| {
        let id = forge::resolve_repository(tx, &args.repository.repository)?.repository_id;
        let lease = forge::release_lease(tx, By::new(&who), id, token)?;
        LeaseShape::of(tx, lease)
    })?;
    context.output.line(format!("{} is free", lease.repository));
    context.output.json(&Shape::new(context.command, true, lease));
    Ok(Exit::Done)
}

fn token(given: Option<i64>, environment: &Environment) -> Result<i64> {
    if let Some(token) = given {
        return Ok(token);
    }
    let text = environment.get(TOKEN)?.ok_or_else(|| {
        Error::new(ErrorKind::Config, "the token of the lease is missing")
            .with_help(format!("add --token NUMBER, or set {TOKEN}; `larder lease show` tells it"))
    })?;
    text.parse().map_err(|_| Error::new(ErrorKind::Config, format!("{TOKEN} is {text:?} and no number")))
}
