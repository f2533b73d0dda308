//! A migration that copies a large table: the statements alone, in one transaction.

use std::time::Instant;

use larder_bench_protocol::{Outcome, Round, Sample, Task, data};

/// Runs the rebuild on a fresh copy of the file each round; the transaction is timed and
/// the closing, for either may move the log into the file.
pub fn rebuild(task: &Task) -> Outcome<Round> {
    let (template, file) = (task.file("template.db")?, task.file("copy.db")?);
    let index = task.has("index");
    if !template.exists() {
        let connection = crate::open(&template)?;
        connection.execute_batch(&data::orders(index))?;
        connection.execute_batch(&data::fill_orders(task.number("rows")?))?;
        crate::close(connection)?;
    }
    let rows = task.number("rows")? as i64;
    let rebuild = data::rebuild_orders(index, task.has("expression"));
    Ok(Box::new(move || {
        let _ = std::fs::remove_file(&file);
        std::fs::copy(&template, &file)?;
        let connection = crate::open(&file)?;
        connection.execute_batch("PRAGMA foreign_keys=OFF")?;
        let start = Instant::now();
        connection.execute_batch("BEGIN IMMEDIATE")?;
        connection.execute_batch(&rebuild)?;
        connection.execute_batch("PRAGMA user_version=2; COMMIT")?;
        let sample = Sample::once(start.elapsed());
        let found: i64 =
            connection.query_row("SELECT count(shipped_at IS NULL) FROM orders", [], |row| row.get(0))?;
        crate::close(connection)?;
        if found == rows { Ok(sample) } else { Err(format!("{found} rows instead of {rows}").into()) }
    }))
}
