//! `larder workflow replay`

use super::{STORE, time, tone};
use crate::args::workflow::Id;
use crate::command::Context;
use crate::exit::Exit;
use crate::output::{Shape, Table, Tone, measure, one_line};
use larder::Result;
use larder_stores::workflow::{self, Difference, State};
use serde::Serialize;
use std::collections::BTreeMap;

#[derive(Serialize)]
struct Replayed {
    run: String,
    moves: u64,
    state: State,
    units: BTreeMap<String, State>,
    differences: Vec<DifferenceShape>,
}

#[derive(Serialize)]
struct DifferenceShape {
    #[serde(flatten)]
    difference: Difference,
    text: String,
}

pub(crate) fn run(args: &Id, mut context: Context<'_>) -> Result<Exit> {
    let database = context.store_for_reading(STORE)?;
    let (replay, differences) = database.read(|tx| {
        let replay = workflow::replay(tx, &args.run)?;
        let differences = workflow::differences(tx, &args.run, replay.clone())?;
        Ok((replay, differences))
    })?;
    let mut table = Table::new(["", "status", "started", "completed", "error"]);
    let run = std::iter::once(("run".to_owned(), &replay.run));
    for (name, state) in run.chain(replay.units.iter().map(|(name, state)| (format!("unit {name}"), state))) {
        let error = state.error.clone().unwrap_or_default();
        let cells = [name, state.status.to_string(), time(state.started_at), time(state.completed_at), error];
        table.row(tone(state.status), cells);
    }
    context.output.table(&table);
    context.output.line("");
    let sound = differences.is_empty();
    if sound {
        context.output.line(format!("the events and the rows of {} agree", args.run));
    } else {
        let count = measure::count(differences.len(), "difference");
        let text = context
            .output
            .paint(Tone::Bad, &format!("{count} between the events and the rows of {}", args.run));
        context.output.line(text);
        for difference in &differences {
            context.output.line(format!("  - {}", one_line(&difference.to_string())));
        }
    }
    let shown = |difference: Difference| DifferenceShape { text: difference.to_string(), difference };
    let shape = Replayed {
        run: args.run.clone(),
        moves: replay.moves,
        state: replay.run,
        units: replay.units,
        differences: differences.into_iter().map(shown).collect(),
    };
    context.output.json(&Shape::new(context.command, sound, shape));
    Ok(if sound { Exit::Done } else { Exit::Unsound })
}
