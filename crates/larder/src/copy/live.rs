//! What is in a database: tables and columns as the copy needs them, alike for both engines.

use super::live_postgres;
use crate::driver::Connection;
use crate::error::Result;
use crate::schema::{Catalogue, Column, Table};
use crate::sql::text::Dialect;
use std::collections::BTreeMap;
use std::ops::ControlFlow;

/// The tables, by name in lower case; without Larder's own.
#[derive(Debug)]
pub(super) struct Live {
    pub(super) dialect: Dialect,
    pub(super) tables: BTreeMap<String, LiveTable>,
    /// What is no table whose rows can be copied: `view recent`, with why it is not carried over.
    pub(super) others: Vec<(String, String)>,
    /// What lies beside the tables and is not in the way of a copy, with why it is not carried over.
    pub(super) beside: Vec<(String, String)>,
    /// Of SQLite, what else there is to know.
    pub(super) catalogue: Catalogue,
}

/// A table.
#[derive(Clone, Debug, Default)]
pub(super) struct LiveTable {
    pub(super) name: String,
    pub(super) columns: Vec<LiveColumn>,
    pub(super) primary_key: Vec<String>,
    pub(super) uniques: Vec<Vec<String>>,
    pub(super) foreign_keys: Vec<LiveForeignKey>,
    /// CHECK constraints, as the engine gives them: of PostgreSQL only.
    pub(super) checks: Vec<String>,
    /// Other indexes, as statements: of PostgreSQL only.
    pub(super) indexes: Vec<(String, String)>,
    /// What its rows are known by: a column that `unload` can give.
    pub(super) row_name: Option<&'static str>,
}

/// A column.
#[derive(Clone, Debug, Default)]
pub(super) struct LiveColumn {
    pub(super) name: String,
    /// Its type as the engine names it.
    pub(super) declared: String,
    pub(super) not_null: bool,
    pub(super) default: Option<String>,
    /// Computed from others, so nothing is ever written to it.
    pub(super) generated: bool,
    /// It counts on by itself: an identity, a serial, SQLite's INTEGER PRIMARY KEY.
    pub(super) counts: bool,
}

/// A foreign key.
#[derive(Clone, Debug, Default)]
pub(super) struct LiveForeignKey {
    pub(super) columns: Vec<String>,
    pub(super) to_table: String,
    pub(super) to_columns: Vec<String>,
    pub(super) on_update: String,
    pub(super) on_delete: String,
}

impl LiveTable {
    pub(super) fn column(&self, name: &str) -> Option<&LiveColumn> {
        self.columns.iter().find(|column| column.name.eq_ignore_ascii_case(name))
    }
}

impl Live {
    pub(super) fn new(dialect: Dialect) -> Self {
        Self {
            dialect,
            tables: BTreeMap::new(),
            others: Vec::new(),
            beside: Vec::new(),
            catalogue: Catalogue::default(),
        }
    }

    pub(super) fn read(connection: &mut dyn Connection) -> Result<Self> {
        match connection.dialect() {
            Dialect::Sqlite => sqlite(connection),
            Dialect::Postgres => live_postgres::read(connection),
        }
    }

    pub(super) fn table(&self, name: &str) -> Option<&LiveTable> {
        self.tables.get(&name.to_ascii_lowercase())
    }
}

fn sqlite(connection: &mut dyn Connection) -> Result<Live> {
    let catalogue = Catalogue::read(connection)?;
    let mut live = Live::new(Dialect::Sqlite);
    for (key, table) in &catalogue.tables {
        if table.virtual_ {
            let why = "a virtual table is the work of a module of SQLite's".to_owned();
            live.others.push((format!("virtual table {}", table.name), why));
        } else if !table.shadow {
            live.tables.insert(key.clone(), of_catalogue(table));
        }
    }
    live.catalogue = catalogue;
    Ok(live)
}

fn of_catalogue(table: &Table) -> LiveTable {
    // Where SQLite keeps no index for the primary key, the column is another name of the rowid.
    let counts = |column: &Column| {
        column.primary_key.is_some()
            && !table.without_rowid
            && column.declared_type.eq_ignore_ascii_case("INTEGER")
            && !table.uniques.iter().any(|unique| unique.primary_key)
    };
    let columns = table.columns.iter().filter(|column| !column.hidden).map(|column| LiveColumn {
        name: column.name.clone(),
        declared: column.declared_type.clone(),
        not_null: column.not_null || counts(column) || (table.without_rowid && column.primary_key.is_some()),
        default: column.default.clone(),
        generated: column.generated.is_some(),
        counts: counts(column),
    });
    let foreign_keys = table.foreign_keys.iter().map(|key| LiveForeignKey {
        columns: key.columns.clone(),
        to_table: key.to_table.clone(),
        to_columns: key.to_columns.clone(),
        on_update: key.on_update.clone(),
        on_delete: key.on_delete.clone(),
    });
    let row_name = ["rowid", "_rowid_", "oid"].into_iter().find(|name| table.column(name).is_none());
    LiveTable {
        name: table.name.clone(),
        columns: columns.collect(),
        primary_key: table.primary_key().into_iter().map(str::to_owned).collect(),
        uniques: table.uniques.iter().filter(|one| !one.primary_key).map(|one| one.columns.clone()).collect(),
        foreign_keys: foreign_keys.collect(),
        row_name: row_name.filter(|_| !table.without_rowid),
        ..LiveTable::default()
    }
}

/// All rows of a statement of Larder's own.
pub(super) fn all<T: serde::de::DeserializeOwned>(
    connection: &mut dyn Connection,
    sql: &str,
) -> Result<Vec<T>> {
    let mut found = Vec::new();
    connection.query(sql, &[], &mut |row| {
        found.push(row.to()?);
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(found)
}
