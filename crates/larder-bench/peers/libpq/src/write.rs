//! One small row a transaction, from many threads.

use std::cell::RefCell;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::r2d2::{ConnectionManager, Pool};
use diesel::sql_types::BigInt;
use larder_bench_protocol::write::{self, Try};
use larder_bench_protocol::{Outcome, Round, Task, server};

use crate::events;

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    found: i64,
}

/// An insert by itself, through r2d2.
pub fn rows(task: &Task, mut connection: PgConnection) -> Outcome<Round> {
    connection.batch_execute(server::EVENTS)?;
    let manager = ConnectionManager::<PgConnection>::new(task.text("url")?);
    let most = u32::try_from(task.number("connections")?)?;
    let pool = Pool::builder().max_size(most).test_on_check_out(false).build(manager)?;
    let query = format!("SELECT ({}) AS found", server::COUNT_EVENTS);
    let connection = RefCell::new(connection);
    write::rows(
        task,
        move |thread| {
            let pool = pool.clone();
            Ok(move |body: &str| {
                let values = (events::thread.eq(thread), events::body.eq(body));
                diesel::insert_into(events::table).values(values).execute(&mut *pool.get()?)?;
                Ok(Try::Done)
            })
        },
        move || {
            let Count { found } = diesel::sql_query(&query).get_result(&mut *connection.borrow_mut())?;
            Ok(found)
        },
    )
}
