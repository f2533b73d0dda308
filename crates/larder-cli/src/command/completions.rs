//! `larder completions SHELL`

use crate::args::{self, Completions};
use crate::exit::Exit;
use crate::output::Output;
use larder::Result;

pub(crate) fn run(args: &Completions, output: &mut Output) -> Result<Exit> {
    let mut text = Vec::new();
    clap_complete::generate(args.shell, &mut args::command(), "larder", &mut text);
    output.raw(&String::from_utf8_lossy(&text));
    Ok(Exit::Done)
}
