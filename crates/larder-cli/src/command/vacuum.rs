//! `larder vacuum`

use super::Context;
use crate::exit::Exit;
use crate::output::{Shape, measure};
use larder::{Result, backup};
use serde::Serialize;

#[derive(Serialize)]
struct Vacuumed {
    database: String,
    before: u64,
    after: u64,
    won: u64,
    duration_ms: f64,
}

pub(crate) fn run(context: Context<'_>) -> Result<Exit> {
    let database = context.existing()?;
    let done = backup::vacuum(&database)?;
    database.close()?;
    let won = done.before.saturating_sub(done.after);
    context.output.line(format!(
        "{}: {} won, {} before, {} now ({})",
        context.shown(),
        measure::bytes(won),
        measure::bytes(done.before),
        measure::bytes(done.after),
        measure::duration(done.duration)
    ));
    let shape = Vacuumed {
        database: context.shown(),
        before: done.before,
        after: done.after,
        won,
        duration_ms: measure::ms(done.duration),
    };
    context.recording.did(done.duration, &shape);
    context.output.json(&Shape::new(context.command, true, shape));
    Ok(Exit::Done)
}
