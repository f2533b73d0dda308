//! `larder lease import`

use super::actor;
use crate::args::lease::Import;
use crate::command::Context;
use crate::environment::Environment;
use crate::exit::Exit;
use crate::output::{Shape, measure};
use larder::{Error, ErrorKind, Result};
use larder_stores::forge::{self, By, ImportRefused, Imported, LeaseFile};
use serde::Serialize;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;

#[derive(Serialize)]
struct ImportShape<'a> {
    #[serde(flatten)]
    imported: &'a Imported,
}

pub(super) fn run(args: &Import, environment: &Environment, mut context: Context<'_>) -> Result<Exit> {
    let who = actor::named(args.by.as_deref(), environment)?;
    let database = context.store("forge")?;
    let file = read(&args.file)?;
    let done = database.write_durable(|tx| forge::import_leases(tx, By::new(&who), &file, args.strict));
    let output = context.output;
    let imported = done.inspect_err(|error| {
        // The message names the first; who corrects the file wants all.
        for bad in error.find::<ImportRefused>().map(|refused| refused.bad.as_slice()).unwrap_or_default() {
            output.note(bad.to_string());
        }
    })?;
    for bad in &imported.bad {
        output.note(bad.to_string());
    }
    let count = |number: u64, one| measure::count(usize::try_from(number).unwrap_or(usize::MAX), one);
    let mut line = format!("imported {}", count(imported.imported, "lease"));
    if imported.superseded > 0 {
        line.push_str(&format!(", passed over {} that came before", count(imported.superseded, "lease")));
    }
    if !imported.bad.is_empty() {
        line.push_str(&format!(", left out {}", count(imported.bad.len() as u64, "bad line")));
    }
    output.line(line);
    let whole = imported.bad.is_empty();
    output.json(&Shape::new(context.command, whole, ImportShape { imported: &imported }));
    Ok(if whole { Exit::Done } else { Exit::Failed })
}

fn read(path: &Path) -> Result<LeaseFile> {
    if path == Path::new("-") {
        return LeaseFile::read(std::io::stdin().lock());
    }
    let file = File::open(path).map_err(|error| {
        Error::new(ErrorKind::Io, format!("{} can't be read", path.display())).with_cause(error)
    })?;
    LeaseFile::read(BufReader::new(file))
}
