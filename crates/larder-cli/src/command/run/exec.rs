//! `larder run exec -- COMMAND…`

use super::{STORE, tone};
use crate::args::run::Exec;
use crate::command::child::{self, Ended};
use crate::command::{Context, actor};
use crate::environment::Environment;
use crate::exit::Exit;
use crate::output::{Shape, measure};
use larder::Result;
use larder_stores::journal::{self, Ending, Level, NewEntry, NewRun, NewStep, Run, RunStep};
use serde::Serialize;
use serde_json::json;
use std::time::{Duration, Instant};

/// Where the command finds the id of its run.
const VARIABLE: &str = "LARDER_RUN_ID";

#[derive(Serialize)]
struct Done {
    database: String,
    run: Run,
    step: RunStep,
    exit_code: u8,
}

pub(crate) fn run(args: &Exec, environment: &Environment, mut context: Context<'_>) -> Result<Exit> {
    let database = context.store_made(STORE)?;
    let words: Vec<String> = args.command.iter().map(|word| word.to_string_lossy().into_owned()).collect();
    let name = args.name.clone().unwrap_or_else(|| child::name(&args.command));
    let commit = larder_stores::git_commit(&environment.folder);
    let actor = actor::actor(environment);
    let (run, step) = database.write(|tx| {
        let new =
            NewRun { args: &words, git_sha: commit.as_deref(), actor: Some(&actor), ..NewRun::default() };
        let run = journal::start_run(tx, new)?;
        let new = NewStep { run_id: &run.run_id, name: &name, ..NewStep::default() };
        let step = journal::start_step(tx, new)?;
        Ok((run, step))
    })?;
    // The command may want the database for itself.
    database.close()?;

    let began = Instant::now();
    let (ended, fault) = child::run(&args.command, &[(VARIABLE, &run.run_id)])?;
    let took = began.elapsed();
    let failure = match (&fault, ended.signal) {
        (Some(fault), _) => Some(format!("can't run {}: {fault}", step.name)),
        (None, Some(signal)) => Some(format!("signal {signal} ended it")),
        (None, None) if !ended.is_well() => Some(format!("exit code {}", ended.code)),
        (None, None) => None,
    };
    if fault.is_some()
        && let Some(failure) = &failure
    {
        context.output.warning(failure);
    }
    // The command has done its work: its answer counts, whatever becomes of the record.
    let (run, step) = match record(&context, &run, &step, ended, took, failure.as_deref()) {
        Ok((run, step)) => {
            let status = context.output.paint_note(tone(run.status), run.status.as_str());
            context.output.note(format!("run {}: {status} in {}", run.run_id, measure::duration(took)));
            (run, step)
        }
        Err(error) => {
            context.output.warning(&format!("the end of run {} is not recorded: {error}", run.run_id));
            // As it is recorded: running.
            (run, step)
        }
    };
    let shape = Done { database: context.shown(), run, step, exit_code: ended.code };
    context.output.json(&Shape::new(context.command, ended.is_well(), shape));
    Ok(ended.exit())
}

fn record(
    context: &Context<'_>,
    run: &Run,
    step: &RunStep,
    ended: Ended,
    took: Duration,
    failure: Option<&str>,
) -> Result<(Run, RunStep)> {
    let ending = failure.map_or_else(Ending::completed, Ending::failed);
    let stats = json!({ "exit_code": ended.code, "signal": ended.signal, "duration_ms": measure::ms(took) });
    let level = if ended.is_well() { Level::Info } else { Level::Error };
    let database = context.existing()?;
    let done = database.write(|tx| {
        let step = journal::finish_step(tx, &step.step_id, ending, &stats)?;
        journal::log(
            tx,
            NewEntry {
                level,
                run_id: Some(&run.run_id),
                scope: "run exec",
                event: if ended.is_well() { "completed" } else { "failed" },
                message: failure,
                data: Some(&stats),
                ..NewEntry::default()
            },
        )?;
        Ok((journal::finish_run(tx, &run.run_id, ending)?, step))
    })?;
    database.close()?;
    Ok(done)
}
