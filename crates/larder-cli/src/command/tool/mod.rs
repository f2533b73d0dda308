//! `larder tool`: the registry.

mod add;
mod contract;
mod cycles;
mod dep;
mod impact;
mod import;
mod list;
mod name;
mod reliability;
mod remove;
mod reset;
mod set;
mod show;
mod verify;

use super::Context;
use crate::args::tool::{Command, ContractCommand, DepCommand, ImportCommand, Tool};
use crate::exit::Exit;
use crate::output::{Shape, measure};
use crate::settings::Source;
use larder::{Database, Result};
use larder_stores::registry::{self, SchemaMismatch};
use name::Names;
use serde::Serialize;
use std::path::Path;

const STORE: &str = "registry";

pub(crate) fn run(args: &Tool, context: Context<'_>) -> Result<Exit> {
    match &args.command {
        Command::Add(args) => add::run(args, context),
        Command::Set(args) => set::run(args, context),
        Command::List(args) => list::run(args, context),
        Command::Show(args) => show::run(args, context),
        Command::Remove(args) => remove::run(args, context),
        Command::Dep(args) => dep::run(args, context),
        Command::Contract(args) => contract::run(args, context),
        Command::Verify(args) => verify::run(args, context),
        Command::Cycles(args) => cycles::run(args, context),
        Command::Impact(args) => impact::run(args, context),
        Command::Reliability(args) => reliability::run(args, context),
        Command::Import(args) => import::run(args, context),
        Command::Reset => reset::run(context),
    }
}

/// The name that JSON has for a command.
pub(crate) fn name(args: &Tool) -> &'static str {
    match &args.command {
        Command::Add(_) => "tool add",
        Command::Set(_) => "tool set",
        Command::List(_) => "tool list",
        Command::Show(_) => "tool show",
        Command::Remove(_) => "tool remove",
        Command::Dep(args) => match args.command {
            DepCommand::Add(_) => "tool dep add",
            DepCommand::List(_) => "tool dep list",
            DepCommand::Remove(_) => "tool dep remove",
        },
        Command::Contract(args) => match args.command {
            ContractCommand::Add(_) => "tool contract add",
            ContractCommand::List(_) => "tool contract list",
            ContractCommand::Remove(_) => "tool contract remove",
        },
        Command::Verify(_) => "tool verify",
        Command::Cycles(_) => "tool cycles",
        Command::Impact(_) => "tool impact",
        Command::Reliability(_) => "tool reliability",
        Command::Import(args) => match args.command {
            ImportCommand::Cargo(_) => "tool import cargo",
            ImportCommand::Npm(_) => "tool import npm",
        },
        Command::Reset => "tool reset",
    }
}

/// The registry to write to; it is made when it is missing.
fn made(context: &mut Context<'_>) -> Result<Database> {
    let opened = context.store_made(STORE);
    checked(context, opened)
}

/// The registry to read from.
fn there(context: &mut Context<'_>) -> Result<Database> {
    let opened = context.store_for_reading(STORE);
    checked(context, opened)
}

fn checked(context: &Context<'_>, opened: Result<Database>) -> Result<Database> {
    let opened = opened.and_then(|db| registry::check(&db).map(|()| db));
    opened.map_err(|error| {
        let settings = &context.settings;
        let error = registry::way_out(error, Path::new(&settings.url), registry::PATIENCE);
        if settings.is_of_store || error.find::<SchemaMismatch>().is_none() {
            return error;
        }
        // A reset of the database of an application is no way out, and without --url it is one of another file.
        let own = "give the registry a file of its own with `url` in the table [store.registry] of larder.toml";
        error.with_help(match settings.url_from {
            Source::Flag(_) => format!(
                "name the file of a registry, or reset this one (`larder tool reset --url {}`): what is there is kept beside it",
                settings.url
            ),
            _ => own.to_owned(),
        })
    })
}

/// What a command did, as one line or as JSON.
fn done(context: Context<'_>, line: String, body: impl Serialize) -> Exit {
    context.output.line(line);
    context.output.json(&Shape::new(context.command, true, body));
    Exit::Done
}

/// `1 dependency`, `2 dependencies`.
fn dependencies(number: usize) -> String {
    if number == 1 { "1 dependency".to_owned() } else { format!("{number} dependencies") }
}

/// `0.9025`: four digits are more than anybody knows.
fn share(number: f64) -> String {
    let text = format!("{number:.4}");
    let short = text.trim_end_matches('0').trim_end_matches('.');
    // What is not nothing is not shown as nothing.
    if short == "0" && number > 0.0 { format!("{number:.1e}") } else { short.to_owned() }
}

fn tools(number: usize) -> String {
    measure::count(number, "tool")
}
