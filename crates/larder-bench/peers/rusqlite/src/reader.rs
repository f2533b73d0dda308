//! The point read by several threads at once.

use std::sync::atomic::Ordering;
use std::sync::{Mutex, PoisonError};

use larder_bench_protocol::{Outcome, Random, Round, Task, data};

use crate::read::{User, filled};

/// A connection for each thread, and one that writes where that is asked for.
pub fn own(task: &Task) -> Outcome<Round> {
    let writer = filled(task)?;
    let file = task.file("read.db")?;
    let rows = task.number("rows")?;
    let crowd = task.crowd()?.batch(64);
    let connections = (0..crowd.threads())
        .map(|_| {
            let connection = crate::open(&file)?;
            connection.prepare_cached(data::READ_USER)?;
            Ok(Mutex::new(connection))
        })
        .collect::<Outcome<Vec<_>>>()?;
    let writes = task.has("writer");
    let writer = Mutex::new(writer);
    Ok(Box::new(move || {
        crowd.run_beside(
            |thread| {
                let connection = connections.get(usize::try_from(thread)?).ok_or("no connection")?;
                // For the whole round: the lock costs no reader anything.
                let connection = connection.lock().unwrap_or_else(PoisonError::into_inner);
                let mut random = Random::new(7 + thread);
                Ok(move || {
                    let key = random.key(rows);
                    let mut statement = connection.prepare_cached(data::READ_USER)?;
                    statement.query_row([key], User::from_row)?.check(key)
                })
            },
            |stop| {
                let connection = writer.lock().unwrap_or_else(PoisonError::into_inner);
                let (mut random, mut done) = (Random::new(1), 0);
                while writes && !stop.load(Ordering::Acquire) {
                    connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
                    connection.prepare_cached(data::TOUCH_USER)?.execute([random.key(rows)])?;
                    connection.prepare_cached("COMMIT")?.execute([])?;
                    done += 1;
                }
                Ok(done)
            },
        )
    }))
}

/// One connection for all.
pub fn mutex(task: &Task) -> Outcome<Round> {
    let connection = Mutex::new(filled(task)?);
    let rows = task.number("rows")?;
    let crowd = task.crowd()?.batch(64);
    Ok(Box::new(move || {
        crowd.run(|thread| {
            let (connection, mut random) = (&connection, Random::new(7 + thread));
            Ok(move || {
                let key = random.key(rows);
                let connection = connection.lock().unwrap_or_else(PoisonError::into_inner);
                let mut statement = connection.prepare_cached(data::READ_USER)?;
                statement.query_row([key], User::from_row)?.check(key)
            })
        })
    }))
}
