//! The store `journal`: a tool's runs and steps, and the audit log of what it did.
//!
//! ```
//! use larder_stores::journal::{self, Ending, Level, NewEntry, NewRun};
//! use serde_json::json;
//!
//! # fn main() -> larder::Result<()> {
//! let db = larder::Database::options(":memory:").migrations(&journal::MIGRATIONS).open()?;
//!
//! let args = ["import".to_owned(), "--token=abc".to_owned()];
//! let run = db.write(|tx| journal::start_run(tx, NewRun { args: &args, ..NewRun::default() }))?;
//! assert_eq!(run.args.0, ["import", "--token=***"]); // no secret is ever stored
//!
//! let step = journal::step(&db, &run.run_id, "load")?; // recorded as failed if it is not finished
//! step.finish(&json!({ "rows": 12 }))?;
//!
//! db.write(|tx| {
//!     journal::log(tx, NewEntry {
//!         level: Level::Info,
//!         run_id: Some(&run.run_id),
//!         scope: "import",
//!         event: "loaded",
//!         ..NewEntry::default()
//!     })?;
//!     journal::finish_run(tx, &run.run_id, Ending::completed())
//! })?;
//! # Ok(())
//! # }
//! ```

mod entry;
mod guard;
mod run;
mod status;
mod step;
mod trail;

pub use entry::{Entry, Level, NewEntry, entries, log, log_many};
pub use guard::{Step, step, step_with};
pub use run::{Filter, NewRun, Run, finish_run, list_runs, recover, run, start_run};
pub use status::{Ending, IllegalMove, Status};
pub use step::{NewStep, RunStep, finish_step, start_step, steps};
pub use trail::TRAIL;

use larder::MigrationSet;

/// The migrations of this store.
pub static MIGRATIONS: MigrationSet = larder::migrations!("migrations/journal", name = "journal");

/// Every statement of this store, each with a name; those of the audit log are [`TRAIL`]'s.
#[doc(hidden)]
pub const QUERIES: &[(&str, &str)] = &[
    ("run::START", run::START),
    ("run::FINISH", run::FINISH),
    ("run::CLOSE_STEPS", run::CLOSE_STEPS),
    ("run::BY_ID", run::BY_ID),
    ("run::LIST", run::LIST),
    ("run::LIST_BY_STATUS", run::LIST_BY_STATUS),
    ("run::LEFT (sqlite)", run::LEFT.sqlite),
    ("run::LEFT (postgres)", run::LEFT.postgres),
    ("step::START (sqlite)", step::START.sqlite),
    ("step::START (postgres)", step::START.postgres),
    ("step::FINISH", step::FINISH),
    ("step::STATUS", step::STATUS),
    ("step::OF_RUN", step::OF_RUN),
    ("entry::OF_RUN", entry::OF_RUN),
];

fn new_id() -> String {
    ulid::Ulid::generate().to_string()
}
