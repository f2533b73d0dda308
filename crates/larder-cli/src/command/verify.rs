//! `larder verify`

use super::Context;
use crate::exit::Exit;
use crate::output::{FaultShape, Shape, Tone};
use larder::Result;
use larder::driver::Dialect;
use larder::schema::{Change, Kind};
use serde::Serialize;

#[derive(Serialize)]
struct VerifyShape<'a> {
    database: &'a str,
    schema_version: Option<i64>,
    /// What keeps the history and the files apart.
    problem: Option<FaultShape<'a>>,
    drift: Vec<DriftShape<'a>>,
}

#[derive(Serialize)]
struct DriftShape<'a> {
    #[serde(flatten)]
    change: &'a Change,
    text: String,
}

pub(crate) fn run(context: Context<'_>) -> Result<Exit> {
    let (database, sets) = context.database_with_sets(|context| match context.dialect() {
        // There the migrations are built beside the live schema, in a transaction that is rolled back.
        Dialect::Postgres => context.existing(),
        _ => context.readable(),
    })?;
    let status = context.migrator(&sets.list(), &database).status(&database)?;
    // Where migrations are missing or edited, what they make can't be told: the problem alone is the answer.
    let drift = match &status.problem {
        None => context.migrator(&sets.list(), &database).verify(&database)?,
        Some(_) => Vec::new(),
    };
    let name = context.shown();
    // In which order the columns stand is said, and is no fault.
    let (order, faults): (Vec<&Change>, Vec<&Change>) =
        drift.iter().partition(|change| matches!(change, Change::ColumnsReordered { .. }));
    let sound = status.problem.is_none() && faults.is_empty();
    let output = context.output;
    match &status.problem {
        Some(problem) => output.problem(problem),
        None if faults.is_empty() => {
            output.line(format!("{name}: the history fits the files, and the schema is what they make"));
        }
        None => {
            output.line(format!("{name}: the schema is not what the migrations make"));
            for change in faults {
                output.line(format!("  - {}", output.paint(Tone::Bad, &text(change))));
            }
        }
    }
    for change in order {
        output.line(format!("  - {}", output.paint(Tone::Warning, &text(change))));
    }
    let shape = VerifyShape {
        database: &name,
        schema_version: status.schema_version,
        problem: status.problem.as_ref().map(FaultShape::of),
        drift: drift.iter().map(|change| DriftShape { change, text: text(change) }).collect(),
    };
    output.json(&Shape::new(context.command, sound, shape));
    Ok(if sound { Exit::Done } else { Exit::Unsound })
}

/// A difference from what the migrations make, which is the earlier schema here.
fn text(change: &Change) -> String {
    let subject = change.subject();
    match change.kind() {
        _ if matches!(change, Change::ColumnsReordered { .. }) => {
            format!("{subject} is another one, which is no fault")
        }
        Kind::Created => format!("{subject} is there, and no migration makes it"),
        Kind::Dropped => format!("{subject} is not there"),
        Kind::Altered => format!("{subject} is otherwise: {change}"),
    }
}
