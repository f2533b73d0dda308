//! `larder run list`

use super::{STORE, line, tone, took};
use crate::args::run::List;
use crate::command::Context;
use crate::exit::Exit;
use crate::output::{Shape, Table, measure};
use larder::Result;
use larder_stores::journal::{self, Filter, Run};
use serde::Serialize;

#[derive(Serialize)]
struct Listed {
    database: String,
    runs: Vec<Run>,
}

pub(crate) fn run(args: &List, mut context: Context<'_>) -> Result<Exit> {
    let database = context.store_for_reading(STORE)?;
    let filter = Filter { status: args.status, limit: args.limit, ..Filter::default() };
    let runs = database.read(|tx| journal::list_runs(tx, &filter))?;
    database.close()?;
    if runs.is_empty() {
        let all = args.status.is_none() && args.limit > 0;
        context.output.line(if all { "there is no run yet" } else { "there is no such run" });
    } else {
        let mut table = Table::new(["run", "status", "began", "took", "by", "arguments"]).right(&[3]);
        for run in &runs {
            table.row(
                tone(run.status),
                [
                    run.run_id.clone(),
                    run.status.to_string(),
                    measure::time(run.created_at),
                    took(run),
                    run.actor.clone().unwrap_or_default(),
                    line(&run.args.0),
                ],
            );
        }
        context.output.table(&table);
    }
    context.output.json(&Shape::new(context.command, true, Listed { database: context.shown(), runs }));
    Ok(Exit::Done)
}
