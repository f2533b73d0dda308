//! `larder tool import cargo|npm`

use super::{Context, made};
use crate::args::tool::{Import, ImportCommand};
use crate::exit::Exit;
use crate::output::{Output, Shape};
use larder::Result;
use larder_stores::registry::{self, Changed, Imported};
use serde::Serialize;

#[derive(Serialize)]
struct ImportShape<'a> {
    #[serde(flatten)]
    imported: &'a Imported,
}

pub(super) fn run(args: &Import, mut context: Context<'_>) -> Result<Exit> {
    // Read first: what can't be read makes no registry, and holds no lock.
    let inventory = match &args.command {
        ImportCommand::Cargo(args) => match &args.file {
            Some(file) => registry::read_cargo_metadata(file)?,
            None => registry::run_cargo_metadata(args.manifest_path.as_deref())?,
        },
        ImportCommand::Npm(args) => registry::read_npm_lock(&args.path)?,
    };
    let database = made(&mut context)?;
    let imported = database.write(|tx| registry::import(tx, &inventory))?;
    print(context.output, &imported);
    context.output.json(&Shape::new(context.command, true, ImportShape { imported: &imported }));
    Ok(Exit::Done)
}

fn print(output: &mut Output, imported: &Imported) {
    output.line(&imported.source);
    for (word, changed) in [("tools", imported.tools), ("dependencies", imported.dependencies)] {
        let Changed { added, updated, unchanged, removed } = changed;
        let line =
            format!("  {word:<14}{added} added, {updated} updated, {unchanged} unchanged, {removed} removed");
        output.line(line);
    }
    let succeeded = imported.succeeded.iter().map(|(old, new)| format!("{new} takes the place of {old}"));
    some(output, succeeded.collect());
    let kept = |id: &String| format!("{id} is left as it is: it, or something of it, was added by hand");
    some(output, imported.kept.iter().map(kept).collect());
    some(output, imported.unresolved.iter().map(|what| format!("not found: {what}")).collect());
}

/// The first of the lines; all of them are in the JSON.
fn some(output: &mut Output, lines: Vec<String>) {
    const SHOWN: usize = 10;
    for line in lines.iter().take(SHOWN) {
        output.line(format!("  {line}"));
    }
    if lines.len() > SHOWN {
        output.line(format!("  … and {} more like that; --json has all", lines.len() - SHOWN));
    }
}
