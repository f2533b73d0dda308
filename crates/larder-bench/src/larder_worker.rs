//! Larder's own worker, through its public face alone.

mod audit;
mod bulk;
mod event;
mod import;
mod lease;
mod lockfile;
mod migration;
mod postgres;
mod read;
mod task;
mod write;

use larder::{Database, MigrationSet};
use larder_bench_protocol::{HELLO, Hello, Outcome, Round, Task};

/// Sets up what the arguments of a worker ask for.
pub(crate) fn pick(task: &Task) -> Outcome<(Hello, Round)> {
    if task.has("url") {
        return postgres::pick(task);
    }
    let round = match (task.work.as_str(), task.subject.as_str()) {
        ("open", "larder") => migration::open(task)?,
        ("apply", "larder") => migration::apply(task)?,
        ("copy", "larder") => migration::rebuild(task)?,
        ("point-read", "larder") => read::in_transaction(task)?,
        ("point-read", "larder-single") => read::single(task)?,
        ("read-many", "larder") => read::many(task)?,
        ("statements-200", "larder") => read::statements(task)?,
        ("analyzed", "larder") => read::analyzed(task)?,
        ("readers-4", "larder") => read::readers(task)?,
        ("write" | "slow-disk" | "latency", "larder") => write::rows(task)?,
        ("tokio-write", "larder") => task::rows(task)?,
        ("locked", "larder") => write::counters(task)?,
        ("insert-many", "larder") => bulk::insert(task)?,
        ("insert-many", "larder-execute") => bulk::execute(task)?,
        ("audit", "larder") if task.has("rows") => audit::verify(task)?,
        ("audit", "larder") => audit::append(task)?,
        ("lease", "larder") => lease::contend(task)?,
        ("events", "larder") => event::append(task)?,
        ("events-tail", "larder") => event::tail(task)?,
        ("import", "larder") => import::program(task)?,
        ("import", "larder-reading") => import::reading(task)?,
        ("import", "larder-database") => import::database(task)?,
        _ => return task.unknown(),
    };
    let rows: Vec<(String, String)> = Database::open(":memory:")?.query_all(HELLO, &[])?;
    Ok((Hello::new(rows), round))
}

/// Opens a file of this task with the tables of a store.
fn open(task: &Task, file: &str, set: &'static MigrationSet) -> Outcome<Database> {
    Ok(Database::options(task.file(file)?.display().to_string()).migrations(set).open()?)
}
