//! Small transactions that write, through diesel and its pool.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::r2d2::{ConnectionManager, CustomizeConnection};
use diesel::sql_types::BigInt;
use larder_bench_protocol::write::{self, Try};
use larder_bench_protocol::{Outcome, Round, Task, data};

mod table {
    diesel::table! {
        events(id) {
            id -> BigInt,
            thread -> BigInt,
            body -> Text,
        }
    }
    diesel::table! {
        counters(id) {
            id -> BigInt,
            value -> BigInt,
        }
    }
}

use table::{counters as counter, events as event};

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    found: i64,
}

/// Sets the pragmas of each connection of the pool.
#[derive(Debug)]
struct Pragmas(String);

impl CustomizeConnection<SqliteConnection, diesel::r2d2::Error> for Pragmas {
    fn on_acquire(&self, connection: &mut SqliteConnection) -> Result<(), diesel::r2d2::Error> {
        connection.batch_execute(&self.0).map_err(diesel::r2d2::Error::QueryError)
    }
}

type Pool = diesel::r2d2::Pool<ConnectionManager<SqliteConnection>>;

fn open(task: &Task, set_up: &[&str]) -> Outcome<Pool> {
    let manager = ConnectionManager::new(task.file("write.db")?.display().to_string());
    let pragmas = Box::new(Pragmas(task.pragmas()));
    let pool = Pool::builder().max_size(10).connection_customizer(pragmas).build(manager)?;
    for statement in set_up {
        pool.get()?.batch_execute(statement)?;
    }
    Ok(pool)
}

fn count(pool: &Pool, query: &str) -> Outcome<i64> {
    let query = format!("SELECT ({query}) AS found");
    let Count { found } = diesel::sql_query(query).get_result(&mut *pool.get()?)?;
    Ok(found)
}

/// diesel tells "database is locked" by its words alone.
fn tried(outcome: QueryResult<usize>) -> Outcome<Try> {
    match outcome {
        Ok(1) => Ok(Try::Done),
        Ok(changed) => Err(format!("{changed} rows changed").into()),
        Err(error) if error.to_string().contains("database is locked") => Ok(Try::Busy),
        Err(error) => Err(error.into()),
    }
}

/// One row, one transaction.
pub fn rows(task: &Task) -> Outcome<Round> {
    let pool = open(task, data::set_up_events(false))?;
    let counting = pool.clone();
    write::rows(
        task,
        move |thread| {
            let pool = pool.clone();
            Ok(move |body: &str| {
                let values = (event::thread.eq(thread), event::body.eq(body));
                let insert = diesel::insert_into(event::table).values(values);
                tried(pool.get()?.immediate_transaction(|connection| insert.execute(connection)))
            })
        },
        move || count(&counting, data::COUNT_EVENTS),
    )
}

/// Reads a number and writes it back one larger, in the transaction that the library begins by itself: a deferred one.
pub fn counters(task: &Task) -> Outcome<Round> {
    let pool = open(task, data::SET_UP_COUNTERS)?;
    let sum = pool.clone();
    write::counters(
        task,
        move || {
            let pool = pool.clone();
            Ok(move |id| {
                tried(pool.get()?.transaction(|connection| {
                    let row = counter::table.find(id);
                    let value: i64 = row.select(counter::value).first(connection)?;
                    diesel::update(row).set(counter::value.eq(value + 1)).execute(connection)
                }))
            })
        },
        move || count(&sum, data::SUM_COUNTERS),
    )
}
