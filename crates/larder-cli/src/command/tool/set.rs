//! `larder tool set TOOL`

use super::add::ToolShape;
use super::{Context, done, made};
use crate::args::tool::Set;
use crate::exit::Exit;
use larder::{Error, ErrorKind, Result};
use larder_stores::registry::{self, ToolChange};

pub(super) fn run(args: &Set, mut context: Context<'_>) -> Result<Exit> {
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
    if change == ToolChange::default() {
        return Err(Error::new(
            ErrorKind::Config,
            format!("nothing of `{}` is to be changed", args.one.tool),
        )
        .with_help("say what: `larder tool set --help` lists the flags"));
    }
    let database = made(&mut context)?;
    let tool = database.write(|tx| {
        let tool = registry::find_tool(tx, &args.one.tool)?;
        registry::update_tool(tx, &tool.id, change.clone())
    })?;
    let line = format!("changed {}", tool.id);
    Ok(done(context, line, ToolShape { tool }))
}
