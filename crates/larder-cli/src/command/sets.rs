//! Which sets of migrations a run is about: the application's own, and those of stores.

use super::Context;
use crate::settings::Source;
use larder::migrate::APP;
use larder::{Database, Error, ErrorKind, MigrationSet, Result};
use larder_stores::Store;

/// The sets of a run.
pub(crate) struct Sets {
    /// The application's own, from its folder.
    own: Option<MigrationSet>,
    stores: Vec<&'static Store>,
    /// Nobody named a folder of migrations, and there is none.
    without_folder: bool,
}

impl Sets {
    /// The set of one store alone.
    pub(super) fn of_store(name: &str) -> Result<Self> {
        Ok(Self { own: None, stores: vec![store(name)?], without_folder: false })
    }

    /// The application's own first: its number is the database's version.
    pub(crate) fn list(&self) -> Vec<&MigrationSet> {
        self.own.iter().chain(self.stores.iter().map(|store| store.set)).collect()
    }

    /// The stores among them.
    pub(crate) fn stores(&self) -> &[&'static Store] {
        &self.stores
    }

    /// Nobody named a folder of migrations, and there is none.
    pub(super) fn is_without_folder(&self) -> bool {
        self.without_folder
    }
}

impl Context<'_> {
    /// The database, opened by `open`, and the sets that it is about: the application's own, unless there is none and a
    /// store is asked for or found; the stores that were asked for; and those that its history knows.
    pub(crate) fn database_with_sets(
        &self,
        open: impl FnOnce(&Self) -> Result<Database>,
    ) -> Result<(Database, Sets)> {
        let mut sets = self.asked()?;
        if sets.list().is_empty() {
            // Only what is there already can tell of a store; nothing is made for the question.
            sets = self.sets()?;
        }
        let database = open(self)?;
        self.found(&mut sets, &in_history(&database)?)?;
        Ok((database, sets))
    }

    /// The same sets, without opening the database for more than a look.
    pub(super) fn sets(&self) -> Result<Sets> {
        let sets = self.sets_if_any()?;
        // What the folder lacks is told by reading it.
        if sets.list().is_empty() { self.own_set().map(|_| sets) } else { Ok(sets) }
    }

    /// The same, where there may be none at all.
    pub(super) fn sets_if_any(&self) -> Result<Sets> {
        let mut sets = self.asked()?;
        // Whatever keeps the database from being opened is told by who opens it for its work.
        let found = self.readable().and_then(|database| in_history(&database)).unwrap_or_default();
        self.found(&mut sets, &found)?;
        Ok(sets)
    }

    /// What the flags and the settings ask for.
    fn asked(&self) -> Result<Sets> {
        let stores = self.settings.stores.iter().map(|name| store(name)).collect::<Result<Vec<_>>>()?;
        let without_folder = self.settings.dir_from == Source::Default && !self.settings.dir.exists();
        let own = match without_folder || self.settings.is_of_store {
            true => None,
            false => Some(self.own_set()?),
        };
        Ok(Sets { own, stores, without_folder: without_folder && !self.settings.is_of_store })
    }

    /// Joins what the history knows.
    fn found(&self, sets: &mut Sets, names: &[String]) -> Result<()> {
        for store in names.iter().filter_map(|name| Store::named(name)) {
            if sets.stores.iter().all(|known| known.name != store.name) {
                sets.stores.push(store);
            }
        }
        // What was named as a store's own may be the application's database all the same.
        let is_of_app = names.iter().any(|name| name == APP) && self.settings.dir.exists();
        if self.settings.is_of_store && sets.own.is_none() && is_of_app {
            sets.own = Some(self.own_set()?);
        }
        Ok(())
    }
}

fn store(name: &str) -> Result<&'static Store> {
    Store::named(name).ok_or_else(|| Error::new(ErrorKind::Config, format!("there is no store `{name}`")))
}

/// The sets that the history of a database knows.
pub(super) fn in_history(database: &Database) -> Result<Vec<String>> {
    match database.query_all("SELECT DISTINCT set_name FROM schema_migrations ORDER BY set_name", &[]) {
        // There is no such table yet, or it is another's, which the migrator tells.
        Err(error) if error.kind() == ErrorKind::Statement => Ok(Vec::new()),
        found => found,
    }
}
