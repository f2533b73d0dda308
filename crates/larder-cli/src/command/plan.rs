//! `larder plan`

use super::{Context, report};
use crate::args::Plan as Args;
use crate::exit::Exit;
use crate::output::{Shape, Table, Tone, measure};
use larder::Result;
use larder::migrate::{Approves, Script, Warning, Way};
use serde::Serialize;

#[derive(Serialize)]
struct PlanShape {
    database: String,
    up_to_date: bool,
    steps: Vec<StepShape>,
}

#[derive(Serialize)]
struct StepShape {
    id: String,
    set: String,
    file: Option<String>,
    transaction: bool,
    approves_losses: bool,
    reversible: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<Warning>,
}

pub(crate) fn run(args: &Args, context: Context<'_>) -> Result<Exit> {
    let (database, sets) = context.database_with_sets(Context::readable_or_empty)?;
    let mut migrator = context.migrator(&sets.list(), &database);
    if let Some(to) = &args.to {
        migrator = migrator.to(to);
    }
    let plan = migrator.plan(&database)?;
    let dialect = database.driver().dialect();
    let loaded = sets.list().iter().map(|set| set.load(dialect)).collect::<Result<Vec<_>>>()?;
    let steps: Vec<StepShape> = plan
        .steps
        .iter()
        .filter_map(|step| {
            let (loaded, set) = (loaded.get(step.set)?, *sets.list().get(step.set)?);
            let migration = loaded.get(step.migration)?;
            Some(StepShape {
                id: step.id.clone(),
                set: loaded.name().to_owned(),
                file: match migration.script(step.way)? {
                    // Those of a store are in this program.
                    Script::Sql(text) => set.path().map(|dir| dir.join(text.file()).display().to_string()),
                    _ => None,
                },
                transaction: !migration.is_no_transaction(step.way),
                approves_losses: *migration.approves(step.way) != Approves::Nothing,
                reversible: migration.script(Way::Down).is_some(),
                warnings: step.warnings.clone(),
            })
        })
        .collect();
    let name = context.shown();
    let output = context.output;
    if steps.is_empty() {
        let why = if plan.up_to_date { "up to date" } else { "nothing to do up to there" };
        output.line(format!("{name}: {why}"));
    } else {
        output.line(format!("{name}: {} to apply", measure::count(steps.len(), "migration")));
        output.line("");
        let mut table = Table::new(["migration", "file", "note"]);
        for step in &steps {
            let mut notes = Vec::new();
            if !step.transaction {
                notes.push("outside a transaction");
            }
            if step.approves_losses {
                notes.push("approves losses");
            }
            if !step.reversible {
                notes.push("no way back");
            }
            table
                .row(Tone::Plain, [step.id.clone(), step.file.clone().unwrap_or_default(), notes.join(", ")]);
        }
        output.table(&table);
        for step in steps.iter().filter(|step| !step.warnings.is_empty()) {
            output.line(format!("{}:", step.id));
            report::warnings(output, &step.warnings);
        }
    }
    let shape = PlanShape { database: name, up_to_date: plan.up_to_date, steps };
    output.json(&Shape::new(context.command, true, shape));
    Ok(Exit::Done)
}
