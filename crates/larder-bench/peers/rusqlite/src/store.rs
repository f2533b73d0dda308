//! What the stores do, by hand: the same tables, and only what the one program at hand needs.

use larder_bench_protocol::store::{self, Entry, Written};
use larder_bench_protocol::{Outcome, Round, Task};
use rusqlite::{Connection, Transaction, TransactionBehavior};

/// Appends the rows of an audit log that is a plain table.
pub fn audit(task: &Task) -> Outcome<Round> {
    let connection = crate::open(&task.file("audit.db")?)?;
    connection.execute_batch(store::PLAIN_AUDIT)?;
    let (entries, mut seq) = (store::entries(), 0_i64);
    let count = |connection: &Connection| {
        connection.query_row(store::COUNT_ENTRIES, [], |row| Ok((row.get(0)?, row.get(1)?)))
    };
    batches(task, connection, count, move |tx| {
        for Entry { level, scope, event, message, data } in &entries {
            seq += 1;
            tx.prepare_cached(store::ADD_PLAIN_ENTRY)?.execute((
                seq,
                store::NOW,
                level,
                store::RUN,
                scope,
                event,
                message,
                data,
            ))?;
        }
        Ok(())
    })
}

/// Rounds of batches, each a transaction of `write`; `count` tells how many rows there are, and the last number.
pub fn batches(
    task: &Task,
    mut connection: Connection,
    count: impl Fn(&Connection) -> rusqlite::Result<(i64, i64)> + 'static,
    mut write: impl FnMut(&Transaction<'_>) -> rusqlite::Result<()> + 'static,
) -> Outcome<Round> {
    let (clock, mut written) = (task.clock(), Written::default());
    Ok(Box::new(move || {
        let sample = store::batches(&clock, || {
            let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            write(&tx)?;
            Ok(tx.commit()?)
        })?;
        written.check(sample, count(&connection)?)
    }))
}
