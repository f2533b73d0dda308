//! `larder restore FILE`

use super::Context;
use super::context::shown;
use crate::args::Restore;
use crate::exit::Exit;
use crate::output::Shape;
use larder::driver::Dialect;
use larder::{Result, backup};
use serde::Serialize;
use std::path::{Path, PathBuf};
use std::time::Instant;

#[derive(Serialize)]
struct Restored {
    database: String,
    from: PathBuf,
    kept: Option<String>,
    schema_version: Option<i64>,
}

pub(crate) fn run(args: &Restore, mut context: Context<'_>) -> Result<Exit> {
    let is_file = context.dialect() == Dialect::Sqlite;
    let (name, is_there) = if is_file {
        let file = context.file()?;
        (file.display().to_string(), file.try_exists().unwrap_or(true))
    } else {
        (context.shown(), true)
    };
    if is_there {
        context.confirm(&format!("Replace {name} with {}?", args.from.display()))?;
    }
    let began = Instant::now();
    let done = backup::restore_into(&args.from, &context.options())?;
    let short = |name: &str| if is_file { shown(Path::new(name)) } else { name.to_owned() };
    let output = &mut *context.output;
    let version = done.schema_version.map_or_else(String::new, |version| format!(", version {version}"));
    output.line(format!("{} is restored from {}{version}", short(&done.database), args.from.display()));
    if let Some(kept) = &done.kept {
        output.line(format!("what was there before is kept as {}", short(kept)));
    }
    let shape = Restored {
        database: done.database,
        from: args.from.clone(),
        kept: done.kept,
        schema_version: done.schema_version,
    };
    context.recording.did(began.elapsed(), &shape);
    context.output.json(&Shape::new(context.command, true, shape));
    Ok(Exit::Done)
}
