//! Reading the whole, and putting it together.

use super::object::Objects;
use super::sequence::{self, Sequence};
use super::table::{Constraint, Relation};
use super::{asked, path, shown, table};
use crate::driver::Connection;
use crate::error::Result;
use crate::schema::{Catalogue, Entry};
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::ops::ControlFlow;

/// Everything that was read, before it is put into the form that all engines share.
pub(super) struct Parts {
    /// By oid, which is nearly the order in which they were made.
    pub(super) relations: BTreeMap<i64, Relation>,
    pub(super) sequences: Vec<Sequence>,
    pub(super) objects: Objects,
    pub(super) indexes: Vec<Entry>,
    pub(super) triggers: Vec<Entry>,
}

// An index that belongs to a constraint is told with that, one of a partition with that of the whole.
const INDEXES: &str = "SELECT {schema}, i.relname::text, t.relname::text, \
    pg_catalog.pg_get_indexdef(x.indexrelid, 0, true) \
    FROM pg_catalog.pg_index x JOIN pg_catalog.pg_class i ON i.oid = x.indexrelid \
    JOIN pg_catalog.pg_class t ON t.oid = x.indrelid JOIN pg_catalog.pg_namespace n ON n.oid = i.relnamespace \
    WHERE NOT i.relispartition AND t.relkind IN ('r', 'p', 'm') AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_constraint k \
    WHERE k.conindid = x.indexrelid AND k.contype IN ('p', 'u', 'x')) AND {mine} ORDER BY i.oid";

const TRIGGERS: &str = "SELECT {schema}, g.tgname::text, t.relname::text, \
    pg_catalog.pg_get_triggerdef(g.oid, true) \
    FROM pg_catalog.pg_trigger g JOIN pg_catalog.pg_class t ON t.oid = g.tgrelid \
    JOIN pg_catalog.pg_namespace n ON n.oid = t.relnamespace \
    WHERE NOT g.tgisinternal AND g.tgparentid = 0 AND {mine} ORDER BY g.oid";

pub(super) fn parts(connection: &mut dyn Connection) -> Result<Parts> {
    let mut relations = table::read(connection)?;
    let sequences = sequence::read(connection, &mut relations)?;
    let mut indexes = Vec::new();
    type Row = (Option<String>, String, String, String);
    each(connection, &asked(INDEXES, "pg_class", "t.oid"), |(schema, name, table, sql): Row| {
        let schema = schema.as_deref();
        indexes.push(Entry { name: shown(schema, &name), table: shown(schema, &table), sql });
    })?;
    let mut triggers = Vec::new();
    each(connection, &asked(TRIGGERS, "pg_class", "t.oid"), |(schema, name, table, sql): Row| {
        triggers.push(Entry { name, table: shown(schema.as_deref(), &table), sql });
    })?;
    let own = |entry: &Entry| !table::is_own(&entry.table);
    indexes.retain(own);
    triggers.retain(own);
    Ok(Parts { relations, sequences, objects: Objects::read(connection)?, indexes, triggers })
}

/// The schema as the transaction that is open sees it.
pub(in crate::schema) fn within(connection: &mut dyn Connection) -> Result<Catalogue> {
    let parts = parts(connection)?;
    let mut catalogue = Catalogue { exact: true, ..Catalogue::default() };
    let key = |entry: &Entry| entry.name.clone();
    let sequences = parts.sequences.iter().filter(|sequence| !sequence.is_identity());
    catalogue.sequences = sequences.map(|sequence| sequence.entry()).map(|e| (key(&e), e)).collect();
    catalogue.types = parts.objects.types.into_iter().map(|it| (key(&it.entry), it.entry)).collect();
    catalogue.functions = parts.objects.functions.into_iter().map(|entry| (key(&entry), entry)).collect();
    catalogue.indexes = parts.indexes.into_iter().map(|entry| (key(&entry), entry)).collect();
    let by_table = |entry: Entry| (format!("{}.{}", entry.table, entry.name), entry);
    catalogue.triggers = parts.triggers.into_iter().map(by_table).collect();
    for relation in parts.relations.into_values() {
        if let Some(entry) = relation.view() {
            catalogue.views.insert(key(&entry), entry);
        } else {
            let sql = relation.create(|_: &Constraint| true);
            let mut table = relation.table;
            table.sql = sql;
            catalogue.tables.insert(table.name.clone(), table);
        }
    }
    Ok(catalogue)
}

/// Hands every row of a statement on.
pub(super) fn each<T: DeserializeOwned>(
    connection: &mut dyn Connection,
    sql: &str,
    mut with: impl FnMut(T),
) -> Result<()> {
    connection.query(sql, &[], &mut |row| {
        with(row.to()?);
        Ok(ControlFlow::Continue(()))
    })
}

impl Sequence {
    fn entry(&self) -> Entry {
        let name = shown(self.schema.as_deref(), &self.name);
        Entry { table: self.owner_shown().unwrap_or_else(|| name.clone()), name, sql: self.create() }
    }

    fn owner_shown(&self) -> Option<String> {
        self.owner.as_ref().map(|(schema, table, _)| shown(schema.as_deref(), table))
    }

    /// `ALTER SEQUENCE … OWNED BY …`, for one that goes with a column.
    pub(super) fn owned_by(&self) -> Option<String> {
        let (schema, table, column) = self.owner.as_ref()?;
        Some(format!(
            "ALTER SEQUENCE {} OWNED BY {}.{}",
            path(self.schema.as_deref(), &self.name),
            path(schema.as_deref(), table),
            super::ident(column)
        ))
    }
}
