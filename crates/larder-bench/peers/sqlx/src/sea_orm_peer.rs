//! sea-orm, on a pool of sqlx's.

use std::hint::black_box;
use std::sync::Arc;

use larder_bench_protocol::write::Try;
use larder_bench_protocol::{Outcome, Round, Task, data};
use sea_orm::{
    ActiveValue, DatabaseConnection, DbErr, EntityTrait, RuntimeErr, SqliteTransactionMode,
    SqlxSqliteConnector, TransactionOptions, TransactionTrait,
};
use tokio::runtime::Runtime;

use crate::crowd;

mod user {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, DeriveEntityModel)]
    #[sea_orm(table_name = "users")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i64,
        pub name: String,
        pub email: String,
        pub age: i64,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

mod event {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, DeriveEntityModel)]
    #[sea_orm(table_name = "events")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i64,
        pub thread: i64,
        pub body: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// `find_by_id` of an entity.
pub fn read(task: &Task, runtime: Arc<Runtime>) -> Outcome<Round> {
    let database = SqlxSqliteConnector::from_sqlx_sqlite_pool(runtime.block_on(crate::read::filled(task))?);
    let mut keys = task.keys()?;
    Ok(Box::new(move || {
        runtime.block_on(keys.round_async(async |key| {
            let found = user::Entity::find_by_id(key).one(&database).await?;
            let user = black_box(found.ok_or("no such row")?);
            data::check_user(key, (user.id, &user.name, &user.email, user.age))
        }))
    }))
}

/// One row a transaction that begins IMMEDIATE, by many tasks.
pub fn write(task: &Task, runtime: Arc<Runtime>) -> Outcome<Round> {
    let pool = runtime.block_on(crate::write::pool(task))?;
    let database = SqlxSqliteConnector::from_sqlx_sqlite_pool(pool.clone());
    crowd::rows(task, runtime, pool, move |thread| {
        let database = database.clone();
        move |body| {
            let database = database.clone();
            async move {
                match insert(&database, thread, &body).await {
                    Err(error) if is_busy(&error) => Ok(Try::Busy),
                    outcome => Ok(outcome.map(|()| Try::Done)?),
                }
            }
        }
    })
}

async fn insert(database: &DatabaseConnection, thread: i64, body: &str) -> Result<(), DbErr> {
    let mode = Some(SqliteTransactionMode::Immediate);
    let options = TransactionOptions { sqlite_transaction_mode: mode, ..TransactionOptions::default() };
    let transaction = database.begin_with_options(options).await?;
    let event = event::ActiveModel {
        id: ActiveValue::NotSet,
        thread: ActiveValue::Set(thread),
        body: ActiveValue::Set(body.to_owned()),
    };
    event::Entity::insert(event).exec_without_returning(&transaction).await?;
    transaction.commit().await
}

fn is_busy(error: &DbErr) -> bool {
    match error {
        DbErr::Conn(error) | DbErr::Exec(error) | DbErr::Query(error) => {
            matches!(error, RuntimeErr::SqlxError(error) if crate::write::is_busy(error))
        }
        _ => false,
    }
}
