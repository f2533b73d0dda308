//! Whether the target is empty, and what is switched off there while rows are loaded.

use super::live::{Live, all};
use super::live_postgres;
use crate::driver::load::quoted;
use crate::driver::{Access, Connection};
use crate::error::{Error, ErrorKind, Result};
use crate::migrate::history;
use crate::sql::text::Dialect;
use std::collections::BTreeSet;

/// Refuses a target that has anything of its own.
pub(super) fn check_empty(connection: &mut dyn Connection, shown: &str) -> Result<()> {
    let live = Live::read(connection)?;
    let mut there: Vec<String> = live.tables.values().map(|table| format!("table {}", table.name)).collect();
    there.extend(live.others.iter().map(|(name, _)| name.clone()));
    there.extend(live.catalogue.views.values().map(|view| format!("view {}", view.name)));
    let refused = |message: String| {
        Err(Error::new(ErrorKind::NotEmpty, message)
            .with_help("name a database that is empty, or not there yet"))
    };
    if !there.is_empty() {
        let (first, more) = there.split_at(there.len().min(5));
        let more = if more.is_empty() { String::new() } else { format!(" and {} more", more.len()) };
        return refused(format!("{shown} is not empty: there is {}{more}", first.join(", ")));
    }
    match history::rows(connection)?.len() {
        0 => Ok(()),
        1 => refused(format!("{shown} is not empty: its history has 1 migration")),
        count => refused(format!("{shown} is not empty: its history has {count} migrations")),
    }
}

/// Refuses a server's database that another copy fills just now: neither sees what the other has not committed yet.
pub(super) fn claim(connection: &mut dyn Connection, shown: &str) -> Result<()> {
    const CLAIM: &str =
        "SELECT pg_try_advisory_xact_lock(hashtextextended('larder copy ' || current_schema(), 0))";
    if connection.dialect() == Dialect::Postgres && history::one::<bool>(connection, CLAIM)? == Some(false) {
        let message = format!("another copy into {shown} is under way");
        return Err(Error::new(ErrorKind::Busy, message).with_help("wait until it is done"));
    }
    Ok(())
}

/// Refuses a server's database that can't hold every text.
pub(super) fn check_encoding(connection: &mut dyn Connection, shown: &str) -> Result<()> {
    if connection.dialect() == Dialect::Sqlite {
        return Ok(());
    }
    match history::one::<String>(connection, "SELECT current_setting('server_encoding')")? {
        Some(encoding) if !matches!(encoding.as_str(), "UTF8" | "SQL_ASCII") => {
            let message = format!("{shown} has the encoding {encoding}, which does not have every character");
            Err(Error::new(ErrorKind::Unsupported, message)
                .with_help("make it anew: `createdb --encoding=UTF8 --template=template0`"))
        }
        _ => Ok(()),
    }
}

/// What is put back when the rows are in.
#[derive(Debug, Default)]
pub(super) struct Aside {
    again: Vec<String>,
}

const FOREIGN_KEYS: &str =
    "SELECT CAST(c.relname AS text), CAST(con.conname AS text), pg_get_constraintdef(con.oid)
    FROM pg_catalog.pg_constraint AS con JOIN pg_catalog.pg_class AS c ON c.oid = con.conrelid
    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace AND n.nspname = current_schema()
    WHERE con.contype = 'f' AND con.conparentid = 0 ORDER BY 1, 2";

/// Keys by which no other table is divided into parts.
const KEYS: &str = "SELECT CAST(c.relname AS text), CAST(con.conname AS text), pg_get_constraintdef(con.oid)
    FROM pg_catalog.pg_constraint AS con JOIN pg_catalog.pg_class AS c ON c.oid = con.conrelid AND c.relkind = 'r'
    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace AND n.nspname = current_schema()
    JOIN pg_catalog.pg_index AS i ON i.indexrelid = con.conindid AND NOT i.indisclustered AND NOT i.indisreplident
    WHERE con.contype IN ('p', 'u') AND con.conparentid = 0 AND NOT c.relispartition ORDER BY 1, 2";

// Those that fire: one that somebody has switched off stays off.
const TRIGGERS: &str = "SELECT CAST(c.relname AS text), CAST(t.tgname AS text), CAST(t.tgenabled AS text)
    FROM pg_catalog.pg_trigger AS t JOIN pg_catalog.pg_class AS c ON c.oid = t.tgrelid
    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace AND n.nspname = current_schema()
    WHERE NOT t.tgisinternal AND t.tgenabled <> 'D' AND t.tgparentid = 0 ORDER BY 1, 2";

/// Takes aside what would look at every row, or change it: triggers, foreign keys, the indexes behind no constraint. And
/// empties the tables of what migrations put there, for the source has its own.
///
/// `large` are the tables, by name in lower case, of which the keys are worth being made at once afterwards.
pub(super) fn put_aside(
    connection: &mut dyn Connection,
    live: &Live,
    large: &BTreeSet<String>,
) -> Result<Aside> {
    let mut aside = Aside::default();
    match connection.dialect() {
        Dialect::Postgres => postgres(connection, live, large, &mut aside)?,
        Dialect::Sqlite => {
            for trigger in live.catalogue.triggers.values() {
                connection.execute(&format!("DROP TRIGGER {}", quoted(&trigger.name)), &[])?;
                aside.again.push(trigger.sql.clone());
            }
            for index in live.catalogue.indexes.values() {
                connection.execute(&format!("DROP INDEX {}", quoted(&index.name)), &[])?;
                aside.again.push(index.sql.clone());
            }
            for table in live.tables.values() {
                connection.execute(&format!("DELETE FROM {}", quoted(&table.name)), &[])?;
            }
        }
    }
    Ok(aside)
}

fn postgres(
    connection: &mut dyn Connection,
    live: &Live,
    large: &BTreeSet<String>,
    aside: &mut Aside,
) -> Result<()> {
    let mut references = Vec::new();
    for (table, name, sql) in all::<(String, String, String)>(connection, FOREIGN_KEYS)? {
        let (table, name) = (quoted(&table), quoted(&name));
        connection.execute(&format!("ALTER TABLE {table} DROP CONSTRAINT {name}"), &[])?;
        references.push(format!("ALTER TABLE {table} ADD CONSTRAINT {name} {sql}"));
    }
    for (table, name, sql) in all::<(String, String, String)>(connection, KEYS)? {
        if large.contains(&table.to_ascii_lowercase()) {
            let (table, name) = (quoted(&table), quoted(&name));
            let drop = format!("ALTER TABLE {table} DROP CONSTRAINT {name}");
            if droppable(connection, &drop)? {
                aside.again.push(format!("ALTER TABLE {table} ADD CONSTRAINT {name} {sql}"));
            }
        }
    }
    for (table, name, sql) in all::<(String, String, String)>(connection, live_postgres::INDEXES)? {
        if live.table(&table).is_some() {
            connection.execute(&format!("DROP INDEX {}", quoted(&name)), &[])?;
            aside.again.push(sql);
        }
    }
    aside.again.append(&mut references);
    for (table, name, enabled) in all::<(String, String, String)>(connection, TRIGGERS)? {
        let (table, name) = (quoted(&table), quoted(&name));
        connection.execute(&format!("ALTER TABLE {table} DISABLE TRIGGER {name}"), &[])?;
        let how = match enabled.as_str() {
            "A" => "ENABLE ALWAYS",
            "R" => "ENABLE REPLICA",
            _ => "ENABLE",
        };
        aside.again.push(format!("ALTER TABLE {table} {how} TRIGGER {name}"));
    }
    let tables: Vec<String> = live.tables.values().map(|table| quoted(&table.name)).collect();
    if !tables.is_empty() {
        connection.execute(&format!("TRUNCATE {}", tables.join(", ")), &[])?;
    }
    Ok(())
}

/// Drops a key, unless something stands on it: a view that groups by it.
fn droppable(connection: &mut dyn Connection, sql: &str) -> Result<bool> {
    connection.begin(Access::Write)?;
    match connection.execute(sql, &[]) {
        Ok(_) => connection.commit().map(|()| true),
        Err(error) if error.is_transient() || error.kind() == ErrorKind::Interrupted => Err(error),
        Err(_) => connection.rollback().map(|()| false),
    }
}

impl Aside {
    /// Puts it back: indexes before the foreign keys that need them.
    pub(super) fn put_back(self, connection: &mut dyn Connection) -> Result<()> {
        for sql in self.again {
            connection.execute(&sql, &[])?;
        }
        Ok(())
    }
}
