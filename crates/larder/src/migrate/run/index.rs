//! An index that is built concurrently, and what is left of it where that failed.
//!
//! CREATE INDEX CONCURRENTLY that fails, or whose server is killed, leaves an index behind that no query uses and every write
//! keeps up: it is invalid. The same statement then fails because the name is taken, or does nothing where it says IF NOT
//! EXISTS. A client that is killed leaves a server that may still be building.

use super::refusal::Build;
use crate::driver::Connection;
use crate::error::{Error, ErrorKind, Result};
use crate::params;
use std::ops::ControlFlow;

/// What is there under the name of an index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Found {
    Nothing,
    Valid,
    /// With its schema, as SQL names it.
    Invalid(String),
    /// The server's process that is building it.
    Building(i64),
}

// Both names are read as SQL reads them, so that what is not in quotes is found in small letters.
const FIND: &str = "SELECT i.indisvalid, quote_ident(n.nspname) || '.' || quote_ident(c.relname), \
     (SELECT p.pid FROM pg_stat_progress_create_index p WHERE p.index_relid = i.indexrelid LIMIT 1) \
     FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace \
     WHERE c.relname = :name AND i.indrelid = to_regclass(:table)";

/// Looks for the index.
pub(super) fn find(connection: &mut dyn Connection, build: &Build) -> Result<Found> {
    let mut found = Found::Nothing;
    connection.query(FIND, params! { name: build.name, table: build.table }, &mut |row| {
        found = match row.to::<(bool, String, Option<i64>)>()? {
            (true, ..) => Found::Valid,
            (false, _, Some(process)) => Found::Building(process),
            (false, name, None) => Found::Invalid(name),
        };
        Ok(ControlFlow::Break(()))
    })?;
    Ok(found)
}

/// Makes room for the index to be built: removes one that an earlier attempt left invalid, and says so. `None` where it is
/// built already, by a statement that was under way when the migration was cut off.
///
/// # Errors
/// [`ErrorKind::Busy`] where a server is still building it.
pub(super) fn clear(
    connection: &mut dyn Connection,
    build: &Build,
    cut_off: bool,
) -> Result<Option<Option<String>>> {
    match find(connection, build)? {
        Found::Valid if cut_off => Ok(None),
        // The engine says that its name is taken, or does as IF NOT EXISTS says.
        Found::Nothing | Found::Valid => Ok(Some(None)),
        Found::Building(process) => Err(Error::new(
            ErrorKind::Busy,
            format!("the server's process {process} is still building the index {}", build.name),
        )
        .with_help("wait until it is done, or stop it with pg_terminate_backend")),
        Found::Invalid(name) => {
            drop_it(connection, &name)?;
            Ok(Some(Some(format!("drops the invalid index {}, which an earlier attempt left", build.name))))
        }
    }
}

/// Removes the index where a build has just failed. The failure itself is what the reader is told.
pub(super) fn clean_up(connection: &mut dyn Connection, build: &Build) {
    if let Ok(Found::Invalid(name)) = find(connection, build) {
        let _ = drop_it(connection, &name);
    }
}

fn drop_it(connection: &mut dyn Connection, name: &str) -> Result<()> {
    connection.execute(&format!("DROP INDEX CONCURRENTLY IF EXISTS {name}"), &[]).map(|_| ())
}
