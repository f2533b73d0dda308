//! The events of a run, folded into the same statuses that its rows have; and where the two differ.

use super::refused::Subject;
use super::{Status, kind, run};
use jiff::Timestamp;
use larder::sql::timestamp_text;
use larder::{ReadTx, Result, params};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::ops::ControlFlow;

// The names are those of `kind::MOVES`; a test holds that. Events of the application's own are passed over by the engine.
pub(super) const MOVES: &str = "SELECT sequence, event_type, unit_id, payload_json, created_at FROM events \
     WHERE run_id = :run_id AND event_type IN ('run_created', 'run_started', 'run_completed', 'run_failed', \
     'run_cancelled', 'run_interrupted', 'unit_created', 'unit_started', 'unit_completed', 'unit_failed', \
     'unit_cancelled', 'unit_interrupted') ORDER BY sequence";
pub(super) const NUMBERS: &str = "SELECT count(*), COALESCE(min(sequence), 1), COALESCE(max(sequence), 0) FROM events \
     WHERE run_id = :run_id";
pub(super) const RUN: &str = "SELECT status, started_at, completed_at, error, last_sequence FROM runs \
     WHERE id = :run_id AND pruned_at IS NULL";
pub(super) const UNITS: &str = "SELECT unit_id, status, started_at, completed_at, error FROM units \
     WHERE run_id = :run_id ORDER BY unit_id";

/// How far a run or a unit has come, and since when.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct State {
    /// How far.
    pub status: Status,
    /// When it was started for the first time.
    pub started_at: Option<Timestamp>,
    /// When it was completed, failed or cancelled.
    pub completed_at: Option<Timestamp>,
    /// Why it failed, or was interrupted.
    pub error: Option<String>,
}

/// What the events of a run say.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Replay {
    /// The run.
    pub run: State,
    /// Its units, by their names.
    pub units: BTreeMap<String, State>,
    /// The events that were folded; those of the application's own are not among them.
    pub moves: u64,
    /// What can't have happened as the events tell it.
    pub faults: Vec<Difference>,
}

/// Where the rows of a run and its events do not agree.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Difference {
    /// A field of a row is not what the events say.
    Field {
        /// The unit; the run itself where there is none.
        unit: Option<String>,
        /// The column.
        field: String,
        /// What the row says.
        row: Option<String>,
        /// What the events say.
        events: Option<String>,
    },
    /// Events tell of a unit that has no row.
    NoRow {
        /// The unit.
        unit: String,
    },
    /// A unit has a row, and no event tells that it was created.
    NoEvent {
        /// The unit; the run itself where there is none.
        unit: Option<String>,
    },
    /// An event tells of a move that is not legal.
    Illegal {
        /// The event's number.
        sequence: i64,
        /// The unit; the run itself where there is none.
        unit: Option<String>,
        /// What it was.
        from: Status,
        /// What it is said to have become.
        to: Status,
    },
    /// The time of an event of a move is no time.
    Time {
        /// The event's number.
        sequence: i64,
        /// What it has for one.
        text: String,
    },
    /// The numbers of the events have gaps, or do not begin with 1, or the run's row has another as the last.
    Numbers {
        /// The last, by the run's row.
        last_sequence: i64,
        /// How many events there are.
        count: i64,
        /// The first number.
        first: i64,
        /// The last number.
        last: i64,
    },
}

#[derive(Deserialize)]
struct Move {
    sequence: i64,
    event_type: String,
    unit_id: Option<String>,
    // Text, so that nothing that somebody else wrote there keeps the rest from being told.
    payload_json: Option<String>,
    created_at: String,
}

/// A row, to be compared with what the events say of it.
struct Row {
    status: Status,
    started_at: Option<String>,
    completed_at: Option<String>,
    error: Option<String>,
}

/// What a move's payload has for the row.
#[derive(Default, Deserialize)]
struct Why {
    error: Option<String>,
}

impl Default for State {
    fn default() -> Self {
        Self { status: Status::Pending, started_at: None, completed_at: None, error: None }
    }
}

impl State {
    fn take(&mut self, to: Status, at: Option<Timestamp>, error: Option<String>) {
        self.status = to;
        self.error = error;
        if to == Status::Running && self.started_at.is_none() {
            self.started_at = at;
        }
        if to.is_finished() {
            self.completed_at = at;
        }
    }
}

impl Row {
    fn compare(self, events: &State, unit: Option<&str>, into: &mut Vec<Difference>) {
        // The same instant may be written in several ways.
        let row = |text: Option<String>| text.map(|text| text.parse().map_or(text, timestamp_text));
        let pairs = [
            ("status", Some(self.status.to_string()), Some(events.status.to_string())),
            ("started_at", row(self.started_at), events.started_at.map(timestamp_text)),
            ("completed_at", row(self.completed_at), events.completed_at.map(timestamp_text)),
            ("error", self.error, events.error.clone()),
        ];
        let different = pairs.into_iter().filter(|(_, row, events)| row != events);
        into.extend(different.map(|(field, row, events)| Difference::Field {
            unit: unit.map(str::to_owned),
            field: field.to_owned(),
            row,
            events,
        }));
    }
}

/// What was folded so far.
struct Fold {
    replay: Replay,
    /// An event told that the run was created, or it was noted that none did.
    created: bool,
}

impl Fold {
    fn apply(&mut self, event: Move) {
        let Some((subject, to)) = kind::read(&event.event_type) else { return };
        let Replay { run, units, moves, faults } = &mut self.replay;
        *moves += 1;
        let unit = match subject {
            Subject::Run => None,
            Subject::Unit => Some(event.unit_id.unwrap_or_default()),
        };
        let (known, state) = match &unit {
            None => (std::mem::replace(&mut self.created, true), run),
            Some(unit) => (units.contains_key(unit), units.entry(unit.clone()).or_default()),
        };
        let from = state.status;
        if to == Status::Pending && !known {
            return;
        }
        if !known {
            faults.push(Difference::NoEvent { unit: unit.clone() });
        }
        if !from.may_become(to) {
            faults.push(Difference::Illegal { sequence: event.sequence, unit, from, to });
        }
        if to != Status::Pending {
            let at = event.created_at.parse().ok();
            if at.is_none() {
                faults.push(Difference::Time { sequence: event.sequence, text: event.created_at });
            }
            let why = event.payload_json.and_then(|text| serde_json::from_str::<Why>(&text).ok());
            state.take(to, at, why.and_then(|why| why.error));
        }
    }
}

/// Folds the events of a run, as they come and in the memory of its units, into what its rows should say.
///
/// # Errors
/// [`larder::ErrorKind::NotFound`] when there is no such run, or what the engine says.
pub fn replay(tx: &mut ReadTx<'_>, run_id: &str) -> Result<Replay> {
    run::status(tx, run_id)?;
    let replay = Replay { run: State::default(), units: BTreeMap::new(), moves: 0, faults: Vec::new() };
    let mut fold = Fold { replay, created: false };
    tx.query_each(MOVES, params! { run_id }, |row| {
        fold.apply(row.to()?);
        Ok(ControlFlow::Continue(()))
    })?;
    let Fold { mut replay, created } = fold;
    if !created {
        replay.faults.push(Difference::NoEvent { unit: None });
    }
    Ok(replay)
}

/// Every difference between the rows of a run and its events: none, unless somebody changed the tables by other ways than
/// this store, or the file is damaged.
///
/// # Errors
/// As [`replay`].
pub fn check(tx: &mut ReadTx<'_>, run_id: &str) -> Result<Vec<Difference>> {
    let replayed = replay(tx, run_id)?;
    differences(tx, run_id, replayed)
}

/// As [`check`], with what [`replay`] gave within the same transaction.
///
/// # Errors
/// As [`replay`].
pub fn differences(tx: &mut ReadTx<'_>, run_id: &str, mut replayed: Replay) -> Result<Vec<Difference>> {
    let mut found = std::mem::take(&mut replayed.faults);
    let (status, started_at, completed_at, error, last_sequence) = tx.query_one(RUN, params! { run_id })?;
    Row { status, started_at, completed_at, error }.compare(&replayed.run, None, &mut found);
    tx.query_each(UNITS, params! { run_id }, |row| {
        let (unit, status, started_at, completed_at, error) = row.to::<(String, _, _, _, _)>()?;
        let row = Row { status, started_at, completed_at, error };
        match replayed.units.remove(&unit) {
            Some(events) => row.compare(&events, Some(&unit), &mut found),
            None => found.push(Difference::NoEvent { unit: Some(unit) }),
        }
        Ok(ControlFlow::Continue(()))
    })?;
    found.extend(replayed.units.into_keys().map(|unit| Difference::NoRow { unit }));
    let (count, first, last): (i64, i64, i64) = tx.query_one(NUMBERS, params! { run_id })?;
    if first != 1 || last != count || last != last_sequence {
        found.push(Difference::Numbers { last_sequence, count, first, last });
    }
    Ok(found)
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of = |unit: &Option<String>| match unit {
            Some(unit) => format!("unit {unit}"),
            None => "the run".to_owned(),
        };
        let said = |text: &Option<String>| text.clone().unwrap_or_else(|| "nothing".to_owned());
        match self {
            Self::Field { unit, field, row, events } => {
                write!(
                    f,
                    "{}: {field} is {} in its row and {} by the events",
                    of(unit),
                    said(row),
                    said(events)
                )
            }
            Self::NoRow { unit } => write!(f, "unit {unit}: the events tell of it and it has no row"),
            Self::NoEvent { unit } => write!(f, "{}: no event tells that it was created", of(unit)),
            Self::Illegal { sequence, unit, from, to } => {
                write!(
                    f,
                    "{}: event {sequence} takes it from {from} to {to}, which is no legal move",
                    of(unit)
                )
            }
            Self::Time { sequence, text } => {
                write!(f, "the run: event {sequence} was written at `{text}`, which is no time")
            }
            Self::Numbers { last_sequence, count, first, last } => write!(
                f,
                "the run: {count} events with the numbers {first} to {last}, and its row says that the last is \
                 {last_sequence}"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_query_asks_for_all_moves() {
        let (_, list) = MOVES.split_once("IN (").unwrap();
        let (list, _) = list.split_once(')').unwrap();
        let asked: Vec<_> = list.split(',').map(|name| name.trim().trim_matches('\'')).collect();
        let all: Vec<_> = kind::MOVES.iter().map(|(name, ..)| *name).collect();
        assert_eq!(asked, all);
    }
}
