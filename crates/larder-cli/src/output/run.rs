//! What a run of migrations did, as JSON.

use super::measure;
use larder::migrate::{Done, Loss, Report, Warning, Way};
use serde::Serialize;
use std::path::Path;

/// The JSON of a run.
#[derive(Serialize)]
pub(crate) struct RunShape<'a> {
    pub(crate) database: String,
    pub(crate) dry_run: bool,
    pub(crate) done: Vec<DoneShape<'a>>,
    pub(crate) already: usize,
    pub(crate) schema_version: Option<i64>,
    pub(crate) duration_ms: f64,
}

impl<'a> RunShape<'a> {
    pub(crate) fn of(report: &'a Report, database: String, dry_run: bool) -> Self {
        Self {
            database,
            dry_run,
            done: done(&report.done),
            already: report.already,
            schema_version: report.schema_version,
            duration_ms: measure::ms(report.duration),
        }
    }
}

/// The JSON of one migration that ran.
#[derive(Serialize)]
pub(crate) struct DoneShape<'a> {
    id: &'a str,
    set: &'a str,
    direction: &'static str,
    duration_ms: f64,
    changes: &'a [String],
    losses: Vec<LossShape<'a>>,
    approval: Option<&'a str>,
    backup: Option<&'a Path>,
    /// Only said of what a dry run could not try.
    #[serde(skip_serializing_if = "is_true")]
    rehearsed: bool,
    #[serde(skip_serializing_if = "<[Warning]>::is_empty")]
    warnings: &'a [Warning],
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
fn is_true(value: &bool) -> bool {
    *value
}

/// The JSON of a loss: its parts, and the words.
#[derive(Serialize)]
pub(crate) struct LossShape<'a> {
    #[serde(flatten)]
    loss: &'a Loss,
    text: String,
}

pub(crate) fn losses(losses: &[Loss]) -> Vec<LossShape<'_>> {
    losses.iter().map(|loss| LossShape { loss, text: loss.to_string() }).collect()
}

pub(crate) fn done(done: &[Done]) -> Vec<DoneShape<'_>> {
    done.iter().map(DoneShape::of).collect()
}

impl<'a> DoneShape<'a> {
    pub(crate) fn of(done: &'a Done) -> Self {
        let Done { id, set, way, duration, effects, approval, backup, rehearsed, warnings, .. } = done;
        Self {
            id,
            set,
            direction: match way {
                Way::Up => "up",
                Way::Down => "down",
            },
            duration_ms: measure::ms(*duration),
            changes: &effects.changes,
            losses: losses(&effects.losses),
            approval: approval.as_deref(),
            backup: backup.as_deref(),
            rehearsed: *rehearsed,
            warnings,
        }
    }
}
