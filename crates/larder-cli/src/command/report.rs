//! What a run of migrations did, as people read it.

use super::Context;
use super::context::shown;
use crate::output::{Output, Tone, measure};
use larder::migrate::{Done, Report, Warning, Way, token};

/// So many of a migration's changes stand in its line; JSON has them all.
const CHANGES: usize = 6;

/// The lines of the migrations that ran. Of a dry run they say what would have been.
pub(crate) fn lines(output: &mut Output, done: &[Done], dry_run: bool) {
    for done in done {
        let verb = match (done.way, dry_run) {
            (Way::Up, false) => "applied",
            (Way::Up, true) => "would apply",
            (Way::Down, false) => "rolled back",
            (Way::Down, true) => "would roll back",
        };
        let changes = &done.effects.changes;
        let mut text: Vec<&str> = changes.iter().take(CHANGES).map(String::as_str).collect();
        let more = format!("and {} more", changes.len().saturating_sub(CHANGES));
        if changes.len() > CHANGES {
            text.push(&more);
        }
        let colon = if text.is_empty() { "" } else { ": " };
        let id = output.paint(Tone::Strong, &done.id);
        output.line(format!(
            "{} {id} ({}){colon}{}",
            output.paint(Tone::Good, verb),
            measure::duration(done.duration),
            text.join("; ")
        ));
        if !done.rehearsed {
            output.line(
                "  not rehearsed: it runs outside a transaction, and nothing of it could be taken back",
            );
        }
        warnings(output, &done.warnings);
        for loss in &done.effects.losses {
            let text = if dry_run { "would lose" } else { "lost, as approved:" };
            output.line(format!("  {} {loss}", output.paint(Tone::Warning, text)));
        }
        if dry_run && done.approval.is_none() && !done.effects.losses.is_empty() {
            output
                .line(format!("  would need: --allow-destructive={}", token(&done.id, &done.effects.losses)));
        }
        if let Some(backup) = &done.backup {
            output.line(format!("  a backup from before is {}", shown(backup)));
        }
    }
}

/// What of a migration holds up an application on a big table, and how to do it without.
pub(crate) fn warnings(output: &mut Output, warnings: &[Warning]) {
    for Warning { rule, message, remedy, line, .. } in warnings {
        let word = output.paint(Tone::Warning, "warning:");
        output.line(format!("  {word} line {line}: {message} ({rule})"));
        output.line(format!("    {} {remedy}", output.paint(Tone::Quiet, "what to do:")));
    }
}

/// The last lines of a run: where the database is now.
pub(crate) fn end(context: &mut Context<'_>, report: &Report, dry_run: bool) {
    let database = context.shown();
    let version = match report.schema_version {
        Some(version) => format!("version {version}"),
        None => "no version: no migration is applied".to_owned(),
    };
    let took = measure::duration(report.duration);
    let output = &mut *context.output;
    if report.done.is_empty() {
        output.line(format!("{database} is up to date at {version}"));
    } else if dry_run {
        let ran = measure::count(report.done.len(), "migration");
        output.line(format!("{ran} rehearsed on {database} in {took}; the database itself is as it was"));
    } else {
        let ran = measure::count(report.done.len(), "migration");
        output.line(format!("{database} is at {version} ({ran} in {took})"));
    }
}
