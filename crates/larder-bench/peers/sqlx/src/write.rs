//! One small row a transaction, by many tasks.

use std::sync::Arc;

use larder_bench_protocol::write::Try;
use larder_bench_protocol::{Outcome, Round, Task, data};
use sqlx::sqlite::SqlitePool;
use tokio::runtime::Runtime;

use crate::crowd;

/// sqlx knows no named parameters; the statement is otherwise that of all others.
const WRITE_EVENT: &str = "INSERT INTO events(thread, body) VALUES (?1, ?2)";

/// The pool on a file with the table of the events: of 10 connections, or of a single one, where tasks wait for the pool
/// and never for the lock.
pub async fn pool(task: &Task) -> Outcome<SqlitePool> {
    let most = if task.subject.ends_with("-one") { 1 } else { 10 };
    let pool = crate::pool(&task.file("write.db")?, crate::synchronous(task), most).await?;
    for statement in data::set_up_events(false) {
        sqlx::raw_sql(*statement).execute(&pool).await?;
    }
    Ok(pool)
}

/// `begin_with("BEGIN IMMEDIATE")`, one insert, `commit`.
pub fn rows(task: &Task, runtime: Arc<Runtime>) -> Outcome<Round> {
    let pool = runtime.block_on(pool(task))?;
    crowd::rows(task, runtime, pool.clone(), move |thread| {
        let pool = pool.clone();
        move |body| {
            let pool = pool.clone();
            async move {
                match insert(&pool, thread, &body).await {
                    Err(error) if is_busy(&error) => Ok(Try::Busy),
                    outcome => Ok(outcome.map(|()| Try::Done)?),
                }
            }
        }
    })
}

async fn insert(pool: &SqlitePool, thread: i64, body: &str) -> sqlx::Result<()> {
    let mut transaction = pool.begin_with("BEGIN IMMEDIATE").await?;
    sqlx::query(WRITE_EVENT).bind(thread).bind(body).execute(&mut *transaction).await?;
    transaction.commit().await
}

/// Whether it is "database is locked", in any of its forms.
pub fn is_busy(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|error| error.code());
    code.and_then(|code| code.parse::<u32>().ok()).is_some_and(|code| code & 0xff == 5)
}
