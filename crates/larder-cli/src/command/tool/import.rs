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
    for (old, new) in &imported.succeeded {
        output.line(format!("  {new} takes the place of {old}"));
    }
    for id in &imported.kept {
        output.line(format!("  {id} is left as it is: it, or something of it, was added by hand"));
    }
    for what in &imported.unresolved {
        output.line(format!("  not found: {what}"));
    }
}
