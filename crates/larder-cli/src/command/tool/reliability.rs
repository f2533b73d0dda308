//! `larder tool reliability TOOL`

use super::{Context, Names, share, there};
use crate::args::tool::One;
use crate::exit::Exit;
use crate::output::{Shape, Table, Tone};
use larder::Result;
use larder_stores::registry::{self, Reliability};
use serde::Serialize;

#[derive(Serialize)]
struct ReliabilityShape<'a> {
    #[serde(flatten)]
    reliability: &'a Reliability,
}

pub(super) fn run(args: &One, mut context: Context<'_>) -> Result<Exit> {
    let database = there(&mut context)?;
    let (found, names) = database.read(|tx| {
        let tool = registry::find_tool(tx, &args.tool)?;
        Ok((registry::reliability(tx, &tool.id)?, Names::of(tx)?))
    })?;
    let output = context.output;
    let required = super::tools(found.parts.len().saturating_sub(1));
    let (own, chain) = (share(found.own), share(found.chain));
    let id = output.paint(Tone::Strong, names.word(&found.tool_id));
    output.line(format!("{id}: {own} by itself, {chain} with the {required} that it requires"));
    let mut table = Table::new(["weakest first", "reliability", ""]).right(&[1]);
    for part in &found.parts {
        let stub = if part.stub { "not there yet" } else { "" };
        table.row(Tone::Plain, [names.word(&part.id).to_owned(), share(part.reliability), stub.to_owned()]);
    }
    output.table(&table);
    output.json(&Shape::new(context.command, true, ReliabilityShape { reliability: &found }));
    Ok(Exit::Done)
}
