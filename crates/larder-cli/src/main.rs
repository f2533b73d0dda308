//! The program `larder`: migrate, back up and examine a local-first database.
//!
//! Two stages: [`args`] takes the flags as they stand on the command line, [`settings`] makes of them, of the environment
//! and of `larder.toml` what holds; then one small function of [`command`] does the work. What a run answers to the shell
//! is decided in [`exit`] alone, and nothing is printed but through [`output`].

mod args;
mod command;
mod config;
mod environment;
mod exit;
mod output;
mod secret;
mod settings;

use std::process::ExitCode;

fn main() -> ExitCode {
    let environment = environment::Environment::of_process();
    let arguments: Vec<_> = std::env::args_os().collect();
    let mut output = output::Output::of_process();
    let exit = match args::parse(&arguments) {
        Ok(args) => command::run(&args, &environment, &mut output),
        Err(error) => output.usage(&error, args::wants_json(&arguments)),
    };
    output.finish(exit).into()
}
