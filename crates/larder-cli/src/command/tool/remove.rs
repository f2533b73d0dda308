//! `larder tool remove TOOL`

use super::{Context, dependencies, done, made};
use crate::args::tool::One;
use crate::exit::Exit;
use crate::output::measure;
use larder::Result;
use larder_stores::registry;
use serde::Serialize;

#[derive(Serialize)]
struct RemovedShape {
    id: String,
    dependencies: usize,
    contracts: usize,
}

pub(super) fn run(args: &One, mut context: Context<'_>) -> Result<Exit> {
    let database = made(&mut context)?;
    let shape = database.read(|tx| {
        let id = registry::find_tool(tx, &args.tool)?.id;
        let of = registry::dependencies_of(tx, &id)?.len();
        let dependencies = of + registry::dependents_of(tx, &id)?.len();
        Ok(RemovedShape { dependencies, contracts: registry::contracts(tx, Some(&id))?.len(), id })
    })?;
    if shape.dependencies + shape.contracts > 0 {
        let with = dependencies(shape.dependencies);
        let and = measure::count(shape.contracts, "contract");
        context.confirm(&format!("Remove {} with {with} and {and}?", shape.id))?;
    }
    database.write(|tx| registry::remove_tool(tx, &shape.id))?;
    Ok(done(context, format!("removed {}", shape.id), shape))
}
