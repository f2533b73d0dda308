//! The store `workflow`: a daemon's runs and units, with an event for every change.

use larder::MigrationSet;

/// The migrations of this store.
pub static MIGRATIONS: MigrationSet = larder::migrations!("migrations/workflow", name = "workflow");
