//! The store `forge`: projects, repositories and the leases on them.

use larder::MigrationSet;

/// The migrations of this store.
pub static MIGRATIONS: MigrationSet = larder::migrations!("migrations/forge", name = "forge");
