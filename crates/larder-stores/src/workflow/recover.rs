//! After a crash: what was left running is marked as interrupted.

use super::{Liveness, Owner, run};
use crate::engine::PerEngine;
use larder::{Result, WriteTx, params};
use serde::Serialize;

/// Where writers run side by side the rows are held, so that each is still running when it is marked; in one order, so that
/// two daemons that start together don't wait for each other.
pub(super) const RUNNING: PerEngine = PerEngine {
    sqlite: "SELECT id, owner FROM runs WHERE status = 'running' AND pruned_at IS NULL ORDER BY id",
    postgres: "SELECT id, owner FROM runs WHERE status = 'running' AND pruned_at IS NULL ORDER BY id \
               FOR NO KEY UPDATE",
};

/// Which runs [`recover`] takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recovery {
    /// Those whose owner is known to be gone, or that have none. A run whose owner is alive is left alone, and so is one of
    /// another machine or container, of which nothing is known here, or one whose owner can't be read.
    Dead,
    /// All that are running. Only for who knows that nobody works on them.
    All,
}

/// What [`recover`] marked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Recovered {
    /// The runs.
    pub runs: Vec<String>,
    /// How many units of theirs.
    pub units: u64,
    /// Runs that are running and were left alone.
    pub left: Vec<String>,
}

/// Marks runs that nobody runs any more, and their running units, as interrupted, with an event each: to be called when a
/// daemon starts. They can be started again, and go on where they were.
///
/// # Errors
/// What the engine says.
pub fn recover(tx: &mut WriteTx<'_>, how: Recovery) -> Result<Recovered> {
    let sql = RUNNING.on(tx);
    // The owner as text: one that can't be read keeps no other run from being recovered.
    let running: Vec<(String, Option<String>)> = tx.query_all(sql, params! {})?;
    tx.savepoint(|tx| {
        let mut recovered = Recovered::default();
        for (id, owner) in running {
            let why = match &owner {
                None => "it was left running by nobody known".to_owned(),
                Some(text) => {
                    let owner = serde_json::from_str::<Owner>(text).ok();
                    let gone = owner.as_ref().is_some_and(|owner| owner.liveness() == Liveness::Gone);
                    if how == Recovery::Dead && !gone {
                        recovered.left.push(id);
                        continue;
                    }
                    let owner = owner.map_or_else(|| "a process".to_owned(), |owner| owner.to_string());
                    format!("{owner}, which ran it, {}", if gone { "is gone" } else { "was given up" })
                }
            };
            let units = run::interrupt(tx, &id, &why)?;
            recovered.units += units.len() as u64;
            recovered.runs.push(id);
        }
        Ok(recovered)
    })
}
