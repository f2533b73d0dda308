//! How two catalogues differ.

use super::sqlite::same;
use super::{Catalogue, Column, Entry, Table};
use crate::driver::Object;
use serde::{Serialize, Serializer};
use std::collections::BTreeMap;
use std::fmt;

/// One difference between an earlier and a later schema. Shown, it says in plain words what was done: "creates table
/// notes", "drops column users.email".
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "change", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Change {
    /// Something is there that was not.
    Created {
        /// What.
        #[serde(serialize_with = "word")]
        object: Object,
        /// Its name.
        name: String,
        /// The table it belongs to; for a table or a view its own name.
        table: String,
    },
    /// Something is gone.
    Dropped {
        /// What.
        #[serde(serialize_with = "word")]
        object: Object,
        /// Its name.
        name: String,
        /// The table it belonged to; for a table or a view its own name.
        table: String,
    },
    /// An index, a trigger, a view or a virtual table is made by another statement than before.
    Altered {
        /// What.
        #[serde(serialize_with = "word")]
        object: Object,
        /// Its name.
        name: String,
        /// The table it belongs to; for a table or a view its own name.
        table: String,
        /// The statement before.
        before: String,
        /// The statement now.
        after: String,
    },
    /// A table has a new column.
    ColumnCreated {
        /// The table.
        table: String,
        /// The column.
        column: String,
        /// Its definition.
        definition: String,
    },
    /// A table has lost a column. A renamed column is one lost and one new.
    ColumnDropped {
        /// The table.
        table: String,
        /// The column.
        column: String,
    },
    /// A column has another definition.
    ColumnAltered {
        /// The table.
        table: String,
        /// The column.
        column: String,
        /// Its definition before.
        before: String,
        /// Its definition now.
        after: String,
    },
    /// A table has a new constraint beside its columns.
    ConstraintCreated {
        /// The table.
        table: String,
        /// The constraint, as written.
        constraint: String,
    },
    /// A table has lost a constraint beside its columns.
    ConstraintDropped {
        /// The table.
        table: String,
        /// The constraint, as written.
        constraint: String,
    },
    /// A table's columns stand in another order.
    ColumnsReordered {
        /// The table.
        table: String,
    },
    /// A table is STRICT or WITHOUT ROWID, or on PostgreSQL UNLOGGED or partitioned, and was not, or the other way round.
    OptionsAltered {
        /// The table.
        table: String,
        /// Its options before: `STRICT, WITHOUT ROWID`, `UNLOGGED`, or nothing.
        before: String,
        /// Its options now.
        after: String,
    },
}

/// The sorts of [`Change`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// There is more than before.
    Created,
    /// There is less than before.
    Dropped,
    /// Something is otherwise than before.
    Altered,
}

impl Change {
    /// Its sort.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Created { .. } | Self::ColumnCreated { .. } | Self::ConstraintCreated { .. } => {
                Kind::Created
            }
            Self::Dropped { .. } | Self::ColumnDropped { .. } | Self::ConstraintDropped { .. } => {
                Kind::Dropped
            }
            Self::Altered { .. }
            | Self::ColumnAltered { .. }
            | Self::ColumnsReordered { .. }
            | Self::OptionsAltered { .. } => Kind::Altered,
        }
    }

    /// The table that it is about; for a view, the view.
    pub fn table(&self) -> &str {
        match self {
            Self::Created { table, .. }
            | Self::Dropped { table, .. }
            | Self::Altered { table, .. }
            | Self::ColumnCreated { table, .. }
            | Self::ColumnDropped { table, .. }
            | Self::ColumnAltered { table, .. }
            | Self::ConstraintCreated { table, .. }
            | Self::ConstraintDropped { table, .. }
            | Self::ColumnsReordered { table }
            | Self::OptionsAltered { table, .. } => table,
        }
    }

    /// What it is about, in words: "table notes", "column users.email", "index notes_by_title on notes".
    pub fn subject(&self) -> String {
        match self {
            Self::Created { object, name, table }
            | Self::Dropped { object, name, table }
            | Self::Altered { object, name, table, .. } => match object {
                Object::Index | Object::Trigger => format!("{} {name} on {table}", object.word()),
                _ => format!("{} {name}", object.word()),
            },
            Self::ColumnCreated { table, column, .. }
            | Self::ColumnDropped { table, column }
            | Self::ColumnAltered { table, column, .. } => format!("column {table}.{column}"),
            Self::ConstraintCreated { table, constraint } | Self::ConstraintDropped { table, constraint } => {
                format!("constraint {constraint} of {table}")
            }
            Self::ColumnsReordered { table } => format!("the order of the columns of {table}"),
            Self::OptionsAltered { table, .. } => format!("the options of table {table}"),
        }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verb = match self {
            Self::Created { .. } => "creates",
            Self::ColumnCreated { .. } | Self::ConstraintCreated { .. } => "adds",
            Self::Dropped { .. } | Self::ColumnDropped { .. } | Self::ConstraintDropped { .. } => "drops",
            _ => "changes",
        };
        write!(f, "{verb} {}", self.subject())?;
        match self {
            Self::ColumnCreated { definition, .. } if !definition.is_empty() => write!(f, " ({definition})"),
            Self::ColumnAltered { before, after, .. } | Self::OptionsAltered { before, after, .. } => {
                write!(f, " from {} to {}", shown(before), shown(after))
            }
            _ => Ok(()),
        }
    }
}

fn shown(text: &str) -> String {
    if text.is_empty() { "nothing".to_owned() } else { format!("`{text}`") }
}

fn word<S: Serializer>(object: &Object, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(object.word())
}

impl Catalogue {
    /// What has changed from this schema to the `later` one: first what is gone, then what is otherwise, then what is new,
    /// and in each the tables first. Whitespace, comments, case and quoting of names do not count. The tables behind a
    /// virtual table are left out, for they go with it.
    pub fn diff(&self, later: &Self) -> Vec<Change> {
        let mut changes = Vec::new();
        let same: Same = if self.exact && later.exact { |a, b| a == b } else { same };
        tables(&self.tables, &later.tables, same, &mut changes);
        for (object, before, after) in [
            (Object::Index, &self.indexes, &later.indexes),
            (Object::Trigger, &self.triggers, &later.triggers),
            (Object::View, &self.views, &later.views),
            (Object::Sequence, &self.sequences, &later.sequences),
            (Object::Type, &self.types, &later.types),
            (Object::Function, &self.functions, &later.functions),
        ] {
            entries(object, before, after, same, &mut changes);
        }
        // A stable sort: within a sort of change they stay as found.
        changes.sort_by_key(|change| match change.kind() {
            Kind::Dropped => 0,
            Kind::Altered => 1,
            Kind::Created => 2,
        });
        changes
    }
}

/// Whether two texts of SQL mean the same.
type Same = fn(&str, &str) -> bool;

fn tables(
    before: &BTreeMap<String, Table>,
    after: &BTreeMap<String, Table>,
    same: Same,
    changes: &mut Vec<Change>,
) {
    for (key, old) in before.iter().filter(|(_, table)| !table.shadow) {
        match after.get(key) {
            None => changes.push(Change::Dropped {
                object: Object::Table,
                name: old.name.clone(),
                table: old.name.clone(),
            }),
            Some(new) => table(old, new, same, changes),
        }
    }
    for (_, new) in after.iter().filter(|(key, table)| !table.shadow && !before.contains_key(*key)) {
        let (name, table) = (new.name.clone(), new.name.clone());
        changes.push(Change::Created { object: Object::Table, name, table });
    }
}

fn table(old: &Table, new: &Table, same: Same, changes: &mut Vec<Change>) {
    if old.sql == new.sql {
        return;
    }
    let name = &new.name;
    if old.virtual_ || new.virtual_ {
        if !same(&old.sql, &new.sql) {
            changes.push(Change::Altered {
                object: Object::Table,
                name: name.clone(),
                table: name.clone(),
                before: old.sql.clone(),
                after: new.sql.clone(),
            });
        }
        return;
    }
    for column in &old.columns {
        let (table, name) = (name.clone(), column.name.clone());
        match new.column(&name) {
            None => changes.push(Change::ColumnDropped { table, column: name }),
            Some(now) if same(&column.definition, &now.definition) => {}
            Some(now) => changes.push(Change::ColumnAltered {
                table,
                column: name,
                before: column.definition.clone(),
                after: now.definition.clone(),
            }),
        }
    }
    for column in new.columns.iter().filter(|column| old.column(&column.name).is_none()) {
        let (column, definition) = (column.name.clone(), column.definition.clone());
        changes.push(Change::ColumnCreated { table: name.clone(), column, definition });
    }
    let is_in = |list: &[String], constraint: &str| list.iter().any(|other| same(other, constraint));
    for constraint in old.constraints.iter().filter(|it| !is_in(&new.constraints, it)) {
        changes.push(Change::ConstraintDropped { table: name.clone(), constraint: constraint.clone() });
    }
    for constraint in new.constraints.iter().filter(|it| !is_in(&old.constraints, it)) {
        changes.push(Change::ConstraintCreated { table: name.clone(), constraint: constraint.clone() });
    }
    let (before, after) = (options(old), options(new));
    if before != after {
        changes.push(Change::OptionsAltered { table: name.clone(), before, after });
    }
    if !common(old, new).eq(common(new, old)) {
        changes.push(Change::ColumnsReordered { table: name.clone() });
    }
}

/// The columns of `one` that `other` has too, in the order of `one`.
fn common<'a>(one: &'a Table, other: &'a Table) -> impl Iterator<Item = String> + 'a {
    let kept = |column: &&Column| other.column(&column.name).is_some();
    one.columns.iter().filter(kept).map(|column| column.name.to_ascii_lowercase())
}

fn options(table: &Table) -> String {
    let words = [
        (table.strict, "STRICT"),
        (table.without_rowid, "WITHOUT ROWID"),
        (!table.options.is_empty(), &table.options),
    ];
    words.iter().filter(|word| word.0).map(|word| word.1).collect::<Vec<_>>().join(", ")
}

fn entries(
    object: Object,
    before: &BTreeMap<String, Entry>,
    after: &BTreeMap<String, Entry>,
    same: Same,
    changes: &mut Vec<Change>,
) {
    for (key, old) in before {
        let (name, table) = (old.name.clone(), old.table.clone());
        match after.get(key) {
            None => changes.push(Change::Dropped { object, name, table }),
            Some(new) if same(&old.sql, &new.sql) => {}
            Some(new) => {
                let (before, after) = (old.sql.clone(), new.sql.clone());
                changes.push(Change::Altered { object, name, table, before, after });
            }
        }
    }
    for (_, new) in after.iter().filter(|(key, _)| !before.contains_key(*key)) {
        changes.push(Change::Created { object, name: new.name.clone(), table: new.table.clone() });
    }
}
