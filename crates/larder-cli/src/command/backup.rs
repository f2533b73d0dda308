//! `larder backup [FILE]`

use super::Context;
use super::context::shown;
use crate::args::Backup;
use crate::exit::Exit;
use crate::output::{Shape, measure};
use larder::{Error, ErrorKind, Result, backup};
use serde::Serialize;
use std::path::PathBuf;

#[derive(Serialize)]
struct Made {
    database: String,
    backup: PathBuf,
    bytes: u64,
    duration_ms: f64,
    schema_version: Option<i64>,
    foreign_key_violations: u64,
}

pub(crate) fn run(args: &Backup, context: Context<'_>) -> Result<Exit> {
    let database = context.existing()?;
    let made = match (&args.to, context.backups(&database)) {
        (Some(file), _) => backup::create(&database, file)?,
        (None, Some(folder)) => backup::create_in(&database, &folder, None, context.settings.backup_keep)?,
        (None, None) => {
            return Err(Error::new(ErrorKind::Config, "a database in memory has no folder for its backups")
                .with_help("name the file to make"));
        }
    };
    database.close()?;
    context.output.line(format!(
        "{} is backed up in {} ({}, {})",
        context.shown(),
        shown(&made.path),
        measure::bytes(made.bytes),
        measure::duration(made.duration)
    ));
    if made.foreign_key_violations > 0 {
        let rows = measure::count(usize::try_from(made.foreign_key_violations).unwrap_or(usize::MAX), "row");
        context
            .output
            .note(format!("warning: in it as in the database, {rows} point at rows that are not there"));
    }
    let took = made.duration;
    let shape = Made {
        database: context.shown(),
        backup: made.path,
        bytes: made.bytes,
        duration_ms: measure::ms(made.duration),
        schema_version: made.schema_version,
        foreign_key_violations: made.foreign_key_violations,
    };
    context.recording.did(took, &shape);
    context.output.json(&Shape::new(context.command, true, shape));
    Ok(Exit::Done)
}
