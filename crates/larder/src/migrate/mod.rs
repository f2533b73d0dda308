//! Migrations: files, sets, the plan and the run.

mod checksum;
mod file;
mod loaded;
mod migration;
mod record;
mod set;

pub use loaded::LoadedSet;
pub use migration::{Approves, Code, CodeFn, CodeMigration, Migration, Script, SqlText, Way};
pub use record::{APP, Applied, State, history_id};
#[doc(hidden)]
pub use set::Embedded;
pub use set::MigrationSet;
