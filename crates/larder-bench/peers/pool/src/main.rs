//! Workers on the newest rusqlite that r2d2_sqlite, rusqlite_migration and diesel accept.

mod diesel_bulk;
mod diesel_peer;
mod diesel_write;
mod rusqlite_peer;
mod rusqlite_write;

use std::process::ExitCode;

use larder_bench_protocol::{HELLO, Hello, Outcome, Round, Task, serve};
use rusqlite::Connection;

fn main() -> ExitCode {
    serve(std::env::args().skip(1), pick)
}

fn pick(task: &Task) -> Outcome<(Hello, Round)> {
    let round = match (task.work.as_str(), task.subject.as_str()) {
        ("open", "rusqlite_migration") => rusqlite_peer::open(task)?,
        ("open", "diesel") => diesel_peer::open(task)?,
        ("apply", "rusqlite_migration") => rusqlite_peer::apply(task)?,
        ("apply", "diesel") => diesel_peer::apply(task)?,
        ("point-read", "r2d2") => rusqlite_peer::pooled_read(task)?,
        ("readers-4", "r2d2") => rusqlite_peer::pooled_readers(task)?,
        ("point-read", "diesel") => diesel_peer::read(task)?,
        ("write" | "slow-disk", "r2d2") => rusqlite_write::rows(task)?,
        ("write" | "slow-disk", "diesel") => diesel_write::rows(task)?,
        ("locked", "r2d2") => rusqlite_write::counters(task)?,
        ("locked", "diesel") => diesel_write::counters(task)?,
        ("insert-many", "diesel") => diesel_bulk::insert(task)?,
        _ => return task.unknown(),
    };
    Ok((hello()?, round))
}

fn hello() -> Outcome<Hello> {
    let connection = Connection::open_in_memory()?;
    let mut statement = connection.prepare(HELLO)?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(Hello::new(rows.collect::<Result<Vec<_>, _>>()?))
}
