//! Small transactions that write, by one thread or many, through one connection in a mutex: what most programs do.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use larder_bench_protocol::{Ledger, Outcome, Random, Round, Task, data};
use rusqlite::{Connection, TransactionBehavior};

fn open(task: &Task) -> Outcome<Connection> {
    let connection = Connection::open(task.file("write.db")?)?;
    connection.execute_batch(&task.pragmas())?;
    Ok(connection)
}

/// One row, one transaction.
pub fn rows(task: &Task) -> Outcome<Round> {
    let connection = open(task)?;
    connection.execute_batch(data::EVENTS)?;
    connection.execute_batch(data::FILLER)?;
    connection.execute_batch(data::GROW_LOG)?;
    if task.has("index") {
        connection.execute_batch(data::EVENTS_INDEX)?;
    }
    let connection = Arc::new(Mutex::new(connection));
    let crowd = task.crowd()?;
    let mut ledger = Ledger::default();
    let mut round = 0;
    Ok(Box::new(move || {
        round += 1;
        let sample = crowd.run(|thread| {
            let connection = Arc::clone(&connection);
            let mut random = Random::new(round * 1000 + thread);
            Ok(move || {
                let body = data::event_body(&mut random);
                let mut connection = connection.lock().unwrap_or_else(PoisonError::into_inner);
                let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
                transaction.prepare_cached(data::WRITE_EVENT)?.execute((thread as i64, &body))?;
                Ok(transaction.commit()?)
            })
        })?;
        let connection = connection.lock().unwrap_or_else(PoisonError::into_inner);
        ledger.check(sample, connection.query_row(data::COUNT_EVENTS, [], |row| row.get(0))?)
    }))
}

/// Reads a number and writes it back one larger.
pub fn counters(task: &Task) -> Outcome<Round> {
    let connection = open(task)?;
    connection.execute_batch(data::COUNTERS)?;
    connection.execute_batch(data::FILL_COUNTERS)?;
    let connection = Arc::new(Mutex::new(connection));
    let crowd = task.crowd()?;
    let mut ledger = Ledger::default();
    let mut round = 0;
    Ok(Box::new(move || {
        round += 1;
        let busy = AtomicU64::new(0);
        let sample = crowd.run(|thread| {
            let (connection, busy) = (Arc::clone(&connection), &busy);
            let mut random = Random::new(round * 1000 + thread);
            Ok(move || {
                let id = random.key(data::COUNTERS_ROWS);
                loop {
                    let mut connection = connection.lock().unwrap_or_else(PoisonError::into_inner);
                    match increase(&mut connection, id) {
                        Err(error)
                            if error.sqlite_error_code() == Some(rusqlite::ErrorCode::DatabaseBusy) =>
                        {
                            busy.fetch_add(1, Ordering::Relaxed);
                        }
                        outcome => break Ok(outcome?),
                    }
                }
            })
        })?;
        let sample = sample.with_count("busy", busy.into_inner());
        let connection = connection.lock().unwrap_or_else(PoisonError::into_inner);
        ledger.check(sample, connection.query_row(data::SUM_COUNTERS, [], |row| row.get(0))?)
    }))
}

fn increase(connection: &mut Connection, id: i64) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let value: i64 = transaction.prepare_cached(data::READ_COUNTER)?.query_row([id], |row| row.get(0))?;
    transaction.prepare_cached(data::WRITE_COUNTER)?.execute((value + 1, id))?;
    transaction.commit()
}
