//! The events of a run: appended with a number without gaps, read from any number on.

use super::refused::{ReservedEvent, Subject};
use super::{Status, json, kind};
use jiff::Timestamp;
use larder::sql::timestamp_text;
use larder::{Error, ErrorKind, Json, ReadTx, Result, WriteTx, params};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::ops::Range;

/// Takes the row of the run, and with it the numbers: whoever comes next waits for this transaction, so none is lost and
/// none is given twice.
pub(super) const ADVANCE: &str = "UPDATE runs SET last_sequence = last_sequence + :count \
     WHERE id = :run_id AND pruned_at IS NULL RETURNING last_sequence";

pub(super) const INSERT: &str = "INSERT INTO events (run_id, sequence, event_type, unit_id, payload_json, created_at) \
     VALUES (:run_id, :sequence, :event_type, :unit_id, :payload_json, :created_at)";

pub(super) const FROM: &str = "SELECT id, run_id, sequence, event_type, unit_id, payload_json, created_at FROM events \
     WHERE run_id = :run_id AND sequence > :after \
     AND EXISTS (SELECT 1 FROM runs WHERE id = :run_id AND pruned_at IS NULL) ORDER BY sequence LIMIT :limit";

pub(super) const LAST: &str = "SELECT id, run_id, sequence, event_type, unit_id, payload_json, created_at FROM events \
     WHERE run_id = :run_id \
     AND EXISTS (SELECT 1 FROM runs WHERE id = :run_id AND pruned_at IS NULL) ORDER BY sequence DESC LIMIT :limit";

/// An event of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Event {
    /// Its number in the database.
    pub id: i64,
    /// Its run.
    pub run_id: String,
    /// Its number in the run, from 1, without gaps.
    pub sequence: i64,
    /// What happened: `run_started`, or a name of the application's own.
    pub event_type: String,
    /// The unit it is about, by its name within the run.
    pub unit_id: Option<String>,
    /// What else is to be said.
    pub payload_json: Option<Json<serde_json::Value>>,
    /// When it was written.
    pub created_at: Timestamp,
}

/// An event to be appended.
///
/// ```
/// use larder_stores::workflow::NewEvent;
/// # fn main() -> larder::Result<()> {
/// let event = NewEvent::new("tests_passed").in_unit("parser").with(&serde_json::json!({ "count": 214 }))?;
/// # let _ = event;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct NewEvent<'a> {
    /// What happened, in a name of your own. Those that moves write are refused: [`ReservedEvent`].
    pub event_type: &'a str,
    /// The unit it is about, by its name within the run.
    pub unit_id: Option<&'a str>,
    /// What else is to be said, as JSON text.
    pub payload_json: Option<Cow<'a, str>>,
}

impl<'a> NewEvent<'a> {
    /// An event of that name.
    pub fn new(event_type: &'a str) -> Self {
        Self { event_type, ..Self::default() }
    }

    /// It is about a unit.
    #[must_use]
    pub fn in_unit(mut self, unit_id: &'a str) -> Self {
        self.unit_id = Some(unit_id);
        self
    }

    /// What else is to be said.
    ///
    /// # Errors
    /// [`ErrorKind::Parameter`] when it can't be written as JSON.
    pub fn with(mut self, payload: &impl Serialize) -> Result<Self> {
        let text = serde_json::to_string(payload).map_err(|error| {
            Error::new(ErrorKind::Parameter, "the payload of an event can't be written as JSON")
                .with_cause(error)
        })?;
        self.payload_json = Some(Cow::Owned(text));
        Ok(self)
    }
}

/// Appends an event to a run, also to one that is finished; gives its number.
///
/// # Errors
/// [`ErrorKind::NotFound`] when there is no such run, [`ErrorKind::Refused`] with [`ReservedEvent`],
/// [`ErrorKind::Constraint`] when the payload is no JSON, or such that it could not be read again: nested more than 127 levels
/// deep, with a number that no `f64` holds, or with half a surrogate pair. Nothing was appended then.
pub fn append(tx: &mut WriteTx<'_>, run_id: &str, event: &NewEvent<'_>) -> Result<i64> {
    Ok(append_many(tx, run_id, std::slice::from_ref(event))?.start)
}

/// Appends events to a run, in their order and one right after the other; gives their numbers. Much faster than one by one.
///
/// # Errors
/// As [`append`]: either all are appended or none.
pub fn append_many(tx: &mut WriteTx<'_>, run_id: &str, events: &[NewEvent<'_>]) -> Result<Range<i64>> {
    if let Some(event) = events.iter().find(|event| kind::is_reserved(event.event_type)) {
        return Err(ReservedEvent::of(event.event_type));
    }
    for event in events {
        if let Some(payload) = &event.payload_json {
            json::check(payload, || format!("the payload of the event `{}`", event.event_type))?;
        }
    }
    // Who catches the error and goes on must not leave a gap.
    tx.savepoint(|tx| insert(tx, run_id, &timestamp_text(Timestamp::now()), events))
}

/// Appends events whatever their names, all with the time `at`. Its caller rolls back when it fails.
pub(super) fn insert(
    tx: &mut WriteTx<'_>,
    run_id: &str,
    at: &str,
    events: &[NewEvent<'_>],
) -> Result<Range<i64>> {
    let count = events.len();
    // Only somebody else can have written such a number.
    let none_left = || {
        Error::new(ErrorKind::Constraint, format!("the run {run_id} has no number left for an event"))
            .with_help(
                "somebody changed its `last_sequence`: `larder workflow replay` says what it should be",
            )
    };
    let advanced: Result<Option<i64>> = tx.query_opt(ADVANCE, params! { run_id, count });
    let last = advanced.map_err(|error| match error.kind() {
        // One engine says that the sum is no number for the column, the other that there is no such sum.
        ErrorKind::Constraint | ErrorKind::Conversion => none_left().with_cause(error),
        _ => error,
    })?;
    let last = last.ok_or_else(|| Subject::Run.missing(run_id))?;
    let end = last.checked_add(1).ok_or_else(none_left)?;
    let first = end - i64::try_from(count).unwrap_or(i64::MAX);
    let row =
        |sequence: i64, event: &NewEvent<'_>, push: &mut dyn FnMut(&[larder::Param<'_>]) -> Result<()>| {
            push(params! {
                run_id,
                sequence,
                event_type: event.event_type,
                unit_id: event.unit_id,
                payload_json: event.payload_json,
                created_at: at,
            })
        };
    match events {
        [] => {}
        [event] => row(first, event, &mut |params| tx.execute(INSERT, params).map(drop))?,
        _ => {
            tx.insert_many(INSERT, |rows| {
                (first..)
                    .zip(events)
                    .try_for_each(|(sequence, event)| row(sequence, event, &mut |params| rows.push(params)))
            })?;
        }
    }
    if !events.is_empty() {
        // Who follows on another machine is told by the commit.
        tx.announce()?;
    }
    Ok(first..end)
}

/// The move of a run, or of the unit `unit_id`, as an event. `why` is kept as the payload's `error`.
pub(super) fn of_move<'a>(
    subject: Subject,
    to: Status,
    unit_id: Option<&'a str>,
    why: Option<&str>,
) -> NewEvent<'a> {
    let payload_json = why.map(|why| Cow::Owned(serde_json::json!({ "error": why }).to_string()));
    NewEvent { event_type: kind::of_move(subject, to), unit_id, payload_json }
}

/// The events of a run after the number `after` (0 for all), in order, at most `limit` of them.
///
/// # Errors
/// What the engine says. A run that is not there has no events.
pub fn events_from(tx: &mut ReadTx<'_>, run_id: &str, after: i64, limit: u32) -> Result<Vec<Event>> {
    tx.query_all(FROM, params! { run_id, after, limit })
}

/// The last events of a run, in order, at most `limit` of them. It takes as long whether the run has thousands or millions.
///
/// # Errors
/// What the engine says. A run that is not there has no events.
pub fn last_events(tx: &mut ReadTx<'_>, run_id: &str, limit: u32) -> Result<Vec<Event>> {
    let mut events: Vec<Event> = tx.query_all(LAST, params! { run_id, limit })?;
    events.reverse();
    Ok(events)
}
