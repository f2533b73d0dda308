//! Events of the store workflow: appended to one run, and read from its end.

use larder::params;
use larder_bench_protocol::event::{self, Event};
use larder_bench_protocol::store::{self, Written};
use larder_bench_protocol::{Outcome, Round, Task};
use larder_stores::workflow::{self, NewEvent};

use super::open;

/// Appends events of one run, in batches.
pub(crate) fn append(task: &Task) -> Outcome<Round> {
    let database = open(task, event::EVENTS_FILE, &workflow::MIGRATIONS)?;
    database.execute(event::ADD_RUN, params! { id: store::RUN })?;
    let (clock, events, mut written) = (task.clock(), event::events(), Written::default());
    Ok(Box::new(move || {
        let sample = store::batches(&clock, || {
            let events: Vec<NewEvent<'_>> = events.iter().map(new).collect();
            database.write(|tx| workflow::append_many(tx, store::RUN, &events))?;
            Ok(())
        })?;
        written.check(sample, database.query_one(event::COUNT_EVENTS, params! { run_id: store::RUN })?)
    }))
}

fn new(Event { kind, unit, payload }: &Event) -> NewEvent<'_> {
    NewEvent { event_type: kind, unit_id: Some(unit), payload_json: Some(payload.as_str().into()) }
}

/// Reads the last events of a long run.
pub(crate) fn tail(task: &Task) -> Outcome<Round> {
    let database = open(task, event::EVENTS_FILE, &workflow::MIGRATIONS)?;
    database.execute(event::ADD_RUN, params! { id: store::RUN })?;
    let (rows, clock) = (i64::try_from(task.number("rows")?)?, task.clock());
    let mut after = 0;
    while after < rows {
        let last = rows.min(after + event::FILL);
        database.execute(event::FILL_EVENTS, params! { after, last, run_id: store::RUN, now: store::NOW })?;
        after = last;
    }
    let limit = u32::try_from(event::TAIL)?;
    Ok(Box::new(move || {
        let mut meter = clock.start(1);
        while meter.more() {
            let tail = database.read(|tx| workflow::last_events(tx, store::RUN, limit))?;
            event::check_tail(rows, tail.iter().map(|event| event.sequence))?;
        }
        Ok(meter.finish())
    }))
}
