//! Which table goes into which, and column into column.

use super::canonical::Measure;
use super::kind::{Affinity, Kind, engine};
use super::live::{Live, LiveColumn, LiveTable};
use super::report::Origin;
use crate::driver::TableColumns;
use crate::error::{Error, ErrorKind, Result};
use crate::sql::text::Dialect;
use std::collections::{BTreeMap, BTreeSet};

/// A table of the source and the one it goes into.
#[derive(Debug)]
pub(super) struct Pair {
    pub(super) from: LiveTable,
    pub(super) to: LiveTable,
    /// The names of the columns on both sides, in the same order.
    pub(super) from_columns: Vec<String>,
    pub(super) to_columns: Vec<String>,
    pub(super) measures: Vec<Measure>,
    pub(super) origin: Origin,
}

impl Pair {
    /// Calls `with` with what the driver wants to know of one side.
    pub(super) fn columns<T>(
        table: &LiveTable,
        names: &[String],
        is_new: bool,
        with: impl FnOnce(&TableColumns<'_>) -> T,
    ) -> T {
        let columns: Vec<&str> = names.iter().map(String::as_str).collect();
        with(&TableColumns { table: &table.name, columns: &columns, is_new })
    }
}

/// Pairs the tables, in an order in which each comes after those that it points at. Where they point in a circle, one of
/// them is first.
pub(super) fn pair(from: &Live, to: &Live, origins: &BTreeMap<String, Origin>) -> Result<Vec<Pair>> {
    let mut pairs = Vec::new();
    for key in in_order(from) {
        let Some(source) = from.tables.get(&key) else { continue };
        let Some(target) = to.tables.get(&key) else {
            return Err(Error::new(
                ErrorKind::Internal,
                format!("the table {} was not made in the target", source.name),
            ));
        };
        let origin = origins.get(&key).copied().unwrap_or(Origin::Set);
        pairs.push(one(source, target, from.dialect, to.dialect, origin)?);
    }
    Ok(pairs)
}

fn one(from: &LiveTable, to: &LiveTable, source: Dialect, target: Dialect, origin: Origin) -> Result<Pair> {
    let differ = |message: String| {
        Error::new(ErrorKind::Unsupported, message).with_help(
            "both have to be at the same migration, whose texts make the same columns for both engines",
        )
    };
    let written = |column: &&LiveColumn| !column.generated;
    let mut pair = Pair {
        from: from.clone(),
        to: to.clone(),
        from_columns: Vec::new(),
        to_columns: Vec::new(),
        measures: Vec::new(),
        origin,
    };
    for column in &from.columns {
        let there = to.column(&column.name);
        // What is computed on both sides is computed again; where it is not, it is a value like any other.
        if column.generated && there.is_none_or(|there| there.generated) {
            continue;
        }
        let Some(other) = there.filter(written) else {
            return Err(differ(format!(
                "{} has no column {} for what the source's {} holds",
                engine(target),
                column.name,
                from.name
            )));
        };
        pair.from_columns.push(column.name.clone());
        pair.to_columns.push(other.name.clone());
        pair.measures.push(measure(column, other, source, target));
    }
    let without = |column: &&LiveColumn| {
        from.column(&column.name).is_none() && column.not_null && column.default.is_none() && !column.counts
    };
    if let Some(column) = to.columns.iter().filter(written).find(without) {
        return Err(differ(format!(
            "the source has nothing for {}.{}, which takes no NULL",
            to.name, column.name
        )));
    }
    Ok(pair)
}

fn measure(from: &LiveColumn, to: &LiveColumn, source: Dialect, target: Dialect) -> Measure {
    let kind = match (source, target) {
        (Dialect::Sqlite, Dialect::Sqlite) => Kind::Any,
        (Dialect::Postgres, Dialect::Sqlite) => Kind::of_postgres(&from.declared),
        (_, Dialect::Postgres) => Kind::of_postgres(&to.declared),
    };
    let crosses = (source, target) == (Dialect::Postgres, Dialect::Sqlite);
    let shown = match kind {
        // A file takes any text; what does not fit is what could not be read there as a time again.
        Kind::Timestamptz | Kind::Timestamp | Kind::Date if crosses => {
            "time of the years 0 to 9999".to_owned()
        }
        Kind::Time if crosses => "time of a day".to_owned(),
        _ if to.declared.is_empty() => "any type".to_owned(),
        _ => to.declared.clone(),
    };
    Measure {
        kind,
        shown,
        not_null: to.not_null,
        affinity: crosses.then(|| Affinity::of(&to.declared)),
        no_nul: target == Dialect::Postgres,
    }
}

/// The tables, each after those that it points at.
fn in_order(live: &Live) -> Vec<String> {
    let mut order = Vec::new();
    let mut seen = BTreeSet::new();
    for key in live.tables.keys() {
        visit(live, key, &mut seen, &mut order);
    }
    order
}

fn visit(live: &Live, key: &str, seen: &mut BTreeSet<String>, order: &mut Vec<String>) {
    // Depth first, without recursion: a chain of tables may be long.
    let mut stack = vec![(key.to_owned(), false)];
    while let Some((key, done)) = stack.pop() {
        if done {
            order.push(key);
        } else if let Some(table) = live.tables.get(&key)
            && seen.insert(key.clone())
        {
            stack.push((key, true));
            stack.extend(table.foreign_keys.iter().map(|one| (one.to_table.to_ascii_lowercase(), false)));
        }
    }
}
