//! Small transactions that write, by one thread or many.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use larder::{Database, Durability, ErrorKind, params};
use larder_bench_protocol::{Ledger, Outcome, Random, Round, Task, data};

fn open(task: &Task) -> Outcome<Database> {
    let mut options = Database::options(task.file("write.db")?.display().to_string());
    if task.is_full() {
        options = options.durability(Durability::Full);
    }
    Ok(options.open()?)
}

/// One row, one transaction.
pub(crate) fn rows(task: &Task) -> Outcome<Round> {
    let database = open(task)?;
    database.execute(data::EVENTS, &[])?;
    database.execute(data::FILLER, &[])?;
    database.execute(data::GROW_LOG, &[])?;
    if task.has("index") {
        database.execute(data::EVENTS_INDEX, &[])?;
    }
    let crowd = task.crowd()?;
    let mut ledger = Ledger::default();
    let mut round = 0;
    Ok(Box::new(move || {
        round += 1;
        let sample = crowd.run(|thread| {
            let (database, thread) = (database.clone(), thread as i64);
            let mut random = Random::new(round * 1000 + thread as u64);
            Ok(move || {
                let body = data::event_body(&mut random);
                database.write(|tx| tx.execute(data::WRITE_EVENT, params! { thread, body: &body }))?;
                Ok(())
            })
        })?;
        ledger.check(sample, database.query_one(data::COUNT_EVENTS, &[])?)
    }))
}

/// Reads a number and writes it back one larger.
pub(crate) fn counters(task: &Task) -> Outcome<Round> {
    let database = open(task)?;
    database.execute(data::COUNTERS, &[])?;
    database.execute(data::FILL_COUNTERS, &[])?;
    let crowd = task.crowd()?;
    let mut ledger = Ledger::default();
    let mut round = 0;
    Ok(Box::new(move || {
        round += 1;
        let busy = Arc::new(AtomicU64::new(0));
        let sample = crowd.run(|thread| {
            let (database, busy) = (database.clone(), Arc::clone(&busy));
            let mut random = Random::new(round * 1000 + thread);
            Ok(move || {
                let id = random.key(data::COUNTERS_ROWS);
                loop {
                    let outcome = database.write(|tx| {
                        let value: i64 = tx.query_one(data::READ_COUNTER, params! { id })?;
                        tx.execute(data::WRITE_COUNTER, params! { value: value + 1, id })
                    });
                    match outcome {
                        Err(error) if error.kind() == ErrorKind::Busy => busy.fetch_add(1, Ordering::Relaxed),
                        outcome => break outcome.map(|_| ()).map_err(Into::into),
                    };
                }
            })
        })?;
        let sample = sample.with_count("busy", busy.load(Ordering::Relaxed));
        ledger.check(sample, database.query_one(data::SUM_COUNTERS, &[])?)
    }))
}
