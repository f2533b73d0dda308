//! Migrations: ordered steps of a schema, and the run that takes a database from one to the next without losing anything.
//!
//! A [`MigrationSet`] is a list of them: embedded in the program by [`migrations!`](crate::migrations), read from a folder,
//! or made of values. [`Database::migrate`](crate::Database::migrate) applies what is pending. A [`Migrator`] does what
//! needs saying more precisely: how far, who approved what, back down, a dry run on a copy of the data, where the database
//! stands.
//!
//! A run makes a [`Plan`] from the sets and the history, and does it step by step. The [`Effects`] of each migration are
//! measured before it is committed. Where there is a [`Loss`] that no [`Approval`] covers, the migration is rolled back, and
//! [`Refused`] tells what it would have lost:
//!
//! ```
//! use larder::migrate::{Migrator, Refused};
//! use larder::{Database, ErrorKind, Migration, MigrationSet};
//!
//! let db = Database::open(":memory:")?;
//! let init = Migration::sql("0001_init", "CREATE TABLE notes (body TEXT)");
//! db.migrate(&[&MigrationSet::list("app", vec![init.clone()])])?;
//! db.execute("INSERT INTO notes VALUES ('milk')", &[])?;
//!
//! let set = MigrationSet::list("app", vec![init, Migration::sql("0002_drop", "DROP TABLE notes")]);
//! let error = db.migrate(&[&set]).unwrap_err();
//! assert_eq!(error.kind(), ErrorKind::ApprovalNeeded);
//! let refused = error.find::<Refused>().unwrap();
//! assert_eq!(refused.losses[0].to_string(), "table notes: 1 row");
//!
//! // Somebody looked at it, and approved exactly this.
//! Migrator::new(&[&set]).approve(refused.token.parse()?).up(&db)?;
//! # Ok::<(), larder::Error>(())
//! ```

// From the files to the face: `set`, `loaded` and `migration` are what the program has; `record` and `history` what the
// database says; `claim` and `plan` compare the two; `run` does the plan, `effect` measures and `loss` is what it finds;
// `lint` warns of what locks a big table; `rehearse` does the same on a copy; `migrator` is the face, with `status`, `verify` and `repair`; `report` is what it tells.
mod claim;
mod effect;
pub(crate) mod history;
mod lint;
mod loaded;
mod loss;
mod migration;
mod migrator;
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
pub use lint::Warning;
pub use loaded::LoadedSet;
pub use loss::{Approval, Loss, LossKind, token};
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

/// True for a table that Larder keeps its own bookkeeping in.
pub(crate) fn is_bookkeeping(table: &str) -> bool {
    history::TABLES.iter().any(|own| own.eq_ignore_ascii_case(table))
}
