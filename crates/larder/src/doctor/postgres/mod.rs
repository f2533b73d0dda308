//! The checks of a PostgreSQL server and of the database on it, one file a check.

mod backup;
mod collation;
mod connection;
mod constraint;
mod engine;
mod extension;
mod index;
mod open;
mod prepared;
mod replication;
mod role;
mod sequence;
mod setting;
mod statistics;
mod transaction;
mod unlogged;
mod wraparound;

use super::exam::{Check, Exam};
use super::{drift, history};
use crate::error::Result;

/// The one check that is made without a connection.
pub(super) const OPEN: (&str, Check) = ("open", open::check);

/// What is asked of the open database, in this order.
pub(super) const INSIDE: &[(&str, Check)] = &[
    ("engine", engine::check),
    ("setting", setting::check),
    ("collation", collation::check),
    ("role", role::check),
    ("connection", connection::check),
    ("transaction", transaction::check),
    ("prepared", prepared::check),
    ("wraparound", wraparound::check),
    ("replication", replication::check),
    ("history", history::check),
    ("drift", drift::check),
    ("index", index::check),
    ("constraint", constraint::check),
    ("sequence", sequence::check),
    ("unlogged", unlogged::check),
    ("extension", extension::check),
    ("statistics", statistics::check),
    ("backup", backup::check),
];

/// Schemas that are the user's.
const MINE: &str = "n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'";

/// So many things of a sort are named.
const NAMED: usize = 5;

/// The first of them by name, and how many more.
fn named(names: &[String]) -> String {
    let shown = names.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(NAMED) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// A length of time for people.
fn time(seconds: i64) -> String {
    match seconds {
        ..120 => format!("{seconds} seconds"),
        120..7_200 => format!("{} minutes", seconds / 60),
        7_200..172_800 => format!("{} hours", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    }
}

/// True while a migration runs on this database: who migrates holds a lock of its own.
pub(super) fn is_migrating(exam: &Exam<'_>) -> Result<bool> {
    exam.one(
        "SELECT EXISTS (SELECT 1 FROM pg_catalog.pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 1 \
         AND database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()) \
         AND classid::bigint = 1818325604 AND objid::bigint IN (1701969921, 1701969922))",
    )
}
