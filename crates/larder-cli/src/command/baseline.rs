//! `larder baseline ID`

use super::Context;
use crate::args::Baseline;
use crate::exit::Exit;
use crate::output::{RunShape, Shape, measure};
use larder::Result;

pub(crate) fn run(args: &Baseline, context: Context<'_>) -> Result<Exit> {
    let (database, sets) = context.database_with_sets(Context::existing)?;
    let report = context.migrator(&sets.list(), &database).baseline(&database, &args.id)?;
    context.recording.ran(&report);
    database.close()?;
    let output = &mut *context.output;
    for done in &report.done {
        output.line(format!("recorded {} as applied, without running it", done.id));
    }
    let version = report.schema_version.map_or_else(|| "no version".to_owned(), |at| format!("version {at}"));
    let name = &context.settings.url;
    let recorded = measure::count(report.done.len(), "migration");
    output
        .line(format!("{name} is taken over at {version} ({recorded}); `larder verify` compares its schema"));
    let shape = RunShape::of(&report, name.clone(), false);
    output.json(&Shape::new(context.command, true, shape));
    Ok(Exit::Done)
}
