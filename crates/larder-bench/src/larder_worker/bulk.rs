//! Many rows in one transaction.

use std::time::Instant;

use larder::{Database, params};
use larder_bench_protocol::bulk::{self, Load, User};
use larder_bench_protocol::{Outcome, Round, Task, data};

/// `insert_many`.
pub(crate) fn insert(task: &Task) -> Outcome<Round> {
    round(task, |database, users| {
        database.write(|tx| {
            tx.insert_many(bulk::INSERT_USER, |rows| {
                for User { id, name, email, age } in users {
                    rows.push(params! { id, name, email, age })?;
                }
                Ok(())
            })
        })
    })
}

/// `execute` for each row.
pub(crate) fn execute(task: &Task) -> Outcome<Round> {
    round(task, |database, users| {
        database.write(|tx| {
            let mut inserted = 0;
            for User { id, name, email, age } in users {
                inserted += tx.execute(bulk::INSERT_USER, params! { id, name, email, age })?;
            }
            Ok(inserted)
        })
    })
}

fn round(
    task: &Task,
    insert: impl Fn(&Database, &[User]) -> larder::Result<u64> + 'static,
) -> Outcome<Round> {
    let load = Load::of(task)?;
    Ok(Box::new(move || {
        let database = Database::open(load.fresh()?)?;
        database.execute(data::USERS, &[])?;
        let start = Instant::now();
        insert(&database, &load.users)?;
        let elapsed = start.elapsed();
        let sums = database.query_one(bulk::SUM_USERS, &[])?;
        database.close()?;
        load.sample(elapsed, sums)
    }))
}
