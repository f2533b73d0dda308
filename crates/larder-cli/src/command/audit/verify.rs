//! `larder audit verify`

use super::{Found, TrailsShape, trails};
use crate::args::audit::Verify;
use crate::command::Context;
use crate::exit::Exit;
use crate::output::{Output, Shape, Tone, measure};
use larder::{Error, ErrorKind, Result};
use larder_stores::audit::{self, Anchor, Broken, Fault, Head, Verification};
use serde::Serialize;
use std::path::Path;

#[derive(Serialize)]
struct TrailShape {
    store: &'static str,
    trail: &'static str,
    entries: u64,
    head: Option<Head>,
    anchors: usize,
    broken: Option<BrokenShape>,
}

/// What is wrong with a trail, as it stands in JSON.
#[derive(Serialize)]
pub(super) struct BrokenShape {
    seq: i64,
    fault: Fault,
    text: String,
}

impl BrokenShape {
    pub(super) fn of(broken: Broken) -> Self {
        Self { seq: broken.seq, text: broken.to_string(), fault: broken.fault }
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }
}

pub(super) fn run(args: &Verify, mut context: Context<'_>) -> Result<Exit> {
    let mut anchors = Vec::new();
    for text in &args.anchor {
        anchors.push(text.parse::<Anchor>()?);
    }
    if let Some(path) = &args.anchor_file {
        read(path, &mut anchors)?;
    }
    let (database, found) = trails(&args.of, &mut context)?;
    if let Some(stray) = anchors.iter().find(|anchor| found.iter().all(|one| one.trail.table != anchor.trail))
    {
        let message =
            format!("an anchor is one of {}, which is not among what is verified here", stray.trail);
        return Err(Error::new(ErrorKind::Config, message)
            .with_help("give the anchors of this database, and with --store those of that store"));
    }
    let mut shown = Vec::new();
    for Found { store, trail } in found {
        let own: Vec<&Anchor> = anchors.iter().filter(|anchor| anchor.trail == trail.table).collect();
        let count = own.len();
        let Verification { entries, head, broken, .. } = database.read(|tx| audit::verify(tx, trail, own))?;
        shown.push(TrailShape {
            store,
            trail: trail.table,
            entries,
            head: (entries > 0).then_some(head),
            anchors: count,
            broken: broken.map(BrokenShape::of),
        });
    }
    let whole = shown.iter().all(|one| one.broken.is_none());
    let name = context.shown();
    let output = context.output;
    for one in &shown {
        print(output, one);
    }
    output.json(&Shape::new(context.command, whole, TrailsShape { database: &name, trails: shown }));
    Ok(if whole { Exit::Done } else { Exit::Unsound })
}

fn print(output: &mut Output, one: &TrailShape) {
    let entries = match one.entries {
        1 => "1 entry".to_owned(),
        many => format!("{many} entries"),
    };
    let Some(broken) = &one.broken else {
        let anchors = match one.anchors {
            0 => "not compared with an anchor".to_owned(),
            many => format!("agrees with {}", measure::count(many, "anchor")),
        };
        let whole = output.paint(Tone::Good, "whole");
        output.line(format!("{}: {whole}, {entries}, {anchors}", one.trail));
        return;
    };
    let word = output.paint(Tone::Bad, "broken");
    output.line(format!("{}: {word} after {entries}", one.trail));
    output.line(format!("  {}", broken.text));
}

/// The anchors of a file.
fn read(path: &Path, anchors: &mut Vec<Anchor>) -> Result<()> {
    let name = path.display();
    let text = std::fs::read_to_string(path).map_err(|error| {
        Error::new(ErrorKind::Config, format!("can't read the anchors of {name}: {error}")).with_cause(error)
    })?;
    let before = anchors.len();
    for (number, line) in (1..).zip(text.lines()) {
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        let anchor = line.parse().map_err(|error: Error| {
            let help = error.help().unwrap_or_default().to_owned();
            Error::new(ErrorKind::Config, format!("{name}, line {number}: {}", error.message()))
                .with_help(help)
        })?;
        anchors.push(anchor);
    }
    if anchors.len() == before {
        return Err(Error::new(ErrorKind::Config, format!("{name} has no anchor"))
            .with_help("`larder audit anchor` prints one"));
    }
    Ok(())
}
