//! `larder workflow list`

use super::{STORE, time, tone};
use crate::args::workflow::List;
use crate::command::Context;
use crate::exit::Exit;
use crate::output::{Shape, Table};
use larder::Result;
use larder_stores::workflow::{self, Run, RunFilter};
use serde::Serialize;

#[derive(Serialize)]
struct Listed {
    database: String,
    runs: Vec<Run>,
}

pub(crate) fn run(args: &List, mut context: Context<'_>) -> Result<Exit> {
    let database = context.store_for_reading(STORE)?;
    let filter = RunFilter { status: args.status, repo_path: args.repo.as_deref(), limit: args.limit };
    let runs = database.read(|tx| workflow::list_runs(tx, &filter))?;
    if runs.is_empty() {
        let all = args.status.is_none() && args.repo.is_none() && args.limit > 0;
        context.output.line(if all { "there is no run yet" } else { "there is no such run" });
    } else {
        let mut table = Table::new(["run", "status", "branch", "repository", "started", "completed"]);
        for run in &runs {
            table.row(
                tone(run.status),
                [
                    run.id.clone(),
                    run.status.to_string(),
                    run.feature_branch.clone(),
                    run.repo_path.clone(),
                    time(run.started_at),
                    time(run.completed_at),
                ],
            );
        }
        context.output.table(&table);
    }
    context.output.json(&Shape::new(context.command, true, Listed { database: context.shown(), runs }));
    Ok(Exit::Done)
}
