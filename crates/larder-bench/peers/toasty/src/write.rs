//! One small row a transaction, by many tasks.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use larder_bench_protocol::write::Try;
use larder_bench_protocol::{Ledger, Meter, Outcome, Round, Task, Turn, data};
use toasty::{Db, sql};
use toasty_core::driver::operation::TransactionMode;
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

use crate::driver::Tuned;
use crate::model::{self, Event};

/// A transaction that begins IMMEDIATE, one `create!`, `commit`. What comes back with "database is locked" is begun again
/// and counted.
///
/// The pool has one connection. Of several, those that wait for the lock block the runtime's threads while they wait, and
/// the task that holds it finds no thread to commit on: two transactions in five seconds.
pub fn rows(task: &Task, runtime: Runtime) -> Outcome<Round> {
    let tasks = task.number("threads")?;
    let clock = task.clock().shared_by(tasks);
    let mut database = runtime.block_on(async {
        let mut database = model::open(Tuned::new(&task.file("write.db")?, task)?, Some(1)).await?;
        for statement in data::set_up_events(false) {
            sql::statement(*statement).exec(&mut database).await?;
        }
        Outcome::Ok(database)
    })?;
    let (mut ledger, mut round) = (Ledger::default(), 0);
    Ok(Box::new(move || {
        round += 1;
        let turn = Turn { clock, round, number: 0, busy: Arc::default() };
        runtime.block_on(async {
            let mut set = JoinSet::new();
            for number in 0..tasks {
                let database = database.clone();
                set.spawn(Turn { number, ..turn.clone() }.rows(move |body| {
                    let mut database = database.clone();
                    async move { tried(insert(&mut database, number as i64, &body).await) }
                }));
            }
            let meters = set.join_all().await.into_iter().collect::<Outcome<Vec<Meter>>>()?;
            let sample = Meter::together(meters).with_count("busy", turn.busy.load(Ordering::Relaxed));
            ledger.check(sample, crate::number(&mut database, data::COUNT_EVENTS).await?)
        })
    }))
}

/// toasty has no kind of error for it.
fn tried(outcome: toasty::Result<()>) -> Outcome<Try> {
    match outcome {
        Err(error) if error.to_string().contains("database is locked") => Ok(Try::Busy),
        outcome => Ok(outcome.map(|()| Try::Done)?),
    }
}

async fn insert(database: &mut Db, thread: i64, body: &str) -> toasty::Result<()> {
    let mut transaction = database.transaction_builder().mode(TransactionMode::Immediate).begin().await?;
    toasty::create!(Event { thread: thread, body: body }).exec(&mut transaction).await?;
    transaction.commit().await
}
