//! The schema as SQL.

use super::ident;
use super::read::parts;
use super::table::Relation;
use crate::driver::Connection;
use crate::error::Result;
use std::collections::{BTreeMap, BTreeSet};

// A view stands on what its rule names.
const DEPENDS: &str = "SELECT DISTINCT r.ev_class::bigint, d.refobjid::bigint FROM pg_catalog.pg_rewrite r \
    JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_rewrite'::regclass AND d.objid = r.oid \
    AND d.refclassid = 'pg_catalog.pg_class'::regclass AND d.refobjid <> r.ev_class";

/// Extensions and schemas, types, sequences, functions, tables, indexes, views, references, triggers.
///
/// A function may name a table that comes after it, and a table's CHECK or DEFAULT a function: so functions come first, and the
/// server is asked not to look into their bodies. References come behind all tables, for they may go in circles.
pub(in crate::schema) fn dump(connection: &mut dyn Connection) -> Result<String> {
    let parts = parts(connection)?;
    let mut before: BTreeMap<i64, Vec<i64>> = BTreeMap::new();
    super::read::each(connection, DEPENDS, |(view, on): (i64, i64)| {
        before.entry(view).or_default().push(on)
    })?;
    let mut list: Vec<String> = Vec::new();
    let objects = &parts.objects;
    list.extend(objects.schemas.iter().map(|name| format!("CREATE SCHEMA IF NOT EXISTS {}", ident(name))));
    list.extend(
        objects.extensions.iter().map(|name| format!("CREATE EXTENSION IF NOT EXISTS {}", ident(name))),
    );
    // A domain's CHECK may call a function.
    let types =
        |domain| objects.types.iter().filter(move |it| it.domain == domain).map(|it| it.entry.sql.clone());
    list.extend(types(false));
    list.extend(types(true));
    let sequences = || parts.sequences.iter().filter(|sequence| !sequence.is_identity());
    list.extend(sequences().map(|sequence| sequence.create()));
    if !objects.functions.is_empty() {
        list.push("SET check_function_bodies = off".into());
        list.extend(objects.functions.iter().map(|entry| entry.sql.clone()));
    }
    for (oid, relation) in &parts.relations {
        before.entry(*oid).or_default().extend(&relation.parents);
    }
    let order = sorted(&parts.relations, &before);
    let tables: Vec<&Relation> = order.iter().copied().filter(|relation| relation.view().is_none()).collect();
    list.extend(tables.iter().map(|relation| relation.create(|constraint| !constraint.is_reference())));
    list.extend(sequences().filter_map(|sequence| sequence.owned_by()));
    let of_view = |table: &str| order.iter().any(|it| it.table.name == *table && it.view().is_some());
    let (on_views, on_tables): (Vec<_>, Vec<_>) =
        parts.indexes.iter().partition(|entry| of_view(&entry.table));
    list.extend(on_tables.into_iter().map(|entry| entry.sql.clone()));
    list.extend(order.iter().filter_map(|relation| relation.view()).map(|entry| entry.sql));
    list.extend(on_views.into_iter().map(|entry| entry.sql.clone()));
    for relation in tables {
        let own = relation.create(|constraint| constraint.is_reference());
        for constraint in relation.constraints.iter().filter(|it| it.is_reference()) {
            // One that comes from a parent is made with that.
            if own.contains(constraint.text()) {
                list.push(format!("ALTER TABLE {} ADD {}", relation.path, constraint.text()));
            }
        }
    }
    list.extend(parts.triggers.iter().map(|entry| entry.sql.clone()));
    Ok(list.into_iter().map(|statement| statement + ";\n").collect())
}

/// Each after what it stands on, else in the order in which they were made.
fn sorted<'a>(relations: &'a BTreeMap<i64, Relation>, before: &BTreeMap<i64, Vec<i64>>) -> Vec<&'a Relation> {
    let mut order = Vec::new();
    let mut done = BTreeSet::new();
    // No recursion: a chain of views may be long.
    for oid in relations.keys() {
        let mut stack = vec![(*oid, false)];
        while let Some((oid, ready)) = stack.pop() {
            let Some(relation) = relations.get(&oid) else { continue };
            if ready {
                order.push(relation);
            } else if done.insert(oid) {
                stack.push((oid, true));
                stack.extend(before.get(&oid).into_iter().flatten().rev().map(|on| (*on, false)));
            }
        }
    }
    order
}
