//! `larder repair ID`

use super::Context;
use crate::args::Repair as Args;
use crate::exit::Exit;
use crate::output::{RunShape, Shape};
use larder::Result;
use larder::migrate::Repair;

pub(crate) fn run(args: &Args, mut context: Context<'_>) -> Result<Exit> {
    let (database, sets) = context.database_with_sets(Context::existing)?;
    // clap sees to it that exactly one of the four is given.
    let (how, text) = if args.how.resume {
        (Repair::Resume, "was finished")
    } else if args.how.mark_applied {
        (Repair::MarkApplied, "is marked as applied")
    } else if args.how.forget {
        (Repair::Forget, "is forgotten: it counts as never begun")
    } else {
        (Repair::AcceptEdited, "is accepted as it is now")
    };
    let report = context.migrator(&sets.list(), &database).repair(&database, &args.id, how)?;
    if report.done.is_empty() {
        context.recording.did(report.duration, &serde_json::json!({ "id": args.id, "repair": text }));
    }
    context.recording.ran(&report);
    database.close()?;
    context.output.line(format!("{} {text}", args.id));
    super::report::lines(context.output, &report.done, false);
    if how == Repair::Resume {
        super::report::end(&mut context, &report, false);
    }
    let shape = RunShape::of(&report, context.shown(), false);
    context.output.json(&Shape::new(context.command, true, shape));
    Ok(Exit::Done)
}
