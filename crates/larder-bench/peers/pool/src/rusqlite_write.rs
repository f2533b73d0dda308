//! Small transactions that write, through a pool of r2d2_sqlite.

use larder_bench_protocol::write::{self, Try};
use larder_bench_protocol::{Outcome, Round, Task, data};
use r2d2_sqlite::SqliteConnectionManager;
use rusqlite::{Connection, ErrorCode, Result, TransactionBehavior};

type Pool = r2d2::Pool<SqliteConnectionManager>;

fn open(task: &Task, set_up: &[&str]) -> Outcome<Pool> {
    let pragmas = task.pragmas();
    let manager = SqliteConnectionManager::file(task.file("write.db")?)
        .with_init(move |connection| connection.execute_batch(&pragmas));
    let pool = r2d2::Pool::builder().max_size(10).build(manager)?;
    for statement in set_up {
        pool.get()?.execute_batch(statement)?;
    }
    Ok(pool)
}

fn count(pool: &Pool, query: &str) -> Outcome<i64> {
    Ok(pool.get()?.query_row(query, [], |row| row.get(0))?)
}

fn tried(outcome: Result<()>) -> Outcome<Try> {
    match outcome {
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => Ok(Try::Busy),
        outcome => Ok(outcome.map(|()| Try::Done)?),
    }
}

/// One row, one transaction.
pub fn rows(task: &Task) -> Outcome<Round> {
    let pool = open(task, data::set_up_events(false))?;
    let counting = pool.clone();
    write::rows(
        task,
        move |thread| {
            let pool = pool.clone();
            Ok(move |body: &str| tried(insert(&mut *pool.get()?, thread, body)))
        },
        move || count(&counting, data::COUNT_EVENTS),
    )
}

fn insert(connection: &mut Connection, thread: i64, body: &str) -> Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.prepare_cached(data::WRITE_EVENT)?.execute((thread, body))?;
    transaction.commit()
}

/// Reads a number and writes it back one larger, in the transaction that the library begins by itself: a deferred one.
pub fn counters(task: &Task) -> Outcome<Round> {
    let pool = open(task, data::SET_UP_COUNTERS)?;
    let sum = pool.clone();
    write::counters(
        task,
        move || {
            let pool = pool.clone();
            Ok(move |id| tried(increase(&mut *pool.get()?, id)))
        },
        move || count(&sum, data::SUM_COUNTERS),
    )
}

fn increase(connection: &mut Connection, id: i64) -> Result<()> {
    let transaction = connection.transaction()?;
    let value: i64 = transaction.prepare_cached(data::READ_COUNTER)?.query_row([id], |row| row.get(0))?;
    transaction.prepare_cached(data::WRITE_COUNTER)?.execute((value + 1, id))?;
    transaction.commit()
}
