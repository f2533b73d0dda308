//! What is committed, for comparing with what a migration makes of it.

use super::image::{Image, View, main, quote};
use super::postgres::Server;
use crate::db::Database;
use crate::driver::{Access, Connection, Dialect};
use crate::error::{Error, ErrorKind, Result};
use crate::migrate::history::one;
use crate::params;
use crate::schema::{Catalogue, Table};
use crate::sql::text::Statement;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::sync::Arc;

/// The committed state: its schema, and a way to its contents.
///
/// What a migration loses is measured against what is committed, not against what stood there a statement before: a table
/// that the same run made, filled and dropped again was nobody's.
pub(crate) struct Baseline {
    pub(crate) catalogue: Arc<Catalogue>,
    source: Source,
    /// Where AUTOINCREMENT goes on.
    pub(super) sequences: BTreeMap<String, i64>,
    /// On PostgreSQL, what takes the place of the source.
    pub(super) server: Option<Box<Server>>,
}

enum Source {
    /// A second connection that sees what is committed while the first writes.
    Snapshot(Box<dyn Connection>),
    /// Where there is no second connection (in memory), or a reader would stand in the writer's way (another journal mode
    /// than WAL): all of it, looked at beforehand.
    Taken {
        images: BTreeMap<String, Image>,
        orphans: BTreeMap<String, Orphans>,
        /// The views that did not work, by name in lower case.
        broken: BTreeSet<String>,
    },
}

/// By the table that is pointed at, how many rows of a table point at rows that are not there. `None` where SQLite can't
/// tell, because what they point at is no key.
pub(super) type Orphans = Option<BTreeMap<String, u64>>;

const SEQUENCES: &str = "SELECT name, seq FROM main.sqlite_sequence";
const HAS_SEQUENCES: &str = "SELECT count(*) FROM main.sqlite_schema WHERE name = 'sqlite_sequence'";
const ORPHANS: &str =
    "SELECT parent, count(*) AS count FROM pragma_foreign_key_check(:table, 'main') GROUP BY parent";

impl Baseline {
    /// Looks at the database before the first migration of a transaction. `connection` is the one that will write; it is
    /// in the transaction already and has changed nothing.
    pub(crate) fn take(database: &Database, connection: &mut dyn Connection) -> Result<Self> {
        if connection.dialect() == Dialect::Postgres {
            return Self::of_server(connection);
        }
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
        Ok(Self { catalogue: Arc::new(catalogue), source, sequences, server: None })
    }

    fn of_server(connection: &mut dyn Connection) -> Result<Self> {
        let catalogue = Arc::new(Catalogue::read(connection)?);
        let source =
            Source::Taken { images: BTreeMap::new(), orphans: BTreeMap::new(), broken: BTreeSet::new() };
        let server = Some(Box::new(Server::take(connection)?));
        Ok(Self { catalogue, source, sequences: BTreeMap::new(), server })
    }

    /// Of nothing, where nothing is measured.
    pub(crate) fn blank() -> Self {
        let source =
            Source::Taken { images: BTreeMap::new(), orphans: BTreeMap::new(), broken: BTreeSet::new() };
        Self { catalogue: Arc::default(), source, sequences: BTreeMap::new(), server: None }
    }

    /// Looks at what the statements of a migration name as what they take away from, where the engine lets nobody do so
    /// afterwards. The migration comes next.
    pub(crate) fn expect(
        &mut self,
        connection: &mut dyn Connection,
        statements: &[Statement<'_>],
    ) -> Result<()> {
        self.server.as_mut().map_or(Ok(()), |server| server.expect(connection, statements))
    }

    /// True where the migration that ran touched something that was not looked at before and can't be any more: then it has to
    /// be rolled back, [looked at](Self::look), and run again.
    pub(crate) fn lacks(&mut self, connection: &mut dyn Connection) -> Result<bool> {
        self.server.as_mut().map_or(Ok(false), |server| server.lacks(connection))
    }

    /// Looks at what the migration touched when it ran for the first time.
    pub(crate) fn look(&mut self, connection: &mut dyn Connection) -> Result<()> {
        self.server.as_mut().map_or(Ok(()), |server| server.look(connection))
    }

    /// The same, from one connection alone: all contents are looked at now.
    pub(crate) fn take_all(connection: &mut dyn Connection) -> Result<Self> {
        if connection.dialect() == Dialect::Postgres {
            return Self::of_server(connection);
        }
        let catalogue = Catalogue::read(connection)?;
        let source = Source::all_of(connection, &catalogue)?;
        Ok(Self { catalogue: Arc::new(catalogue), source, sequences: sequences(connection)?, server: None })
    }

    /// True where a second connection sees what is committed; else images were taken beforehand, with each table's own key.
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

    /// The rows of a table, as it is committed, that point at rows which are not there.
    pub(super) fn orphans(&mut self, table: &str) -> Result<Orphans> {
        match &mut self.source {
            Source::Snapshot(reader) => orphans(reader.as_mut(), table),
            Source::Taken { orphans, .. } => {
                Ok(orphans.get(&table.to_ascii_lowercase()).cloned().unwrap_or_else(|| Some(BTreeMap::new())))
            }
        }
    }

    /// True where a view did not work before either.
    pub(super) fn was_broken(&mut self, view: &str) -> Result<bool> {
        match &mut self.source {
            Source::Snapshot(reader) => Ok(!works(reader.as_mut(), view)?),
            Source::Taken { broken, .. } => Ok(broken.contains(&view.to_ascii_lowercase())),
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
                all_orphans.insert(name.clone(), orphans(connection, &table.name)?);
            }
        }
        let mut broken = BTreeSet::new();
        for (name, view) in &catalogue.views {
            if !works(connection, &view.name)? {
                broken.insert(name.clone());
            }
        }
        Ok(Self::Taken { images, orphans: all_orphans, broken })
    }
}

/// What a virtual table keeps its data in is measured through that table. One whose module is not here has no columns that
/// could be read.
pub(super) fn is_measured(table: &Table) -> bool {
    !table.shadow && !table.columns.is_empty()
}

/// True for a view that can be read. One that names what is not there fails only when somebody uses it.
pub(super) fn works(connection: &mut dyn Connection, view: &str) -> Result<bool> {
    let sql = format!("SELECT * FROM {} LIMIT 0", main(view));
    match connection.query(&sql, &[], &mut |_| Ok(ControlFlow::Break(()))) {
        Err(error) if error.kind() == ErrorKind::Statement => Ok(false),
        result => result.map(|()| true),
    }
}

/// The rows of a table, then the values of each of `columns`.
pub(super) fn count(connection: &mut dyn Connection, table: &str, columns: &[&str]) -> Result<Vec<u64>> {
    let mut list = vec!["count(*)".to_owned()];
    list.extend(columns.iter().map(|column| format!("count({})", quote(column))));
    let sql = format!("SELECT {} FROM {}", list.join(", "), main(table));
    Ok(one(connection, &sql)?.unwrap_or_default())
}

/// The rows of a table that point at rows which are not there.
pub(super) fn orphans(connection: &mut dyn Connection, table: &str) -> Result<Orphans> {
    #[derive(Deserialize)]
    struct Found {
        parent: String,
        count: u64,
    }
    let mut found = BTreeMap::new();
    let read = connection.query(ORPHANS, params! { table }, &mut |row| {
        let Found { parent, count } = row.to()?;
        found.insert(parent, count);
        Ok(ControlFlow::Continue(()))
    });
    match read {
        Err(error) if is_mismatch(&error) => Ok(None),
        read => read.map(|()| Some(found)),
    }
}

/// SQLite's answer where the columns that are pointed at are neither a primary key nor unique.
fn is_mismatch(error: &Error) -> bool {
    error.kind() == ErrorKind::Statement && error.message().contains("foreign key mismatch")
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
