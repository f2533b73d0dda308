//! The tables, as toasty's models.

use larder_bench_protocol::Outcome;
use toasty::{Db, Model};

use crate::driver::Tuned;

/// A row of the table that single rows are read from.
#[derive(Debug, Model)]
#[table = "users"]
pub struct User {
    #[key]
    pub id: i64,
    pub name: String,
    pub email: String,
    pub age: i64,
}

/// A row of the table that small rows are written to.
#[derive(Debug, Model)]
#[table = "events"]
pub struct Event {
    #[key]
    #[auto]
    pub id: i64,
    pub thread: i64,
    pub body: String,
}

/// A database of these models, with a pool of `most` connections or of toasty's own size, two a core.
pub async fn open(driver: Tuned, most: Option<usize>) -> Outcome<Db> {
    let mut builder = Db::builder();
    if let Some(most) = most {
        builder.max_pool_size(most);
    }
    Ok(builder.models(toasty::models!(User, Event)).build(driver).await?)
}
