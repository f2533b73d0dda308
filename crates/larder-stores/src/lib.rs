//! Four typed stores on [`larder`]: what command-line tools, daemons, registries and code hosts keep needing.
//!
//! - [`journal`]: a tool's runs and steps, and the audit log of what it did.
//! - [`workflow`]: a daemon's runs and units, with an event for every change.
//! - [`registry`]: tools, who depends on whom, and whether their contracts still hold.
//! - [`forge`]: projects, repositories and the leases on them.
//! - [`audit`]: the trail that journal and forge share; its entries are chained by hashes.
//!
//! Each has a set of migrations ([`Store::set`]), typed rows, and functions that take the transaction, so that calls of
//! several stores, and the application's own, compose in one commit.

pub mod audit;
mod canonical;
mod clock;
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
