//! `larder audit anchor`

use super::verify::BrokenShape;
use super::{Found, TrailsShape, trails};
use crate::args::audit::Of;
use crate::command::Context;
use crate::exit::Exit;
use crate::output::{Shape, Tone};
use larder::Result;
use larder_stores::audit;
use serde::Serialize;

#[derive(Serialize)]
struct TrailShape {
    store: &'static str,
    trail: &'static str,
    anchor: Option<String>,
    broken: Option<BrokenShape>,
}

/// The trail is verified first: the anchor of a broken one would only testify to what somebody made of it.
pub(super) fn run(of: &Of, mut context: Context<'_>) -> Result<Exit> {
    let (database, found) = trails(of, &mut context)?;
    let mut shown = Vec::new();
    for Found { store, trail } in found {
        // In one transaction, so that nothing is added in between.
        let (broken, anchor) = database.read(|tx| match audit::verify(tx, trail, None)?.broken {
            Some(broken) => Ok((Some(broken), None)),
            None => Ok((None, audit::anchor(tx, trail)?)),
        })?;
        shown.push(TrailShape {
            store,
            trail: trail.table,
            anchor: anchor.map(|anchor| anchor.to_string()),
            broken: broken.map(BrokenShape::of),
        });
    }
    let whole = shown.iter().all(|one| one.broken.is_none());
    let name = context.shown();
    let output = context.output;
    for one in &shown {
        // Only anchors go to the standard output: it may be added to a file of them.
        match (&one.anchor, &one.broken) {
            (Some(anchor), _) => output.line(anchor),
            (None, Some(broken)) => {
                let error = output.paint_note(Tone::Bad, "error:");
                output.note(format!("{error} {} is broken and gets no anchor: {}", one.trail, broken.text()));
            }
            (None, None) => output.note(format!("{} is empty: there is nothing to anchor", one.trail)),
        }
    }
    output.json(&Shape::new(context.command, whole, TrailsShape { database: &name, trails: shown }));
    Ok(if whole { Exit::Done } else { Exit::Unsound })
}
