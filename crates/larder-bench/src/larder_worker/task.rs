//! Small transactions that write, by many tasks of tokio.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use larder::params;
use larder_bench_protocol::{Ledger, Meter, Outcome, Round, Task, Turn, data};
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

use super::write::{open, tried};

/// One row, one transaction. On a runtime of as many threads as there are cores, as the workers of the libraries for async
/// programs have.
pub(crate) fn rows(task: &Task) -> Outcome<Round> {
    let database = open(task, data::set_up_events(task.has("index")))?.to_async();
    let runtime = Runtime::new()?;
    let tasks = task.number("threads")?;
    let clock = task.clock().shared_by(tasks);
    let (mut ledger, mut round) = (Ledger::default(), 0);
    Ok(Box::new(move || {
        round += 1;
        let turn = Turn { clock, round, number: 0, busy: Arc::default() };
        runtime.block_on(async {
            let mut set = JoinSet::new();
            for number in 0..tasks {
                let (database, thread) = (database.clone(), number as i64);
                set.spawn(Turn { number, ..turn.clone() }.rows(move |body| {
                    let write = database
                        .write(move |tx| tx.execute(data::WRITE_EVENT, params! { thread, body: &*body }));
                    async { tried(write.await) }
                }));
            }
            let meters = set.join_all().await.into_iter().collect::<Outcome<Vec<Meter>>>()?;
            let sample = Meter::together(meters).with_count("busy", turn.busy.load(Ordering::Relaxed));
            ledger.check(sample, database.query_one(data::COUNT_EVENTS, &[]).await?)
        })
    }))
}
