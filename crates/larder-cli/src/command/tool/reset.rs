//! `larder tool reset`

use super::{Context, done};
use crate::command::context::shown;
use crate::exit::Exit;
use crate::settings::Source;
use larder::{Error, ErrorKind, Result};
use larder_stores::registry;

pub(super) fn run(mut context: Context<'_>) -> Result<Exit> {
    context.settings = context.settings.clone().with_stores(&[super::STORE])?;
    let is_named = matches!(context.settings.url_from, Source::Flag(_));
    if !context.settings.is_of_store && !is_named {
        let message = format!("the registry lies in the application's database {}", context.shown());
        return Err(Error::new(ErrorKind::ApprovalNeeded, message).with_help(
            "a reset would put everything in it aside: name the file with --url if that is meant, or lead back the \
             registry alone with `larder rollback --store registry`",
        ));
    }
    let path = context.file()?;
    if path.exists() {
        context.confirm(&format!("Put {} aside and make an empty registry?", path.display()))?;
    }
    let reset = registry::reset(&path)?;
    let kept = reset.kept.as_deref().map(|kept| format!("; what was there is {}", shown(kept)));
    let line = format!("{} is an empty registry{}", shown(&reset.path), kept.unwrap_or_default());
    Ok(done(context, line, reset))
}
