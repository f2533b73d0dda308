//! Leases by hand: one connection in a mutex, and the statement that grants a lease when it is free.

use std::sync::{Arc, Mutex, PoisonError};

use larder_bench_protocol::lease::{self, Tenant, Try};
use larder_bench_protocol::{Outcome, Round, Task};
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior};

/// Threads that want the leases of a few repositories.
pub fn contend(task: &Task) -> Outcome<Round> {
    let mut connection = crate::open(&task.file("lease.db")?)?;
    let tx = connection.transaction()?;
    tx.execute_batch(lease::FORGE)?;
    tx.execute(lease::ADD_PROJECT, [lease::PROJECT])?;
    for id in lease::repositories(task)? {
        tx.execute(lease::ADD_REPOSITORY, (&id, lease::PROJECT, &id))?;
    }
    tx.commit()?;
    let connection = Arc::new(Mutex::new(connection));
    lease::round(task, move |thread| {
        Ok(Hands { connection: Arc::clone(&connection), name: format!("thread {thread}") })
    })
}

/// What one thread does with leases.
struct Hands {
    connection: Arc<Mutex<Connection>>,
    name: String,
}

impl Hands {
    fn write<T>(&self, what: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>) -> Outcome<T> {
        let mut connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let outcome = what(&tx)?;
        tx.commit()?;
        Ok(outcome)
    }
}

impl Tenant for Hands {
    fn acquire(&mut self, repository: &str) -> Outcome<Try> {
        let token = self.write(|tx| {
            let mut statement = tx.prepare_cached(lease::ACQUIRE)?;
            statement
                .query_row((repository, &self.name, lease::NOW, lease::UNTIL), |row| row.get(0))
                .optional()
        })?;
        Ok(token.map_or(Try::Held, Try::Granted))
    }

    fn release(&mut self, repository: &str, token: i64) -> Outcome {
        let released: Option<i64> = self.write(|tx| {
            let mut statement = tx.prepare_cached(lease::RELEASE)?;
            statement.query_row((lease::NOW, repository, &self.name, token), |row| row.get(0)).optional()
        })?;
        released.map(drop).ok_or_else(|| "nothing was released".into())
    }
}
