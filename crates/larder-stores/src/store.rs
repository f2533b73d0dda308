//! What the stores have in common: a name and a set of migrations.

use crate::audit::{Check, Trail};
use crate::{forge, journal, registry, workflow};
use larder::MigrationSet;
use larder::doctor::Inspection;
use std::fmt;

/// A store of this crate.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct Store {
    /// Its name, which is that of its set too: `journal`.
    pub name: &'static str,
    /// Its migrations.
    pub set: &'static MigrationSet,
    /// Its audit trail, where it has one.
    pub trail: Option<&'static Trail>,
    /// What the doctor looks at in its tables: give it to [`larder::doctor::examine_with`] or
    /// [`examine_open_with`](larder::doctor::examine_open_with).
    pub checks: &'static [&'static dyn Inspection],
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("name", &self.name).finish_non_exhaustive()
    }
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
    Store {
        name: "forge",
        set: &forge::MIGRATIONS,
        trail: Some(&forge::TRAIL),
        checks: &[&Check { name: "forge_audit", trail: &forge::TRAIL }, &forge::LeaseCheck],
    },
    Store {
        name: "journal",
        set: &journal::MIGRATIONS,
        trail: Some(&journal::TRAIL),
        checks: &[&Check { name: "journal_audit", trail: &journal::TRAIL }],
    },
    Store { name: "registry", set: &registry::MIGRATIONS, trail: None, checks: &[] },
    Store { name: "workflow", set: &workflow::MIGRATIONS, trail: None, checks: &[] },
];
