//! The databases of the stores go to PostgreSQL and come back: by their own migrations on both engines, with their trails
//! whole.
#![cfg(feature = "postgres")]
#![allow(clippy::unwrap_used, reason = "a test")]

use larder::copy::{Copier, Origin, Report};
use larder::migrate::Migrator;
use larder::{Database, MigrationSet, Result};
use larder_kit::{Engine, Place};
use larder_stores::audit::{self, Trail};
use larder_stores::{forge, journal, registry, workflow};
use serde_json::json;

struct Case {
    here: Place,
    server: Place,
    again: Place,
    set: &'static MigrationSet,
}

impl Case {
    fn of(set: &'static MigrationSet) -> Self {
        let [here, again] = [Place::new(Engine::Sqlite), Place::new(Engine::Sqlite)];
        Self { here, server: Place::new(Engine::Postgres), again, set }
    }

    /// Fills a file, copies it to the server and from there into another file; gives all three.
    fn there_and_back(&self, fill: impl FnOnce(&Database) -> Result<()>) -> [Database; 3] {
        let open = |place: &Place| Database::options(place.url()).open().unwrap();
        let databases = [open(&self.here), open(&self.server), open(&self.again)];
        let [from, to, again] = &databases;
        from.migrate(&[self.set]).unwrap();
        fill(from).unwrap();
        let over = Copier::new(&[self.set]).copy(from, to).unwrap();
        let back = Copier::new(&[self.set]).copy(to, again).unwrap();
        assert_eq!(content(&over), content(&back));
        for report in [&over, &back] {
            assert!(report.tables.iter().all(|table| table.origin == Origin::Set), "{report:?}");
            assert_eq!(report.left_out, []);
        }
        assert!(over.rows > 0);
        for database in &databases {
            // Nothing is pending, and nothing was edited.
            assert_eq!(database.migrate(&[self.set]).unwrap().done, []);
        }
        for file in [from, again] {
            let drift = Migrator::new(&[self.set]).verify(file).unwrap();
            assert!(drift.is_empty(), "{file}: {drift:?}");
        }
        databases
    }
}

/// Name, rows and hash of every table.
fn content(report: &Report) -> Vec<(String, u64, String)> {
    let mut content: Vec<_> =
        report.tables.iter().map(|table| (table.name.clone(), table.rows, table.hash.clone())).collect();
    content.sort();
    content
}

fn whole(databases: &[Database], trail: &Trail) {
    for database in databases {
        let verification = database.read(|tx| audit::verify(tx, trail, None)).unwrap();
        assert!(verification.is_whole(), "{verification:?}");
    }
}

#[test]
fn journal_goes_there_and_back() {
    let case = Case::of(&journal::MIGRATIONS);
    let databases = case.there_and_back(|db| {
        for at in 0..20 {
            let args = ["import".to_owned(), format!("file {at} é \"x\"")];
            let new = journal::NewRun { args: &args, ..journal::NewRun::default() };
            let run = db.write(|tx| journal::start_run(tx, new))?;
            journal::step(db, &run.run_id, "load")?.finish(&json!({ "rows": 12, "z": 1.5, "a": null }))?;
            db.write(|tx| {
                let data = json!({ "b": [1, 2, 1.0], "a": "é" });
                let entry = journal::NewEntry {
                    level: journal::Level::Info,
                    run_id: Some(&run.run_id),
                    scope: "import",
                    event: "loaded",
                    data: Some(&data),
                    ..journal::NewEntry::default()
                };
                journal::log(tx, entry)?;
                journal::finish_run(tx, &run.run_id, journal::Ending::completed())
            })?;
        }
        Ok(())
    });
    whole(&databases, &journal::TRAIL);
    // The trail goes on where it was.
    for db in &databases {
        let entry = journal::NewEntry { scope: "x", event: "y", ..journal::NewEntry::default() };
        db.write(|tx| journal::log(tx, entry)).unwrap();
    }
    whole(&databases, &journal::TRAIL);
}

#[test]
fn workflow_goes_there_and_back() {
    let case = Case::of(&workflow::MIGRATIONS);
    let databases = case.there_and_back(|db| {
        for branch in ["parser", "lexer"] {
            let new = workflow::NewRun {
                feature_branch: branch,
                repo_path: "/src/app",
                parallelism: 4,
                ..workflow::NewRun::default()
            };
            let run = db.write(|tx| workflow::create_run(tx, &new))?;
            let new = workflow::NewUnit { unit_id: "one", ..workflow::NewUnit::default() };
            let unit = db.write(|tx| workflow::create_unit(tx, &run, &new))?;
            db.write(|tx| workflow::start_run(tx, &run))?;
            db.write(|tx| workflow::start_unit(tx, &unit))?;
            db.write(|tx| workflow::append(tx, &run, &workflow::NewEvent::new("passed").in_unit("one")))?;
            db.write(|tx| workflow::complete_unit(tx, &unit))?;
            db.write(|tx| workflow::complete_run(tx, &run))?;
            assert!(db.read(|tx| workflow::check(tx, &run))?.is_empty());
        }
        Ok(())
    });
    for db in &databases {
        let runs = db.read(|tx| workflow::list_runs(tx, &workflow::RunFilter::default())).unwrap();
        assert_eq!(runs.len(), 2);
        for run in runs {
            assert!(db.read(|tx| workflow::check(tx, &run.id)).unwrap().is_empty());
            // The numbers of the events count on.
            db.write(|tx| workflow::append(tx, &run.id, &workflow::NewEvent::new("later"))).unwrap();
        }
    }
}

#[test]
fn registry_goes_there_and_back() {
    use registry::{DependencyType, NewDependency, NewTool, ToolType};
    let case = Case::of(&registry::MIGRATIONS);
    let databases = case.there_and_back(|db| {
        db.write(|tx| {
            registry::add_tool(tx, NewTool::new("fetch", "bin/fetch", ToolType::Cli).id("fetch"))?;
            registry::add_tool(tx, NewTool::new("report", "bin/report", ToolType::Cli).id("report"))?;
            registry::add_dependency(tx, NewDependency::new("report", "fetch", DependencyType::Cli))?;
            registry::add_dependency(tx, NewDependency::new("fetch", "report", DependencyType::Library))
                .map(|_| ())
        })?;
        registry::detect_cycles(db, 10).map(|_| ())
    });
    for db in &databases {
        let graph = db.read(registry::graph).unwrap();
        assert!(graph.impact("fetch").is_some());
        db.write(|tx| registry::remove_tool(tx, "fetch").map(|_| ())).unwrap();
        let again = NewTool::new("fetch", "bin/fetch", ToolType::Cli).id("fetch");
        db.write(|tx| registry::add_tool(tx, again.clone()).map(|_| ())).unwrap();
        db.write(|tx| {
            registry::add_dependency(tx, NewDependency::new("report", "fetch", DependencyType::Cli))
                .map(|_| ())
        })
        .unwrap();
    }
}

#[test]
fn forge_goes_there_and_back() {
    use forge::{By, NewProject, NewRepository};
    let ada = By::new("ada@desk");
    let case = Case::of(&forge::MIGRATIONS);
    let databases = case.there_and_back(|db| {
        let repository = db.write(|tx| {
            let new = NewProject { name: "pantry", ..NewProject::default() };
            let project = forge::create_project(tx, ada, new)?;
            forge::create_repository(tx, ada, NewRepository::named(project.id, "shelf"))?;
            forge::create_repository(tx, ada, NewRepository::named(project.id, "cellar"))
        })?;
        db.write(|tx| forge::acquire_lease(tx, ada, repository.repository_id, None)).map(|_| ())
    });
    whole(&databases, &forge::TRAIL);
    for db in &databases {
        let leases = db.read(|tx| forge::list_live_leases(tx, jiff::Timestamp::now(), 10)).unwrap();
        let lease = &leases[0];
        db.write(|tx| forge::release_lease(tx, ada, lease.repository_id, lease.token)).unwrap();
    }
    whole(&databases, &forge::TRAIL);
}
