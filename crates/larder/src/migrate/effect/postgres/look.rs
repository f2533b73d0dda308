//! Looking at a table before a migration touches it.

use super::fact::{Column, Table};
use super::need::{Depth, Need};
use crate::driver::Connection;
use crate::error::{Error, Result};
use crate::migrate::history::one;
use std::collections::{BTreeMap, BTreeSet};

/// What was found.
#[derive(Debug)]
pub(super) struct Looked {
    pub(super) rows: u64,
    /// By the number of the column: how many values, where they were counted.
    pub(super) values: BTreeMap<i64, u64>,
    /// The temporary table with what it held, a column for each: `c` and its number.
    pub(super) copy: Option<String>,
}

impl Looked {
    /// True where this is enough.
    pub(super) fn serves(&self, need: &Need) -> bool {
        match need.depth {
            Depth::Copy => self.copy.is_some(),
            Depth::Count => need.columns.iter().all(|number| self.values.contains_key(number)),
        }
    }

    pub(super) fn drop(self, connection: &mut dyn Connection) -> Result<()> {
        match self.copy {
            Some(copy) => connection.execute(&format!("DROP TABLE {copy}"), &[]).map(|_| ()),
            None => Ok(()),
        }
    }
}

/// Keeps everybody from writing into it, until the transaction ends.
pub(super) fn lock(connection: &mut dyn Connection, table: &Table, exclusive: bool) -> Result<()> {
    let mode = if exclusive { "ACCESS EXCLUSIVE" } else { "SHARE ROW EXCLUSIVE" };
    connection.execute(&format!("LOCK TABLE {} IN {mode} MODE", table.path()), &[]).map(|_| ())
}

/// Policies on rows would hide some of them. A role that they bind gets an error instead: nobody can tell then what is lost.
pub(super) fn see_all(connection: &mut dyn Connection, all: bool) -> Result<()> {
    let on = if all { "off" } else { "on" };
    connection.execute(&format!("SET LOCAL row_security = {on}"), &[]).map(|_| ())
}

/// The error with what to do where it is about that.
fn hidden(error: Error, table: &Table) -> Error {
    if !error.message().contains("row-level security") {
        return error;
    }
    let message = format!(
        "policies hide rows of {} from this role, so that nobody can tell what would be lost",
        table.name
    );
    error
        .restated(error.kind(), message)
        .with_help(
            "migrate as a role that row security does not bind (BYPASSRLS, or the owner without FORCE)",
        )
        .with_cause(error)
}

/// Counts or copies. `start` is the transaction's own number, where rows that it added itself are to be left out.
pub(super) fn look(
    connection: &mut dyn Connection,
    oid: i64,
    table: &Table,
    need: &Need,
    start: Option<i64>,
) -> Result<Looked> {
    counted(connection, oid, table, need, start).map_err(|error| hidden(error, table))
}

fn counted(
    connection: &mut dyn Connection,
    oid: i64,
    table: &Table,
    need: &Need,
    start: Option<i64>,
) -> Result<Looked> {
    let from = format!("{} AS t{}", table.path(), start.map(committed).unwrap_or_default());
    let counted: BTreeSet<i64> = match need.depth {
        Depth::Copy => table.held().map(|column| column.number).collect(),
        Depth::Count => need.columns.clone(),
    };
    let mut copy = None;
    let mut list = vec!["count(*)".to_owned()];
    let counts: Vec<&Column> = table.held().filter(|column| counted.contains(&column.number)).collect();
    let sql = if need.depth == Depth::Copy {
        let name = format!("pg_temp.larder_before_{oid}");
        let digests: Vec<String> =
            table.held().map(|column| format!("{} AS c{}", kept(column), column.number)).collect();
        connection.execute(
            &format!(
                "CREATE TEMPORARY TABLE {} AS SELECT {} FROM {from}",
                name.replace("pg_temp.", ""),
                digests.join(", ")
            ),
            &[],
        )?;
        connection.execute(&format!("ANALYZE {name}"), &[])?;
        list.extend(counts.iter().map(|column| format!("count(c{})", column.number)));
        let sql = format!("SELECT {} FROM {name}", list.join(", "));
        copy = Some(name);
        sql
    } else {
        list.extend(counts.iter().map(|column| format!("count({})", column_of(column, "t"))));
        format!("SELECT {} FROM {from}", list.join(", "))
    };
    let found: Vec<u64> = one(connection, &sql)?.unwrap_or_default();
    let rows = found.first().copied().unwrap_or(0);
    let values = counts.iter().map(|column| column.number).zip(found.into_iter().skip(1)).collect();
    Ok(Looked { rows, values, copy })
}

/// Only rows that others have committed: of those that are not older than this transaction, these are few.
fn committed(start: i64) -> String {
    const EPOCH: i64 = 1 << 32;
    let low = start.rem_euclid(EPOCH);
    format!(
        " WHERE pg_catalog.age(t.xmin) > pg_catalog.age('{low}'::xid) OR pg_catalog.pg_xact_status(({start} + \
         (t.xmin::text::bigint - {low} + {EPOCH}) % {EPOCH})::text::xid8) = 'committed'"
    )
}

pub(super) fn column_of(column: &Column, alias: &str) -> String {
    format!("{alias}.{}", super::quote(&column.name))
}

/// Types that are small, and of which two values are the same when they look the same. Their copies need no text, and hold
/// no type that a migration could drop.
fn is_plain(sort: &str) -> bool {
    ["smallint", "integer", "bigint", "boolean", "uuid", "date"].contains(&sort)
}

/// A value as it is copied.
fn kept(column: &Column) -> String {
    if is_plain(&column.sort) { column_of(column, "t") } else { digest(column, "t") }
}

/// A column's copy, of `b`, and what it holds now, of `t`, in a form in which they can be compared.
pub(super) fn both(was: &Column, now: &Column) -> (String, String) {
    let copy = format!("b.c{}", was.number);
    match (is_plain(&was.sort), was.sort == now.sort) {
        (true, true) => (copy, column_of(now, "t")),
        (true, false) => (format!("{copy}::text COLLATE \"C\""), digest(now, "t")),
        (false, _) => (copy, digest(now, "t")),
    }
}

/// A value as a text that is short, and another one for another value. Two hashes of 64 bits stand for a long one.
pub(super) fn digest(column: &Column, alias: &str) -> String {
    let value = column_of(column, alias);
    let text = match column.sort.as_str() {
        // 1.50 is 1.5.
        "numeric" => format!("pg_catalog.trim_scale({value})::text"),
        "smallint" | "integer" | "bigint" | "boolean" | "uuid" | "date" | "real" | "double precision"
        | "oid" => {
            return format!("{value}::text COLLATE \"C\"");
        }
        _ => format!("{value}::text"),
    };
    format!(
        "CASE WHEN pg_catalog.octet_length({text}) > 48 THEN pg_catalog.hashtextextended({text} COLLATE \"C\", 0)::text || ':' || \
         pg_catalog.hashtextextended({text} COLLATE \"C\", 1)::text ELSE {text} END COLLATE \"C\""
    )
}
