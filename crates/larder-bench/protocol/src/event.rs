//! What the works of a workflow's events write and read.

use crate::Outcome;
use crate::store::BATCH;

/// The tables of the store workflow, as its migrations make them.
pub const WORKFLOW: &str = include_str!("../../../larder-stores/migrations/workflow/0001_init.sqlite.sql");

/// Adds the run.
pub const ADD_RUN: &str = "INSERT INTO runs(id, feature_branch, repo_path, target_branch, tasks_dir, parallelism, status, created_at)
    VALUES (:id, 'feature/bench', '/srv/repository', 'main', 'tasks', 8, 'running', '2026-01-01T00:00:00.000000Z')";

/// One event, with the parameters in this order.
pub const ADD_EVENT: &str =
    "INSERT INTO events(run_id, sequence, event_type, unit_id, payload_json, created_at)
    VALUES (:run_id, :sequence, :event_type, :unit_id, :payload_json, :created_at)";

/// How many events there are, none of which is ever deleted, and the last number of the run.
pub const COUNT_EVENTS: &str =
    "SELECT (SELECT max(id) FROM events), (SELECT max(sequence) FROM events WHERE run_id = :run_id)";

/// An event of a batch.
#[derive(Debug, Clone)]
pub struct Event {
    /// What happened.
    pub kind: &'static str,
    /// To which unit.
    pub unit: String,
    /// The rest, as JSON.
    pub payload: String,
}

/// The events of one batch; every batch has the same ones.
pub fn events() -> Vec<Event> {
    (0..BATCH)
        .map(|number| Event {
            kind: "unit_progress",
            unit: format!("unit-{:02}", number % 8),
            payload: format!(
                r#"{{"message":"compiled package {number} of {BATCH}","ms":{},"step":{number}}}"#,
                number * 7
            ),
        })
        .collect()
}

/// Adds events of the run with numbers above `:after` up to `:last`, as quickly as SQLite can.
pub const FILL_EVENTS: &str = "INSERT INTO events(run_id, sequence, event_type, unit_id, payload_json, created_at)
    WITH RECURSIVE n(i) AS (SELECT :after + 1 UNION ALL SELECT i + 1 FROM n WHERE i < :last)
    SELECT :run_id, i, 'unit_progress', 'unit-' || (i % 8), '{\"message\":\"compiled package\",\"step\":' || i || '}', :now FROM n";

/// How many a transaction adds, so that the log stays short.
pub const FILL: i64 = 200_000;

/// The file of the work that reads them.
pub const EVENTS_FILE: &str = "events.db";

/// The last events of a run, with the parameters in this order.
pub const TAIL_EVENTS: &str =
    "SELECT id, run_id, sequence, event_type, unit_id, payload_json, created_at FROM events
    WHERE run_id = :run_id ORDER BY sequence DESC LIMIT :count";

/// How many events a tail has.
pub const TAIL: i64 = 100;

/// That a tail of a run with `rows` events was read: how many they are, and their first and last numbers in whichever order.
///
/// # Errors
/// When it is another.
pub fn check_tail(rows: i64, numbers: impl IntoIterator<Item = i64>) -> Outcome {
    let (mut count, mut low, mut high) = (0, i64::MAX, 0);
    for number in numbers {
        (count, low, high) = (count + 1, low.min(number), high.max(number));
    }
    if (count, low, high) == (TAIL, rows + 1 - TAIL, rows) {
        Ok(())
    } else {
        Err(format!("not the last {TAIL} of {rows}: {count}, from {low} to {high}").into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tail_is_the_last_hundred() {
        assert!(check_tail(500, 401..=500).is_ok());
        assert!(check_tail(500, (401..=500).rev()).is_ok());
        assert!(check_tail(500, 400..=499).is_err());
        assert!(check_tail(500, 402..=500).is_err());
    }
}
