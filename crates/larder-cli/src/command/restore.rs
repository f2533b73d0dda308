//! `larder restore FILE`

use super::Context;
use super::context::shown;
use crate::args::Restore;
use crate::exit::Exit;
use crate::output::Shape;
use larder::{Result, backup};
use serde::Serialize;
use std::path::PathBuf;
use std::time::Instant;

#[derive(Serialize)]
struct Restored {
    database: PathBuf,
    from: PathBuf,
    kept: Option<PathBuf>,
    schema_version: Option<i64>,
}

pub(crate) fn run(args: &Restore, mut context: Context<'_>) -> Result<Exit> {
    let file = context.file()?;
    if file.try_exists().unwrap_or(true) {
        context.confirm(&format!("Replace {} with {}?", file.display(), args.from.display()))?;
    }
    let began = Instant::now();
    let done = backup::restore(&args.from, &file)?;
    let output = &mut *context.output;
    let version = done.schema_version.map_or_else(String::new, |version| format!(", version {version}"));
    output.line(format!("{} is restored from {}{version}", shown(&done.path), args.from.display()));
    if let Some(kept) = &done.kept {
        output.line(format!("what was there before is kept as {}", shown(kept)));
    }
    let shape = Restored {
        database: done.path,
        from: args.from.clone(),
        kept: done.kept,
        schema_version: done.schema_version,
    };
    context.recording.did(began.elapsed(), &shape);
    context.output.json(&Shape::new(context.command, true, shape));
    Ok(Exit::Done)
}
