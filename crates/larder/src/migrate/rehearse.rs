//! Running on a copy of the real data, which is thrown away: the dry run, and the gate of what can't be rolled back.

use super::effect::{Baseline, Unchecked, assess};
use super::loaded::LoadedSet;
use super::plan::{Request, Step};
use super::report::{Effects, Report, Stop};
use super::run::{Settings, run};
use crate::backup;
use crate::db::Database;
use crate::driver::{Access, Connection};
use crate::error::{Error, ErrorKind, Result};
use std::sync::Arc;
use tempfile::TempDir;

/// A copy of a database, removed when it is dropped.
pub(super) struct Copy {
    // Before the folder, so that the file is closed when that is removed.
    database: Database,
    _folder: TempDir,
}

impl Copy {
    /// Copies what is committed. The copy lies beside the database, where there is room for what belongs to it and nobody
    /// else may read.
    ///
    /// `writer` is the connection that writes, where the caller has it: a database in memory has no other.
    pub(super) fn of(database: &Database, writer: Option<&mut dyn Connection>) -> Result<Self> {
        let mut builder = tempfile::Builder::new();
        builder.prefix(".larder-dry-run-");
        let folder = match database.file().and_then(std::path::Path::parent) {
            Some(beside) => builder.tempdir_in(beside),
            None => builder.tempdir(),
        }
        .map_err(|error| {
            Error::new(ErrorKind::CannotOpen, "the folder for a copy of the database can't be made")
                .with_help("a dry run needs room and permission beside the database")
                .with_cause(error)
        })?;
        let path = folder.path().join("copy.db");
        match writer {
            Some(writer) if database.is_single() => {
                backup::copy_to(writer, &path)?;
                writer.watch(true)?;
            }
            None if database.is_single() => database.with_writer(|writer| backup::copy_to(writer, &path))?,
            _ if database.is_read_only() => backup::create(database, &path).map(|_| ())?,
            _ => backup::copy_to(database.driver().connect(Access::Write)?.as_mut(), &path)?,
        }
        Ok(Self { database: Database::open(&path)?, _folder: folder })
    }

    /// Runs everything on the copy, whatever it loses there.
    pub(super) fn run(
        &self,
        sets: &[Arc<LoadedSet>],
        request: &Request,
        settings: &mut Settings<'_>,
    ) -> Result<Report> {
        run(&self.database, sets, request, settings)
    }

    /// What one migration does that runs outside a transaction.
    pub(super) fn effects_of(&self, sets: &[Arc<LoadedSet>], step: &Step, stop: &Stop) -> Result<Effects> {
        self.database.with_writer(|connection| {
            connection.watch(true)?;
            // As in the run itself: with them on, a rebuild would empty what points at its table.
            connection.execute("PRAGMA foreign_keys = OFF", &[])?;
            effects_on(connection, sets, step, stop)
        })
    }
}

/// What a migration does that runs outside a transaction, on a connection to a copy. It is run.
pub(super) fn effects_on(
    connection: &mut dyn Connection,
    sets: &[Arc<LoadedSet>],
    step: &Step,
    stop: &Stop,
) -> Result<Effects> {
    let (set, migration) = step.find(sets)?;
    let _reached = stop.reach(connection.interrupter());
    if stop.is_asked() {
        return Err(Error::new(ErrorKind::Interrupted, "the run was stopped"));
    }
    // Not by a snapshot: VACUUM and others wait until nobody reads.
    let mut baseline = Baseline::take_all(connection)?;
    let seen = super::run::each_by_itself(connection, set, migration, step)?;
    let (effects, _) = assess(connection, &mut baseline, &seen, true, &mut Unchecked::default())?;
    Ok(effects)
}
