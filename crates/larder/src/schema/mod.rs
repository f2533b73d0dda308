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

mod body;
mod diagram;
mod diff;
mod dump;
mod read;

pub use diagram::diagram;
pub use diff::{Change, Kind};
pub use dump::dump;

use serde::Serialize;
use std::collections::BTreeMap;

/// Everything that a schema holds, without SQLite's own tables (`sqlite_…`) and Larder's (`schema_migrations`, `meta`).
///
/// The maps are keyed by name in lower case, for SQLite's names are the same in any case; each entry has its name as it
/// was written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Catalogue {
    /// The tables.
    pub tables: BTreeMap<String, Table>,
    /// The indexes that were made by a statement. Those behind UNIQUE and PRIMARY KEY are [`Table::uniques`].
    pub indexes: BTreeMap<String, Entry>,
    /// The triggers.
    pub triggers: BTreeMap<String, Entry>,
    /// The views.
    pub views: BTreeMap<String, Entry>,
}

impl Catalogue {
    /// True where there is nothing.
    pub fn is_empty(&self) -> bool {
        self.tables.is_empty() && self.indexes.is_empty() && self.triggers.is_empty() && self.views.is_empty()
    }

    /// The table of that name, in any case.
    pub fn table(&self, name: &str) -> Option<&Table> {
        self.tables.get(&name.to_ascii_lowercase())
    }
}

/// An index, a trigger or a view.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Entry {
    /// Its name.
    pub name: String,
    /// The table (or the view) that it belongs to; for a view its own name.
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
    /// The statement that makes it.
    pub sql: String,
    /// Its columns, in order. Empty for a virtual table whose module this program does not have.
    pub columns: Vec<Column>,
    /// The constraints that stand beside the columns, as written: `UNIQUE (a, b)`, `CHECK (a < b)`.
    pub constraints: Vec<String>,
    /// What must be the only one of its kind, by PRIMARY KEY or UNIQUE, where SQLite keeps an index for it.
    pub uniques: Vec<Unique>,
    /// What points at other tables.
    pub foreign_keys: Vec<ForeignKey>,
    /// Made WITHOUT ROWID.
    pub without_rowid: bool,
    /// Made STRICT.
    pub strict: bool,
    /// A virtual table.
    #[serde(rename = "virtual")]
    pub virtual_: bool,
    /// A table that a virtual table keeps its data in; it comes and goes with that.
    pub shadow: bool,
}

impl Table {
    /// The column of that name, in any case.
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name.eq_ignore_ascii_case(name))
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
