//! The bookkeeping in the database: the history of migrations and the facts about the whole.

mod text;

use super::record::{Applied, State};
use crate::driver::{Connection, Dialect};
use crate::error::{Error, ErrorKind, Result};
use crate::params;
use crate::sql::timestamp_text;
use jiff::Timestamp;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::ops::ControlFlow;

/// Larder's own tables. They belong to no set, and what happens to them is no effect of a migration.
pub(crate) const TABLES: [&str; 2] = ["schema_migrations", "meta"];

/// The one row of `meta`.
#[derive(Clone, Debug, Deserialize, PartialEq)]
pub(crate) struct Meta {
    pub(crate) schema_version: i64,
    pub(crate) app_version: Option<String>,
    pub(crate) created_at: Option<String>,
    /// JSON: of each set that was up to date at the last run, its fingerprint then.
    fingerprints: Option<String>,
    /// `PRAGMA schema_version` after the last migration: another number now means that somebody changed the schema, or
    /// that VACUUM or ANALYZE ran. PostgreSQL keeps no such number.
    pub(crate) schema_cookie: Option<i64>,
}

impl Meta {
    /// The fingerprint that a set had when it was last up to date.
    pub(crate) fn fingerprints(&self) -> BTreeMap<String, String> {
        // A text that is no JSON is the same as none: the history is then read, which says more.
        parse(self.fingerprints.as_deref())
    }
}

/// The facts about the whole, or `None` where the database is not initialised. For a database that is up to date this is
/// the only look that is needed.
pub(crate) fn meta(connection: &mut dyn Connection) -> Result<Option<Meta>> {
    let texts = text::of(connection.dialect());
    bookkeeping(connection, texts.meta)
}

/// Of `meta` only what the first look needs: the fingerprints, and the schema version.
pub(crate) fn look(connection: &mut dyn Connection) -> Result<Option<(BTreeMap<String, String>, i64)>> {
    let texts = text::of(connection.dialect());
    let found: Option<(Option<String>, i64)> = bookkeeping(connection, texts.look)?;
    Ok(found.map(|(fingerprints, version)| (parse(fingerprints.as_deref()), version)))
}

fn parse(fingerprints: Option<&str>) -> BTreeMap<String, String> {
    fingerprints.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
}

fn bookkeeping<T: serde::de::DeserializeOwned>(
    connection: &mut dyn Connection,
    sql: &str,
) -> Result<Option<T>> {
    // There a statement that fails takes the transaction along that it is part of.
    if connection.dialect() == Dialect::Postgres {
        return if exists(connection)? { one(connection, sql).map_err(not_ours) } else { Ok(None) };
    }
    match one(connection, sql) {
        Err(error) if error.kind() == ErrorKind::Statement => {}
        result => return result,
    }
    if !exists(connection)? {
        return Ok(None);
    }
    // Another process may have made them between the two looks.
    one(connection, sql).map_err(not_ours)
}

/// The error where the bookkeeping tables are there and can't be read.
fn not_ours(error: Error) -> Error {
    if crate::driver::is_forbidden(&error) {
        return error.with_help(
            "connect as the role that migrates, or let it GRANT SELECT on `meta` and `schema_migrations` to this one",
        );
    }
    if error.kind() != ErrorKind::Statement {
        return error;
    }
    Error::new(
        ErrorKind::SetConflict,
        "the database has a table `meta` or `schema_migrations` that is not Larder's",
    )
    .with_help("rename it, for Larder keeps its own bookkeeping under these names")
    .with_cause(error)
}

/// True where one of the bookkeeping tables is there.
fn exists(connection: &mut dyn Connection) -> Result<bool> {
    let texts = text::of(connection.dialect());
    Ok(one::<i64>(connection, texts.exists)?.unwrap_or(0) > 0)
}

/// Makes the bookkeeping tables where they are missing.
pub(crate) fn create(connection: &mut dyn Connection) -> Result<()> {
    let texts = text::of(connection.dialect());
    // A server would tell each time that they are there.
    if connection.dialect() == Dialect::Postgres && one::<i64>(connection, texts.exists)? == Some(2) {
        return Ok(());
    }
    for statement in texts.create {
        connection.execute(statement, &[])?;
    }
    Ok(())
}

/// All rows, in the order in which they were applied; none where the database is not initialised.
pub(crate) fn rows(connection: &mut dyn Connection) -> Result<Vec<Applied>> {
    // In a run, before its first note, the tables are there and the row of `meta` is not.
    if meta(connection)?.is_none() && !exists(connection)? {
        return Ok(Vec::new());
    }
    let mut rows = Vec::new();
    connection.query(text::of(connection.dialect()).rows, &[], &mut |row| {
        let stored: Stored = row.to()?;
        rows.push(stored.into_row()?);
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(rows)
}

/// Of each set: how many of its migrations are applied, and the number of the newest. Without the rows themselves.
pub(crate) fn standings(connection: &mut dyn Connection) -> Result<BTreeMap<String, (usize, i64)>> {
    let mut standings = BTreeMap::new();
    connection.query(text::of(connection.dialect()).standings, &[], &mut |row| {
        let (set, count, newest) = row.to()?;
        standings.insert(set, (count, newest));
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(standings)
}

/// A row as it is stored.
#[derive(Deserialize)]
struct Stored {
    id: String,
    set_name: String,
    version: u64,
    name: String,
    checksum: String,
    applied_at: String,
    duration_ms: u64,
    program: String,
    effects: String,
    approval: Option<String>,
    state: State,
    statements_done: u64,
}

impl Stored {
    fn into_row(self) -> Result<Applied> {
        let odd = |what: &str, cause: Box<dyn std::error::Error + Send + Sync>| {
            Error::new(
                ErrorKind::Corrupt,
                format!("the history's row of {:?} has an unreadable {what}", self.id),
            )
            .with_help("restore the newest backup, or mend the row by hand")
            .with_cause(cause)
        };
        let json = |text: &str| serde_json::from_str::<serde_json::Value>(text);
        Ok(Applied {
            applied_at: self.applied_at.parse::<Timestamp>().map_err(|error| odd("time", error.into()))?,
            effects: json(&self.effects).map_err(|error| odd("list of effects", error.into()))?,
            approval: self
                .approval
                .as_deref()
                .map(json)
                .transpose()
                .map_err(|error| odd("approval", error.into()))?,
            id: self.id,
            set: self.set_name,
            version: self.version,
            name: self.name,
            checksum: self.checksum,
            duration_ms: self.duration_ms,
            program: self.program,
            state: self.state,
            statements_done: self.statements_done,
        })
    }
}

fn word(state: State) -> &'static str {
    match state {
        State::Applied => "applied",
        State::Started => "started",
    }
}

/// Adds a row. It commits with what the migration did, in one transaction: a crash in between can't tell them apart.
pub(crate) fn insert(connection: &mut dyn Connection, row: &Applied) -> Result<()> {
    insert_with(connection, row, &row.effects.to_string())
}

/// The same, with the effects as JSON text, which a run has at hand.
pub(crate) fn insert_with(connection: &mut dyn Connection, row: &Applied, effects: &str) -> Result<()> {
    let params = params! {
        id: row.id, set_name: row.set, version: row.version, name: row.name, checksum: row.checksum,
        applied_at: timestamp_text(row.applied_at), duration_ms: row.duration_ms, program: row.program,
        effects: effects, approval: row.approval, state: word(row.state), statements_done: row.statements_done,
    };
    connection.execute(text::of(connection.dialect()).insert, params).map(|_| ())
}

/// Writes the row anew that stands under `id`.
pub(crate) fn update(connection: &mut dyn Connection, id: &str, row: &Applied) -> Result<()> {
    let params = params! {
        id: id, new_id: row.id, name: row.name, checksum: row.checksum, duration_ms: row.duration_ms,
        effects: row.effects, approval: row.approval, state: word(row.state), statements_done: row.statements_done,
    };
    connection.execute(text::of(connection.dialect()).update, params).map(|_| ())
}

/// Removes a row: its migration was rolled back.
pub(crate) fn delete(connection: &mut dyn Connection, id: &str) -> Result<()> {
    connection.execute(text::of(connection.dialect()).delete, params! { id: id }).map(|_| ())
}

/// Writes the facts about the whole; on SQLite also to `PRAGMA user_version`, where other tools look.
pub(crate) fn put_meta(
    connection: &mut dyn Connection,
    schema_version: i64,
    program: &str,
    fingerprints: &BTreeMap<String, String>,
) -> Result<()> {
    let fingerprints = serde_json::to_string(fingerprints)
        .map_err(|error| Error::new(ErrorKind::Internal, "fingerprints are no JSON").with_cause(error))?;
    let sqlite = connection.dialect() == Dialect::Sqlite;
    let cookie: Option<i64> = if sqlite { one(connection, "PRAGMA schema_version")? } else { None };
    let params = params! {
        schema_version, app_version: program, fingerprints, schema_cookie: cookie,
    };
    let texts = text::of(connection.dialect());
    connection.execute(texts.add_meta, params! { created_at: Timestamp::now() })?;
    connection.execute(texts.put_meta, params)?;
    if sqlite {
        connection.execute(&format!("PRAGMA user_version = {}", user_version(schema_version)), &[])?;
    }
    Ok(())
}

/// How many rows of the bookkeeping tables this transaction has written so far, also those that were undone again. For
/// engines that do not tell what a statement does.
pub(crate) fn writes(connection: &mut dyn Connection) -> Result<i64> {
    Ok(one(connection, text::WRITES)?.unwrap_or(0))
}

/// What `PRAGMA user_version` says for a schema version: the same number, or the greatest that 32 bits hold where it is
/// longer (a timestamp).
pub(crate) fn user_version(schema_version: i64) -> i32 {
    i32::try_from(schema_version).unwrap_or(i32::MAX)
}

/// The first column, or the struct, of the one row that a statement gives.
pub(crate) fn one<T: serde::de::DeserializeOwned>(
    connection: &mut dyn Connection,
    sql: &str,
) -> Result<Option<T>> {
    let mut found = None;
    connection.query(sql, &[], &mut |row| {
        found = Some(row.to()?);
        Ok(ControlFlow::Break(()))
    })?;
    Ok(found)
}
