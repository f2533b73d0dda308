//! The store `journal`: a tool's runs and steps, and the audit log of what it did.

mod trail;

pub use trail::TRAIL;

use larder::MigrationSet;

/// The migrations of this store.
pub static MIGRATIONS: MigrationSet = larder::migrations!("migrations/journal", name = "journal");
