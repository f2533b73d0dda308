//! `larder lease show`

use super::LeaseShape;
use crate::args::lease::Show;
use crate::command::Context;
use crate::exit::Exit;
use crate::output::{Shape, Tone, measure};
use larder::Result;
use larder_stores::forge::{self, Id};
use serde::Serialize;

#[derive(Serialize)]
struct ShowShape {
    repository_id: Id,
    /// `null` when it was never leased.
    lease: Option<LeaseShape>,
}

pub(super) fn run(args: &Show, mut context: Context<'_>) -> Result<Exit> {
    let database = context.store_for_reading("forge")?;
    let text = &args.repository.repository;
    let (repository_id, path, lease) = database.read(|tx| {
        let id = forge::resolve_repository(tx, text)?.repository_id;
        let lease = forge::find_lease(tx, id)?.map(|lease| LeaseShape::of(tx, lease)).transpose()?;
        Ok((id, forge::repository_path(tx, id)?.unwrap_or_default(), lease))
    })?;
    let output = context.output;
    match &lease {
        None => output.line(format!("{path} was never leased")),
        Some(LeaseShape { state, lease, .. }) => {
            let tone = if *state == "expired" { Tone::Warning } else { Tone::Strong };
            output.line(format!("{path}: {}", output.paint(tone, state)));
            output.line(format!("  holder    {}", lease.holder));
            output.line(format!("  token     {}", lease.token));
            output.line(format!("  since     {}", measure::time(lease.acquired_at)));
            output.line(format!("  until     {}", measure::time(lease.expires_at)));
            if let Some(from) = &lease.taken_from {
                output.line(format!("  taken     from {from}, whose time was up"));
            }
        }
    }
    output.json(&Shape::new(context.command, true, ShowShape { repository_id, lease }));
    Ok(Exit::Done)
}
