//! The tables of sets that the program did not ask for, as the history tells.

use super::claim::Owner;
use super::loaded::LoadedSet;
use super::record::{Applied, State};
use super::report::Effects;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Which set has which tables, of those that are in the history and not among `sets`.
pub(super) fn owners(sets: &[Arc<LoadedSet>], history: &[Applied]) -> Vec<Owner> {
    let mut tables: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    let others = history.iter().filter(|row| sets.iter().all(|set| set.name() != row.set));
    for row in others.filter(|row| row.state == State::Applied) {
        // A row without readable effects owns nothing that is known of.
        let Ok(effects) = serde_json::from_value::<Effects>(row.effects.clone()) else { continue };
        let own = tables.entry(&row.set).or_default();
        for dropped in &effects.tables_dropped {
            own.remove(&dropped.to_lowercase());
        }
        own.extend(effects.tables_created.iter().map(|name| name.to_lowercase()));
    }
    tables
        .into_iter()
        .map(|(set, tables)| Owner { set: set.to_owned(), tables: tables.into_iter().collect() })
        .collect()
}
