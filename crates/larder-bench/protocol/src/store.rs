//! Rows written in batches, as the stores do it, and those of an audit trail.

use crate::{Clock, Outcome, Sample};

/// How many rows are written in one transaction.
pub const BATCH: u64 = 100;

/// The run that all rows belong to.
pub const RUN: &str = "01JCZ7Y0G4N5V8Q2W3E4R5T6Y7";

/// The audit log of the store journal, with its checks and its index, and without its hashes and triggers.
pub const PLAIN_AUDIT: &str = "CREATE TABLE audit_log(
  seq INTEGER NOT NULL PRIMARY KEY,
  ts TEXT NOT NULL,
  level TEXT NOT NULL CHECK (level IN ('debug', 'info', 'warn', 'error')),
  run_id TEXT,
  scope TEXT NOT NULL,
  event TEXT NOT NULL,
  message TEXT,
  data_json TEXT CHECK (data_json IS NULL OR json_valid(data_json))
) STRICT;
CREATE INDEX audit_log_run_id ON audit_log(run_id);";

/// One entry of [`PLAIN_AUDIT`], with the parameters in this order.
pub const ADD_PLAIN_ENTRY: &str =
    "INSERT INTO audit_log(seq, ts, level, run_id, scope, event, message, data_json)
    VALUES (:seq, :ts, :level, :run_id, :scope, :event, :message, :data_json)";

/// How many entries there are, none of which is ever deleted, and the number of the last.
pub const COUNT_ENTRIES: &str = "SELECT (SELECT count(*) FROM audit_log), (SELECT max(seq) FROM audit_log)";

/// An entry of a batch.
#[derive(Debug, Clone)]
pub struct Entry {
    /// `info`
    pub level: &'static str,
    /// What it belongs to.
    pub scope: &'static str,
    /// What happened.
    pub event: &'static str,
    /// The same for people.
    pub message: String,
    /// The rest, as JSON.
    pub data: String,
}

/// The entries of one batch; every batch has the same ones.
pub fn entries() -> Vec<Entry> {
    (0..BATCH)
        .map(|number| Entry {
            level: if number % 10 == 0 { "warn" } else { "info" },
            scope: "import",
            event: "file.copied",
            message: format!("copied part {number} of the file"),
            data: format!(r#"{{"bytes":{},"part":{number}}}"#, number * 4096),
        })
        .collect()
}

/// The time that rows written by hand carry: the same text for all, so that no clock is read and nothing written anew.
pub const NOW: &str = "2026-01-01T00:00:00.000000Z";

/// A round of whole batches; the operations are rows. `write` commits one batch.
///
/// # Errors
/// The first that `write` returned.
pub fn batches(clock: &Clock, mut write: impl FnMut() -> Outcome) -> Outcome<Sample> {
    let mut meter = clock.start(BATCH);
    while meter.more() {
        // The meter counts a batch by its first row, and is asked for the others too.
        for _ in 1..BATCH {
            meter.more();
        }
        write()?;
    }
    Ok(meter.finish())
}

/// That the rows which rounds wrote are there, and numbered without a gap.
#[derive(Debug, Default)]
pub struct Written(u64);

impl Written {
    /// Adds the rows of a round to those before, and compares with how many were found and with their last number.
    ///
    /// # Errors
    /// When there are others.
    pub fn check(&mut self, sample: Sample, (found, last): (i64, i64)) -> Outcome<Sample> {
        self.0 += sample.ops;
        let all = i64::try_from(self.0)?;
        if (found, last) == (all, all) {
            Ok(sample)
        } else {
            Err(format!("{} rows were written; {found} are there, the last has number {last}", self.0).into())
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_round_counts_the_rows_of_whole_batches() {
        let (clock, mut batch) = (Clock { ops: Some(500), budget: Duration::ZERO }, 0);
        let sample = batches(&clock, || {
            batch += 1;
            Ok(())
        });
        assert_eq!((sample.unwrap().ops, batch), (500, 5));
        let (clock, mut batch) = (Clock { ops: None, budget: Duration::from_millis(2) }, 0);
        let sample = batches(&clock, || {
            batch += 1;
            std::thread::sleep(Duration::from_millis(1));
            Ok(())
        });
        assert_eq!(sample.unwrap().ops, batch * BATCH);
    }

    #[test]
    fn a_gap_or_a_lost_row_is_noticed() {
        let round = || Sample { ops: 200, ..Sample::default() };
        let mut written = Written::default();
        assert!(written.check(round(), (200, 200)).is_ok());
        assert!(written.check(round(), (400, 401)).is_err());
        assert!(written.check(round(), (500, 600)).is_err());
    }
}
