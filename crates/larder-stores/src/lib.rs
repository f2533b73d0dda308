//! Four typed stores on [`larder`]: what command-line tools, daemons, registries and code hosts keep needing.
//!
//! A store is a set of migrations, typed rows, and functions that take the transaction. So calls of several stores, and the
//! application's own statements, are one commit, or nothing:
//!
//! ```
//! use larder::{Database, Migration, MigrationSet, params};
//! use larder_stores::journal::{self, NewRun};
//!
//! # fn main() -> larder::Result<()> {
//! // The application's own set, usually `larder::migrations!("migrations")`.
//! let own = Migration::sql("0001_init", "CREATE TABLE jobs (run TEXT NOT NULL, file TEXT NOT NULL)");
//! let own = MigrationSet::list("app", vec![own]);
//!
//! let db = Database::open(":memory:")?; // or "data/app.db"
//! db.migrate(&[&own, &journal::MIGRATIONS])?;
//! db.write(|tx| {
//!     let run = journal::start_run(tx, NewRun::default())?;
//!     tx.execute("INSERT INTO jobs VALUES (:run, 'a.csv')", params! { run: run.run_id })
//! })?;
//! # Ok(())
//! # }
//! ```
//!
//! The stores, each in its module with its `MIGRATIONS`:
//!
//! - [`journal`]: a tool's runs and steps, and the audit log of what it did.
//! - [`workflow`]: a daemon's runs and units, with an event for every change.
//! - [`registry`]: tools, who depends on whom, and whether their contracts still hold.
//! - [`forge`]: projects, repositories and the leases on them.
//!
//! Journal and workflow both have a table `runs`: each needs a database of its own.
//!
//! What they share:
//!
//! - [`audit`]: the trail that journal and forge keep; its entries are chained by hashes.
//! - [`Redaction`]: what the journal leaves out of everything it stores, and how to leave out more.
//! - [`Clock`]: the time of leases and changes; [`ManualClock`] for tests.
//! - [`canonical_json`] and [`canonical_hash`]: one text and one hash for one JSON value.
//! - [`git_commit`]: the commit that a folder stands on.
//! - [`STORES`] and [`Store`]: all of them as a list, for a program that works with any.
//!
//! What a rule of a store forbids is an error of kind [`Refused`](larder::ErrorKind::Refused) with a typed reason, such as
//! [`forge::Held`], which [`Error::find`](larder::Error::find) gives; nothing has changed then.

pub mod audit;
mod canonical;
mod clock;
mod engine;
pub mod forge;
mod git;
pub mod journal;
mod redact;
mod refusal;
pub mod registry;
mod store;
mod word;
pub mod workflow;

pub use canonical::{canonical_hash, canonical_json};
pub use clock::{Clock, ManualClock, SystemClock};
pub use git::git_commit;
pub use redact::{REDACTED, Redaction};
pub use store::{STORES, Store};

/// The Rust of `docs/stores/` is run.
#[cfg(doctest)]
mod document {
    #[doc = include_str!("../../../docs/stores/README.md")]
    mod stores {}
    #[doc = include_str!("../../../docs/stores/audit.md")]
    mod audit {}
    #[doc = include_str!("../../../docs/stores/forge.md")]
    mod forge {}
    #[doc = include_str!("../../../docs/stores/journal.md")]
    mod journal {}
    #[doc = include_str!("../../../docs/stores/registry.md")]
    mod registry {}
    #[doc = include_str!("../../../docs/stores/workflow.md")]
    mod workflow {}
}
