//! Small transactions that write, through diesel and its pool.

use std::sync::atomic::{AtomicU64, Ordering};

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::r2d2::{ConnectionManager, CustomizeConnection, Pool};
use diesel::sql_types::BigInt;
use larder_bench_protocol::{Ledger, Outcome, Random, Round, Task, data};

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

fn open(task: &Task) -> Outcome<Pool<ConnectionManager<SqliteConnection>>> {
    let manager = ConnectionManager::new(task.file("write.db")?.display().to_string());
    let pragmas = Box::new(Pragmas(task.pragmas()));
    Ok(Pool::builder().max_size(10).connection_customizer(pragmas).build(manager)?)
}

fn found(connection: &mut SqliteConnection, query: &str) -> Outcome<i64> {
    let Count { found } = diesel::sql_query(format!("SELECT ({query}) AS found")).get_result(connection)?;
    Ok(found)
}

/// One row, one transaction.
pub fn rows(task: &Task) -> Outcome<Round> {
    let pool = open(task)?;
    pool.get()?.batch_execute(data::EVENTS)?;
    pool.get()?.batch_execute(data::FILLER)?;
    pool.get()?.batch_execute(data::GROW_LOG)?;
    let crowd = task.crowd()?;
    let mut ledger = Ledger::default();
    let mut round = 0;
    Ok(Box::new(move || {
        round += 1;
        let busy = AtomicU64::new(0);
        let sample = crowd.run(|thread| {
            let (pool, busy) = (pool.clone(), &busy);
            let mut random = Random::new(round * 1000 + thread);
            Ok(move || {
                let body = data::event_body(&mut random);
                again(busy, || {
                    let values = (event::thread.eq(thread as i64), event::body.eq(&body));
                    let insert = diesel::insert_into(event::table).values(values);
                    pool.get()?.immediate_transaction(|connection| Outcome::Ok(insert.execute(connection)?))
                })
            })
        })?;
        let sample = sample.with_count("busy", busy.into_inner());
        ledger.check(sample, found(&mut *pool.get()?, data::COUNT_EVENTS)?)
    }))
}

/// Reads a number and writes it back one larger, in the transaction that the library begins by itself: a deferred one.
pub fn counters(task: &Task) -> Outcome<Round> {
    let pool = open(task)?;
    pool.get()?.batch_execute(data::COUNTERS)?;
    pool.get()?.batch_execute(data::FILL_COUNTERS)?;
    let crowd = task.crowd()?;
    let mut ledger = Ledger::default();
    let mut round = 0;
    Ok(Box::new(move || {
        round += 1;
        let busy = AtomicU64::new(0);
        let sample = crowd.run(|thread| {
            let (pool, busy) = (pool.clone(), &busy);
            let mut random = Random::new(round * 1000 + thread);
            Ok(move || {
                let id = random.key(data::COUNTERS_ROWS);
                again(busy, || {
                    pool.get()?.transaction(|connection| {
                        let value: i64 = counter::table.find(id).select(counter::value).first(connection)?;
                        let changed = diesel::update(counter::table.find(id))
                            .set(counter::value.eq(value + 1))
                            .execute(connection)?;
                        Outcome::Ok(changed)
                    })
                })
            })
        })?;
        let sample = sample.with_count("busy", busy.into_inner());
        ledger.check(sample, found(&mut *pool.get()?, data::SUM_COUNTERS)?)
    }))
}

/// Until it is not "database is locked" any more; counts how often it was. diesel tells the error by its words alone.
fn again(busy: &AtomicU64, mut what: impl FnMut() -> Outcome<usize>) -> Outcome {
    loop {
        match what() {
            Ok(1) => break Ok(()),
            Ok(changed) => break Err(format!("{changed} rows changed").into()),
            Err(fault) if fault.to_string().contains("database is locked") => {
                busy.fetch_add(1, Ordering::Relaxed);
            }
            Err(fault) => break Err(fault),
        }
    }
}
