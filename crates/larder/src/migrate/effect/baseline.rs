//! What is committed, for comparing with what a migration makes of it.

use super::image::{Image, View, quote};
use crate::db::Database;
use crate::driver::{Access, Connection};
use crate::error::Result;
use crate::migrate::history::one;
use crate::params;
use crate::schema::{Catalogue, Table};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::ops::ControlFlow;

/// The committed state: its schema, and a way to its contents.
///
/// What a migration loses is measured against what is committed, not against what stood there a statement before: a table
/// that the same run made, filled and dropped again was nobody's.
pub(crate) struct Baseline {
    pub(crate) catalogue: Catalogue,
    source: Source,
    /// Where AUTOINCREMENT goes on.
    pub(super) sequences: BTreeMap<String, i64>,
}

enum Source {
    /// A second connection that sees what is committed while the first writes.
    Snapshot(Box<dyn Connection>),
    /// Where there is no second connection (in memory), or a reader would stand in the writer's way (another journal mode
    /// than WAL): all of it, looked at beforehand.
    Taken { images: BTreeMap<String, Image>, orphans: BTreeMap<(String, String), u64> },
}

const SEQUENCES: &str = "SELECT name, seq FROM sqlite_sequence";
const HAS_SEQUENCES: &str = "SELECT count(*) FROM sqlite_schema WHERE name = 'sqlite_sequence'";
const ORPHANS: &str =
    "SELECT parent, count(*) AS count FROM pragma_foreign_key_check(:table) GROUP BY parent";

impl Baseline {
    /// Looks at the database before the first migration of a transaction. `connection` is the one that will write; it is
    /// in the transaction already and has changed nothing.
    pub(crate) fn take(database: &Database, connection: &mut dyn Connection) -> Result<Self> {
        let catalogue = Catalogue::read(connection)?;
        let sequences = sequences(connection)?;
        let wal = one::<String>(connection, "PRAGMA journal_mode")?
            .is_some_and(|mode| mode.eq_ignore_ascii_case("wal"));
        let source = if wal && !database.is_single() && !catalogue.tables.is_empty() {
            let mut reader = database.driver().connect(Access::Read)?;
            reader.begin(Access::Read)?;
            // The first read is what the snapshot is taken by.
            one::<i64>(reader.as_mut(), "SELECT count(*) FROM sqlite_schema")?;
            Source::Snapshot(reader)
        } else {
            Source::all_of(connection, &catalogue)?
        };
        Ok(Self { catalogue, source, sequences })
    }

    /// The same, from one connection alone: all contents are looked at now.
    pub(crate) fn take_all(connection: &mut dyn Connection) -> Result<Self> {
        let catalogue = Catalogue::read(connection)?;
        let source = Source::all_of(connection, &catalogue)?;
        Ok(Self { catalogue, source, sequences: sequences(connection)? })
    }

    /// True where a second connection sees what is committed.
    pub(crate) fn has_snapshot(&self) -> bool {
        matches!(self.source, Source::Snapshot(_))
    }

    /// The image of a table as it is committed.
    pub(super) fn image(&mut self, view: &View<'_>) -> Result<Image> {
        match &mut self.source {
            Source::Snapshot(reader) => Image::take(reader.as_mut(), view),
            Source::Taken { images, .. } => {
                Ok(images.get(&view.table.name.to_ascii_lowercase()).cloned().unwrap_or_default())
            }
        }
    }

    /// The rows of a table as it is committed, then the values of each of `columns`; only where there is a snapshot.
    pub(super) fn count(&mut self, table: &str, columns: &[&str]) -> Result<Vec<u64>> {
        match &mut self.source {
            Source::Snapshot(reader) => count(reader.as_mut(), table, columns),
            Source::Taken { .. } => Ok(Vec::new()),
        }
    }

    /// True where images were taken beforehand, with the table's own key.
    pub(super) fn is_taken(&self) -> bool {
        !self.has_snapshot()
    }

    /// How many rows of a table point at rows of another that are not there.
    pub(super) fn orphans(&mut self, table: &str, parent: &str) -> Result<u64> {
        match &mut self.source {
            Source::Snapshot(reader) => {
                Ok(orphans(reader.as_mut(), table)?.get(parent).copied().unwrap_or(0))
            }
            Source::Taken { orphans, .. } => {
                Ok(orphans.get(&(table.to_ascii_lowercase(), parent.to_owned())).copied().unwrap_or(0))
            }
        }
    }
}

impl Source {
    fn all_of(connection: &mut dyn Connection, catalogue: &Catalogue) -> Result<Self> {
        let mut images = BTreeMap::new();
        let mut all_orphans = BTreeMap::new();
        for (name, table) in catalogue.tables.iter().filter(|(_, table)| is_measured(table)) {
            images.insert(
                name.clone(),
                Image::take(connection, &View { table, key: table.primary_key(), keep: true })?,
            );
            if !table.foreign_keys.is_empty() {
                for (parent, count) in orphans(connection, &table.name)? {
                    all_orphans.insert((name.clone(), parent), count);
                }
            }
        }
        Ok(Self::Taken { images, orphans: all_orphans })
    }
}

/// Virtual tables and what they keep their data in are the business of their modules, which may not even be here.
pub(super) fn is_measured(table: &Table) -> bool {
    !table.virtual_ && !table.shadow
}

/// The rows of a table, then the values of each of `columns`.
pub(super) fn count(connection: &mut dyn Connection, table: &str, columns: &[&str]) -> Result<Vec<u64>> {
    let mut list = vec!["count(*)".to_owned()];
    list.extend(columns.iter().map(|column| format!("count({})", quote(column))));
    let sql = format!("SELECT {} FROM {}", list.join(", "), quote(table));
    Ok(one(connection, &sql)?.unwrap_or_default())
}

/// By table pointed at: how many rows of `table` point at rows that are not there.
pub(super) fn orphans(connection: &mut dyn Connection, table: &str) -> Result<BTreeMap<String, u64>> {
    #[derive(Deserialize)]
    struct Found {
        parent: String,
        count: u64,
    }
    let mut found = BTreeMap::new();
    connection.query(ORPHANS, params! { table }, &mut |row| {
        let Found { parent, count } = row.to()?;
        found.insert(parent, count);
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(found)
}

/// By table: the last number that AUTOINCREMENT gave.
pub(super) fn sequences(connection: &mut dyn Connection) -> Result<BTreeMap<String, i64>> {
    let mut found = BTreeMap::new();
    if one::<i64>(connection, HAS_SEQUENCES)?.unwrap_or(0) > 0 {
        connection.query(SEQUENCES, &[], &mut |row| {
            let (name, last): (Option<String>, Option<i64>) = row.to()?;
            found.extend(name.zip(last));
            Ok(ControlFlow::Continue(()))
        })?;
    }
    Ok(found)
}
