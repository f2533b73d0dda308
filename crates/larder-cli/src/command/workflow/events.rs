//! `larder workflow events`

use super::STORE;
use crate::args::workflow::Events;
use crate::command::Context;
use crate::exit::Exit;
use crate::output::{Shape, one_line};
use larder::{Database, Error, ErrorKind, Json, Result};
use larder_stores::workflow::{self, Event, FollowStop};
use serde::Serialize;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// So many events are read at a time.
const BATCH: u32 = 1000;
/// While nothing happens, whether somebody still reads is asked so often.
const PAUSE: Duration = Duration::from_millis(200);

#[derive(Serialize)]
struct Listed<'a> {
    run: &'a str,
    events: Vec<Event>,
}

pub(crate) fn run(args: &Events, mut context: Context<'_>) -> Result<Exit> {
    let database = context.store_for_reading(STORE)?;
    // One that is not there is said to be, and not to have no events.
    let run = database.read(|tx| workflow::run(tx, &args.run))?;
    let after = match args.last {
        Some(last) => run.last_sequence.saturating_sub(i64::from(last)).max(0),
        None => args.from.saturating_sub(1),
    };
    if args.follow { follow(args, after, &database, context) } else { list(args, after, &database, context) }
}

fn list(args: &Events, mut after: i64, database: &Database, context: Context<'_>) -> Result<Exit> {
    let mut all = Vec::new();
    loop {
        let events = database.read(|tx| workflow::events_from(tx, &args.run, after, BATCH))?;
        let Some(last) = events.last() else { break };
        after = last.sequence;
        if context.output.is_json() {
            all.extend(events);
        } else if !events.iter().all(|event| context.output.stream(&line(event))) {
            break;
        }
    }
    context.output.json(&Shape::new(context.command, true, Listed { run: &args.run, events: all }));
    Ok(Exit::Done)
}

fn follow(args: &Events, after: i64, database: &Database, context: Context<'_>) -> Result<Exit> {
    let mut live = workflow::follow(database, &args.run, after)?.until_finished();
    let interrupted = listen(live.stopper())?;
    let json = context.output.is_json();
    while let Some(events) = live.next(PAUSE)? {
        for event in &events {
            let text = if json { serde_json::to_string(event).unwrap_or_default() } else { line(event) };
            if !context.output.stream(&text) {
                return Ok(Exit::Done);
            }
        }
        if !context.output.is_read() {
            return Ok(Exit::Done);
        }
    }
    Ok(if interrupted.load(Ordering::Acquire) { Exit::Interrupted } else { Exit::Done })
}

/// Ends the following at Ctrl-C; true when that happened.
fn listen(stopper: FollowStop) -> Result<Arc<AtomicBool>> {
    let interrupted = Arc::new(AtomicBool::new(false));
    let pressed = Arc::clone(&interrupted);
    ctrlc::set_handler(move || {
        pressed.store(true, Ordering::Release);
        stopper.stop();
    })
    .map_err(|error| Error::new(ErrorKind::Internal, "can't listen for Ctrl-C").with_cause(error))?;
    Ok(interrupted)
}

/// An event for people, on one line.
fn line(event: &Event) -> String {
    let time = event.created_at.strftime("%Y-%m-%d %H:%M:%S%.3f");
    let mut line = format!("{:>6}  {time}  {}", event.sequence, one_line(&event.event_type));
    let payload = event.payload_json.as_ref().map(|Json(json)| json.to_string());
    for more in event.unit_id.iter().chain(&payload) {
        line.push_str("  ");
        line.push_str(&one_line(more));
    }
    line
}
