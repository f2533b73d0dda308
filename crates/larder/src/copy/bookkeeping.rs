//! The history and the facts about the whole, in the target as they are at the source.

use super::build::{Sets, migration};
use crate::driver::Connection;
use crate::error::Result;
use crate::migrate::history::{self, Meta};
use crate::migrate::{Applied, MigrationSet};
use crate::params;
use std::collections::BTreeMap;

/// Writes them. A row has the checksum of the text that made the tables here.
pub(super) fn write(
    connection: &mut dyn Connection,
    rows: &[Applied],
    meta: Option<&Meta>,
    sets: &Sets,
    given: &[&MigrationSet],
    program: &str,
) -> Result<()> {
    let Some(meta) = meta else { return Ok(()) };
    history::create(connection)?;
    let dialect = connection.dialect();
    for row in rows {
        let mut row = row.clone();
        if let Some(known) = sets.get(&row.set).and_then(|set| migration(set, &row)) {
            row.checksum = known.checksum().to_owned();
        } else if let Some(known) = given.iter().find(|set| set.name() == row.set)
            && let Ok(loaded) = known.load(dialect)
            && let Some(known) = migration(&loaded, &row)
        {
            row.checksum = known.checksum().to_owned();
        }
        history::insert(connection, &row)?;
    }
    // A set counts as up to date where it was at the source, and where it has a text for this engine.
    let mut fingerprints = BTreeMap::new();
    for name in meta.fingerprints().keys() {
        if let Some(set) = given.iter().find(|set| set.name() == name)
            && let Ok(print) = set.fingerprint(dialect)
            && rows.iter().filter(|row| row.set == *name).count() == set.count()?
        {
            fingerprints.insert(name.clone(), print.to_owned());
        }
    }
    let program = meta.app_version.as_deref().unwrap_or(program);
    history::put_meta(connection, meta.schema_version, program, &fingerprints)?;
    if let Some(created_at) = &meta.created_at {
        connection.execute("UPDATE meta SET created_at = :created_at", params! { created_at })?;
    }
    Ok(())
}
