//! One row by its primary key into a struct.

use std::hint::black_box;

use larder_bench_protocol::{Outcome, Round, Task, data, server};
use postgres::{Client, Row};

struct User {
    id: i64,
    name: String,
    email: String,
    age: i64,
}

impl User {
    fn of(row: &Row) -> Result<Self, postgres::Error> {
        Ok(Self { id: row.try_get(0)?, name: row.try_get(1)?, email: row.try_get(2)?, age: row.try_get(3)? })
    }
}

/// A statement that is prepared once.
pub fn held(task: &Task, mut client: Client) -> Outcome<Round> {
    crate::fill(task, &mut client)?;
    let statement = client.prepare(server::READ_USER)?;
    let mut keys = task.keys()?;
    Ok(Box::new(move || {
        keys.round(|key| {
            let row = client.query_opt(&statement, &[&key])?.ok_or("no row")?;
            let user = black_box(User::of(&row)?);
            data::check_user(key, (user.id, &user.name, &user.email, user.age))
        })
    }))
}
