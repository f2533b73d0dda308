//! Opening a file that is up to date, and applying a set to a new one.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use larder_bench_protocol::set::Kind;
use larder_bench_protocol::{Outcome, Round, Sample, Task};
use sqlx::migrate::Migrator;
use sqlx::sqlite::SqliteConnection;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection};
use tokio::runtime::Runtime;

mod embedded {
    include!(concat!(env!("OUT_DIR"), "/sqlx.rs"));
}

fn named(task: &Task) -> Outcome<&'static Migrator> {
    Ok(match task.text("set")? {
        "TABLES_10" => &embedded::TABLES_10,
        "TABLES_1000" => &embedded::TABLES_1000,
        "ROWS_10" => &embedded::ROWS_10,
        "ROWS_1000" => &embedded::ROWS_1000,
        _ => return task.unknown(),
    })
}

async fn open_file(file: &Path, set: &Migrator) -> Outcome<SqliteConnection> {
    let mut connection = crate::options(file).connect().await?;
    set.run(&mut connection).await?;
    Ok(connection)
}

/// Opens and closes a file whose migrations are all applied.
pub fn open(task: &Task, runtime: Arc<Runtime>) -> Outcome<Round> {
    let (file, set) = (task.file("open.db")?, named(task)?);
    if !file.exists() {
        runtime.block_on(async { Outcome::Ok(open_file(&file, set).await?.close().await?) })?;
    }
    let mut neighbour =
        if task.has("beside") { Some(runtime.block_on(open_file(&file, set))?) } else { None };
    let clock = task.clock();
    Ok(Box::new(move || {
        runtime.block_on(async {
            let mut meter = clock.start(1);
            while meter.more() {
                open_file(&file, set).await?.close().await?;
            }
            if let Some(neighbour) = &mut neighbour {
                neighbour.ping().await?;
            }
            Ok(meter.finish())
        })
    }))
}

/// Applies a set to a file that is not there yet.
pub fn apply(task: &Task, runtime: Arc<Runtime>) -> Outcome<Round> {
    let (file, set) = (task.file("apply.db")?, named(task)?);
    let (query, expected) = Kind::of(task.text("set")?)?;
    Ok(Box::new(move || {
        runtime.block_on(async {
            let _ = std::fs::remove_file(&file);
            let start = Instant::now();
            open_file(&file, set).await?.close().await?;
            let sample = Sample::once(start.elapsed());
            let mut connection = crate::options(&file).connect().await?;
            let found: i64 = sqlx::query_scalar(AssertSqlSafe(query)).fetch_one(&mut connection).await?;
            connection.close().await?;
            if found == expected { Ok(sample) } else { Err(format!("{found} instead of {expected}").into()) }
        })
    }))
}
