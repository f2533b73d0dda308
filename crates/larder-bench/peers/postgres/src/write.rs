//! One small row a transaction from many threads, over a pool as people write it by hand.

use std::cell::RefCell;
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use larder_bench_protocol::write::{self, Try};
use larder_bench_protocol::{Outcome, Round, Task, server};
use postgres::{Client, Statement};

/// A connection and its statement.
struct Held {
    client: Client,
    insert: Statement,
}

/// The connections that nobody uses.
#[derive(Default)]
struct Pool {
    idle: Mutex<Vec<Held>>,
    back: Condvar,
}

impl Pool {
    fn of(task: &Task) -> Outcome<Self> {
        let pool = Self::default();
        for _ in 0..task.number("connections")? {
            let mut client = crate::connect(task)?;
            let insert = client.prepare(server::WRITE_EVENT)?;
            pool.put(Held { client, insert });
        }
        Ok(pool)
    }

    fn take(&self) -> Held {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            match idle.pop() {
                Some(held) => return held,
                None => idle = self.back.wait(idle).unwrap_or_else(PoisonError::into_inner),
            }
        }
    }

    fn put(&self, held: Held) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(held);
        self.back.notify_one();
    }
}

/// How a row is written.
type Insert = fn(&mut Client, &Statement, i64, &str) -> Result<(), postgres::Error>;

/// The insert by itself.
pub fn insert(
    client: &mut Client,
    insert: &Statement,
    thread: i64,
    body: &str,
) -> Result<(), postgres::Error> {
    client.execute(insert, &[&thread, &body]).map(drop)
}

/// BEGIN, the insert, COMMIT.
pub fn insert_in_transaction(
    client: &mut Client,
    insert: &Statement,
    thread: i64,
    body: &str,
) -> Result<(), postgres::Error> {
    let mut transaction = client.transaction()?;
    transaction.execute(insert, &[&thread, &body])?;
    transaction.commit()
}

/// Each thread takes a connection for each row.
pub fn rows(task: &Task, mut client: Client, insert: Insert) -> Outcome<Round> {
    client.batch_execute(server::EVENTS)?;
    let pool = Arc::new(Pool::of(task)?);
    let client = RefCell::new(client);
    write::rows(
        task,
        move |thread| {
            let pool = Arc::clone(&pool);
            Ok(move |body: &str| {
                let mut held = pool.take();
                let outcome = insert(&mut held.client, &held.insert, thread, body);
                pool.put(held);
                Ok(outcome.map(|()| Try::Done)?)
            })
        },
        move || Ok(client.borrow_mut().query_one(server::COUNT_EVENTS, &[])?.try_get(0)?),
    )
}
