//! Reading the catalogue: a handful of statements, however many tables there are.

use super::body::body;
use crate::driver::Connection;
use crate::error::{ErrorKind, Result};
use crate::params;
use crate::schema::{Catalogue, Column, Entry, ForeignKey, Generated, Table, Unique};
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::ops::ControlFlow;

const OBJECTS: &str =
    "SELECT type, name, tbl_name, sql FROM main.sqlite_schema WHERE sql IS NOT NULL ORDER BY rowid";

const TABLES: &str = "SELECT name, type, wr, strict FROM pragma_table_list WHERE schema = 'main'";

// A virtual table has no page of its own. Asking for its columns needs its module, which may be missing.
const COLUMNS: &str = r#"SELECT m.name, c.name, c.type, c."notnull", c.dflt_value, c.pk, c.hidden
    FROM main.sqlite_schema m JOIN pragma_table_xinfo(m.name, 'main') c
    WHERE m.type = 'table' AND m.rootpage > 0 ORDER BY m.rowid, c.cid"#;

const VIRTUAL_COLUMNS: &str = r#"SELECT :name, c.name, c.type, c."notnull", c.dflt_value, c.pk, c.hidden
    FROM pragma_table_xinfo(:name, 'main') c ORDER BY c.cid"#;

const FOREIGN_KEYS: &str = r#"SELECT m.name, f.id, f."table", f."from", f."to", f.on_update, f.on_delete
    FROM main.sqlite_schema m JOIN pragma_foreign_key_list(m.name, 'main') f
    WHERE m.type = 'table' AND m.rootpage > 0 ORDER BY m.rowid, f.id DESC, f.seq"#;

const UNIQUES: &str = "SELECT m.name, l.seq, l.origin = 'pk', i.name
    FROM main.sqlite_schema m
    JOIN pragma_index_list(m.name, 'main') l ON l.origin IN ('pk', 'u')
    JOIN pragma_index_info(l.name, 'main') i
    WHERE m.type = 'table' AND m.rootpage > 0 ORDER BY m.rowid, l.seq DESC, i.seqno";

/// True for a table that an application does not own: SQLite's, and Larder's bookkeeping.
pub(super) fn is_own(table: &str) -> bool {
    let lower = table.to_ascii_lowercase();
    lower.starts_with("sqlite_") || lower == "schema_migrations" || lower == "meta"
}

/// The schema as the transaction that is open sees it.
pub(in crate::schema) fn within(connection: &mut dyn Connection) -> Result<Catalogue> {
    let mut catalogue = Catalogue::default();
    catalogue.objects(connection)?;
    catalogue.flags(connection)?;
    catalogue.columns(connection)?;
    catalogue.foreign_keys(connection)?;
    catalogue.uniques(connection)?;
    Ok(catalogue)
}

impl Catalogue {
    fn objects(&mut self, connection: &mut dyn Connection) -> Result<()> {
        each(connection, OBJECTS, |(kind, name, table, sql): (String, String, String, String)| {
            if is_own(&table) {
                return;
            }
            let key = name.to_ascii_lowercase();
            let entries = match kind.as_str() {
                "index" => &mut self.indexes,
                "trigger" => &mut self.triggers,
                "view" => &mut self.views,
                _ => {
                    self.tables.insert(key, Table::new(name, sql));
                    return;
                }
            };
            entries.insert(key, Entry { name, table, sql });
        })
    }

    fn flags(&mut self, connection: &mut dyn Connection) -> Result<()> {
        each(connection, TABLES, |(name, kind, without_rowid, strict): (String, String, bool, bool)| {
            if let Some(table) = self.tables.get_mut(&name.to_ascii_lowercase()) {
                table.without_rowid = without_rowid;
                table.strict = strict;
                table.virtual_ = kind == "virtual";
                table.shadow = kind == "shadow";
            }
        })
    }

    fn columns(&mut self, connection: &mut dyn Connection) -> Result<()> {
        each(connection, COLUMNS, |row: ColumnRow| row.add_to(&mut self.tables))?;
        let virtuals: Vec<String> =
            self.tables.values().filter(|table| table.virtual_).map(|table| table.name.clone()).collect();
        for name in virtuals {
            let tables = &mut self.tables;
            let found = connection.query(VIRTUAL_COLUMNS, params! { name }, &mut |row| {
                row.to::<ColumnRow>()?.add_to(tables);
                Ok(ControlFlow::Continue(()))
            });
            match found {
                // Its module is not in this program: the table is there all the same.
                Err(error) if error.kind() == ErrorKind::Statement => {}
                found => found?,
            }
        }
        for table in self.tables.values_mut().filter(|table| !table.virtual_) {
            table.take_definitions();
        }
        Ok(())
    }

    fn foreign_keys(&mut self, connection: &mut dyn Connection) -> Result<()> {
        type Row = (String, i64, String, String, Option<String>, String, String);
        let mut last = None;
        each(connection, FOREIGN_KEYS, |(name, id, to_table, from, to, on_update, on_delete): Row| {
            let Some(table) = self.tables.get_mut(&name.to_ascii_lowercase()) else { return };
            let this = Some((name, id));
            if this != last {
                last = this;
                let (columns, to_columns) = (Vec::new(), Vec::new());
                table.foreign_keys.push(ForeignKey { columns, to_table, to_columns, on_update, on_delete });
            }
            if let Some(key) = table.foreign_keys.last_mut() {
                key.columns.push(from);
                key.to_columns.extend(to);
            }
        })
    }

    fn uniques(&mut self, connection: &mut dyn Connection) -> Result<()> {
        let mut last = None;
        each(connection, UNIQUES, |(name, seq, primary_key, column): (String, i64, bool, String)| {
            let Some(table) = self.tables.get_mut(&name.to_ascii_lowercase()) else { return };
            let this = Some((name, seq));
            if this != last {
                last = this;
                table.uniques.push(Unique { columns: Vec::new(), primary_key });
            }
            if let Some(unique) = table.uniques.last_mut() {
                unique.columns.push(column);
            }
        })
    }
}

type Cells = (String, String, String, bool, Option<String>, u32, u8);

#[derive(serde::Deserialize)]
struct ColumnRow(Cells);

impl ColumnRow {
    fn add_to(self, tables: &mut BTreeMap<String, Table>) {
        let Self((table, name, declared_type, not_null, default, pk, hidden)) = self;
        let Some(table) = tables.get_mut(&table.to_ascii_lowercase()) else { return };
        table.columns.push(Column {
            name,
            declared_type,
            not_null,
            default,
            primary_key: (pk > 0).then_some(pk),
            generated: match hidden {
                2 => Some(Generated::Virtual),
                3 => Some(Generated::Stored),
                _ => None,
            },
            hidden: hidden == 1,
            definition: String::new(),
        });
    }
}

impl Table {
    fn take_definitions(&mut self) {
        let body = body(&self.sql);
        for (name, definition) in body.columns {
            let column = self.columns.iter_mut().find(|column| column.name.eq_ignore_ascii_case(&name));
            if let Some(column) = column {
                column.definition = definition;
            }
        }
        self.constraints = body.constraints;
    }
}

fn each<T: DeserializeOwned>(
    connection: &mut dyn Connection,
    sql: &str,
    mut with: impl FnMut(T),
) -> Result<()> {
    connection.query(sql, &[], &mut |row| {
        with(row.to()?);
        Ok(ControlFlow::Continue(()))
    })
}
