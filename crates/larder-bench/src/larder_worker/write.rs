//! Small transactions that write, by one thread or many.

use larder::{Database, Durability, ErrorKind, params};
use larder_bench_protocol::write::{self, Try};
use larder_bench_protocol::{Outcome, Round, Task, data};

/// Opens the file and runs what sets it up, unless that was done.
pub(super) fn open(task: &Task, set_up: &[&str]) -> Outcome<Database> {
    let durability = if task.is_full() { Durability::Full } else { Durability::Normal };
    let file = task.file("write.db")?.display().to_string();
    let database = Database::options(file).durability(durability).open()?;
    for statement in set_up {
        database.execute(statement, &[])?;
    }
    Ok(database)
}

pub(super) fn tried<T>(outcome: larder::Result<T>) -> Outcome<Try> {
    match outcome {
        Ok(_) => Ok(Try::Done),
        Err(error) if error.kind() == ErrorKind::Busy => Ok(Try::Busy),
        Err(error) => Err(error.into()),
    }
}

/// One row, one transaction.
pub(crate) fn rows(task: &Task) -> Outcome<Round> {
    let database = open(task, data::set_up_events(task.has("index")))?;
    let count = database.clone();
    write::rows(
        task,
        move |thread| {
            let database = database.clone();
            Ok(move |body: &str| {
                tried(database.write(|tx| tx.execute(data::WRITE_EVENT, params! { thread, body })))
            })
        },
        move || Ok(count.query_one(data::COUNT_EVENTS, &[])?),
    )
}

/// Reads a number and writes it back one larger.
pub(crate) fn counters(task: &Task) -> Outcome<Round> {
    let database = open(task, data::SET_UP_COUNTERS)?;
    let sum = database.clone();
    write::counters(
        task,
        move || {
            let database = database.clone();
            Ok(move |id| {
                tried(database.write(|tx| {
                    let value: i64 = tx.query_one(data::READ_COUNTER, params! { id })?;
                    tx.execute(data::WRITE_COUNTER, params! { value: value + 1, id })
                }))
            })
        },
        move || Ok(sum.query_one(data::SUM_COUNTERS, &[])?),
    )
}
