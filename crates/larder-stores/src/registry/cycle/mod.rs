//! Circular dependencies: found, recorded once, and marked resolved when an edge of theirs is gone.

mod circuit;
mod component;

use super::graph::{Graph, graph};
use jiff::Timestamp;
use larder::sql::text::Dialect;
use larder::{Database, Json, ReadTx, Result, WriteTx, params};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// A circular dependency, as it stands in the table `circular_deps`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Cycle {
    /// Its number.
    pub id: i64,
    /// The ids of its tools, from the smallest on, each depending on the next and the last on the first.
    pub cycle: Json<Vec<String>>,
    /// When it was first found.
    pub detected_at: Timestamp,
    /// An edge of it was gone when it was last looked for.
    pub resolved: bool,
}

/// A cycle that was found in a graph.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct FoundCycle {
    /// The ids of its tools, from the smallest on, each depending on the next and the last on the first.
    pub tools: Vec<String>,
    /// Every dependency of it is required: none of its tools works without itself.
    pub required: bool,
}

/// The cycles that were found in a graph.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Cycles {
    /// They, the short ones first.
    pub found: Vec<FoundCycle>,
    /// There are more than were asked for. Which ones are found then depends on the ids.
    pub more: bool,
}

/// What recording changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RecordedCycles {
    /// Cycles that were not known before.
    pub new: u64,
    /// Cycles that were marked resolved and are back.
    pub reopened: u64,
    /// Cycles of which an edge is gone.
    pub resolved: u64,
    /// Cycles that are recorded and there.
    pub open: u64,
}

/// How many cycles are looked for unless said otherwise.
pub const CYCLE_LIMIT: usize = 1_000;

pub(super) const ALL: &str = "SELECT * FROM circular_deps ORDER BY id";
pub(super) const OPEN: &str = "SELECT * FROM circular_deps WHERE NOT resolved ORDER BY id";
pub(super) const INSERT: &str = "INSERT INTO circular_deps (cycle, detected_at) VALUES (:cycle, :now)";
/// Only for PostgreSQL, where writers run side by side: two who record would each find a cycle new. As the first statement of a
/// transaction it waits before the snapshot is taken.
pub(super) const ALONE: &str = "LOCK TABLE circular_deps IN SHARE ROW EXCLUSIVE MODE";
pub(super) const MARK: &str = "UPDATE circular_deps SET resolved = :resolved WHERE id = :id";

impl Graph {
    /// The elementary cycles of the graph, over required and optional dependencies alike, at most `limit` and so many that
    /// they have a million tools together. A tool that depends on itself is a cycle of one.
    pub fn cycles(&self, limit: usize) -> Cycles {
        let circuits = circuit::circuits(self, limit);
        let mut found: Vec<FoundCycle> = circuits
            .found
            .iter()
            .map(|places| FoundCycle {
                tools: places.iter().map(|&place| self.id(place).to_owned()).collect(),
                required: pairs(places).all(|(from, to)| self.required(*from, *to) == Some(true)),
            })
            .collect();
        found.sort_by(|a, b| (a.tools.len(), &a.tools).cmp(&(b.tools.len(), &b.tools)));
        Cycles { found, more: circuits.more }
    }

    /// Whether every dependency of a cycle is there.
    fn has(&self, cycle: &[String]) -> bool {
        !cycle.is_empty() && pairs(cycle).all(|(from, to)| self.edge(from, to).is_some())
    }
}

/// Each with its next, and the last with the first.
fn pairs<T>(cycle: &[T]) -> impl Iterator<Item = (&T, &T)> {
    cycle.iter().zip(cycle.iter().cycle().skip(1))
}

/// Records cycles: those that are new, and of all that are recorded whether they are still there. Each cycle has one row for ever.
/// Cycles that are no longer there by now are left out.
///
/// # Errors
/// What the engine says.
pub fn record_cycles(tx: &mut WriteTx<'_>, cycles: &Cycles) -> Result<RecordedCycles> {
    if tx.dialect() == Dialect::Postgres {
        tx.execute(ALONE, &[])?;
    }
    let graph = graph(tx)?;
    let mut recorded = RecordedCycles::default();
    let rows: Vec<Cycle> = tx.query_all(ALL, &[])?;
    let mut known: HashMap<Vec<String>, ()> = HashMap::with_capacity(rows.len());
    for row in rows {
        let there = graph.has(&row.cycle.0);
        recorded.open += u64::from(there);
        if there == row.resolved {
            tx.execute(MARK, params! { id: row.id, resolved: !there })?;
            let count = if there { &mut recorded.reopened } else { &mut recorded.resolved };
            *count += 1;
        }
        known.insert(row.cycle.0, ());
    }
    let now = Timestamp::now();
    recorded.new = tx.insert_many(INSERT, |rows| {
        for cycle in &cycles.found {
            if graph.has(&cycle.tools) && known.insert(cycle.tools.clone(), ()).is_none() {
                rows.push(params! { cycle: Json(&cycle.tools), now })?;
            }
        }
        Ok(())
    })?;
    recorded.open += recorded.new;
    Ok(recorded)
}

/// Finds the cycles and records them. They are looked for outside of any transaction.
///
/// # Errors
/// What the engine says.
pub fn detect_cycles(db: &Database, limit: usize) -> Result<(Cycles, RecordedCycles)> {
    let cycles = db.read(graph)?.cycles(limit);
    let recorded = db.write(|tx| record_cycles(tx, &cycles))?;
    Ok((cycles, recorded))
}

/// The cycles that are recorded, those marked resolved too if `resolved`, the first one found first.
///
/// # Errors
/// What the engine says.
pub fn cycles(tx: &mut ReadTx<'_>, resolved: bool) -> Result<Vec<Cycle>> {
    tx.query_all(if resolved { ALL } else { OPEN }, &[])
}
