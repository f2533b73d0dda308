//! One row by its primary key into a struct.

use std::hint::black_box;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use larder_bench_protocol::{Outcome, Round, Task, data, server};

use crate::users;

#[derive(Queryable, Selectable)]
#[diesel(table_name = users)]
struct User {
    id: i64,
    name: String,
    email: String,
    age: i64,
}

/// Through the query builder, whose statement diesel prepares once.
pub fn held(task: &Task, mut connection: PgConnection) -> Outcome<Round> {
    for statement in server::set_up_users(task)? {
        connection.batch_execute(&statement)?;
    }
    let mut keys = task.keys()?;
    Ok(Box::new(move || {
        keys.round(|key| {
            let query = users::table.find(key).select(User::as_select());
            let user = black_box(query.first(&mut connection)?);
            data::check_user(key, (user.id, &user.name, &user.email, user.age))
        })
    }))
}
