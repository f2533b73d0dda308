//! Does the database have the schema that its migrations make?

use super::loaded::LoadedSet;
use super::migrator::{Migrator, rows};
use super::record::{Applied, State};
use super::run::{Settings, build, run};
use super::{Approval, MigrationSet, Request};
use crate::db::{Database, Options};
use crate::driver::Dialect;
use crate::error::{Error, ErrorKind, Result};
use crate::schema::{Catalogue, Change};
use std::collections::HashSet;
use std::sync::Arc;

const CURRENT: &str = "SELECT CAST(current_schema() AS text)";

impl Migrator<'_> {
    /// Builds what the applied migrations make in a database in memory, on a server in a schema of its own that is rolled back,
    /// and compares: the changes are what was done to the live schema by other means. Empty is as it should be.
    ///
    /// # Errors
    /// When a set can't be loaded or its migrations don't run on an empty database. On a server also where they make something
    /// in another schema than the current one, for there it is already.
    pub fn verify(&self, database: &Database) -> Result<Vec<Change>> {
        let history = rows(database)?;
        let sets: Vec<Arc<LoadedSet>> = self.load(database)?;
        let applied: Vec<MigrationSet> = sets.iter().map(|set| only_applied(set, &history)).collect();
        let loaded =
            applied.iter().map(|set| set.load(database.driver().dialect())).collect::<Result<Vec<_>>>()?;
        let mut settings =
            Settings { approvals: vec![Approval::Everything], rehearsal: true, ..Settings::default() };
        let should = match database.driver().dialect() {
            Dialect::Sqlite => {
                let built = Database::open(":memory:")?;
                run(&built, &loaded, &Request::up(), &mut settings)?;
                built.read(|tx| Catalogue::read(tx.connection()))?
            }
            Dialect::Postgres => {
                settings.schema_only = true;
                // It is rolled back, and writes all the same.
                let opened = database
                    .is_read_only()
                    .then(|| Options::driver(Arc::clone(database.driver())).open())
                    .transpose()?;
                let mut built =
                    build(opened.as_ref().unwrap_or(database), &loaded, &mut settings).map_err(elsewhere)?;
                // What is live lies beside it there, under the name of its schema.
                if let Some(live) = database.query_one::<Option<String>>(CURRENT, &[])? {
                    built.leave_out(&live);
                }
                built
            }
        };
        let is = super::migrator::look(database, Catalogue::read)?;
        Ok(should.diff(&is))
    }
}

/// On a replica, and for a role that may make no schema, there is no place to build in.
fn elsewhere(error: Error) -> Error {
    if error.kind() != ErrorKind::ReadOnly && !crate::driver::is_forbidden(&error) {
        return error;
    }
    let message =
        format!("there is no place to build the schema in that the migrations make: {}", error.message());
    error
        .restated(error.kind(), message)
        .with_help("verify on the primary, as a role that may make schemas: GRANT CREATE ON DATABASE … TO …")
        .with_cause(error)
}

/// The set with those of its migrations that the history says are applied.
fn only_applied(set: &LoadedSet, history: &[Applied]) -> MigrationSet {
    let applied: HashSet<&str> =
        history.iter().filter(|row| row.state == State::Applied).map(|row| row.id.as_str()).collect();
    let kept =
        set.migrations().iter().filter(|migration| applied.contains(set.history_id(migration).as_str()));
    MigrationSet::list(set.name().to_owned(), kept.cloned().collect()).with_after(set.after().iter().cloned())
}
