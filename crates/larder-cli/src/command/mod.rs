//! The commands, one file each, and how one is run.

mod actor;
mod ago;
mod apply;
mod audit;
mod backup;
mod baseline;
mod child;
mod completions;
mod context;
mod copy;
mod doctor;
mod interrupt;
mod lease;
mod man;
mod migrate;
mod new;
mod plan;
mod progress;
mod recording;
mod repair;
mod repo;
mod report;
mod restore;
mod rollback;
mod run;
mod schema;
mod sets;
mod status;
mod store;
mod tool;
mod vacuum;
mod verify;
mod workflow;

use crate::args::{Args, Command};
use crate::environment::Environment;
use crate::exit::Exit;
use crate::output::Output;
use crate::settings;
use context::Context;
use larder::Result;
use recording::Recording;

/// Runs what a command line asks for; an error is printed here.
pub(crate) fn run(args: &Args, environment: &Environment, output: &mut Output) -> Exit {
    output.set_json(args.global.json);
    let command = name(&args.command);
    let done = match &args.command {
        // These two need no settings, and work where those are broken.
        Command::Completions(args) => completions::run(args, output),
        Command::Man(args) => man::run(args, output),
        _ => recorded(args, command, environment, output),
    };
    done.unwrap_or_else(|error| output.failure(command, &error))
}

/// Runs a command, and writes down what it did where `larder.toml` asks for a journal.
fn recorded(
    args: &Args,
    command: &'static str,
    environment: &Environment,
    output: &mut Output,
) -> Result<Exit> {
    let settings = settings::resolve(&args.global, environment)?;
    let mut recording = Recording::begin(command, &settings, environment)?;
    recording.check(&settings)?;
    let settings = settings.with_stores(&args.command.stores())?;
    let dir = settings.dir.clone();
    let context =
        Context { command, settings, yes: args.global.yes, output: &mut *output, recording: &mut recording };
    let done = dispatch(&args.command, environment, context).map_err(|error| context::in_folder(error, &dir));
    // The work is done or has failed: the journal changes nothing about that.
    if let Err(error) = recording.keep(&done) {
        output.warning(&format!("{command} is not recorded in the journal: {error}"));
    }
    done
}

fn dispatch(command: &Command, environment: &Environment, context: Context<'_>) -> Result<Exit> {
    match command {
        Command::New(args) => new::run(args, context),
        Command::Migrate(args) => migrate::run(args, context),
        Command::Rollback(args) => rollback::run(args, context),
        Command::Status(args) => status::run(args, context),
        Command::Plan(args) => plan::run(args, context),
        Command::Doctor(args) => doctor::run(args, context),
        Command::Vacuum(_) => vacuum::run(context),
        Command::Backup(args) => backup::run(args, context),
        Command::Restore(args) => restore::run(args, context),
        Command::Copy(args) => copy::run(args, context),
        Command::Repair(args) => repair::run(args, context),
        Command::Baseline(args) => baseline::run(args, context),
        Command::Verify(_) => verify::run(context),
        Command::Schema(args) => schema::run(args, context),
        Command::Audit(args) => audit::run(args, context),
        Command::Tool(args) => tool::run(args, context),
        Command::Workflow(args) => workflow::run(args, context),
        Command::Run(args) => run::run(args, environment, context),
        Command::Lease(args) => lease::run(args, environment, context),
        Command::Repo(args) => repo::run(args, environment, context),
        Command::Completions(args) => completions::run(args, context.output),
        Command::Man(args) => man::run(args, context.output),
    }
}

/// The name that JSON has for a command; of one with commands below it both, as in `workflow list`.
fn name(command: &Command) -> &'static str {
    match command {
        Command::New(_) => "new",
        Command::Migrate(_) => "migrate",
        Command::Rollback(_) => "rollback",
        Command::Status(_) => "status",
        Command::Plan(_) => "plan",
        Command::Doctor(_) => "doctor",
        Command::Vacuum(_) => "vacuum",
        Command::Backup(_) => "backup",
        Command::Restore(_) => "restore",
        Command::Copy(_) => "copy",
        Command::Repair(_) => "repair",
        Command::Baseline(_) => "baseline",
        Command::Verify(_) => "verify",
        Command::Schema(_) => "schema",
        Command::Audit(args) => match args.command {
            crate::args::audit::Command::Tail(_) => "audit tail",
            crate::args::audit::Command::Verify(_) => "audit verify",
            crate::args::audit::Command::Anchor(_) => "audit anchor",
        },
        Command::Tool(args) => tool::name(args),
        Command::Workflow(args) => workflow::name(args),
        Command::Run(args) => run::name(args),
        Command::Lease(args) => lease::name(args),
        Command::Repo(args) => repo::name(args),
        Command::Completions(_) => "completions",
        Command::Man(_) => "man",
    }
}
