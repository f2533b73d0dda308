//! The program's own journal: who ran what on the database, and with which effects. `larder.toml` turns it on.

use super::actor::actor;
use super::context::PROGRAM;
use super::store::taken;
use crate::environment::Environment;
use crate::exit::Exit;
use crate::output::{DoneShape, measure};
use crate::settings::Settings;
use jiff::{SignedDuration, Timestamp};
use larder::migrate::{Migrator, Report};
use larder::{Database, ErrorKind, MigrationSet, Result, WriteTx};
use larder_stores::Store;
use larder_stores::journal::{self, Ending, Level, MIGRATIONS, NewEntry, NewRun, NewStep};
use serde::Serialize;
use serde_json::{Value, json};
use std::time::Duration;

/// The commands that change something; each tells its steps.
const COMMANDS: &[&str] =
    &["migrate", "rollback", "vacuum", "backup", "restore", "copy", "repair", "baseline"];

/// Those of the stores that do; what they wrote stands in the store, so they are one step without figures. `run exec` is no
/// part of them: it records itself.
const OF_STORES: &[&str] = &[
    "lease acquire",
    "lease release",
    "lease import",
    "lease hold",
    "repo add",
    "tool add",
    "tool set",
    "tool remove",
    "tool dep add",
    "tool dep remove",
    "tool contract add",
    "tool contract remove",
    "tool verify",
    "tool cycles",
    "tool import cargo",
    "tool import npm",
    "tool reset",
    "run recover",
    "workflow recover",
    "workflow prune",
];

const CONFLICT: &str = "give the journal a database of its own: `url` in the table [journal] of larder.toml";

/// What a run does, as its command tells it; written down when the command is over, in one transaction.
pub(crate) struct Recording {
    command: &'static str,
    /// Nothing is recorded where the journal is off, and of a command that changes nothing.
    place: Option<Place>,
    actor: String,
    git_sha: Option<String>,
    args: Vec<String>,
    config: Value,
    began: Timestamp,
    steps: Vec<Step>,
}

struct Place {
    url: String,
    /// The journal has a database of its own.
    is_own: bool,
}

struct Step {
    name: String,
    took: Duration,
    stats: Value,
}

impl Recording {
    /// Begins to listen, unless `larder.toml` says nothing of a journal.
    pub(super) fn begin(
        command: &'static str,
        settings: &Settings,
        environment: &Environment,
    ) -> Result<Self> {
        let is_recorded = [COMMANDS, OF_STORES].iter().any(|names| names.contains(&command));
        let place = match settings.journal && is_recorded {
            false => None,
            true => {
                let at = settings.clone().with_stores(&["journal"])?;
                // What lies in memory is gone with the command.
                Some(Place { url: at.url, is_own: at.is_of_store }).filter(|place| place.url != ":memory:")
            }
        };
        Ok(Self {
            command,
            actor: place.as_ref().map(|_| actor(environment)).unwrap_or_default(),
            git_sha: place.as_ref().and_then(|_| larder_stores::git_commit(&environment.folder)),
            args: environment.arguments.clone(),
            config: json!({ "url": settings.url, "dir": settings.dir, "stores": settings.stores, "program": PROGRAM }),
            began: Timestamp::now(),
            steps: Vec::new(),
            place,
        })
    }

    /// Refuses, before anything is done, where the tables of the journal are taken by another.
    pub(super) fn check(&self, settings: &Settings) -> Result<()> {
        let Some(place) = &self.place else { return Ok(()) };
        // What is put in the place of the database is not known yet, and what is there may be too damaged to be asked.
        if self.command == "restore" {
            return Ok(());
        }
        let db = match Database::options(&place.url).read_only(true).open() {
            Ok(db) => db,
            // What keeps it from being opened is told by who opens it for its work.
            Err(error) if error.kind() != ErrorKind::NotInitialized => return Ok(()),
            Err(_) => Database::open(":memory:")?,
        };
        let own = MigrationSet::folder(&settings.dir).ok().filter(|_| !place.is_own && !settings.is_of_store);
        let stores = settings.stores.iter().filter(|_| !place.is_own).filter_map(|name| Store::named(name));
        let others = stores.map(|store| store.set).filter(|set| set.name() != MIGRATIONS.name());
        let sets: Vec<&MigrationSet> = own.iter().chain(others).chain([&MIGRATIONS]).collect();
        match Migrator::new(&sets).plan(&db) {
            Err(error) if error.kind() == ErrorKind::SetConflict => return Err(error.with_help(CONFLICT)),
            // Other problems of the history are the command's to tell.
            Ok(_) | Err(_) => {}
        }
        // The same for what keeps it from being read.
        match taken(&MIGRATIONS, &db, &place.url) {
            Ok(Some(error)) => Err(error.with_help(CONFLICT)),
            Ok(None) | Err(_) => Ok(()),
        }
    }

    /// The command changes nothing, as a dry run.
    pub(crate) fn leave_out(&mut self) {
        self.place = None;
    }

    /// A step for each migration that ran.
    pub(crate) fn ran(&mut self, report: &Report) {
        for done in &report.done {
            self.step(&done.id, done.duration, &DoneShape::of(done));
        }
    }

    /// The one step of a command that does one thing.
    pub(crate) fn did(&mut self, took: Duration, stats: &impl Serialize) {
        self.step(self.command, took, stats);
    }

    fn step(&mut self, name: &str, took: Duration, stats: &impl Serialize) {
        let stats = serde_json::to_value(stats).unwrap_or_default();
        self.steps.push(Step { name: name.to_owned(), took, stats });
    }

    /// Writes it down. What had nothing to do is not worth an entry, nor is a command that could not be understood.
    pub(super) fn keep(mut self, result: &Result<Exit>) -> Result<()> {
        let Some(place) = self.place.take() else { return Ok(()) };
        if result.is_ok() && OF_STORES.contains(&self.command) {
            let took = Timestamp::now().duration_since(self.began).unsigned_abs();
            self.step(self.command, took, &Value::Null);
        }
        match result {
            Ok(_) if self.steps.is_empty() => return Ok(()),
            Err(error) if error.kind() == ErrorKind::Config => return Ok(()),
            Ok(_) | Err(_) => {}
        }
        let db = match Database::options(&place.url).create(place.is_own).open() {
            Ok(db) => db,
            Err(error) if error.kind() == ErrorKind::NotInitialized => return Ok(()),
            Err(error) => return Err(error),
        };
        Migrator::new(&[&MIGRATIONS]).program(PROGRAM).up(&db)?;
        let failure = result.as_ref().err().map(ToString::to_string);
        db.write(|tx| self.write(tx, failure.as_deref()))?;
        db.close()
    }

    fn write(&self, tx: &mut WriteTx<'_>, failure: Option<&str>) -> Result<()> {
        let ended = Timestamp::now().max(self.began);
        let run = journal::start_run(
            tx,
            NewRun {
                args: &self.args,
                config: Some(&self.config),
                git_sha: self.git_sha.as_deref(),
                actor: Some(&self.actor),
                created_at: Some(self.began),
                ..NewRun::default()
            },
        )?;
        // One after the other up to now, each as long as it took; none before the run.
        let all: Duration = self.steps.iter().map(|step| step.took).sum();
        let mut at = earlier(ended, all).max(self.began);
        for step in &self.steps {
            let new =
                NewStep { run_id: &run.run_id, name: &step.name, started_at: Some(at), ..NewStep::default() };
            let begun = journal::start_step(tx, new)?;
            at = SignedDuration::try_from(step.took)
                .ok()
                .and_then(|took| at.checked_add(took).ok())
                .unwrap_or(at);
            journal::finish_step(tx, &begun.step_id, Ending::completed().at(at), &step.stats)?;
        }
        let ending = failure.map_or_else(Ending::completed, Ending::failed);
        journal::log(
            tx,
            NewEntry {
                level: if failure.is_some() { Level::Error } else { Level::Info },
                run_id: Some(&run.run_id),
                scope: "larder",
                event: self.command,
                message: failure,
                data: Some(&json!({
                    "actor": self.actor,
                    "steps": self.steps.iter().map(|step| &step.name).collect::<Vec<_>>(),
                    "duration_ms": measure::ms(ended.duration_since(self.began).unsigned_abs()),
                })),
                ..NewEntry::default()
            },
        )?;
        journal::finish_run(tx, &run.run_id, ending.at(ended)).map(drop)
    }
}

fn earlier(at: Timestamp, by: Duration) -> Timestamp {
    SignedDuration::try_from(by).ok().and_then(|by| at.checked_sub(by).ok()).unwrap_or(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_are_those_of_the_set() {
        let db = Database::open(":memory:").unwrap();
        db.migrate(&[&MIGRATIONS]).unwrap();
        let tables: Vec<String> = db
            .query_all(
                "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY rowid",
                &[],
            )
            .unwrap();
        let own: Vec<&str> = tables
            .iter()
            .map(String::as_str)
            .filter(|name| !["meta", "schema_migrations"].contains(name))
            .collect();
        assert_eq!(own, ["runs", "run_steps", "audit_log"]);
        let told = MIGRATIONS.load(db.driver().dialect()).unwrap().tables().unwrap();
        assert_eq!(told, own.into_iter().map(str::to_owned).collect());
    }

    /// The commands that change no database, and `run exec`, which records itself.
    const NOT_RECORDED: &[&str] = &[
        "new",
        "status",
        "plan",
        "doctor",
        "verify",
        "schema",
        "completions",
        "man",
        "audit tail",
        "audit verify",
        "audit anchor",
        "lease show",
        "lease list",
        "repo list",
        "run list",
        "run show",
        "run exec",
        "tool list",
        "tool show",
        "tool dep list",
        "tool contract list",
        "tool impact",
        "tool reliability",
        "workflow list",
        "workflow show",
        "workflow events",
        "workflow replay",
    ];

    fn leaves(part: &clap::Command, path: &str, names: &mut Vec<String>) {
        for below in part.get_subcommands().filter(|below| below.get_name() != "help") {
            let name = format!("{path} {}", below.get_name());
            if below.has_subcommands() {
                leaves(below, &name, names)
            } else {
                names.push(name.trim().to_owned())
            }
        }
    }

    #[test]
    fn of_every_command_it_is_said_whether_it_is_recorded() {
        let mut found = Vec::new();
        leaves(&crate::args::command(), "", &mut found);
        found.sort();
        let mut said: Vec<&str> = [COMMANDS, OF_STORES, NOT_RECORDED].concat();
        said.sort_unstable();
        assert_eq!(found, said);
    }
}
