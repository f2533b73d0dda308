//! What a migration leaves behind that is not in the database: temporary tables, views and triggers.
//!
//! They last as long as the connection, which is the one that the application goes on writing with. A temporary table would
//! stand for the real one of the same name there, and a second migration that makes the same one would fail in one run and
//! pass in two.

use crate::driver::{Connection, Dialect};
use crate::error::Result;
use crate::migrate::effect::quote;
use std::collections::BTreeSet;
use std::ops::ControlFlow;

const SQLITE: &str = "SELECT type, name FROM temp.sqlite_schema WHERE type <> 'index' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'";

// A sequence of a column goes with its table.
const POSTGRES: &str = "SELECT CASE relkind WHEN 'v' THEN 'VIEW' WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END, \
                        CAST(relname AS text) FROM pg_class \
                        WHERE relnamespace = pg_my_temp_schema() AND relkind IN ('r', 'p', 'v', 'S')";

/// What is there, each with its sort.
pub(super) fn list(connection: &mut dyn Connection) -> Result<BTreeSet<(String, String)>> {
    let mut found = BTreeSet::new();
    let list = match connection.dialect() {
        Dialect::Sqlite => SQLITE,
        Dialect::Postgres => POSTGRES,
    };
    connection.query(list, &[], &mut |row| {
        found.insert(row.to()?);
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(found)
}

/// Removes what was not there before.
pub(super) fn clear(connection: &mut dyn Connection, before: &BTreeSet<(String, String)>) -> Result<()> {
    let postgres = connection.dialect() == Dialect::Postgres;
    let (schema, rest) = if postgres { ("pg_temp", " CASCADE") } else { ("temp", "") };
    for (sort, name) in list(connection)?.difference(before) {
        // A trigger goes with its table, and a table that is virtual takes others with it.
        connection.execute(&format!("DROP {sort} IF EXISTS {schema}.{}{rest}", quote(name)), &[])?;
    }
    Ok(())
}
