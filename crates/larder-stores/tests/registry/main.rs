//! The store `registry`, through its public face.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

mod cargo;
mod cycle;
mod import;
mod indexes;
#[path = "../shared/many.rs"]
mod many;
mod npm;
mod place;
#[path = "../shared/plan.rs"]
mod plan;
mod reach;
mod row;
mod verification;

use larder::Database;
use larder_kit::Place;
use larder_stores::registry::{self, DependencyType, NewDependency, NewTool, ToolType};

/// A registry without anything in it.
fn empty(place: &Place) -> Database {
    Database::options(place.url()).migrations(&registry::MIGRATIONS).open().unwrap()
}

/// Adds tools by their ids.
fn add_tools(db: &Database, ids: &[&str]) {
    db.write(|tx| {
        for id in ids {
            registry::add_tool(tx, NewTool::new(id, "somewhere", ToolType::Library).id(id))?;
        }
        Ok(())
    })
    .unwrap();
}

/// `consumer` depends on `provider`; gives the number.
fn depend(db: &Database, consumer: &str, provider: &str, optional: bool) -> i64 {
    let new = NewDependency { optional, ..NewDependency::new(consumer, provider, DependencyType::Library) };
    db.write(|tx| registry::add_dependency(tx, new.clone())).unwrap().id
}
