//! The database of a store, for the commands that work with what it holds.

use super::Context;
use super::context::PROGRAM;
use super::sets::in_history;
use crate::settings::Source;
use larder::migrate::{Migrator, Standing};
use larder::schema::Catalogue;
use larder::{Database, Error, ErrorKind, MigrationSet, Result};
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
            Err(error) => Err(taken(store.set, &database, &self.shown())?.map_or(error, |taken| {
                taken.with_help(format!(
                    "keep the store in a file of its own: `url` in the table [store.{name}] of larder.toml, or --url"
                ))
            })),
        }
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

/// Why a set can't be made in a database, `shown` as people know it: a table of the same name is somebody else's there.
pub(super) fn taken(set: &MigrationSet, database: &Database, shown: &str) -> Result<Option<Error>> {
    if in_history(database)?.iter().any(|known| known == set.name()) {
        return Ok(None);
    }
    let there = database.read(|tx| Catalogue::read(tx.connection()))?.tables;
    let own = set.load(database.driver().dialect())?.tables()?;
    Ok(own.iter().find(|table| there.contains_key(*table)).map(|table| {
        let message =
            format!("{shown} has a table {table:?} of its own, and so has the set {:?}", set.name());
        Error::new(ErrorKind::SetConflict, message)
    }))
}
