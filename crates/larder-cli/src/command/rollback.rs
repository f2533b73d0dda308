//! `larder rollback`

use super::Context;
use super::apply::{Run, apply};
use crate::args::Rollback;
use crate::exit::Exit;
use larder::Result;
use larder::migrate::Way;

pub(crate) fn run(args: &Rollback, context: Context<'_>) -> Result<Exit> {
    let run = Run {
        way: Way::Down,
        to: args.to.as_deref(),
        steps: args.to.is_none().then_some(args.steps),
        dry_run: args.dry_run,
        losing: &args.losing,
        allow_out_of_order: false,
    };
    apply(&run, context)
}
