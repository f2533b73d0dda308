//! One row by its primary key into a model.

use std::hint::black_box;

use larder_bench_protocol::{Outcome, Round, Task, data};
use toasty::{Db, sql};
use tokio::runtime::Runtime;

use crate::driver::Tuned;
use crate::model::{self, User};

/// A database on a file that was filled, closed and opened again.
async fn filled(task: &Task) -> Outcome<Db> {
    let file = task.file("read.db")?;
    let mut database = model::open(Tuned::new(&file, task)?, None).await?;
    sql::statement(data::USERS).exec(&mut database).await?;
    sql::statement(data::fill_users(task.number("rows")?)).exec(&mut database).await?;
    drop(database);
    let mut database = model::open(Tuned::new(&file, task)?, None).await?;
    sql::statement(data::TOUCH_USERS).exec(&mut database).await?;
    Ok(database)
}

/// `get_by_id` of a model.
pub fn by_key(task: &Task, runtime: Runtime) -> Outcome<Round> {
    let mut database = runtime.block_on(filled(task))?;
    let mut keys = task.keys()?;
    Ok(Box::new(move || {
        runtime.block_on(keys.round_async(async |key| {
            let user = black_box(User::get_by_id(&mut database, key).await?);
            data::check_user(key, (user.id, &user.name, &user.email, user.age))
        }))
    }))
}
