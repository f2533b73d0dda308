//! Events by hand: a workflow's own tables, and only what the one program at hand needs.

use std::path::Path;

use larder_bench_protocol::event::{self, Event};
use larder_bench_protocol::{Outcome, Round, Task, store};
use rusqlite::Connection;

/// Appends events of one run, with a counter in memory.
pub fn append(task: &Task) -> Outcome<Round> {
    let connection = crate::open(&task.file(event::EVENTS_FILE)?)?;
    connection.execute_batch(event::WORKFLOW)?;
    connection.execute(event::ADD_RUN, [store::RUN])?;
    let (events, mut sequence) = (event::events(), 0_i64);
    let count = |connection: &Connection| {
        connection.query_row(event::COUNT_EVENTS, [store::RUN], |row| Ok((row.get(0)?, row.get(1)?)))
    };
    crate::store::batches(task, connection, count, move |tx| {
        for Event { kind, unit, payload } in &events {
            sequence += 1;
            tx.prepare_cached(event::ADD_EVENT)?.execute((
                store::RUN,
                sequence,
                kind,
                unit,
                payload,
                store::NOW,
            ))?;
        }
        Ok(())
    })
}

/// Reads the last events of the run in the file that Larder filled.
pub fn tail(task: &Task) -> Outcome<Round> {
    let connection = crate::open(&Path::new(task.text("file")?).join(event::EVENTS_FILE))?;
    let (rows, clock) = (i64::try_from(task.number("rows")?)?, task.clock());
    Ok(Box::new(move || {
        let mut meter = clock.start(1);
        while meter.more() {
            let tail = last(&connection)?;
            event::check_tail(rows, tail.iter().map(|row| row.sequence))?;
        }
        Ok(meter.finish())
    }))
}

/// An event as a program would have it.
struct Row {
    sequence: i64,
    #[expect(dead_code, reason = "read, as a program would")]
    rest: (i64, String, String, Option<String>, Option<String>, String),
}

fn last(connection: &Connection) -> rusqlite::Result<Vec<Row>> {
    let mut statement = connection.prepare_cached(event::TAIL_EVENTS)?;
    let rows = statement.query_map((store::RUN, event::TAIL), |row| {
        Ok(Row {
            sequence: row.get(2)?,
            rest: (row.get(0)?, row.get(1)?, row.get(3)?, row.get(4)?, row.get(5)?, row.get(6)?),
        })
    })?;
    rows.collect()
}
