//! One row by its primary key into a struct.

use std::hint::black_box;

use larder::{Database, params};
use larder_bench_protocol::{Outcome, Random, Round, Task, data};
use serde::Deserialize;

#[derive(Deserialize)]
struct User {
    id: i64,
    name: String,
    email: String,
    age: i64,
}

impl User {
    fn check(user: Option<Self>, key: i64) -> Outcome {
        let user = black_box(user).ok_or("no row")?;
        let right = user.id == key && user.age == key % 90 && user.name.len() > 5 && user.email.len() > 16;
        if right { Ok(()) } else { Err(format!("the wrong row for {key}").into()) }
    }
}

fn filled(task: &Task) -> Outcome<Database> {
    let file = task.file("read.db")?;
    let database = Database::open(&file)?;
    database.execute(data::USERS, &[])?;
    database.execute(&data::fill_users(task.number("rows")?), &[])?;
    database.close()?;
    let database = Database::open(&file)?;
    database.execute(data::TOUCH_USERS, &[])?;
    Ok(database)
}

/// In a transaction that reads.
pub(crate) fn in_transaction(task: &Task) -> Outcome<Round> {
    let database = filled(task)?;
    let rows = task.number("rows")?;
    let clock = task.clock();
    let mut random = Random::new(7);
    Ok(Box::new(move || {
        let mut meter = clock.start(64);
        while meter.more() {
            let id = random.key(rows);
            User::check(database.read(|tx| tx.query_opt(data::READ_USER, params! { id }))?, id)?;
        }
        Ok(meter.finish())
    }))
}

/// One statement without a transaction around it.
pub(crate) fn single(task: &Task) -> Outcome<Round> {
    let database = filled(task)?;
    let rows = task.number("rows")?;
    let clock = task.clock();
    let mut random = Random::new(7);
    Ok(Box::new(move || {
        let mut meter = clock.start(64);
        while meter.more() {
            let id = random.key(rows);
            User::check(database.query_opt(data::READ_USER, params! { id })?, id)?;
        }
        Ok(meter.finish())
    }))
}
