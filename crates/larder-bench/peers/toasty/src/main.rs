//! Workers on toasty, which links a SQLite of its own.

mod driver;
mod model;
mod read;
mod write;

use std::process::ExitCode;

use larder_bench_protocol::{HELLO, Hello, Outcome, Round, Task, serve};
use toasty::{Db, sql};
use toasty_core::stmt::Value;
use tokio::runtime::Runtime;

fn main() -> ExitCode {
    serve(std::env::args().skip(1), pick)
}

fn pick(task: &Task) -> Outcome<(Hello, Round)> {
    let runtime = Runtime::new()?;
    let hello = runtime.block_on(hello(task))?;
    let round = match (task.work.as_str(), task.subject.as_str()) {
        ("point-read", "toasty") => read::by_key(task, runtime)?,
        ("write" | "slow-disk" | "tokio-write", "toasty") => write::rows(task, runtime)?,
        _ => return task.unknown(),
    };
    Ok((hello, round))
}

async fn hello(task: &Task) -> Outcome<Hello> {
    let file = task.file("hello.db")?;
    let mut database = model::open(driver::Tuned::new(&file, task)?, None).await?;
    let mut said = Vec::new();
    for row in sql::query(HELLO).exec(&mut database).await? {
        match row.into_record().fields.as_slice() {
            [Value::String(version), Value::String(option)] => said.push((version.clone(), option.clone())),
            other => return Err(format!("not two texts: {other:?}").into()),
        }
    }
    Ok(Hello::new(said))
}

/// The one number that a query returns.
async fn number(database: &mut Db, query: &str) -> Outcome<i64> {
    let rows = sql::query(query).exec(database).await?;
    match rows.first().and_then(Value::as_record).map(|record| record.as_slice()) {
        Some([Value::I64(number)]) => Ok(*number),
        other => Err(format!("not one number: {other:?}").into()),
    }
}
