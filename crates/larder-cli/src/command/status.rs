//! `larder status`

use super::Context;
use crate::args::Status as Args;
use crate::exit::Exit;
use crate::output::{FaultShape, Output, Shape, Table, Tone, measure};
use larder::Result;
use larder::migrate::{Standing, Status, StatusRow};
use serde::Serialize;
use std::time::Duration;

#[derive(Serialize)]
struct StatusShape<'a> {
    database: &'a str,
    initialized: bool,
    schema_version: Option<i64>,
    newest: Option<&'a str>,
    applied: usize,
    pending: usize,
    migrations: Vec<RowShape<'a>>,
    problem: Option<FaultShape<'a>>,
}

#[derive(Serialize)]
struct RowShape<'a> {
    id: &'a str,
    set: &'a str,
    state: &'static str,
    applied_at: Option<String>,
    duration_ms: Option<f64>,
    program: Option<&'a str>,
    approval: Option<&'a str>,
    reversible: bool,
}

pub(crate) fn run(args: &Args, context: Context<'_>) -> Result<Exit> {
    let (database, sets) = context.database_with_sets(Context::readable_or_empty)?;
    let status = context.migrator(&sets.list(), &database).status(&database)?;
    let name = context.shown();
    let output = context.output;
    print(output, &name, &status);
    output.json(&Shape::new(context.command, status.problem.is_none(), shape(&name, &status)));
    Ok(match (&status.problem, status.pending()) {
        (Some(_), _) if args.check => Exit::Unsound,
        (None, 1..) if args.check => Exit::Pending,
        _ => Exit::Done,
    })
}

fn print(output: &mut Output, name: &str, status: &Status) {
    let at = match status.schema_version {
        Some(version) if status.initialized => format!("version {version}"),
        _ => "not initialised yet".to_owned(),
    };
    let rest = match status.pending() {
        0 if status.problem.is_some() => "see below".to_owned(),
        0 => "up to date".to_owned(),
        pending => format!("{pending} pending"),
    };
    output.line(format!("{}: {at}, {rest}", output.paint(Tone::Strong, name)));
    if !status.rows.is_empty() {
        output.line("");
    }
    let mut table = Table::new(["migration", "state", "applied", "took", "by"]).right(&[3]);
    for row in &status.rows {
        let (word, tone) = state(row.state);
        table.row(
            tone,
            [
                row.id.clone(),
                word.replace('_', " "),
                row.applied_at.map(measure::time).unwrap_or_default(),
                row.duration.map(took).unwrap_or_default(),
                row.program.clone().unwrap_or_default(),
            ],
        );
    }
    if !status.rows.is_empty() {
        output.table(&table);
    }
    if let Some(problem) = &status.problem {
        output.problem(problem);
    }
}

/// The history keeps whole milliseconds.
fn took(duration: Duration) -> String {
    if duration.is_zero() { "< 1 ms".to_owned() } else { measure::duration(duration) }
}

fn state(state: Standing) -> (&'static str, Tone) {
    match state {
        Standing::Applied => ("applied", Tone::Plain),
        Standing::Pending => ("pending", Tone::Warning),
        Standing::OutOfOrder => ("out_of_order", Tone::Bad),
        Standing::Edited => ("edited", Tone::Bad),
        Standing::Missing => ("missing", Tone::Bad),
        Standing::Newer => ("newer", Tone::Bad),
        Standing::Unfinished => ("unfinished", Tone::Bad),
        _ => ("unknown", Tone::Bad),
    }
}

fn shape<'a>(name: &'a str, status: &'a Status) -> StatusShape<'a> {
    let row = |row: &'a StatusRow| RowShape {
        id: &row.id,
        set: &row.set,
        state: state(row.state).0,
        applied_at: row.applied_at.map(|at| at.to_string()),
        duration_ms: row.duration.map(measure::ms),
        program: row.program.as_deref(),
        approval: row.approval.as_deref(),
        reversible: row.reversible,
    };
    StatusShape {
        database: name,
        initialized: status.initialized,
        schema_version: status.schema_version,
        newest: status.newest.as_deref(),
        applied: status.rows.iter().filter(|row| row.state == Standing::Applied).count(),
        pending: status.pending(),
        migrations: status.rows.iter().map(row).collect(),
        problem: status.problem.as_ref().map(FaultShape::of),
    }
}
