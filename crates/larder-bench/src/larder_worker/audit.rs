//! The audit trail of the journal: appended to, and verified.

use std::time::Instant;

use larder::{Database, params};
use larder_bench_protocol::store::{self, Entry, Written};
use larder_bench_protocol::{Outcome, Round, Sample, Task};
use larder_stores::{audit, journal};

use super::open;

/// Appends to the audit trail.
pub(crate) fn append(task: &Task) -> Outcome<Round> {
    let database = open(task, "audit.db", &journal::MIGRATIONS)?;
    let (clock, entries, mut written) = (task.clock(), store::entries(), Written::default());
    Ok(Box::new(move || {
        let sample = store::batches(&clock, || Ok(write(&database, &entries)?))?;
        written.check(sample, database.query_one(store::COUNT_ENTRIES, &[])?)
    }))
}

fn write(database: &Database, entries: &[Entry]) -> larder::Result<()> {
    database.write(|tx| {
        audit::append_many(tx, &journal::TRAIL, |rows| {
            for Entry { level, scope, event, message, data } in entries {
                rows.push(params! {
                    ts: store::NOW, level, run_id: store::RUN, scope, event, message, data_json: data
                })?;
            }
            Ok(())
        })
    })?;
    Ok(())
}

/// Verifies the whole trail, once a round.
pub(crate) fn verify(task: &Task) -> Outcome<Round> {
    let database = open(task, "audit.db", &journal::MIGRATIONS)?;
    let rows = task.number("ops").or_else(|_| task.number("rows"))?;
    // Few transactions, for this is not what is measured.
    let entries: Vec<Entry> = (0..100).flat_map(|_| store::entries()).collect();
    let mut left = usize::try_from(rows)?;
    while left > 0 {
        let some = entries.get(..left).unwrap_or(&entries);
        left -= some.len();
        write(&database, some)?;
    }
    Ok(Box::new(move || {
        let start = Instant::now();
        let found = database.read(|tx| audit::verify(tx, &journal::TRAIL, None))?;
        let elapsed = start.elapsed();
        if found.is_whole() && found.entries == rows {
            Ok(Sample { ops: rows, ..Sample::once(elapsed) })
        } else {
            Err(format!("{found:?} instead of {rows} entries").into())
        }
    }))
}
