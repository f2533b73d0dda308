//! The schema of a live database: what is in it, how two of them differ, as SQL and as a diagram.
//!
//! ```
//! use larder::schema::Catalogue;
//! # fn main() -> larder::Result<()> {
//! let db = larder::Database::open(":memory:")?;
//! let before = db.read(|tx| Catalogue::read(tx.connection()))?;
//! db.execute("CREATE TABLE notes (id INTEGER PRIMARY KEY, title TEXT NOT NULL)", &[])?;
//! let after = db.read(|tx| Catalogue::read(tx.connection()))?;
//! let changes: Vec<String> = before.diff(&after).iter().map(ToString::to_string).collect();
//! assert_eq!(changes, ["creates table notes"]);
//! # Ok(())
//! # }
//! ```

mod diagram;
mod diff;
mod postgres;
mod sqlite;

pub use diagram::diagram;
pub use diff::{Change, Kind};

use crate::driver::{Access, Connection, Dialect};
use crate::error::Result;
use serde::Serialize;
use std::collections::BTreeMap;

/// Everything that a schema holds, without the engine's own tables and Larder's (`schema_migrations`, `meta`).
///
/// On SQLite the maps are keyed by name in lower case, for names are the same there in any case. On PostgreSQL they are keyed
/// by name as it is, triggers by `table.name`, functions with the types of their arguments. There it holds all schemas but the
/// system's; names outside the current schema (the first of the `search_path` that is there) carry theirs: `audit.entries`.
/// What belongs to an extension is left out, and so are privileges, comments and policies.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Catalogue {
    /// The tables.
    pub tables: BTreeMap<String, Table>,
    /// The indexes that were made by a statement. Those behind UNIQUE and PRIMARY KEY are [`Table::uniques`].
    pub indexes: BTreeMap<String, Entry>,
    /// The triggers.
    pub triggers: BTreeMap<String, Entry>,
    /// The views, and on PostgreSQL the materialised ones.
    pub views: BTreeMap<String, Entry>,
    /// PostgreSQL: the sequences that were made by a statement. Those of identity columns are part of the column.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub sequences: BTreeMap<String, Entry>,
    /// PostgreSQL: enums, domains, composite types and ranges.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub types: BTreeMap<String, Entry>,
    /// PostgreSQL: functions and procedures, without aggregates.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub functions: BTreeMap<String, Entry>,
    /// Texts come from the engine in one form, and names count as they are.
    #[serde(skip)]
    exact: bool,
}

impl Catalogue {
    /// True where there is nothing.
    pub fn is_empty(&self) -> bool {
        let entries =
            [&self.indexes, &self.triggers, &self.views, &self.sequences, &self.types, &self.functions];
        self.tables.is_empty() && entries.iter().all(|map| map.is_empty())
    }

    /// The table of that name; where there is none, the one whose name is the same in lower case.
    pub fn table(&self, name: &str) -> Option<&Table> {
        self.tables.get(name).or_else(|| self.tables.get(&name.to_ascii_lowercase()))
    }

    /// Leaves out what lies in this schema of PostgreSQL, where that is not the current one.
    pub(crate) fn leave_out(&mut self, schema: &str) {
        let prefix = postgres::shown(Some(schema), "x");
        let prefix = prefix.trim_end_matches('x');
        self.tables.retain(|_, table| table.schema.as_deref() != Some(schema));
        for map in [
            &mut self.indexes,
            &mut self.triggers,
            &mut self.views,
            &mut self.sequences,
            &mut self.types,
            &mut self.functions,
        ] {
            map.retain(|_, entry| !entry.name.starts_with(prefix) && !entry.table.starts_with(prefix));
        }
    }

    /// Reads the schema of the database behind `connection`, in one snapshot; inside a transaction, as that sees it.
    ///
    /// # Errors
    /// What the engine says.
    pub fn read(connection: &mut dyn Connection) -> Result<Self> {
        in_snapshot(connection, |connection| match connection.dialect() {
            Dialect::Sqlite => sqlite::within(connection),
            Dialect::Postgres => postgres::within(connection),
        })
    }
}

/// The statements that make the schema anew in an empty database, in an order that runs. Without data, and without the
/// tables of the engine and of Larder. On PostgreSQL also the schemas and extensions that it needs, and without owners and
/// privileges.
///
/// # Errors
/// What the engine says.
pub fn dump(connection: &mut dyn Connection) -> Result<String> {
    match connection.dialect() {
        Dialect::Sqlite => sqlite::dump(connection),
        Dialect::Postgres => in_snapshot(connection, postgres::dump),
    }
}

fn in_snapshot<T>(
    connection: &mut dyn Connection,
    f: impl FnOnce(&mut dyn Connection) -> Result<T>,
) -> Result<T> {
    connection.begin(Access::Read)?;
    match f(connection) {
        // Not rolled back: after a migration's DDL that would make SQLite read the whole schema again.
        Ok(found) => connection.commit().map(|()| found),
        Err(error) => {
            connection.rollback()?;
            Err(error)
        }
    }
}

/// What people are shown of a name outside the current schema, which also stands for it in SQL.
pub(crate) fn qualified(schema: &str, name: &str) -> String {
    postgres::shown(Some(schema), name)
}

/// A name as it stands in SQL, whatever characters it has.
pub(crate) fn quote(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// An index, a trigger, a view, a sequence, a type or a function.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Entry {
    /// Its name.
    pub name: String,
    /// The table (or the view) that it belongs to; for what belongs to none its own name.
    pub table: String,
    /// The statement that makes it.
    pub sql: String,
}

/// A table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Table {
    /// Its name.
    pub name: String,
    /// PostgreSQL: the schema that it lies in, where that is not the current one. The name begins with it then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schema: Option<String>,
    /// The statement that makes it. On PostgreSQL it is composed from the catalogue.
    pub sql: String,
    /// Its columns, in order. Empty for a virtual table whose module this program does not have.
    pub columns: Vec<Column>,
    /// The constraints that stand beside the columns, as written: `UNIQUE (a, b)`, `CHECK (a < b)`. On PostgreSQL all
    /// constraints stand here, each with its name.
    pub constraints: Vec<String>,
    /// PostgreSQL: what stands around the brackets: `UNLOGGED`, `PARTITION BY RANGE (day)`, `INHERITS (base)`. Empty for
    /// most tables.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub options: String,
    /// What must be the only one of its kind, by PRIMARY KEY or UNIQUE, where the engine keeps an index for it.
    pub uniques: Vec<Unique>,
    /// What points at other tables.
    pub foreign_keys: Vec<ForeignKey>,
    /// Made WITHOUT ROWID.
    pub without_rowid: bool,
    /// Made STRICT.
    pub strict: bool,
    /// A virtual table; on PostgreSQL a foreign one.
    #[serde(rename = "virtual")]
    pub virtual_: bool,
    /// A table that a virtual table keeps its data in; it comes and goes with that.
    pub shadow: bool,
}

impl Table {
    fn new(name: String, sql: String) -> Self {
        Self {
            name,
            schema: None,
            sql,
            columns: Vec::new(),
            constraints: Vec::new(),
            options: String::new(),
            uniques: Vec::new(),
            foreign_keys: Vec::new(),
            without_rowid: false,
            strict: false,
            virtual_: false,
            shadow: false,
        }
    }

    /// The column of that name; where there is none, the one whose name differs in case alone.
    pub fn column(&self, name: &str) -> Option<&Column> {
        let exact = self.columns.iter().find(|column| column.name == name);
        exact.or_else(|| self.columns.iter().find(|column| column.name.eq_ignore_ascii_case(name)))
    }

    /// Its name as it stands in a statement: quoted, and with its schema where it has one.
    pub fn path(&self) -> String {
        match &self.schema {
            // The name is `schema.name`, each quoted where it has to be.
            Some(_) => self.name.clone(),
            None => quote(&self.name),
        }
    }

    /// The names of the columns of the primary key, in its order.
    pub fn primary_key(&self) -> Vec<&str> {
        let mut columns: Vec<_> =
            self.columns.iter().filter_map(|c| Some((c.primary_key?, c.name.as_str()))).collect();
        columns.sort_unstable();
        columns.into_iter().map(|(_, name)| name).collect()
    }
}

/// A column.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Column {
    /// Its name.
    pub name: String,
    /// The type it was declared with; empty for none.
    pub declared_type: String,
    /// Declared NOT NULL.
    pub not_null: bool,
    /// The expression of its DEFAULT.
    pub default: Option<String>,
    /// Its position in the primary key, from 1.
    pub primary_key: Option<u32>,
    /// Computed from other columns.
    pub generated: Option<Generated>,
    /// Hidden from `SELECT *`: a virtual table's.
    pub hidden: bool,
    /// All that stands behind its name in the statement that makes the table, without comments.
    pub definition: String,
}

/// How a generated column is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Generated {
    /// Computed when it is read.
    Virtual,
    /// Computed when the row is written.
    Stored,
}

/// Columns of which no two rows have the same values.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Unique {
    /// The columns, in the order of the constraint.
    pub columns: Vec<String>,
    /// The primary key, and not a UNIQUE.
    pub primary_key: bool,
}

/// A foreign key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ForeignKey {
    /// The columns that point.
    pub columns: Vec<String>,
    /// The table that they point at.
    pub to_table: String,
    /// The columns that they point at; empty for that table's primary key.
    pub to_columns: Vec<String>,
    /// What happens to these rows when the one pointed at changes its key: `NO ACTION`, `CASCADE`, ….
    pub on_update: String,
    /// What happens to these rows when the one pointed at is removed.
    pub on_delete: String,
}
