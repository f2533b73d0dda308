//! The database of a store, for the commands that work with what it holds.

use super::Context;
use super::context::PROGRAM;
use super::sets::in_history;
use crate::settings::Source;
use larder::migrate::{Migrator, Standing};
use larder::{Database, Error, ErrorKind, Result};
use larder_stores::Store;

impl Context<'_> {
    /// The database of a store, whose migrations must all be applied. From here on the context speaks of that
    /// database.
    ///
    /// # Errors
    /// [`ErrorKind::NotInitialized`] where the file is missing, or has not all of the store's migrations.
    pub(crate) fn store(&mut self, name: &'static str) -> Result<Database> {
        self.at_store(name, Context::existing)
    }

    /// The same, for reading only.
    pub(crate) fn store_for_reading(&mut self, name: &'static str) -> Result<Database> {
        self.at_store(name, Context::readable)
    }

    /// The same, made and migrated where it is missing: for a store that is used without a word beforehand.
    pub(crate) fn store_made(&mut self, name: &'static str) -> Result<Database> {
        let store = self.go_to(name)?;
        let database = self.open()?;
        match Migrator::new(&[store.set]).program(PROGRAM).up(&database) {
            Ok(_) => Ok(database),
            Err(error) => Err(self.taken(store, &database)?.unwrap_or(error)),
        }
    }

    /// Why a store can't be made, if the database has a table of its name that is somebody else's.
    fn taken(&self, store: &Store, database: &Database) -> Result<Option<Error>> {
        const TABLES: &str = "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY rowid";
        if in_history(database)?.iter().any(|set| set == store.name) {
            return Ok(None);
        }
        let there: Vec<String> = database.query_all(TABLES, &[])?;
        let empty = Database::open(":memory:")?;
        let before: Vec<String> = empty.query_all(TABLES, &[])?;
        Migrator::new(&[store.set]).up(&empty)?;
        let own: Vec<String> = empty.query_all(TABLES, &[])?;
        let is_ours = |name: &&String| {
            !before.contains(name)
                && !name.starts_with("sqlite_")
                && !["meta", "schema_migrations"].contains(&name.as_str())
        };
        let table =
            own.iter().filter(is_ours).find(|own| there.iter().any(|name| name.eq_ignore_ascii_case(own)));
        Ok(table.map(|table| {
            let message = format!(
                "{} has a table {table:?} of its own, and so has the set {:?}",
                self.shown(),
                store.name
            );
            Error::new(ErrorKind::SetConflict, message).with_help(format!(
                "keep the store in a file of its own: `url` in the table [store.{}] of larder.toml, or --url",
                store.name
            ))
        }))
    }

    fn at_store(
        &mut self,
        name: &'static str,
        open: impl FnOnce(&Self) -> Result<Database>,
    ) -> Result<Database> {
        let store = self.go_to(name)?;
        let url = match self.settings.url_from {
            Source::Flag(_) => format!(" --url {}", self.shown()),
            _ => String::new(),
        };
        let help = format!("run `larder migrate --store {name}{url}`");
        let database = open(self).map_err(|error| match error.kind() {
            ErrorKind::NotInitialized => error.with_help(help.clone()),
            _ => error,
        })?;
        let status = Migrator::new(&[store.set]).status(&database)?;
        if let Some(problem) = status.problem {
            return Err(problem);
        }
        let pending: Vec<&str> = status
            .rows
            .iter()
            .filter(|row| row.state != Standing::Applied)
            .map(|row| row.id.as_str())
            .collect();
        let message = match pending.as_slice() {
            [] => return Ok(database),
            all if all.len() == status.rows.len() => format!("{} has no store `{name}` yet", self.shown()),
            some => format!("the store `{name}` of {} lacks {}", self.shown(), some.join(", ")),
        };
        Err(Error::new(ErrorKind::NotInitialized, message).with_help(help))
    }

    fn go_to(&mut self, name: &'static str) -> Result<&'static Store> {
        self.settings = self.settings.clone().with_stores(&[name])?;
        Store::named(name)
            .ok_or_else(|| Error::new(ErrorKind::Internal, format!("there is no store `{name}`")))
    }
}
