//! What the stores have in common: a name and a set of migrations.

use crate::{forge, journal, registry, workflow};
use larder::MigrationSet;

/// A store of this crate.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Store {
    /// Its name, which is that of its set too: `journal`.
    pub name: &'static str,
    /// Its migrations.
    pub set: &'static MigrationSet,
}

impl Store {
    /// The store named `name`.
    ///
    /// ```
    /// assert!(larder_stores::Store::named("forge").is_some());
    /// assert!(larder_stores::Store::named("pantry").is_none());
    /// ```
    pub fn named(name: &str) -> Option<&'static Self> {
        STORES.iter().find(|store| store.name == name)
    }
}

/// All stores, by their names.
pub static STORES: [Store; 4] = [
    Store { name: "forge", set: &forge::MIGRATIONS },
    Store { name: "journal", set: &journal::MIGRATIONS },
    Store { name: "registry", set: &registry::MIGRATIONS },
    Store { name: "workflow", set: &workflow::MIGRATIONS },
];
