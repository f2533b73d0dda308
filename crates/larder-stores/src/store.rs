//! The list of the stores, for programs that work with any of them.

use crate::audit::{Check, Trail};
use crate::{forge, journal, registry, workflow};
use larder::MigrationSet;
use larder::doctor::Inspection;
use std::fmt;

/// A store, as a program sees it that works with any of them: one that migrates, verifies or examines what it finds. An
/// application that knows which it uses names the module instead: [`journal::MIGRATIONS`].
///
/// ```
/// use larder::{Database, doctor};
/// use larder_stores::Store;
///
/// # fn main() -> larder::Result<()> {
/// # let folder = tempfile::tempdir().unwrap();
/// # let path = folder.path().join("app.db").display().to_string();
/// let forge = Store::named("forge").unwrap();
/// let db = Database::open(path)?; // such as "data/forge.db"
/// db.migrate(&[forge.set])?;
///
/// let settings = doctor::Settings::default();
/// let checkup = doctor::examine_open_with(&db, &[forge.set], &settings, forge.checks)?;
/// assert!(checkup.checked.contains(&"forge_audit"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct Store {
    /// Its name: `journal`. Its module and its set have the same.
    pub name: &'static str,
    /// Its migrations: the `MIGRATIONS` of its module.
    pub set: &'static MigrationSet,
    /// Its audit trail, where it has one.
    pub trail: Option<&'static Trail>,
    /// What the doctor looks at in its tables besides the engine's own checks: for [`larder::doctor::examine_with`] and
    /// [`examine_open_with`](larder::doctor::examine_open_with).
    pub checks: &'static [&'static dyn Inspection],
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Store {
    /// The store of this name; `None` when there is none.
    ///
    /// ```
    /// assert!(larder_stores::Store::named("forge").is_some());
    /// assert!(larder_stores::Store::named("pantry").is_none());
    /// ```
    pub fn named(name: &str) -> Option<&'static Self> {
        STORES.iter().find(|store| store.name == name)
    }
}

/// All stores, in the order of their names.
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
