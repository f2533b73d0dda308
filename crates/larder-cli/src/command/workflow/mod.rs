//! `larder workflow`

mod events;
mod list;
mod prune;
mod recover;
mod replay;
mod show;

use super::Context;
use crate::args::workflow::{Verb, Workflow};
use crate::exit::Exit;
use crate::output::{Tone, measure};
use jiff::Timestamp;
use larder::Result;
use larder_stores::workflow::Status;

const STORE: &str = "workflow";

pub(crate) fn run(args: &Workflow, context: Context<'_>) -> Result<Exit> {
    match &args.verb {
        Verb::List(args) => list::run(args, context),
        Verb::Show(args) => show::run(args, context),
        Verb::Events(args) => events::run(args, context),
        Verb::Replay(args) => replay::run(args, context),
        Verb::Recover(args) => recover::run(args, context),
        Verb::Prune(args) => prune::run(args, context),
    }
}

/// The name that JSON has for the command.
pub(crate) fn name(args: &Workflow) -> &'static str {
    match args.verb {
        Verb::List(_) => "workflow list",
        Verb::Show(_) => "workflow show",
        Verb::Events(_) => "workflow events",
        Verb::Replay(_) => "workflow replay",
        Verb::Recover(_) => "workflow recover",
        Verb::Prune(_) => "workflow prune",
    }
}

/// An instant as people read it; nothing for none.
fn time(at: Option<Timestamp>) -> String {
    at.map(measure::time).unwrap_or_default()
}

fn tone(status: Status) -> Tone {
    match status {
        Status::Completed => Tone::Good,
        Status::Running => Tone::Strong,
        Status::Failed => Tone::Bad,
        Status::Interrupted => Tone::Warning,
        Status::Cancelled => Tone::Quiet,
        Status::Pending => Tone::Plain,
    }
}
