//! Small transactions that write, by one thread or many, through one connection in a mutex: what most programs do.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use larder_bench_protocol::write::{self, Try};
use larder_bench_protocol::{Outcome, Round, Task, data};
use rusqlite::{Connection, ErrorCode, Result, Transaction, TransactionBehavior};

/// One connection for all threads.
#[derive(Clone)]
struct Shared(Arc<Mutex<Connection>>);

impl Shared {
    fn open(task: &Task, set_up: &[&str]) -> Outcome<Self> {
        let connection = Connection::open(task.file("write.db")?)?;
        connection.execute_batch(&task.pragmas())?;
        for statement in set_up {
            connection.execute_batch(statement)?;
        }
        Ok(Self(Arc::new(Mutex::new(connection))))
    }

    fn lock(&self) -> MutexGuard<'_, Connection> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn count(&self, query: &str) -> Outcome<i64> {
        Ok(self.lock().query_row(query, [], |row| row.get(0))?)
    }

    /// One transaction.
    fn write(&self, what: impl FnOnce(&Transaction<'_>) -> Result<usize>) -> Outcome<Try> {
        let mut connection = self.lock();
        let outcome =
            connection.transaction_with_behavior(TransactionBehavior::Immediate).and_then(|transaction| {
                what(&transaction)?;
                transaction.commit()
            });
        match outcome {
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => Ok(Try::Busy),
            outcome => Ok(outcome.map(|()| Try::Done)?),
        }
    }
}

/// One row, one transaction.
pub fn rows(task: &Task) -> Outcome<Round> {
    let shared = Shared::open(task, data::set_up_events(task.has("index")))?;
    let count = shared.clone();
    write::rows(
        task,
        move |thread| {
            let shared = shared.clone();
            Ok(move |body: &str| {
                shared.write(|transaction| {
                    transaction.prepare_cached(data::WRITE_EVENT)?.execute((thread, body))
                })
            })
        },
        move || count.count(data::COUNT_EVENTS),
    )
}

/// Reads a number and writes it back one larger.
pub fn counters(task: &Task) -> Outcome<Round> {
    let shared = Shared::open(task, data::SET_UP_COUNTERS)?;
    let sum = shared.clone();
    write::counters(
        task,
        move || {
            let shared = shared.clone();
            Ok(move |id| {
                shared.write(|transaction| {
                    let mut read = transaction.prepare_cached(data::READ_COUNTER)?;
                    let value: i64 = read.query_row([id], |row| row.get(0))?;
                    transaction.prepare_cached(data::WRITE_COUNTER)?.execute((value + 1, id))
                })
            })
        },
        move || sum.count(data::SUM_COUNTERS),
    )
}
