//! Small transactions that write, through a pool of r2d2_sqlite.

use std::sync::atomic::{AtomicU64, Ordering};

use larder_bench_protocol::{Ledger, Outcome, Random, Round, Task, data};
use r2d2::Pool;
use r2d2_sqlite::SqliteConnectionManager;
use rusqlite::{Connection, TransactionBehavior};

fn open(task: &Task) -> Outcome<Pool<SqliteConnectionManager>> {
    let pragmas = task.pragmas();
    let manager = SqliteConnectionManager::file(task.file("write.db")?)
        .with_init(move |connection| connection.execute_batch(&pragmas));
    Ok(Pool::builder().max_size(10).build(manager)?)
}

/// One row, one transaction.
pub fn rows(task: &Task) -> Outcome<Round> {
    let pool = open(task)?;
    pool.get()?.execute_batch(data::EVENTS)?;
    pool.get()?.execute_batch(data::FILLER)?;
    pool.get()?.execute_batch(data::GROW_LOG)?;
    let crowd = task.crowd()?;
    let mut ledger = Ledger::default();
    let mut round = 0;
    Ok(Box::new(move || {
        round += 1;
        let busy = AtomicU64::new(0);
        let sample = crowd.run(|thread| {
            let (pool, busy) = (pool.clone(), &busy);
            let mut random = Random::new(round * 1000 + thread);
            Ok(move || {
                let body = data::event_body(&mut random);
                again(busy, || insert(&mut *pool.get()?, thread as i64, &body))
            })
        })?;
        let sample = sample.with_count("busy", busy.into_inner());
        ledger.check(sample, pool.get()?.query_row(data::COUNT_EVENTS, [], |row| row.get(0))?)
    }))
}

fn insert(connection: &mut Connection, thread: i64, body: &str) -> Outcome {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.prepare_cached(data::WRITE_EVENT)?.execute((thread, body))?;
    Ok(transaction.commit()?)
}

/// Reads a number and writes it back one larger, in the transaction that the library begins by itself: a deferred one.
pub fn counters(task: &Task) -> Outcome<Round> {
    let pool = open(task)?;
    pool.get()?.execute_batch(data::COUNTERS)?;
    pool.get()?.execute_batch(data::FILL_COUNTERS)?;
    let crowd = task.crowd()?;
    let mut ledger = Ledger::default();
    let mut round = 0;
    Ok(Box::new(move || {
        round += 1;
        let busy = AtomicU64::new(0);
        let sample = crowd.run(|thread| {
            let (pool, busy) = (pool.clone(), &busy);
            let mut random = Random::new(round * 1000 + thread);
            Ok(move || {
                let id = random.key(data::COUNTERS_ROWS);
                again(busy, || increase(&mut *pool.get()?, id))
            })
        })?;
        let sample = sample.with_count("busy", busy.into_inner());
        ledger.check(sample, pool.get()?.query_row(data::SUM_COUNTERS, [], |row| row.get(0))?)
    }))
}

fn increase(connection: &mut Connection, id: i64) -> Outcome {
    let transaction = connection.transaction()?;
    let value: i64 = transaction.prepare_cached(data::READ_COUNTER)?.query_row([id], |row| row.get(0))?;
    transaction.prepare_cached(data::WRITE_COUNTER)?.execute((value + 1, id))?;
    Ok(transaction.commit()?)
}

/// Until it is not "database is locked" any more; counts how often it was.
fn again(busy: &AtomicU64, mut what: impl FnMut() -> Outcome) -> Outcome {
    loop {
        match what() {
            Err(fault) if is_busy(fault.downcast_ref()) => busy.fetch_add(1, Ordering::Relaxed),
            outcome => break outcome,
        };
    }
}

fn is_busy(error: Option<&rusqlite::Error>) -> bool {
    error.and_then(rusqlite::Error::sqlite_error_code) == Some(rusqlite::ErrorCode::DatabaseBusy)
}
