//! Backups: for now the bare copy that the gate and the dry run need.

use crate::db::Database;
use crate::driver::{Access, Connection};
use crate::error::{Error, ErrorKind, Result};
use crate::params;
use std::path::{Path, PathBuf};

/// A backup that was taken.
#[derive(Clone, Debug)]
pub struct Backup {
    /// Where it lies.
    pub path: PathBuf,
}

/// Copies what is committed into a new file in `folder`.
///
/// # Errors
/// What the engine says.
pub fn create_in(db: &Database, folder: &Path, label: Option<&str>, _keep: usize) -> Result<Backup> {
    std::fs::create_dir_all(folder).map_err(|error| {
        Error::new(ErrorKind::Backup, format!("the folder {} can't be made", folder.display()))
            .with_cause(error)
    })?;
    let time = jiff::Timestamp::now().strftime("%Y%m%dT%H%M%S%6fZ").to_string();
    let path = folder.join(format!("app-{time}-{}.db", label.unwrap_or("backup")));
    copy_to(db.driver().connect(Access::Write)?.as_mut(), &path)?;
    Ok(Backup { path })
}

pub(crate) fn copy_to(connection: &mut dyn Connection, to: &Path) -> Result<()> {
    connection.watch(true)?;
    connection.execute("VACUUM INTO :to", params! { to: to.to_string_lossy() })?;
    connection.watch(false)?;
    Ok(())
}
