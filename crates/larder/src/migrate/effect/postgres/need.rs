//! What has to be known of a table's contents before a migration, to tell afterwards what it lost.

use super::fact::{Facts, Locks, Table};
use std::collections::{BTreeMap, BTreeSet};

/// How much of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Depth {
    /// How many rows, and how many values in some columns.
    Count,
    /// Every value.
    Copy,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Need {
    pub(super) depth: Depth,
    /// The numbers of the columns whose values are to be counted.
    pub(super) columns: BTreeSet<i64>,
    /// Nobody may read it while it changes: it is locked so from the beginning, for whoever first locks a little and then more
    /// may wait for somebody who waits for it.
    pub(super) exclusive: bool,
}

/// By oid.
pub(super) type Needs = BTreeMap<i64, Need>;

impl Need {
    pub(super) fn new(depth: Depth, exclusive: bool) -> Self {
        Self { depth, columns: BTreeSet::new(), exclusive }
    }

    pub(super) fn add(&mut self, other: &Self) {
        self.depth = self.depth.max(other.depth);
        self.columns.extend(&other.columns);
        self.exclusive |= other.exclusive;
    }
}

pub(super) fn add(needs: &mut Needs, oid: i64, need: Need) {
    needs.entry(oid).and_modify(|known| known.add(&need)).or_insert(need);
}

/// What is needed of each table that the transaction has touched so far.
pub(super) fn needs(before: &Facts, after: &Facts, locks: &Locks, blind: bool) -> Needs {
    let mut needs = Needs::new();
    let new: Vec<&Table> =
        after.tables.iter().filter(|(oid, _)| !before.tables.contains_key(oid)).map(|(_, it)| it).collect();
    for (oid, was) in &before.tables {
        let top = before.top(*oid);
        let part = top != *oid;
        let exclusive = locks.exclusive.contains(oid);
        let Some(is) = after.tables.get(oid) else {
            // With the whole gone, its rows are counted there.
            if part && !after.tables.contains_key(&top) {
                continue;
            }
            let depth = if part || may_live_on(was, &new) { Depth::Copy } else { Depth::Count };
            add(&mut needs, top, Need::new(depth, exclusive));
            continue;
        };
        if is.root != was.root {
            add(&mut needs, top, Need::new(Depth::Copy, exclusive));
        }
        let written = locks.written.contains(oid);
        let changed = is.tally.changed > was.tally.changed || (blind && written);
        if changed {
            add(&mut needs, top, Need::new(Depth::Copy, exclusive));
        }
        if is.node != was.node {
            // Where all is gone, it is enough to know how much that was. A column may have been given other values.
            let depth = if is.empty && !part { Depth::Count } else { Depth::Copy };
            add(&mut needs, top, Need::new(depth, exclusive));
        }
        let gone: BTreeSet<i64> = was
            .held()
            .filter(|column| !is.columns.iter().any(|now| now.number == column.number))
            .map(|column| column.number)
            .collect();
        if !gone.is_empty() && !part {
            let filled = is.columns.iter().any(|now| !was.columns.iter().any(|c| c.number == now.number));
            let depth = if filled && changed { Depth::Copy } else { Depth::Count };
            add(&mut needs, top, Need { columns: gone, ..Need::new(depth, exclusive) });
        }
    }
    needs
}

/// A new table has its name, or all of its columns: its rows may be there.
fn may_live_on(was: &Table, new: &[&Table]) -> bool {
    new.iter()
        .any(|table| table.name == was.name || was.held().all(|column| table.column(&column.name).is_some()))
}
