//! `larder migrate`

use super::Context;
use super::apply::{Run, apply};
use crate::args::Migrate;
use crate::exit::Exit;
use larder::Result;
use larder::migrate::Way;

pub(crate) fn run(args: &Migrate, context: Context<'_>) -> Result<Exit> {
    let run = Run {
        way: Way::Up,
        to: args.to.as_deref(),
        steps: None,
        dry_run: args.dry_run,
        losing: &args.losing,
        waiting: &args.waiting,
        allow_out_of_order: args.allow_out_of_order,
        only_store: None,
    };
    apply(&run, context)
}
