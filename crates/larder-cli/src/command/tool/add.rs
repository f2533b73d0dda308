//! `larder tool add NAME`

use super::{Context, done, made};
use crate::args::tool::Add;
use crate::exit::Exit;
use larder::Result;
use larder_stores::registry::{self, NewTool, Tool};
use serde::Serialize;

#[derive(Serialize)]
pub(super) struct ToolShape {
    pub(super) tool: Tool,
}

pub(super) fn run(args: &Add, mut context: Context<'_>) -> Result<Exit> {
    let database = made(&mut context)?;
    let plain = NewTool::new(&args.name, &args.path, args.kind);
    let new = NewTool {
        id: args.id.as_deref(),
        version: args.more.version.as_deref(),
        reliability: args.more.reliability.unwrap_or(plain.reliability),
        debt_score: args.more.debt.unwrap_or(plain.debt_score),
        manifest_path: args.more.manifest.as_deref(),
        stub: args.stub,
        ..plain
    };
    let tool = database.write(|tx| registry::add_tool(tx, new.clone()))?;
    let line = format!("added {} ({})", tool.id, tool.kind);
    Ok(done(context, line, ToolShape { tool }))
}
