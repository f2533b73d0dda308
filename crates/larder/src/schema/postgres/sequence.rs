//! Sequences: those of their own, those that go with a column, and those of identity columns.

use super::read::each;
use super::table::{Relation, is_own};
use super::{asked, path, shown};
use crate::driver::Connection;
use crate::error::Result;
use serde::Deserialize;
use std::collections::BTreeMap;

/// A sequence.
#[derive(Deserialize)]
struct Row {
    schema: Option<String>,
    name: String,
    r#type: String,
    start: i64,
    increment: i64,
    max: i64,
    min: i64,
    cache: i64,
    cycle: bool,
    /// `i`: of an identity column. `a`: goes with its column.
    bond: Option<String>,
    owner: Option<i64>,
    column: Option<String>,
}

pub(super) struct Sequence {
    pub(super) schema: Option<String>,
    pub(super) name: String,
    /// The schema, the table and the column that it goes with.
    pub(super) owner: Option<(Option<String>, String, String)>,
    identity: bool,
    data_type: String,
    options: String,
}

const SEQUENCES: &str = "SELECT {schema} AS schema, c.relname::text AS name, \
    pg_catalog.format_type(s.seqtypid, NULL) AS type, s.seqstart AS start, s.seqincrement AS increment, s.seqmax AS max, \
    s.seqmin AS min, s.seqcache AS cache, s.seqcycle AS cycle, d.deptype::text AS bond, d.refobjid::bigint AS owner, \
    a.attname::text AS column \
    FROM pg_catalog.pg_sequence s JOIN pg_catalog.pg_class c ON c.oid = s.seqrelid \
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
    LEFT JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid \
    AND d.refclassid = 'pg_catalog.pg_class'::regclass AND d.deptype IN ('a', 'i') \
    LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid \
    WHERE {mine} ORDER BY c.oid";

/// All sequences. What those of identity columns have of their own goes into the columns.
pub(super) fn read(
    connection: &mut dyn Connection,
    relations: &mut BTreeMap<i64, Relation>,
) -> Result<Vec<Sequence>> {
    let mut found = Vec::new();
    each(connection, &asked(SEQUENCES, "pg_class", "c.oid"), |row: Row| {
        let options = row.options();
        let owner = row.owner.and_then(|oid| relations.get_mut(&oid));
        let identity = row.bond.as_deref() == Some("i");
        let mut bound = None;
        match (owner, row.column) {
            (Some(relation), Some(column)) => {
                let held = relation.table.columns.iter_mut().find(|held| held.name == column);
                if let Some(held) = held.filter(|_| identity && !options.is_empty()) {
                    held.definition =
                        held.definition.replace("AS IDENTITY", &format!("AS IDENTITY ({options})"));
                }
                let table = &relation.table;
                let name = if table.schema.is_some() { bare(&table.name) } else { table.name.clone() };
                bound = Some((table.schema.clone(), name, column));
            }
            // Of a table that is none of the application's.
            _ if row.owner.is_some() => return,
            _ => {}
        }
        let sequence = Sequence {
            schema: row.schema,
            name: row.name,
            owner: bound,
            identity,
            data_type: row.r#type,
            options,
        };
        if !is_own(&shown(sequence.schema.as_deref(), &sequence.name)) {
            found.push(sequence);
        }
    })?;
    Ok(found)
}

/// The name behind the schema of `schema.name`, without quotes.
fn bare(name: &str) -> String {
    let mut quoted = false;
    let dot = name.char_indices().find(|(_, c)| {
        quoted ^= *c == '"';
        *c == '.' && !quoted
    });
    let name = dot.and_then(|(at, _)| name.get(at + 1..)).unwrap_or(name);
    match name.strip_prefix('"').and_then(|name| name.strip_suffix('"')) {
        Some(inner) => inner.replace("\"\"", "\""),
        None => name.to_owned(),
    }
}

impl Row {
    /// What differs from a sequence that was made without a word.
    fn options(&self) -> String {
        let top = match self.r#type.as_str() {
            "smallint" => i64::from(i16::MAX),
            "integer" => i64::from(i32::MAX),
            _ => i64::MAX,
        };
        let (min, max) = if self.increment > 0 { (1, top) } else { (-top - 1, -1) };
        let start = if self.increment > 0 { self.min } else { self.max };
        let mut options = Vec::new();
        for (word, value, usual) in [
            ("INCREMENT BY", self.increment, 1),
            ("MINVALUE", self.min, min),
            ("MAXVALUE", self.max, max),
            ("START WITH", self.start, start),
            ("CACHE", self.cache, 1),
        ] {
            if value != usual {
                options.push(format!("{word} {value}"));
            }
        }
        if self.cycle {
            options.push("CYCLE".into());
        }
        options.join(" ")
    }
}

impl Sequence {
    pub(super) fn is_identity(&self) -> bool {
        self.identity
    }

    pub(super) fn create(&self) -> String {
        let mut text = format!("CREATE SEQUENCE {}", path(self.schema.as_deref(), &self.name));
        if self.data_type != "bigint" {
            text.push_str(&format!(" AS {}", self.data_type));
        }
        if !self.options.is_empty() {
            text.push_str(&format!(" {}", self.options));
        }
        text
    }
}
