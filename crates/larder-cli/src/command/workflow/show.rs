//! `larder workflow show`

use super::{STORE, time, tone};
use crate::args::workflow::Id;
use crate::command::Context;
use crate::exit::Exit;
use crate::output::{Shape, Table, measure, one_line};
use larder::{Json, Result};
use larder_stores::workflow::{self, Liveness, Run, Unit};
use serde::Serialize;

#[derive(Serialize)]
struct Shown {
    run: Run,
    /// `alive`, `gone` or `unknown`; nothing where the run has no owner.
    owner_is: Option<&'static str>,
    units: Vec<Unit>,
}

pub(crate) fn run(args: &Id, mut context: Context<'_>) -> Result<Exit> {
    let database = context.store_for_reading(STORE)?;
    let (run, units) = database.read(|tx| {
        let run = workflow::run(tx, &args.run)?;
        Ok((run, workflow::list_units(tx, &args.run, None)?))
    })?;
    let liveness = run.owner.as_ref().map(|Json(owner)| owner.liveness());
    let owner_is = liveness.map(|liveness| match liveness {
        Liveness::Alive => "alive",
        Liveness::Gone => "gone",
        Liveness::Unknown => "unknown",
    });
    let status = context.output.paint(tone(run.status), run.status.as_str());
    context.output.line(format!("run {}: {status}", one_line(&run.id)));
    for (name, value) in facts(&run, liveness) {
        context.output.line(format!("  {name:<10} {}", one_line(&value)));
    }
    if !units.is_empty() {
        context.output.line("");
        let mut table = Table::new(["unit", "status", "branch", "started", "completed", "error"]);
        for unit in &units {
            table.row(
                tone(unit.status),
                [
                    unit.unit_id.clone(),
                    unit.status.to_string(),
                    unit.branch.clone().unwrap_or_default(),
                    time(unit.started_at),
                    time(unit.completed_at),
                    unit.error.clone().unwrap_or_default(),
                ],
            );
        }
        context.output.table(&table);
    }
    context.output.json(&Shape::new(context.command, true, Shown { owner_is, run, units }));
    Ok(Exit::Done)
}

fn facts(run: &Run, liveness: Option<Liveness>) -> Vec<(&'static str, String)> {
    let owner = run.owner.as_ref().map(|Json(owner)| match liveness {
        Some(Liveness::Alive) => format!("{owner}, which is alive"),
        Some(Liveness::Gone) => format!("{owner}, which is gone"),
        Some(Liveness::Unknown) | None => owner.to_string(),
    });
    let all = [
        ("branch", Some(format!("{}, for {}", run.feature_branch, run.target_branch))),
        ("repository", Some(run.repo_path.clone())),
        ("tasks", Some(format!("{}, {} at a time", run.tasks_dir, run.parallelism))),
        ("owner", owner),
        ("created", Some(measure::time(run.created_at))),
        ("started", run.started_at.map(measure::time)),
        ("completed", run.completed_at.map(measure::time)),
        ("error", run.error.clone()),
        ("config", run.config_json.as_ref().map(|Json(config)| config.to_string())),
        ("events", Some(run.last_sequence.to_string())),
    ];
    all.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}
