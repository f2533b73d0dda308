//! `larder tool set TOOL`

use super::add::ToolShape;
use super::{Context, done, made};
use crate::args::tool::Set;
use crate::exit::Exit;
use larder::Result;
use larder_stores::registry::{self, ToolChange};

pub(super) fn run(args: &Set, mut context: Context<'_>) -> Result<Exit> {
    let database = made(&mut context)?;
    let change = ToolChange {
        name: args.name.as_deref(),
        path: args.path.as_deref(),
        kind: args.kind,
        version: args.more.version.as_deref(),
        reliability: args.more.reliability,
        debt_score: args.more.debt,
        manifest_path: args.more.manifest.as_deref(),
        stub: args.stub,
    };
    let tool = database.write(|tx| {
        let tool = registry::find_tool(tx, &args.one.tool)?;
        registry::update_tool(tx, &tool.id, change.clone())
    })?;
    let line = format!("changed {}", tool.id);
    Ok(done(context, line, ToolShape { tool }))
}
