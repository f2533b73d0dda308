//! Facts about relations: which there are, where they are kept, what the transaction has done to them.

use super::quote;
use crate::driver::Connection;
use crate::error::Result;
use crate::migrate::history::{TABLES, one};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

/// What a transaction has done to a table so far, and what the session did right before, which the server counts along.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) added: i64,
    /// Changed or removed.
    pub(super) changed: i64,
}

#[derive(Clone, Debug)]
pub(super) struct Column {
    /// Its number stays the same, whatever it is called.
    pub(super) number: i64,
    pub(super) name: String,
    /// Its type without length or precision.
    pub(super) sort: String,
    pub(super) generated: bool,
    /// Its place in the primary key.
    pub(super) key: Option<i64>,
}

/// A table, or a partitioned one.
#[derive(Clone, Debug)]
pub(super) struct Table {
    pub(super) space: String,
    pub(super) bare: String,
    /// As people are shown it.
    pub(super) name: String,
    /// It lies in the current schema.
    pub(super) current: bool,
    pub(super) partitioned: bool,
    /// Another number: it was truncated or rewritten.
    pub(super) node: i64,
    /// It was found empty.
    pub(super) empty: bool,
    /// The table that it is a partition of, at the top.
    pub(super) root: Option<i64>,
    pub(super) tally: Tally,
    pub(super) columns: Vec<Column>,
}

impl Table {
    /// As it stands in a statement: with its own rows, and those of its partitions, but without those of tables that inherit.
    pub(super) fn path(&self) -> String {
        format!("{}{}.{}", if self.partitioned { "" } else { "ONLY " }, quote(&self.space), quote(&self.bare))
    }

    pub(super) fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// The columns of the primary key, in its order.
    pub(super) fn key(&self) -> Vec<&Column> {
        let mut key: Vec<&Column> = self.columns.iter().filter(|column| column.key.is_some()).collect();
        key.sort_by_key(|column| column.key);
        key
    }

    /// The columns that hold values of their own.
    pub(super) fn held(&self) -> impl Iterator<Item = &Column> {
        self.columns.iter().filter(|column| !column.generated)
    }
}

#[derive(Clone, Debug, Default)]
pub(super) struct Facts {
    pub(super) tables: BTreeMap<i64, Table>,
    /// Indexes, views, sequences and the like.
    pub(super) others: BTreeSet<i64>,
}

// An index, or the sequence of a column, is of its table.
const RELATIONS: &str = "SELECT c.oid::bigint AS oid, t.relname::text AS of, n.nspname::text AS space, c.relname::text AS bare, \
    c.relkind::text AS kind, n.nspname IS NOT DISTINCT FROM pg_catalog.current_schema() AS current, \
    c.relfilenode::bigint AS node, \
    CASE WHEN c.relispartition AND c.relkind IN ('r', 'p') THEN pg_catalog.pg_partition_root(c.oid)::oid::bigint END AS root, \
    pg_catalog.pg_stat_get_xact_tuples_inserted(c.oid) AS added, \
    pg_catalog.pg_stat_get_xact_tuples_updated(c.oid) + pg_catalog.pg_stat_get_xact_tuples_deleted(c.oid) AS changed \
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
    LEFT JOIN pg_catalog.pg_index x ON x.indexrelid = c.oid \
    LEFT JOIN pg_catalog.pg_depend d ON c.relkind = 'S' AND d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid \
    AND d.refclassid = 'pg_catalog.pg_class'::regclass AND d.deptype IN ('a', 'i') \
    LEFT JOIN pg_catalog.pg_class t ON t.oid = coalesce(x.indrelid, d.refobjid) \
    WHERE n.nspname <> 'information_schema' AND n.nspname !~ '^pg_' AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S', 'i', 'I')";

const COLUMNS: &str = "SELECT a.attrelid::bigint AS oid, a.attnum AS number, a.attname::text AS name, \
    pg_catalog.format_type(a.atttypid, NULL) AS sort, a.attgenerated <> '' AS generated, \
    (SELECT pg_catalog.array_position(k.conkey, a.attnum) FROM pg_catalog.pg_constraint k \
     WHERE k.conrelid = a.attrelid AND k.contype = 'p')::bigint AS key \
    FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = a.attrelid \
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
    WHERE c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped \
    AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_' ORDER BY a.attrelid, a.attnum";

#[derive(Deserialize)]
struct Relation {
    oid: i64,
    of: Option<String>,
    space: String,
    bare: String,
    kind: String,
    current: bool,
    node: i64,
    root: Option<i64>,
    added: i64,
    changed: i64,
}

#[derive(Deserialize)]
struct ColumnRow {
    oid: i64,
    number: i64,
    name: String,
    sort: String,
    generated: bool,
    key: Option<i64>,
}

impl Facts {
    pub(super) fn read(connection: &mut dyn Connection) -> Result<Self> {
        let mut facts = Self::default();
        connection.query(RELATIONS, &[], &mut |row| {
            facts.add(row.to()?);
            Ok(ControlFlow::Continue(()))
        })?;
        connection.query(COLUMNS, &[], &mut |row| {
            let ColumnRow { oid, number, name, sort, generated, key } = row.to()?;
            if let Some(table) = facts.tables.get_mut(&oid) {
                table.columns.push(Column { number, name, sort, generated, key });
            }
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(facts)
    }

    fn add(&mut self, row: Relation) {
        let table = matches!(row.kind.as_str(), "r" | "p");
        if row.current && TABLES.contains(&row.of.as_deref().unwrap_or(&row.bare)) {
            return;
        }
        if !table {
            self.others.insert(row.oid);
            return;
        }
        let name =
            if row.current { row.bare.clone() } else { crate::schema::qualified(&row.space, &row.bare) };
        let tally = Tally { added: row.added, changed: row.changed };
        self.tables.insert(
            row.oid,
            Table {
                space: row.space,
                bare: row.bare,
                name,
                current: row.current,
                partitioned: row.kind == "p",
                node: row.node,
                empty: false,
                root: row.root,
                tally,
                columns: Vec::new(),
            },
        );
    }

    /// Looks whether anything is in the tables that were truncated or rewritten since `before`.
    pub(super) fn look_for_rows(&mut self, connection: &mut dyn Connection, before: &Self) -> Result<()> {
        for (oid, table) in &mut self.tables {
            if before.tables.get(oid).is_some_and(|was| was.node != table.node) {
                let sql = format!("SELECT NOT EXISTS (SELECT FROM {})", table.path());
                table.empty = one(connection, &sql)?.unwrap_or(false);
            }
        }
        Ok(())
    }

    /// The table that holds all rows that belong together: that of the partitions at the top, or the table itself.
    pub(super) fn top(&self, oid: i64) -> i64 {
        self.tables.get(&oid).and_then(|table| table.root).unwrap_or(oid)
    }

    pub(super) fn has(&self, oid: i64) -> bool {
        self.tables.contains_key(&oid) || self.others.contains(&oid)
    }

    /// The table and its partitions.
    fn family(&self, oid: i64) -> impl Iterator<Item = (&i64, &Table)> {
        self.tables.iter().filter(move |(other, table)| **other == oid || table.root == Some(oid))
    }

    /// True where rows were added since `before`.
    pub(super) fn added(&self, before: &Self, oid: i64) -> bool {
        self.family(oid)
            .any(|(oid, now)| before.tables.get(oid).is_some_and(|was| now.tally.added > was.tally.added))
    }

    /// Takes over how far the counters are.
    pub(super) fn count_from(&mut self, now: &Self) {
        for (oid, table) in &mut self.tables {
            if let Some(now) = now.tables.get(oid) {
                table.tally.changed = now.tally.changed;
            }
        }
    }

    pub(super) fn by_name(&self, name: &str) -> Option<(i64, &Table)> {
        self.tables.iter().find(|(_, table)| table.name == name).map(|(oid, table)| (*oid, table))
    }
}

/// The locks that the transaction holds on what there is.
#[derive(Debug, Default)]
pub(super) struct Locks {
    /// Exclusive, or nearly so: its shape may be another, or what it held be gone.
    pub(super) altered: BTreeSet<i64>,
    /// ACCESS EXCLUSIVE, so that nobody can read.
    pub(super) exclusive: BTreeSet<i64>,
    /// Rows may have been written.
    pub(super) written: BTreeSet<i64>,
    /// Of those that were written.
    pub(super) tallies: BTreeMap<i64, Tally>,
}

// A relation that is gone has its lock still. Of what is gone the counters are of no interest.
const LOCKS: &str = "SELECT l.relation::bigint, l.mode = 'AccessExclusiveLock', l.mode = 'RowExclusiveLock', \
    pg_catalog.pg_stat_get_xact_tuples_inserted(l.relation), \
    pg_catalog.pg_stat_get_xact_tuples_updated(l.relation) + pg_catalog.pg_stat_get_xact_tuples_deleted(l.relation) \
    FROM pg_catalog.pg_locks l WHERE l.locktype = 'relation' AND l.granted AND l.pid = pg_catalog.pg_backend_pid() \
    AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()) \
    AND l.mode IN ('RowExclusiveLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')";

impl Locks {
    /// Those on what was there `before`.
    pub(super) fn read(connection: &mut dyn Connection, before: &Facts) -> Result<Self> {
        let mut locks = Self::default();
        if before.tables.is_empty() && before.others.is_empty() {
            return Ok(locks);
        }
        connection.query(LOCKS, &[], &mut |row| {
            let (oid, exclusive, rows, added, changed): (i64, bool, bool, Option<i64>, Option<i64>) =
                row.to()?;
            let tally = Tally { added: added.unwrap_or(0), changed: changed.unwrap_or(0) };
            if rows {
                locks.written.insert(oid);
            } else {
                locks.altered.insert(oid);
            }
            if exclusive {
                locks.exclusive.insert(oid);
            }
            locks.tallies.insert(oid, tally);
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(locks)
    }
}
