//! The store `registry`: tools, who depends on whom, and whether their contracts still hold.

use larder::MigrationSet;

/// The migrations of this store.
pub static MIGRATIONS: MigrationSet = larder::migrations!("migrations/registry", name = "registry");
