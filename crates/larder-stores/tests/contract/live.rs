//! What a database really has.

use crate::row::{Column, What, plain};
use larder::Database;
use larder::schema::{Catalogue, Table};
use std::collections::{BTreeMap, BTreeSet};

#[derive(Default)]
pub(crate) struct Live {
    /// Everything that must stand in the documents, with its table.
    pub(crate) rows: Vec<(String, What)>,
    /// The tables, each with the columns of its primary key.
    pub(crate) tables: BTreeMap<String, Vec<String>>,
}

impl Live {
    pub(crate) fn read(database: &Database) -> Self {
        let catalogue = database.read(|tx| Catalogue::read(tx.connection())).unwrap();
        let mut live = Self::default();
        for table in catalogue.tables.values() {
            let add = |what| (table.name.clone(), what);
            live.rows.extend(columns(table).into_iter().map(What::Column).map(add));
            live.rows.extend(checks(table).into_iter().map(add));
            live.rows.extend(uniques(table).into_iter().map(What::Unique).map(add));
            live.rows.extend(indexes(&catalogue, table).into_iter().map(|(unique, columns)| {
                add(if unique { What::Unique(columns) } else { What::Index(columns) })
            }));
            let key = table.primary_key().into_iter().map(str::to_owned).collect();
            live.tables.insert(table.name.clone(), key);
        }
        live
    }

    pub(crate) fn has_table(&self, name: &str) -> bool {
        self.tables.contains_key(name)
    }

    /// Why something of the documents is not so.
    pub(crate) fn has(&self, table: &str, what: &What) -> Result<(), String> {
        self.find(table, what, What::is)
    }

    /// Why a promise is not kept.
    pub(crate) fn satisfies(&self, table: &str, promise: &What) -> Result<(), String> {
        self.find(table, promise, What::covers)
    }

    fn find(&self, table: &str, what: &What, fits: impl Fn(&What, &What) -> bool) -> Result<(), String> {
        let rows: Vec<&What> =
            self.rows.iter().filter(|(name, _)| name == table).map(|(_, what)| what).collect();
        let Some(key) = self.tables.get(table) else { return Err("there is no such table".into()) };
        let served = match what {
            // A primary key is an index too.
            What::Index(columns) => {
                let served = |list: &[String]| list.starts_with(columns);
                served(key)
                    || rows.iter().any(|row| matches!(row, What::Unique(l) | What::Index(l) if served(l)))
            }
            _ => rows.iter().any(|row| fits(row, what)),
        };
        if served {
            return Ok(());
        }
        let near: Vec<String> = rows
            .iter()
            .filter(|row| match (row, what) {
                (What::Column(is), What::Column(said)) => is.name == said.name,
                (What::Check { column: is, .. }, What::Check { column: said, .. }) => is == said,
                (What::Unique(_) | What::Index(_), What::Unique(_) | What::Index(_)) => true,
                _ => false,
            })
            .map(ToString::to_string)
            .collect();
        Err(format!(
            "the database has {}",
            if near.is_empty() { "nothing like it".to_owned() } else { near.join(", ") }
        ))
    }
}

/// The indexes that a statement made: whether they are unique, and their columns.
fn indexes(catalogue: &Catalogue, table: &Table) -> Vec<(bool, Vec<String>)> {
    let own = catalogue.indexes.values().filter(|index| index.table == table.name);
    own.map(|index| {
        let (head, columns) = index.sql.split_once('(').unwrap();
        let columns = columns.trim_end().trim_end_matches(')');
        assert!(!columns.contains([')', '(']), "an index on an expression, or a partial one: {}", index.sql);
        let names = columns.split(',').map(|name| name.split_whitespace().next().unwrap().to_owned());
        (head.to_uppercase().contains("UNIQUE"), names.collect())
    })
    .collect()
}

fn columns(table: &Table) -> Vec<Column> {
    let key = table.primary_key();
    let column = |column: &larder::schema::Column| {
        let reference = table.foreign_keys.iter().find(|key| key.columns == [column.name.clone()]);
        Column {
            name: column.name.clone(),
            kind: column.declared_type.clone(),
            primary_key: key == [column.name.as_str()],
            autoincrement: column.definition.to_uppercase().contains("AUTOINCREMENT"),
            not_null: column.not_null,
            default: column.default.as_deref().map(plain),
            reference: reference.map(|key| (key.to_table.clone(), key.on_delete.clone())),
        }
    };
    table.columns.iter().map(column).collect()
}

/// What must be the only one of its kind. A primary key of several columns is said like this too.
fn uniques(table: &Table) -> Vec<Vec<String>> {
    let all = table.uniques.iter().filter(|unique| !unique.primary_key || unique.columns.len() > 1);
    all.map(|unique| unique.columns.clone()).collect()
}

/// The lists of allowed values: `CHECK (column IN ('a', 'b'))`.
fn checks(table: &Table) -> Vec<What> {
    let texts = table.columns.iter().map(|column| column.definition.as_str());
    let mut found = Vec::new();
    for text in texts.chain(table.constraints.iter().map(String::as_str)) {
        for (at, word) in text.match_indices("CHECK") {
            let Some(inner) = text[at + word.len()..].trim_start().strip_prefix('(') else { continue };
            let Some((column, list)) = inner.split_once(" IN (") else { continue };
            let Some((values, _)) = list.split_once(')') else { continue };
            if !column.trim().chars().all(|c| c.is_alphanumeric() || c == '_') {
                continue;
            }
            let values: BTreeSet<String> =
                values.split(',').map(|value| value.trim().trim_matches('\'').to_owned()).collect();
            found.push(What::Check { column: column.trim().to_owned(), values });
        }
    }
    found
}
