//! Workers on sqlx, which holds libsqlite3-sys at an older release.

mod bulk;
mod migration;
mod read;

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use larder_bench_protocol::{HELLO, Hello, Outcome, Round, Task, serve};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection};
use tokio::runtime::Runtime;

fn main() -> ExitCode {
    serve(std::env::args().skip(1), pick)
}

fn pick(task: &Task) -> Outcome<(Hello, Round)> {
    let runtime = Arc::new(Runtime::new()?);
    let hello = runtime.block_on(hello())?;
    let round = match (task.work.as_str(), task.subject.as_str()) {
        ("open", "sqlx") => migration::open(task, runtime)?,
        ("apply", "sqlx") => migration::apply(task, runtime)?,
        ("point-read", "sqlx") => read::pooled(task, runtime)?,
        ("insert-many", "sqlx") => bulk::insert(task, runtime)?,
        _ => return task.unknown(),
    };
    Ok((hello, round))
}

async fn hello() -> Outcome<Hello> {
    let mut connection = SqliteConnection::connect("sqlite::memory:").await?;
    Ok(Hello::new(sqlx::query_as(HELLO).fetch_all(&mut connection).await?))
}

/// The settings that every subject uses.
fn options(file: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(file)
        .create_if_missing(true)
        .busy_timeout(Duration::from_millis(5000))
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Normal)
        .foreign_keys(true)
        .pragma("wal_autocheckpoint", "1000")
        .pragma("temp_store", "MEMORY")
        .pragma("cache_size", "-64000")
        .statement_cache_capacity(256)
        .disable_statement_logging()
}
