//! `larder lease acquire`

use super::{LeaseShape, actor};
use crate::args::lease::Acquire;
use crate::command::Context;
use crate::environment::Environment;
use crate::exit::Exit;
use crate::output::{Shape, measure};
use larder::Result;
use larder_stores::forge::{self, By};

pub(super) fn run(args: &Acquire, environment: &Environment, mut context: Context<'_>) -> Result<Exit> {
    let who = actor::named(args.holder.holder.as_deref(), environment)?;
    let term = args.term.read()?;
    let database = context.store("forge")?;
    let lease = database.write_durable(|tx| {
        let id = forge::resolve_repository(tx, &args.repository.repository)?.repository_id;
        let lease = forge::acquire_lease(tx, By::new(&who), id, term)?;
        LeaseShape::of(tx, lease)
    })?;
    let output = context.output;
    output.line(format!(
        "{} is leased by {} until {}, token {}",
        lease.repository,
        lease.lease.holder,
        measure::time(lease.lease.expires_at),
        lease.lease.token
    ));
    if let Some(from) = &lease.lease.taken_from {
        output.line(format!("it was that of {from}, whose time was up"));
    }
    output.json(&Shape::new(context.command, true, lease));
    Ok(Exit::Done)
}
