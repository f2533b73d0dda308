//! `larder tool reset`

use super::{Context, done};
use crate::command::context::shown;
use crate::command::sets::in_history;
use crate::exit::Exit;
use crate::settings::Source;
use larder::{Error, ErrorKind, Result};
use larder_stores::registry;

/// The other sets that live in the file, as far as it can be read.
fn others(context: &Context<'_>) -> Vec<String> {
    let sets = context.readable().and_then(|database| in_history(&database)).unwrap_or_default();
    sets.into_iter().filter(|set| set != super::STORE).collect()
}

pub(super) fn run(mut context: Context<'_>) -> Result<Exit> {
    context.settings = context.settings.clone().with_stores(&[super::STORE])?;
    let is_named = matches!(context.settings.url_from, Source::Flag(_));
    if !context.settings.is_of_store && !is_named {
        let message = format!("the registry lies in the application's database {}", context.shown());
        return Err(Error::new(ErrorKind::ApprovalNeeded, message).with_help(
            "a reset would put everything in it aside: name the file with --url if that is meant, or give the registry \
             a file of its own with `url` in the table [store.registry] of larder.toml",
        ));
    }
    let path = context.file()?;
    let others = if is_named { Vec::new() } else { others(&context) };
    if !others.is_empty() {
        let message = format!("{} holds more than the registry: {}", context.shown(), others.join(", "));
        return Err(Error::new(ErrorKind::ApprovalNeeded, message).with_help(
            "a reset would put everything in it aside: name the file with --url if that is meant, or give the registry \
             another place",
        ));
    }
    if path.exists() {
        context.confirm(&format!("Put {} aside and make an empty registry?", path.display()))?;
    }
    let reset = registry::reset(&path)?;
    let kept = reset.kept.as_deref().map(|kept| format!("; what was there is {}", shown(kept)));
    let line = format!("{} is an empty registry{}", shown(&reset.path), kept.unwrap_or_default());
    Ok(done(context, line, reset))
}
