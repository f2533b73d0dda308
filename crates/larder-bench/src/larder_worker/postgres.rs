//! The works on a server of PostgreSQL.

use std::time::Instant;

use larder::copy::Copier;
use larder::{Database, params};
use larder_bench_protocol::{Hello, Outcome, Round, Task, data, server, write};

use super::read::User;
use super::write::tried;

pub(super) fn pick(task: &Task) -> Outcome<(Hello, Round)> {
    let options = Database::options(task.text("url")?);
    let options = match task.number("connections") {
        Ok(most) => options.connections(usize::try_from(most)?),
        Err(_) => options,
    };
    let database = options.open()?;
    let hello = Hello::server(database.query_one(server::VERSION, &[])?);
    let round = match (task.work.as_str(), task.subject.as_str()) {
        ("pg-read", "larder") => single(task, database)?,
        ("pg-read", "larder-read") => in_transaction(task, database)?,
        ("pg-write", "larder") => rows(task, database, |database, thread, body| {
            database.execute(data::WRITE_EVENT, params! { thread, body })
        })?,
        ("pg-write", "larder-write") => rows(task, database, |database, thread, body| {
            database.write(|tx| tx.execute(data::WRITE_EVENT, params! { thread, body }))
        })?,
        ("pg-copy", "larder") => copy(task, database)?,
        _ => return task.unknown(),
    };
    Ok((hello, round))
}

fn fill(task: &Task, database: &Database) -> Outcome {
    for statement in server::set_up_users(task)? {
        database.execute(&statement, &[])?;
    }
    Ok(())
}

/// One statement without a transaction around it.
fn single(task: &Task, database: Database) -> Outcome<Round> {
    fill(task, &database)?;
    let mut keys = task.keys()?;
    Ok(Box::new(move || {
        keys.round(|id| User::check(database.query_opt(data::READ_USER, params! { id })?, id))
    }))
}

/// In a transaction that reads.
fn in_transaction(task: &Task, database: Database) -> Outcome<Round> {
    fill(task, &database)?;
    let mut keys = task.keys()?;
    Ok(Box::new(move || {
        keys.round(|id| User::check(database.read(|tx| tx.query_opt(data::READ_USER, params! { id }))?, id))
    }))
}

/// One row each from many threads.
fn rows(
    task: &Task,
    database: Database,
    insert: impl Fn(&Database, i64, &str) -> larder::Result<u64> + Copy + Send + Sync + 'static,
) -> Outcome<Round> {
    database.execute(server::EVENTS, &[])?;
    let count = database.clone();
    write::rows(
        task,
        move |thread| {
            let database = database.clone();
            Ok(move |body: &str| tried(insert(&database, thread, body)))
        },
        move || Ok(count.query_one(server::COUNT_EVENTS, &[])?),
    )
}

/// A file of SQLite into the server.
fn copy(task: &Task, to: Database) -> Outcome<Round> {
    let (file, rows) = (task.file("copy.db")?, task.number("rows")?);
    let from = Database::open(&file)?;
    from.execute(data::USERS, &[])?;
    from.execute(&data::fill_users(rows), &[])?;
    Ok(Box::new(move || {
        // The target must be empty, of what the copy before noted down too.
        for statement in ["DROP SCHEMA public CASCADE", "CREATE SCHEMA public"] {
            to.execute(statement, &[])?;
        }
        let start = Instant::now();
        Copier::new(&[]).copy(&from, &to)?;
        let elapsed = start.elapsed();
        server::sample(rows, elapsed, to.query_one(server::SUM_USERS, &[])?)
    }))
}
