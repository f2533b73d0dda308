//! `larder copy FROM TO`

use super::Context;
use super::context::{PROGRAM, in_folder};
use super::interrupt::Interrupt;
use super::progress::Bar;
use crate::args::CopyTo;
use crate::exit::Exit;
use crate::output::{Shape, Table, Tone, measure};
use larder::copy::{CopiedTable, Copier, LeftOut, Origin, Phase, Progress, Report};
use larder::{Database, ErrorKind, MigrationSet, Result};
use larder_stores::STORES;
use serde::Serialize;
use std::path::Path;

#[derive(Serialize)]
struct Copied<'a> {
    from: &'a str,
    to: &'a str,
    dry_run: bool,
    schema_version: Option<i64>,
    migrations: usize,
    rows: u64,
    bytes: u64,
    tables: &'a [CopiedTable],
    left_out: &'a [LeftOut],
    duration_ms: f64,
}

pub(crate) fn run(args: &CopyTo, context: Context<'_>) -> Result<Exit> {
    if args.dry_run {
        context.recording.leave_out();
    }
    let own = own_set(&context)?;
    let sets: Vec<&MigrationSet> = own.iter().chain(STORES.iter().map(|store| store.set)).collect();
    let interrupt = Interrupt::listen()?;
    let from = Database::options(&args.from).read_only(true).open()?;
    let (to, is_new) = target(args)?;
    // Without a password, which the arguments may have.
    let (from_shown, to_shown) = (from.to_string(), to.to_string());
    let bar = Bar::new(context.output);
    let copier = Copier::new(&sets)
        .program(PROGRAM)
        .list(args.list)
        .stop(&interrupt.stop)
        .on_progress(|at| tell(&bar, at));
    let done = if args.dry_run { copier.check(&from, &to) } else { copier.copy(&from, &to) };
    bar.clear();
    let file = to.file().map(Path::to_owned);
    let closed = to.close();
    let report = match (done, file) {
        (Ok(report), _) => closed.map(|()| report)?,
        // What was made for this is taken away again, unless it may hold everything.
        (Err(error), Some(file)) if is_new && error.kind() != ErrorKind::UnknownOutcome => {
            remove(&file);
            return Err(in_folder(error, &context.settings.dir));
        }
        (Err(error), _) => return Err(in_folder(error, &context.settings.dir)),
    };
    from.close()?;
    print(context, &report, &from_shown, &to_shown);
    Ok(Exit::Done)
}

/// The migrations of the folder, where there is one: what it does not know of is translated.
fn own_set(context: &Context<'_>) -> Result<Option<MigrationSet>> {
    let unnamed = context.settings.dir_from == crate::settings::Source::Default;
    if unnamed && !context.settings.dir.exists() { Ok(None) } else { context.own_set().map(Some) }
}

/// The database to copy to, and whether it was made for that.
fn target(args: &CopyTo) -> Result<(Database, bool)> {
    match Database::options(&args.to).create(false).open() {
        Err(error) if error.kind() == ErrorKind::NotInitialized => {
            // A dry run has no need of a file.
            let to = if args.dry_run { ":memory:" } else { &args.to };
            Ok((Database::options(to).open()?, true))
        }
        there => there.map(|to| (to, false)),
    }
}

fn remove(file: &Path) {
    for end in ["", "-wal", "-shm"] {
        let mut name = file.as_os_str().to_owned();
        name.push(end);
        // An empty database that stays is in nobody's way.
        let _ = std::fs::remove_file(name);
    }
}

fn tell(bar: &Bar, at: &Progress) {
    let what = match at.phase {
        Phase::Building => "building the schema",
        Phase::Checking => "checking",
        Phase::Loading => "loading",
        Phase::Finishing => "making indexes",
        Phase::Verifying => "comparing",
        Phase::Committing => "committing",
        _ => "",
    };
    let mut text = what.to_owned();
    if !at.table.is_empty() {
        text.push_str(&format!(" {} ({} of {})", at.table, at.at, measure::count(at.tables, "table")));
    }
    let counted = matches!(at.phase, Phase::Loading | Phase::Verifying) && at.of_rows > 0;
    if !counted && at.rows > 0 {
        text.push_str(&format!(": {}", rows(at.rows)));
    }
    bar.say(text, counted.then_some((at.rows, at.of_rows)));
}

fn rows(count: u64) -> String {
    measure::count(usize::try_from(count).unwrap_or(usize::MAX), "row")
}

fn print(context: Context<'_>, report: &Report, from: &str, to: &str) {
    let output = context.output;
    let size = format!(
        "{}, {}, {}",
        measure::count(report.tables.len(), "table"),
        rows(report.rows),
        measure::duration(report.duration)
    );
    if report.dry_run {
        output.line(format!("{from} fits into {to} ({size}); nothing was written"));
    } else {
        output.line(format!("{from} is copied to {to} ({size}), and compared"));
    }
    let mut table = Table::new(["table", "rows", "made by"]).right(&[1]);
    for copied in &report.tables {
        let origin = match copied.origin {
            Origin::Set => "its migrations",
            Origin::Same => "its own statement",
            Origin::Translated => "translation",
        };
        table.row(Tone::Plain, [copied.name.clone(), copied.rows.to_string(), origin.to_owned()]);
    }
    output.table(&table);
    if !report.left_out.is_empty() {
        output.line("not carried over:");
        for left in &report.left_out {
            output.line(format!("  - {left}"));
        }
    }
    let shape = Copied {
        from,
        to,
        dry_run: report.dry_run,
        schema_version: report.schema_version,
        migrations: report.migrations,
        rows: report.rows,
        bytes: report.bytes,
        tables: &report.tables,
        left_out: &report.left_out,
        duration_ms: measure::ms(report.duration),
    };
    context.recording.did(report.duration, &shape);
    output.json(&Shape::new(context.command, true, shape));
}
