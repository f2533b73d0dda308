//! Letting go of old runs, in pieces that keep nobody waiting.

use super::refused::RunNotReady;
use super::run;
use jiff::Timestamp;
use larder::sql::timestamp_text;
use larder::{Database, Result, WriteTx, params};
use serde::Serialize;

// A run that is marked is not found any more by any function, and its branch is free: so nobody sees it while its events go.
pub(super) const MARK: &str = "UPDATE runs SET pruned_at = :at, feature_branch = id || ' ' || feature_branch \
     WHERE id = :id AND pruned_at IS NULL AND status IN ('completed', 'failed', 'cancelled')";
pub(super) const MARK_OLD: &str = "UPDATE runs SET pruned_at = :at, feature_branch = id || ' ' || feature_branch \
     WHERE pruned_at IS NULL AND id IN (SELECT id FROM runs WHERE status IN ('completed', 'failed', 'cancelled') \
     AND completed_at < :older_than AND pruned_at IS NULL LIMIT :limit)";
pub(super) const NEXT: &str = "SELECT id FROM runs WHERE pruned_at IS NOT NULL ORDER BY pruned_at LIMIT 1";
pub(super) const DELETE_EVENTS: &str = "DELETE FROM events WHERE id IN (SELECT id FROM events \
     WHERE run_id = :run_id ORDER BY sequence LIMIT :limit)";
pub(super) const DELETE_UNITS: &str =
    "DELETE FROM units WHERE id IN (SELECT id FROM units WHERE run_id = :run_id LIMIT :limit)";
pub(super) const DELETE_RUN: &str = "DELETE FROM runs WHERE id = :run_id";

/// What [`prune`] deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Pruned {
    /// Runs.
    pub runs: u64,
    /// Their units.
    pub units: u64,
    /// Their events.
    pub events: u64,
}

/// Gives up a finished run: at once it is not found any more, and its branch is free for another. Its rows are deleted by the
/// next [`prune`].
///
/// # Errors
/// [`larder::ErrorKind::NotFound`], or [`larder::ErrorKind::Refused`] with [`RunNotReady`] when it is not finished.
pub fn discard_run(tx: &mut WriteTx<'_>, id: &str) -> Result<()> {
    let at = timestamp_text(Timestamp::now());
    if tx.execute(MARK, params! { id, at })? > 0 {
        return Ok(());
    }
    let status = run::status(tx, id)?;
    Err(RunNotReady::for_discarding(id, status))
}

/// Deletes the runs that were finished before `older_than`, and those that were discarded, with all their units and events.
///
/// Each transaction deletes at most `chunk` rows, so that other writers get their turn; a few thousand is a good number. The
/// runs are marked first and are then not found any more, so no half-deleted run is ever seen. Where it is broken off, by an
/// error or a crash, the next call goes on.
///
/// # Errors
/// As [`Database::write`]. What was deleted until then stays deleted.
pub fn prune(db: &Database, older_than: Timestamp, chunk: u32) -> Result<Pruned> {
    let chunk = u64::from(chunk.max(1));
    let older_than = timestamp_text(older_than);
    let mut pruned = Pruned::default();
    while db.write(|tx| mark(tx, &older_than, chunk))? == chunk {}
    loop {
        let (now, over) = db.write(|tx| sweep(tx, chunk))?;
        pruned.runs += now.runs;
        pruned.units += now.units;
        pruned.events += now.events;
        if over {
            return Ok(pruned);
        }
    }
}

fn mark(tx: &mut WriteTx<'_>, older_than: &str, limit: u64) -> Result<u64> {
    let at = timestamp_text(Timestamp::now());
    tx.execute(MARK_OLD, params! { at, older_than, limit })
}

/// Deletes at most so many rows of what is marked; true when nothing is left.
fn sweep(tx: &mut WriteTx<'_>, chunk: u64) -> Result<(Pruned, bool)> {
    let (mut pruned, mut left) = (Pruned::default(), chunk);
    while left > 0 {
        let Some(run_id) = tx.query_opt::<String>(NEXT, params! {})? else { return Ok((pruned, true)) };
        let events = tx.execute(DELETE_EVENTS, params! { run_id, limit: left })?;
        pruned.events += events;
        left -= events.min(left);
        if left == 0 {
            break;
        }
        let units = tx.execute(DELETE_UNITS, params! { run_id, limit: left })?;
        pruned.units += units;
        left -= units.min(left);
        if left == 0 {
            break;
        }
        pruned.runs += tx.execute(DELETE_RUN, params! { run_id })?;
        left -= 1;
    }
    Ok((pruned, false))
}
