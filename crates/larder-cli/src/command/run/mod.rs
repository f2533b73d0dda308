//! `larder run`

mod exec;
mod list;
mod recover;
mod show;

use super::Context;
use crate::args::run::{Run, Verb};
use crate::environment::Environment;
use crate::exit::Exit;
use crate::output::Tone;
use larder::Result;
use larder_stores::journal::{self, Status};

const STORE: &str = "journal";

pub(crate) fn run(args: &Run, environment: &Environment, context: Context<'_>) -> Result<Exit> {
    match &args.verb {
        Verb::List(args) => list::run(args, context),
        Verb::Show(args) => show::run(args, context),
        Verb::Exec(args) => exec::run(args, environment, context),
        Verb::Recover(args) => recover::run(args, context),
    }
}

/// The name that JSON has for the command.
pub(crate) fn name(args: &Run) -> &'static str {
    match args.verb {
        Verb::List(_) => "run list",
        Verb::Show(_) => "run show",
        Verb::Exec(_) => "run exec",
        Verb::Recover(_) => "run recover",
    }
}

/// How long a run took; nothing while it runs.
fn took(run: &journal::Run) -> String {
    let took = run.finished_at.and_then(|end| end.duration_since(run.created_at).try_into().ok());
    took.map(crate::output::measure::duration).unwrap_or_default()
}

fn tone(status: Status) -> Tone {
    match status {
        Status::Completed => Tone::Good,
        Status::Failed => Tone::Bad,
        _ => Tone::Strong,
    }
}

/// The arguments in one line, as a person may read them.
fn line(args: &[String]) -> String {
    args.join(" ")
}
