//! `larder workflow recover`

use super::STORE;
use crate::args::workflow::Recover;
use crate::command::Context;
use crate::exit::Exit;
use crate::output::{Shape, measure};
use larder::Result;
use larder_stores::workflow::{self, Recovery};

pub(crate) fn run(args: &Recover, mut context: Context<'_>) -> Result<Exit> {
    let database = context.store(STORE)?;
    let how = if args.all { Recovery::All } else { Recovery::Dead };
    let recovered = database.write(|tx| workflow::recover(tx, how))?;
    let units = usize::try_from(recovered.units).unwrap_or(usize::MAX);
    if recovered.runs.is_empty() {
        context.output.line("no run was left running");
    } else {
        let are = if recovered.runs.len() == 1 { "is" } else { "are" };
        context.output.line(format!(
            "{} with {} {are} interrupted now: {}",
            measure::count(recovered.runs.len(), "run"),
            measure::count(units, "running unit"),
            recovered.runs.join(", ")
        ));
    }
    if !recovered.left.is_empty() {
        context.output.line(format!(
            "left alone, for who runs it is alive or not known here: {} (--all takes them too)",
            recovered.left.join(", ")
        ));
    }
    context.output.json(&Shape::new(context.command, true, recovered));
    Ok(Exit::Done)
}
