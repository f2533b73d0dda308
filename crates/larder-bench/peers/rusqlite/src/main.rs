//! Workers on the newest rusqlite, the one that Larder links too: the C library itself, rusqlite, refinery.

mod bulk;
mod copy;
mod event;
mod lease;
mod migration;
mod read;
mod reader;
mod store;
mod write;

use std::path::Path;
use std::process::ExitCode;

use larder_bench_protocol::{HELLO, Hello, Outcome, Round, Task, data, serve};
use rusqlite::Connection;

fn main() -> ExitCode {
    serve(std::env::args().skip(1), pick)
}

fn pick(task: &Task) -> Outcome<(Hello, Round)> {
    let round = match (task.work.as_str(), task.subject.as_str()) {
        ("open", "rusqlite-same") => migration::open_same(task)?,
        ("open", subject) => migration::open(task, migration::Subject::named(subject, task)?)?,
        ("apply", subject) => migration::apply(task, migration::Subject::named(subject, task)?)?,
        ("point-read", "raw") => read::raw(task)?,
        ("point-read", "rusqlite") => read::cached(task)?,
        ("point-read", "rusqlite-held") => read::held(task)?,
        ("read-many", "raw") => read::raw_many(task)?,
        ("statements-200", "raw") => read::raw_statements(task)?,
        ("statements-200", "rusqlite") => read::cached_statements(task)?,
        ("analyzed", "rusqlite") => read::analyzed(task)?,
        ("readers-4", "bare") => reader::own(task)?,
        ("readers-4", "mutex") => reader::mutex(task)?,
        ("copy", "rusqlite") => copy::rebuild(task)?,
        ("write" | "slow-disk" | "latency" | "tokio-write", "mutex") => write::rows(task)?,
        ("locked", "mutex") => write::counters(task)?,
        ("insert-many", "raw") => bulk::raw(task)?,
        ("insert-many", "rusqlite") => bulk::cached(task)?,
        ("insert-many", "rusqlite-held") => bulk::held(task)?,
        ("events", "rusqlite") => event::append(task)?,
        ("events-tail", "rusqlite") => event::tail(task)?,
        ("audit", "rusqlite") => store::audit(task)?,
        ("lease", "mutex") => lease::contend(task)?,
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

/// Opens a file with the pragmas that every subject sets.
fn open(file: &Path) -> Outcome<Connection> {
    let connection = Connection::open(file)?;
    connection.execute_batch(data::PRAGMAS)?;
    Ok(connection)
}

/// Closes a connection and reports what it says.
fn close(connection: Connection) -> Outcome {
    Ok(connection.close().map_err(|(_, error)| error)?)
}
