//! `larder run recover`

use super::STORE;
use crate::args::run::Recover;
use crate::command::{Context, ago::ago};
use crate::exit::Exit;
use crate::output::{Shape, measure};
use jiff::Timestamp;
use larder::Result;
use larder_stores::journal::{self, Run};
use serde::Serialize;

#[derive(Serialize)]
struct Recovered {
    database: String,
    runs: Vec<Run>,
}

pub(crate) fn run(args: &Recover, mut context: Context<'_>) -> Result<Exit> {
    let before = ago(&args.older_than, Timestamp::now())?;
    let database = context.store(STORE)?;
    let runs = database.write(|tx| journal::recover(tx, before))?;
    database.close()?;
    if runs.is_empty() {
        context
            .output
            .line(format!("no run that began {} ago or earlier was left running", args.older_than.trim()));
    } else {
        let ids: Vec<&str> = runs.iter().map(|run| run.run_id.as_str()).collect();
        let are = if runs.len() == 1 { "is" } else { "are" };
        context.output.line(format!(
            "{} {are} failed now: {}",
            measure::count(runs.len(), "run"),
            ids.join(", ")
        ));
    }
    context.output.json(&Shape::new(context.command, true, Recovered { database: context.shown(), runs }));
    Ok(Exit::Done)
}
