//! The database of a store, for the commands that work with what it holds.

use super::Context;
use super::context::PROGRAM;
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
        Migrator::new(&[store.set]).program(PROGRAM).up(&database)?;
        Ok(database)
    }

    fn at_store(
        &mut self,
        name: &'static str,
        open: impl FnOnce(&Self) -> Result<Database>,
    ) -> Result<Database> {
        let store = self.go_to(name)?;
        let help = format!("run `larder migrate --store {name}`");
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
