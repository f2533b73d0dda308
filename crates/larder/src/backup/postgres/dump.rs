//! Taking a backup.

use super::program::Program;
use super::{archive, postgres};
use crate::backup::copy::Backup;
use crate::backup::partial::{Partial, refuse_existing};
use crate::backup::{failed, space};
use crate::db::Database;
use crate::driver::Access;
use crate::error::Result;
use crate::params;
use std::ops::ControlFlow;
use std::path::Path;
use std::time::Instant;

/// How long `pg_dump` waits for a table that somebody is changing the shape of.
const LOCK_WAIT: &str = "--lock-wait-timeout=60s";

/// Writes an archive of the database into the new file `to`, as it is at one moment. Others go on reading and writing.
pub(in crate::backup) fn create(db: &Database, to: &Path) -> Result<Backup> {
    let begun = Instant::now();
    let driver = postgres(db.driver().as_ref())?;
    let what = || format!("the backup {} could not be made", to.display());
    refuse_existing(to)?;
    let mut connection = db.driver().connect(Access::Read).map_err(|error| failed(what(), error))?;
    let server =
        space::number(connection.as_mut(), "SELECT current_setting('server_version_num')::int / 10000")?;
    let program = Program::find("pg_dump", u32::try_from(server).unwrap_or_default())?;
    let partial = Partial::begin(to)?;
    // Watched, a statement gets no savepoint of its own: none can export what it sees.
    connection.watch(true)?;
    // Held open, so that the program sees the very state that is there now, and none that comes in between.
    connection.begin(Access::Read)?;
    let mut snapshot = String::new();
    connection.query("SELECT pg_export_snapshot()", params! {}, &mut |row| {
        snapshot = row.get(0)?;
        Ok(ControlFlow::Break(()))
    })?;
    let mut dump = program.at(&driver.place);
    dump.args(["--format=custom", "--no-password", LOCK_WAIT, "--snapshot", &snapshot, "--file"])
        .arg(partial.path());
    program.run(&mut dump, &what())?;
    connection.rollback()?;
    let verified = archive::verify(partial.path())?;
    partial.sync()?;
    partial.place()?;
    let duration = begun.elapsed();
    tracing::debug!(backup = %to.display(), bytes = verified.bytes, ?duration, "backed up");
    Ok(Backup {
        path: to.to_owned(),
        bytes: verified.bytes,
        duration,
        schema_version: verified.schema_version,
        foreign_key_violations: 0,
    })
}
