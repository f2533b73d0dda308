//! `larder tool cycles`

use super::{Context, Names, made};
use crate::args::tool::Cycles as Args;
use crate::exit::Exit;
use crate::output::{Shape, Tone, measure};
use larder::Result;
use larder_stores::registry::{self, Cycle, FoundCycle, RecordedCycles};
use serde::Serialize;

#[derive(Serialize)]
struct CyclesShape<'a> {
    found: &'a [FoundCycle],
    /// There are more than were looked for.
    more: bool,
    changed: RecordedCycles,
    #[serde(skip_serializing_if = "Option::is_none")]
    recorded: Option<&'a [Cycle]>,
}

pub(super) fn run(args: &Args, mut context: Context<'_>) -> Result<Exit> {
    let database = made(&mut context)?;
    let (cycles, changed) = registry::detect_cycles(&database, args.limit)?;
    let recorded = if args.all { Some(database.read(|tx| registry::cycles(tx, true))?) } else { None };
    let names = database.read(Names::of)?;
    let output = context.output;
    let number = measure::count(cycles.found.len(), "cycle");
    let more = if cycles.more { "more than " } else { "" };
    let RecordedCycles { new, reopened, resolved, .. } = changed;
    output.line(format!("{more}{number}; {new} new, {reopened} reopened, {resolved} resolved"));
    for cycle in &cycles.found {
        let tone = if cycle.required { Tone::Bad } else { Tone::Warning };
        let optional = if cycle.required { "" } else { "  (with an optional dependency)" };
        output.line(format!("  {}{optional}", output.paint(tone, &round(&cycle.tools, &names))));
    }
    let resolved = recorded.iter().flatten().filter(|cycle| cycle.resolved);
    for cycle in resolved {
        let line = format!("  resolved: {}", round(&cycle.cycle.0, &names));
        output.line(output.paint(Tone::Quiet, &line));
    }
    let shape =
        CyclesShape { found: &cycles.found, more: cycles.more, changed, recorded: recorded.as_deref() };
    output.json(&Shape::new(context.command, true, shape));
    Ok(Exit::Done)
}

/// `a → b → a`, of a long one the beginning.
fn round(tools: &[String], names: &Names) -> String {
    const SHOWN: usize = 12;
    let mut words: Vec<&str> = tools.iter().take(SHOWN).map(|id| names.word(id)).collect();
    let rest = format!("… {} more …", tools.len().saturating_sub(SHOWN));
    if tools.len() > SHOWN {
        words.push(&rest);
    }
    words.extend(tools.first().map(|id| names.word(id)));
    words.join(" → ")
}
