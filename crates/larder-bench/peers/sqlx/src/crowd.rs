//! Several tasks that write at once.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use larder_bench_protocol::write::Try;
use larder_bench_protocol::{Ledger, Meter, Outcome, Round, Task, Turn, data};
use sqlx::sqlite::SqlitePool;
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

/// Rounds of `threads=` tasks, each of which inserts rows. `writer` gives the task with a number what inserts a text.
pub fn rows<W, O>(
    task: &Task,
    runtime: Arc<Runtime>,
    pool: SqlitePool,
    writer: impl Fn(i64) -> W + 'static,
) -> Outcome<Round>
where
    W: FnMut(Arc<str>) -> O + Send + 'static,
    O: Future<Output = Outcome<Try>> + Send + 'static,
{
    let tasks = task.number("threads")?;
    let clock = task.clock().shared_by(tasks);
    let (mut ledger, mut round) = (Ledger::default(), 0);
    Ok(Box::new(move || {
        round += 1;
        let turn = Turn { clock, round, number: 0, busy: Arc::default() };
        runtime.block_on(async {
            let mut set = JoinSet::new();
            for number in 0..tasks {
                set.spawn(Turn { number, ..turn.clone() }.rows(writer(number as i64)));
            }
            let meters = set.join_all().await.into_iter().collect::<Outcome<Vec<Meter>>>()?;
            let sample = Meter::together(meters).with_count("busy", turn.busy.load(Ordering::Relaxed));
            ledger.check(sample, sqlx::query_scalar(data::COUNT_EVENTS).fetch_one(&pool).await?)
        })
    }))
}
