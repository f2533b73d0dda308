//! The store `journal`.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

mod entry;
mod guard;
#[path = "../shared/many.rs"]
mod many;
#[path = "../shared/plan.rs"]
mod plan;
mod query;
mod run;
mod secret;

use larder::Database;
use larder_kit::Place;
use larder_stores::journal::{self, NewRun, Run};

fn database(place: &Place) -> Database {
    Database::options(place.url()).migrations(&journal::MIGRATIONS).open().unwrap()
}

fn start(db: &Database) -> Run {
    db.write(|tx| journal::start_run(tx, NewRun::default())).unwrap()
}
