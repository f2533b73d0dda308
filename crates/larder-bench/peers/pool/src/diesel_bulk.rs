//! Many rows in one transaction, through diesel.

use std::time::Instant;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use larder_bench_protocol::bulk::{self, Load, User};
use larder_bench_protocol::{Outcome, Round, Task, data};

mod table {
    diesel::table! {
        users(id) {
            id -> BigInt,
            name -> Text,
            email -> Text,
            age -> BigInt,
        }
    }
}

#[derive(Insertable)]
#[diesel(table_name = table::users)]
struct NewUser<'a> {
    id: i64,
    name: &'a str,
    email: &'a str,
    age: i64,
}

#[derive(QueryableByName)]
struct Sums {
    #[diesel(sql_type = BigInt)]
    count: i64,
    #[diesel(sql_type = BigInt)]
    sum: i64,
}

/// Batches of 1,000 rows.
pub fn insert(task: &Task) -> Outcome<Round> {
    let load = Load::of(task)?;
    Ok(Box::new(move || {
        let file = load.fresh()?.to_str().ok_or("a path that is not text")?;
        let mut connection = SqliteConnection::establish(file)?;
        connection.batch_execute(data::PRAGMAS)?;
        connection.batch_execute(data::USERS)?;
        let start = Instant::now();
        connection.immediate_transaction(|connection| {
            for users in load.users.chunks(1000) {
                let rows: Vec<NewUser<'_>> = users.iter().map(row).collect();
                diesel::insert_into(table::users::table).values(&rows).execute(connection)?;
            }
            diesel::QueryResult::Ok(())
        })?;
        let elapsed = start.elapsed();
        let Sums { count, sum } = diesel::sql_query(bulk::SUM_USERS).get_result(&mut connection)?;
        drop(connection);
        load.sample(elapsed, (count, sum))
    }))
}

fn row(User { id, name, email, age }: &User) -> NewUser<'_> {
    NewUser { id: *id, name, email, age: *age }
}
