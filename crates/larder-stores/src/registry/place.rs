//! The file of a registry: where it lies, how it is opened, and the way out when it does not fit.

use super::MIGRATIONS;
use larder::path::AppFile;
use larder::{Database, Error, ErrorKind, Result, backup};
use serde::Serialize;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The file at the place of a registry is something else: a database of another kind or of a newer program, or none.
///
/// [`reset`] is the way out. It is found with [`Error::find`]; its cause says what does not fit.
#[derive(Debug)]
#[non_exhaustive]
pub struct SchemaMismatch {
    /// The file.
    pub path: PathBuf,
    cause: Error,
}

impl fmt::Display for SchemaMismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the registry {} does not fit this program: {}", self.path.display(), self.cause.message())
    }
}

impl std::error::Error for SchemaMismatch {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.cause)
    }
}

/// A registry that was made anew.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Reset {
    /// The file.
    pub path: PathBuf,
    /// Where what was there before is now, if anything was.
    pub kept: Option<PathBuf>,
}

/// A statement that fails where a table or a column of the registry is missing.
pub(super) const SHAPE: &str = "SELECT tools.id, tools.name, tools.path, tools.type, tools.version, tools.reliability,
  tools.debt_score, tools.manifest_path, tools.stub, tools.last_verified, tools.created_at, tools.updated_at,
  dependencies.id, consumer_id, provider_id, dependencies.type, version_constraint, optional, dependencies.created_at,
  dependencies.source, contracts.id, contracts.tool_id, contract_type, contracts.name, schema_path, schema_hash,
  contracts.last_verified, contracts.status, verifications.id, contract_id, verified_at, verifications.status,
  details, git_commit, circular_deps.id, cycle, detected_at, resolved, imports.source, imports.tool_id
FROM tools, dependencies, contracts, verifications, circular_deps, imports LIMIT 0";

/// How long the lock of another process is waited for, again and again with a growing pause, before it is
/// [`ErrorKind::Busy`].
pub const PATIENCE: Duration = Duration::from_secs(5);

/// Opens the registry of the application `app` in the user's configuration folder, `<config>/<app>/<app>.db`, or where the
/// environment variable of [`AppFile`] says. It is made and migrated when it is missing.
///
/// # Errors
/// As [`open_file`], and [`ErrorKind::Config`] when there is no such folder.
pub fn open(app: &str) -> Result<Database> {
    open_file(&AppFile::config(app).path()?, PATIENCE)
}

/// Opens the registry in the file `path`; it is made and migrated when it is missing. Another process is waited for as long as
/// `patience` says.
///
/// # Errors
/// [`ErrorKind::CannotOpen`] when the folder or the file can't be made; [`ErrorKind::Busy`]; [`ErrorKind::DiskFull`]; an error
/// with [`SchemaMismatch`] when what is there is no registry of this program. Each says what to do.
pub fn open_file(path: &Path, patience: Duration) -> Result<Database> {
    let url = path.to_str().ok_or_else(|| {
        Error::new(ErrorKind::Config, format!("the path {} is not UTF-8", path.display()))
            .with_help("give the registry another place")
    })?;
    let opened = Database::options(url).busy_timeout(patience).migrations(&MIGRATIONS).open();
    opened.and_then(|db| check(&db).map(|()| db)).map_err(|error| way_out(error, path, patience))
}

/// Whether a database that was opened by other means has all tables and columns of a registry.
///
/// # Errors
/// What the engine says of the first that is missing.
pub fn check(db: &Database) -> Result<()> {
    let none: Result<Vec<larder::Value>> = db.query_all(SHAPE, &[]);
    none.map(drop)
}

/// Keeps what is in the file `path` beside it and makes an empty registry there: for a file that does not fit, or to begin anew.
///
/// # Errors
/// Nothing is changed then. [`ErrorKind::Busy`] when somebody has it open, [`ErrorKind::DiskFull`], [`ErrorKind::Backup`] when the
/// folder can't be written.
pub fn reset(path: &Path) -> Result<Reset> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let fresh = Fresh(folder.join(format!("{name}.reset-{}", std::process::id())));
    open_file(&fresh.0, PATIENCE)?.close()?;
    let restored = backup::restore(&fresh.0, path)?;
    Ok(Reset { path: restored.path, kept: restored.kept })
}

/// The new database until it is in its place. It is gone with this.
struct Fresh(PathBuf);

impl Drop for Fresh {
    fn drop(&mut self) {
        for end in ["", "-wal", "-shm"] {
            let mut name = self.0.clone().into_os_string();
            name.push(end);
            let _ = std::fs::remove_file(name);
        }
    }
}

/// An error of opening the registry in the file `path`, after another process was waited for as long as `patience` says, with what
/// it is about and the way out; with [`SchemaMismatch`] where what is there is no registry of this program.
pub fn way_out(error: Error, path: &Path, patience: Duration) -> Error {
    use ErrorKind as K;
    let shown = path.display();
    let (message, help) = match error.kind() {
        K::CannotOpen | K::ReadOnly => {
            let help = error.help().map(|help| format!("{help}; or ")).unwrap_or_default();
            let help = format!("{help}give the registry another place, as with the environment variable");
            (error.message().to_owned(), help)
        }
        K::Busy => (
            format!("the registry {shown} is locked by another process, and was for {patience:?}"),
            "wait for it to end and try again".to_owned(),
        ),
        K::DiskFull => (
            format!("there is no space for the registry {shown}: {}", error.message()),
            "free space on its disk and try again; what was in it is unchanged".to_owned(),
        ),
        K::NotADatabase
        | K::Corrupt
        | K::SchemaNewer
        | K::MigrationEdited
        | K::MigrationMissing
        | K::MigrationOutOfOrder
        | K::MigrationUnfinished
        | K::MigrationFailed
        | K::SetConflict
        | K::Statement => return mismatch(error, path),
        _ => return error,
    };
    Error::new(error.kind(), message).with_help(help).with_cause(error)
}

fn mismatch(error: Error, path: &Path) -> Error {
    let newer = if error.kind() == ErrorKind::SchemaNewer { "update this program, or " } else { "" };
    let help = format!("{newer}reset the registry (`larder tool reset`): what is there is kept beside it");
    let kind = error.kind();
    let reason = SchemaMismatch { path: path.to_owned(), cause: error };
    Error::new(kind, reason.to_string()).with_help(help).with_cause(reason)
}
