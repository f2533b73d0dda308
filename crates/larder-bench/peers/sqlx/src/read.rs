//! One row by its primary key into a struct.

use std::hint::black_box;
use std::sync::Arc;

use larder_bench_protocol::{Outcome, Round, Task, data};
use sqlx::sqlite::{SqlitePool, SqliteSynchronous};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, FromRow};
use tokio::runtime::Runtime;

/// sqlx knows no named parameters; the statement is otherwise that of all others.
const READ_USER: &str = "SELECT id, name, email, age FROM users WHERE id = ?1";

#[derive(FromRow)]
struct User {
    id: i64,
    name: String,
    email: String,
    age: i64,
}

/// A pool of 10 on a file that was filled, closed and opened again.
pub async fn filled(task: &Task) -> Outcome<SqlitePool> {
    let file = task.file("read.db")?;
    let mut connection = crate::options(&file).connect().await?;
    sqlx::raw_sql(data::USERS).execute(&mut connection).await?;
    sqlx::raw_sql(AssertSqlSafe(data::fill_users(task.number("rows")?))).execute(&mut connection).await?;
    connection.close().await?;
    let pool = crate::pool(&file, SqliteSynchronous::Normal, 10).await?;
    sqlx::raw_sql(data::TOUCH_USERS).execute(&pool).await?;
    Ok(pool)
}

/// `query_as` on that pool.
pub fn pooled(task: &Task, runtime: Arc<Runtime>) -> Outcome<Round> {
    let pool = runtime.block_on(filled(task))?;
    let mut keys = task.keys()?;
    Ok(Box::new(move || {
        runtime.block_on(keys.round_async(async |key| {
            let query = sqlx::query_as::<_, User>(READ_USER).bind(key);
            let user = black_box(query.fetch_one(&pool).await?);
            data::check_user(key, (user.id, &user.name, &user.email, user.age))
        }))
    }))
}
