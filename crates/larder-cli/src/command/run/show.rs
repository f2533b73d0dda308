//! `larder run show`

use super::{STORE, line, tone, took};
use crate::args::run::Show;
use crate::command::Context;
use crate::exit::Exit;
use crate::output::{Shape, Table, measure, one_line};
use larder::{Error, ErrorKind, Json, Result};
use larder_stores::journal::{self, Entry, Run, RunStep};
use serde::Serialize;

#[derive(Serialize)]
struct Shown {
    database: String,
    run: Run,
    steps: Vec<RunStep>,
    entries: Vec<Entry>,
}

pub(crate) fn run(args: &Show, mut context: Context<'_>) -> Result<Exit> {
    let database = context.store_for_reading(STORE)?;
    let (run, steps, entries) = database.read(|tx| {
        Ok((journal::run(tx, &args.run)?, journal::steps(tx, &args.run)?, journal::entries(tx, &args.run)?))
    })?;
    database.close()?;
    let run = run.ok_or_else(|| {
        Error::new(ErrorKind::NotFound, format!("there is no run {} in {}", args.run, context.shown()))
            .with_help("`larder run list` shows the runs that there are")
    })?;
    let output = &mut *context.output;
    let status = output.paint(tone(run.status), run.status.as_str());
    output.line(format!("run {}: {status}", run.run_id));
    for (name, value) in facts(&run) {
        output.line(format!("  {name:<9} {}", one_line(&value)));
    }
    if !steps.is_empty() {
        output.line("");
        let mut table = Table::new(["step", "status", "took", "did"]).right(&[2]);
        for step in &steps {
            let did = step.stats.as_ref().map(|Json(stats)| stats.to_string());
            table.row(
                tone(step.status),
                [
                    step.name.clone(),
                    step.status.to_string(),
                    step.duration().map(measure::duration).unwrap_or_default(),
                    step.error.clone().into_iter().chain(did).collect::<Vec<_>>().join(" "),
                ],
            );
        }
        output.table(&table);
    }
    if !entries.is_empty() {
        output.line("");
        let mut table = Table::new(["entry", "level", "event", "message"]).right(&[0]);
        for entry in &entries {
            let event = format!("{}: {}", entry.scope, entry.event);
            let message = entry.message.clone().unwrap_or_default();
            table.row(
                crate::output::Tone::Plain,
                [entry.seq.to_string(), entry.level.to_string(), event, message],
            );
        }
        output.table(&table);
    }
    let shape = Shown { database: context.shown(), run, steps, entries };
    context.output.json(&Shape::new(context.command, true, shape));
    Ok(Exit::Done)
}

fn facts(run: &Run) -> Vec<(&'static str, String)> {
    let all = [
        ("arguments", Some(line(&run.args.0))),
        ("began", Some(measure::time(run.created_at))),
        ("took", Some(took(run)).filter(|took| !took.is_empty())),
        ("by", run.actor.clone()),
        ("commit", run.git_sha.clone()),
        ("config", run.config_hash.clone()),
        ("error", run.error.clone()),
    ];
    all.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}
