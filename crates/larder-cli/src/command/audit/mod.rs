//! `larder audit`: the trails of the stores in a database.

mod anchor;
mod tail;
mod verify;

use super::Context;
use super::sets::in_history;
use crate::args::audit::{Audit, Command, Of};
use crate::exit::Exit;
use larder::{Database, Error, ErrorKind, Result};
use larder_stores::audit::Trail;
use larder_stores::{STORES, Store};
use serde::Serialize;

pub(crate) fn run(args: &Audit, context: Context<'_>) -> Result<Exit> {
    match &args.command {
        Command::Tail(args) => tail::run(args, context),
        Command::Verify(args) => verify::run(args, context),
        Command::Anchor(of) => anchor::run(of, context),
    }
}

/// A trail and the store that it belongs to.
#[derive(Clone, Copy)]
struct Found {
    store: &'static str,
    trail: &'static Trail,
}

/// What each of the commands has to say of a database, in JSON.
#[derive(Serialize)]
struct TrailsShape<'a, T> {
    database: &'a str,
    trails: Vec<T>,
}

/// What to do where no trail is in sight.
const STORE: &str = "name the store: `--store journal` goes to where its database is, and `larder migrate --store journal` makes it";

/// The database, and the trails in it that are asked for.
///
/// By the history of migrations and not by the tables that are there: a trail that was dropped as a whole is missed.
fn trails(of: &Of, context: &mut Context<'_>) -> Result<(Database, Vec<Found>)> {
    let found = |store: &'static Store| Some(Found { store: store.name, trail: store.trail? });
    if let Some(store) = of.store.as_deref().and_then(Store::named) {
        let database = context.store_for_reading(store.name)?;
        return Ok((database, found(store).into_iter().collect()));
    }
    let database = context.readable().map_err(|error| match error.kind() {
        ErrorKind::NotInitialized => error.with_help(STORE),
        _ => error,
    })?;
    let known = in_history(&database)?;
    let all: Vec<Found> =
        STORES.iter().filter(|store| known.iter().any(|name| name == store.name)).filter_map(found).collect();
    if all.is_empty() {
        let message = format!("{} has no store with an audit trail", context.shown());
        return Err(Error::new(ErrorKind::NotInitialized, message).with_help(STORE));
    }
    Ok((database, all))
}
