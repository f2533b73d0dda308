//! sqlx with PostgreSQL, on tokio.

use std::hint::black_box;
use std::sync::Arc;

use larder_bench_protocol::write::Try;
use larder_bench_protocol::{Ledger, Meter, Outcome, Round, Task, Turn, data, server};
use postgres::Client;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool, PgPoolOptions};
use sqlx::{ConnectOptions, FromRow, PgExecutor};
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

#[derive(FromRow)]
struct User {
    id: i64,
    name: String,
    email: String,
    age: i64,
}

fn options(task: &Task) -> Outcome<PgConnectOptions> {
    Ok(task.text("url")?.parse::<PgConnectOptions>()?.disable_statement_logging())
}

async fn read(executor: impl PgExecutor<'_>, key: i64) -> Outcome {
    let query = sqlx::query_as::<_, User>(server::READ_USER).bind(key);
    let user = black_box(query.fetch_one(executor).await?);
    data::check_user(key, (user.id, &user.name, &user.email, user.age))
}

/// `query_as` on a pool.
pub fn pooled_read(task: &Task, mut client: Client) -> Outcome<Round> {
    crate::fill(task, &mut client)?;
    let runtime = Runtime::new()?;
    let pool: PgPool =
        runtime.block_on(PgPoolOptions::new().max_connections(10).connect_with(options(task)?))?;
    let mut keys = task.keys()?;
    Ok(Box::new(move || runtime.block_on(keys.round_async(async |key| read(&pool, key).await))))
}

/// The same on one connection.
pub fn held_read(task: &Task, mut client: Client) -> Outcome<Round> {
    crate::fill(task, &mut client)?;
    let runtime = Runtime::new()?;
    let mut connection: PgConnection = runtime.block_on(options(task)?.connect())?;
    let mut keys = task.keys()?;
    Ok(Box::new(move || runtime.block_on(keys.round_async(async |key| read(&mut connection, key).await))))
}

/// One small row a transaction, by as many tasks as otherwise threads.
pub fn rows(task: &Task, mut client: Client) -> Outcome<Round> {
    client.batch_execute(server::EVENTS)?;
    let runtime = Runtime::new()?;
    let most = u32::try_from(task.number("connections")?)?;
    let pool = runtime.block_on(PgPoolOptions::new().max_connections(most).connect_with(options(task)?))?;
    let tasks = task.number("threads")?;
    let clock = task.clock().shared_by(tasks);
    let (mut ledger, mut round) = (Ledger::default(), 0);
    Ok(Box::new(move || {
        round += 1;
        let turn = Turn { clock, round, number: 0, busy: Arc::default() };
        let sample = runtime.block_on(async {
            let mut set = JoinSet::new();
            for number in 0..tasks {
                let (pool, thread) = (pool.clone(), i64::try_from(number)?);
                let write = move |body: Arc<str>| insert(pool.clone(), thread, body);
                set.spawn(Turn { number, ..turn.clone() }.rows(write));
            }
            let meters = set.join_all().await.into_iter().collect::<Outcome<Vec<Meter>>>()?;
            Outcome::Ok(Meter::together(meters))
        })?;
        ledger.check(sample, client.query_one(server::COUNT_EVENTS, &[])?.try_get(0)?)
    }))
}

async fn insert(pool: PgPool, thread: i64, body: Arc<str>) -> Outcome<Try> {
    sqlx::query(server::WRITE_EVENT).bind(thread).bind(&*body).execute(&pool).await?;
    Ok(Try::Done)
}
