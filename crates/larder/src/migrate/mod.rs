//! Migrations: files, sets, the plan and the run.

mod claim;
mod effect;
mod history;
mod loaded;
mod loss;
mod migration;
mod migrator;
mod owner;
mod plan;
mod record;
mod rehearse;
mod repair;
mod report;
mod run;
mod set;
mod status;
mod verify;

pub use claim::{Owner, check_claims};
pub use loaded::LoadedSet;
pub use loss::{Approval, Loss, LossKind};
pub use migration::{Approves, Code, CodeFn, CodeMigration, Migration, Script, SqlText, Way};
pub use migrator::Migrator;
pub use plan::{Direction, Plan, Request, Step, plan};
pub use record::{APP, Applied, State, history_id};
pub use repair::Repair;
pub use report::{Done, Effects, Failed, Phase, Progress, Refused, Report, Stop};
#[doc(hidden)]
pub use set::Embedded;
pub use set::MigrationSet;
pub use status::{Standing, Status, StatusRow};
