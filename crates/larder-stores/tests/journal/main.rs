//! The store `journal`.
#![allow(clippy::unwrap_used, reason = "a test")]

mod entry;
mod guard;
mod query;
mod run;
mod secret;

use larder::Database;
use larder_stores::journal::{self, NewRun, Run};

fn database() -> Database {
    Database::options(":memory:").migrations(&journal::MIGRATIONS).open().unwrap()
}

fn start(db: &Database) -> Run {
    db.write(|tx| journal::start_run(tx, NewRun::default())).unwrap()
}
