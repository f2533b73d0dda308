//! `larder rollback`

use super::Context;
use super::apply::{Run, apply};
use crate::args::Rollback;
use crate::exit::Exit;
use larder::migrate::Way;
use larder::{Error, ErrorKind, Result};

pub(crate) fn run(args: &Rollback, context: Context<'_>) -> Result<Exit> {
    // A number of steps is one of a single set; a target names its own.
    let only_store = match (&args.to, args.stores.names.as_slice()) {
        (Some(_), _) | (None, []) => None,
        (None, [store]) => Some(store.as_str()),
        (None, several) => {
            let message = format!("which of the stores {} is to be led back?", several.join(", "));
            return Err(Error::new(ErrorKind::Config, message).with_help("name one, or a target with --to"));
        }
    };
    let run = Run {
        way: Way::Down,
        to: args.to.as_deref(),
        steps: args.to.is_none().then_some(args.steps),
        dry_run: args.dry_run,
        losing: &args.losing,
        waiting: &args.waiting,
        allow_out_of_order: false,
        only_store,
    };
    apply(&run, context)
}
