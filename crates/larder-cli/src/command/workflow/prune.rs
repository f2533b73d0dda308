//! `larder workflow prune`

use super::STORE;
use crate::args::workflow::Prune;
use crate::command::{Context, ago::ago};
use crate::exit::Exit;
use crate::output::{Shape, measure};
use jiff::Timestamp;
use larder::Result;
use larder_stores::workflow;

/// So many rows are deleted in a transaction.
const CHUNK: u32 = 2000;

pub(crate) fn run(args: &Prune, mut context: Context<'_>) -> Result<Exit> {
    let before = ago(&args.older_than, Timestamp::now())?;
    let database = context.store(STORE)?;
    let pruned = workflow::prune(&database, before, CHUNK)?;
    let count = |number, one| measure::count(usize::try_from(number).unwrap_or(usize::MAX), one);
    context.output.line(format!(
        "{} deleted, with {} and {}",
        count(pruned.runs, "run"),
        count(pruned.units, "unit"),
        count(pruned.events, "event")
    ));
    context.output.json(&Shape::new(context.command, true, pruned));
    Ok(Exit::Done)
}
