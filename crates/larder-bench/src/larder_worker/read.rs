//! One row by its primary key into a struct.

use std::hint::black_box;
use std::sync::atomic::Ordering;

use larder::{Database, params};
use larder_bench_protocol::{Outcome, Random, Round, Task, data};
use serde::Deserialize;

#[derive(Deserialize)]
pub(super) struct User {
    id: i64,
    name: String,
    email: String,
    age: i64,
}

impl User {
    pub(super) fn check(user: Option<Self>, key: i64) -> Outcome {
        let user = black_box(user).ok_or("no row")?;
        data::check_user(key, (user.id, &user.name, &user.email, user.age))
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
    let mut keys = task.keys()?;
    Ok(Box::new(move || {
        keys.round(|id| User::check(database.read(|tx| tx.query_opt(data::READ_USER, params! { id }))?, id))
    }))
}

/// One statement without a transaction around it.
pub(crate) fn single(task: &Task) -> Outcome<Round> {
    let database = filled(task)?;
    let mut keys = task.keys()?;
    Ok(Box::new(move || {
        keys.round(|id| User::check(database.query_opt(data::READ_USER, params! { id })?, id))
    }))
}

/// Many statements inside one transaction.
pub(crate) fn many(task: &Task) -> Outcome<Round> {
    let database = filled(task)?;
    let mut keys = task.keys()?;
    Ok(Box::new(move || {
        database
            .read(|tx| Ok(keys.round(|id| User::check(tx.query_opt(data::READ_USER, params! { id })?, id))))?
    }))
}

/// Many texts in turn.
pub(crate) fn statements(task: &Task) -> Outcome<Round> {
    let database = filled(task)?;
    let mut keys = task.keys()?;
    let texts = data::read_user_texts(200);
    Ok(Box::new(move || {
        let mut texts = texts.iter().cycle();
        keys.round(|id| {
            let text = texts.next().ok_or("no text")?;
            User::check(database.read(|tx| tx.query_opt(text, params! { id }))?, id)
        })
    }))
}

/// A range and a limit with other values each time.
pub(crate) fn analyzed(task: &Task) -> Outcome<Round> {
    let database = filled(task)?;
    for statement in data::ANALYZE_USERS {
        database.execute(statement, &[])?;
    }
    let mut keys = task.keys()?;
    Ok(Box::new(move || {
        keys.round(|key| {
            let (low, high, most) = data::ages(key);
            let found: Vec<i64> =
                database.read(|tx| tx.query_all(data::READ_AGES, params! { low, high, most }))?;
            data::check_ages(black_box(found).len(), most)
        })
    }))
}

/// Several threads, alone or beside one that writes.
pub(crate) fn readers(task: &Task) -> Outcome<Round> {
    let database = filled(task)?;
    let rows = task.number("rows")?;
    let crowd = task.crowd()?.batch(64);
    let writes = task.has("writer");
    Ok(Box::new(move || {
        crowd.run_beside(
            |thread| {
                let (database, mut random) = (database.clone(), Random::new(7 + thread));
                Ok(move || {
                    let id = random.key(rows);
                    User::check(database.read(|tx| tx.query_opt(data::READ_USER, params! { id }))?, id)
                })
            },
            |stop| {
                let (mut random, mut done) = (Random::new(1), 0);
                while writes && !stop.load(Ordering::Acquire) {
                    let id = random.key(rows);
                    database.write(|tx| tx.execute(data::TOUCH_USER, params! { id }))?;
                    done += 1;
                }
                Ok(done)
            },
        )
    }))
}
