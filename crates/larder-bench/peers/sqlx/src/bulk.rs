//! Many rows in one transaction.

use std::sync::Arc;
use std::time::Instant;

use larder_bench_protocol::bulk::{self, Load};
use larder_bench_protocol::{Outcome, Round, Task, data};
use sqlx::{ConnectOptions, Connection, QueryBuilder, Sqlite};
use tokio::runtime::Runtime;

/// `push_values` of 1,000 rows.
pub fn insert(task: &Task, runtime: Arc<Runtime>) -> Outcome<Round> {
    let load = Load::of(task)?;
    Ok(Box::new(move || {
        let file = load.fresh()?;
        runtime.block_on(async {
            let mut connection = crate::options(file).connect().await?;
            sqlx::raw_sql(data::USERS).execute(&mut connection).await?;
            let start = Instant::now();
            let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
            for users in load.users.chunks(1000) {
                let mut query = QueryBuilder::<Sqlite>::new("INSERT INTO users(id, name, email, age) ");
                query.push_values(users, |mut row, user| {
                    row.push_bind(user.id).push_bind(&user.name).push_bind(&user.email).push_bind(user.age);
                });
                query.build().execute(&mut *transaction).await?;
            }
            transaction.commit().await?;
            let elapsed = start.elapsed();
            let sums = sqlx::query_as(bulk::SUM_USERS).fetch_one(&mut connection).await?;
            connection.close().await?;
            load.sample(elapsed, sums)
        })
    }))
}
