//! Workers on sqlx and on sea-orm above it, which hold libsqlite3-sys at an older release.

mod bulk;
mod crowd;
mod migration;
mod read;
mod sea_orm_peer;
mod write;

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use larder_bench_protocol::{HELLO, Hello, Outcome, Round, Task, serve};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePool, SqlitePoolOptions,
    SqliteSynchronous,
};
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
        ("point-read", "sea-orm") => sea_orm_peer::read(task, runtime)?,
        ("write" | "slow-disk" | "tokio-write", "sqlx" | "sqlx-one") => write::rows(task, runtime)?,
        ("write" | "slow-disk" | "tokio-write", "sea-orm") => sea_orm_peer::write(task, runtime)?,
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

/// A pool of 10, which is what sqlx makes of itself, or of `most`.
async fn pool(file: &Path, synchronous: SqliteSynchronous, most: u32) -> Outcome<SqlitePool> {
    let options = options(file).synchronous(synchronous);
    Ok(SqlitePoolOptions::new().max_connections(most).connect_with(options).await?)
}

/// How safe a commit of this task must be.
fn synchronous(task: &Task) -> SqliteSynchronous {
    if task.is_full() { SqliteSynchronous::Full } else { SqliteSynchronous::Normal }
}
