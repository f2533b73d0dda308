//! Migrations: files, sets, the plan and the run.

mod checksum;
mod claim;
mod file;
mod loaded;
mod migration;
mod plan;
mod record;
mod set;

pub use claim::{Owner, check_claims};
pub use loaded::LoadedSet;
pub use migration::{Approves, Code, CodeFn, CodeMigration, Migration, Script, SqlText, Way};
pub use plan::{Direction, Plan, Request, Step, plan};
pub use record::{APP, Applied, State, history_id};
#[doc(hidden)]
pub use set::Embedded;
pub use set::MigrationSet;
