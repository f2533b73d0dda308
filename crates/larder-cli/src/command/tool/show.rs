//! `larder tool show TOOL`

use super::{Context, Names, contract, dep, share, there};
use crate::args::tool::One;
use crate::exit::Exit;
use crate::output::{Shape, Tone, measure};
use larder::Result;
use larder_stores::registry::{self, Contract, Dependency, Tool};
use serde::Serialize;

#[derive(Serialize)]
struct ShowShape {
    tool: Tool,
    depends_on: Vec<Dependency>,
    used_by: Vec<Dependency>,
    contracts: Vec<Contract>,
}

pub(super) fn run(args: &One, mut context: Context<'_>) -> Result<Exit> {
    let database = there(&mut context)?;
    let (shape, names) = database.read(|tx| {
        let tool = registry::find_tool(tx, &args.tool)?;
        let shape = ShowShape {
            depends_on: registry::dependencies_of(tx, &tool.id)?,
            used_by: registry::dependents_of(tx, &tool.id)?,
            contracts: registry::contracts(tx, Some(&tool.id))?,
            tool,
        };
        Ok((shape, Names::of(tx)?))
    })?;
    let output = context.output;
    let tool = &shape.tool;
    output.line(output.paint(Tone::Strong, &tool.id));
    let stub = if tool.stub { ", not there yet" } else { "" };
    for (word, value) in [
        ("name", Some(tool.name.clone())),
        ("type", Some(format!("{}{stub}", tool.kind))),
        ("version", tool.version.clone()),
        ("path", Some(tool.path.clone())),
        ("manifest", tool.manifest_path.clone()),
        ("reliability", Some(share(tool.reliability))),
        ("debt", Some(tool.debt_score.to_string())),
        ("verified", tool.last_verified.map(measure::time)),
        ("added", Some(measure::time(tool.created_at))),
        ("changed", Some(measure::time(tool.updated_at))),
    ] {
        if let Some(value) = value {
            output.line(format!("  {word:<12}{value}"));
        }
    }
    dep::print(output, &shape.depends_on, &shape.used_by, &names);
    if !shape.contracts.is_empty() {
        output.line("\ncontracts");
        contract::print(output, &shape.contracts, &names);
    }
    output.json(&Shape::new(context.command, true, shape));
    Ok(Exit::Done)
}
