//! `larder tool list`

use super::{Context, share, there};
use crate::args::tool::List;
use crate::exit::Exit;
use crate::output::{Shape, Table, Tone, measure};
use larder::Result;
use larder_stores::registry::{self, Tool, ToolFilter};
use serde::Serialize;

#[derive(Serialize)]
struct ListShape {
    tools: Vec<Tool>,
}

pub(super) fn run(args: &List, mut context: Context<'_>) -> Result<Exit> {
    let database = there(&mut context)?;
    let filter = ToolFilter { kind: args.kind, stub: args.stub, name: args.name.as_deref() };
    let tools = database.read(|tx| registry::tools(tx, &filter))?;
    let output = context.output;
    if tools.is_empty() {
        let all = filter == ToolFilter::default();
        output.line(if all { "there is no tool yet" } else { "there is no such tool" });
    } else {
        let mut table = Table::new(["id", "name", "type", "version", "reliability", "debt", "verified"]);
        table = table.right(&[4, 5]);
        for tool in &tools {
            let kind = if tool.stub { format!("{} (stub)", tool.kind) } else { tool.kind.to_string() };
            let cells = [
                tool.id.clone(),
                tool.name.clone(),
                kind,
                tool.version.clone().unwrap_or_default(),
                share(tool.reliability),
                tool.debt_score.to_string(),
                tool.last_verified.map(measure::time).unwrap_or_default(),
            ];
            table.row(if tool.stub { Tone::Quiet } else { Tone::Plain }, cells);
        }
        output.table(&table);
    }
    output.json(&Shape::new(context.command, true, ListShape { tools }));
    Ok(Exit::Done)
}
