//! The run: what the plan says is done, measured, let through or turned back, and written down.
//!
//! For each transaction: take the write lock; read the history again, for another process may have been faster; then each
//! pending migration in a savepoint of its own: run it, measure it, ask the gate, add its row to the history. A migration
//! commits together with its row, so that no crash can come between them.

mod apart;
mod gate;
mod index;
mod lookout;
mod outside;
mod refusal;
mod scratch;
mod script;
mod session;
mod temporary;
mod transaction;
mod wait;

use lookout::Lookout;
pub(super) use scratch::build;
use script::Parsed;
pub(super) use script::each_by_itself;
pub(super) use session::{Terms, commit_alone};

use super::effect::Unchecked;
use super::history;
use super::lint::{Warning, warnings};
use super::loaded::LoadedSet;
use super::loss::Approval;
use super::migration::{Migration, Script, Way};
use super::plan::{Direction, Plan, Request, Step, plan};
use super::record::{APP, Applied};
use super::report::{Done, Failed, Phase, Progress, Report, Stop};
use crate::db::{Database, unusable};
use crate::driver::{Connection, Dialect, Lock};
use crate::error::{Error, ErrorKind, Result};
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What a run goes by.
pub(super) struct Settings<'a> {
    pub(super) approvals: Vec<Approval>,
    pub(super) backups: Backups,
    pub(super) back_up: Option<BackUp<'a>>,
    pub(super) program: String,
    pub(super) stop: Stop,
    /// How long to wait for the write lock, or again and again for what others hold.
    pub(super) patience: Duration,
    /// How long to wait for one lock at a time, where the engine is a server.
    pub(super) terms: Terms,
    pub(super) on_progress: Option<Told<'a>>,
    /// Nothing is recorded as lost for good: the database is a copy, or all of it is rolled back in the end.
    pub(super) rehearsal: bool,
    /// A rehearsal on empty tables, where only the schema matters.
    pub(super) schema_only: bool,
}

/// Who is told how it goes.
pub(super) type Told<'a> = Box<dyn FnMut(&Progress) + 'a>;

/// Where backups go before a loss.
#[derive(Clone, Debug)]
pub(super) struct Backups {
    /// `None`: the folder `backups`, beside the database where that is a file.
    pub(super) folder: Option<PathBuf>,
    pub(super) keep: usize,
    /// Nobody wants any.
    pub(super) none: bool,
}

/// Who makes the backup before a loss, where the database is no file.
pub(super) type BackUp<'a> = Box<dyn FnMut(&Database, &str) -> Result<PathBuf> + 'a>;

impl Default for Settings<'_> {
    fn default() -> Self {
        Self {
            approvals: Vec::new(),
            backups: Backups { folder: None, keep: 5, none: false },
            back_up: None,
            program: String::new(),
            stop: Stop::new(),
            patience: Duration::from_secs(600),
            terms: Terms::default(),
            on_progress: None,
            rehearsal: false,
            schema_only: false,
        }
    }
}

/// A run that goes on.
pub(super) struct Running<'r, 'a> {
    database: &'r Database,
    sets: &'r [Arc<LoadedSet>],
    settings: &'r mut Settings<'a>,
    pub(super) report: Report,
    began: Instant,
    now: Progress,
    /// The run is of everything that is pending in every set.
    checks_all: bool,
    /// Look for orphans after each migration, not only before the commit of several.
    careful: bool,
    /// What was read of the migrations that are still to run, by id.
    texts: BTreeMap<String, Parsed<'r>>,
    /// Tables that were touched and not looked into for orphans yet.
    unchecked: Unchecked,
    /// A backup made before a transaction, where none can be made inside it: of which migration, and when.
    ready: Option<gate::Ready>,
    /// A transaction of the run's is open.
    open: bool,
    /// All of the run is in one transaction that is rolled back in the end: the rehearsal on an engine that is no file.
    nested: bool,
    /// Since when what others hold keeps the run from going on.
    blocked: Option<Instant>,
    /// Looks at who that is.
    lookout: Option<Lookout>,
    /// What the migrations warn of, by id.
    warnings: BTreeMap<String, Vec<Warning>>,
}

/// How many transactions and savepoints of a run may be open at once, and some more.
const LEVELS: usize = 8;

/// Whether there is more to do after a transaction.
#[derive(PartialEq, Eq)]
enum Next {
    Again,
    Done,
}

/// Runs what `request` asks for.
pub(super) fn run(
    database: &Database,
    sets: &[Arc<LoadedSet>],
    request: &Request,
    settings: &mut Settings<'_>,
) -> Result<Report> {
    let mut running = Running::new(database, sets, request, settings);
    let span =
        tracing::debug_span!("migrate", database = %database, migrations = tracing::field::Empty).entered();
    database.with_writer(|connection| running.go(connection, request))?;
    span.record("migrations", running.now.migrations);
    running.report.duration = running.began.elapsed();
    Ok(running.report)
}

impl<'r, 'a> Running<'r, 'a> {
    fn new(
        database: &'r Database,
        sets: &'r [Arc<LoadedSet>],
        request: &Request,
        settings: &'r mut Settings<'a>,
    ) -> Self {
        let now = Progress {
            id: String::new(),
            migration: 0,
            migrations: 0,
            statement: 0,
            statements: 0,
            phase: Phase::Running,
            elapsed: Duration::ZERO,
        };
        let nested = settings.rehearsal && database.driver().dialect() == Dialect::Postgres;
        Self {
            database,
            sets,
            settings,
            report: Report::default(),
            began: Instant::now(),
            now,
            checks_all: matches!(request.direction, Direction::Up { to: None, .. }),
            careful: false,
            texts: BTreeMap::new(),
            unchecked: Unchecked::default(),
            ready: None,
            open: false,
            nested,
            blocked: None,
            lookout: None,
            warnings: BTreeMap::new(),
        }
    }
}

impl Running<'_, '_> {
    fn go(&mut self, connection: &mut dyn Connection, request: &Request) -> Result<()> {
        let (history, first) = match self.plan(connection, request) {
            Err(error) if error.kind() == ErrorKind::MigrationUnfinished => {
                self.plan_alone(connection, request)?
            }
            planned => planned?,
        };
        self.report.already = self.applied_before(&history);
        self.report.schema_version =
            history::look(connection)?.map(|(_, version)| version).filter(|_| !history.is_empty());
        if first.steps.is_empty() && self.is_noted(connection)? {
            return Ok(());
        }
        let owners = super::claim::owners(self.sets, &history);
        // It reads every text; one set alone in a database can't be in anybody's way.
        if self.sets.len() > 1 || !owners.is_empty() {
            super::claim::check_claims(self.sets, &owners)?;
        }
        self.now.migrations = first.steps.len();
        for step in &first.steps {
            self.read_text(step).map_err(|error| self.explain(&step.id, error, true))?;
            let (_, migration) = step.find(self.sets)?;
            let warnings = warnings(connection, migration, step.way)?;
            for warning in &warnings {
                let Warning { rule, message, remedy, line, .. } = warning;
                tracing::warn!(migration = step.id, line, rule, "{message}; {remedy}");
            }
            if !warnings.is_empty() {
                self.warnings.insert(step.id.clone(), warnings);
            }
        }
        let result = self.unguarded(connection, |running, connection| {
            if running.nested {
                running.begin_outermost(connection)?;
            }
            while running.transaction(connection, request)? == Next::Again {}
            Ok(())
        });
        for done in &mut self.report.done {
            done.warnings = self.warnings.remove(&done.id).unwrap_or_default();
        }
        result
    }

    /// Reads a text before any migration runs, and refuses what can't stand in one.
    fn read_text(&mut self, step: &Step) -> Result<()> {
        let (set, migration) = step.find(self.sets)?;
        if let Some(Script::Sql(sql)) = migration.script(step.way) {
            let in_transaction = !migration.is_no_transaction(step.way);
            self.texts.insert(step.id.clone(), Parsed::new(sql, set.dialect(), in_transaction)?);
        }
        Ok(())
    }

    /// Runs `f` under watch, and puts everything back whatever happens. On SQLite with foreign keys off, which means outside
    /// a transaction, as its own procedure for a rebuild demands: inside one the PRAGMA does nothing. PostgreSQL checks its
    /// keys after each statement or at the commit, and a rebuild there is no DROP TABLE.
    fn unguarded(
        &mut self,
        connection: &mut dyn Connection,
        f: impl FnOnce(&mut Self, &mut dyn Connection) -> Result<()>,
    ) -> Result<()> {
        if connection.dialect() == Dialect::Postgres {
            return self.watched(connection, f);
        }
        let keys: i64 = history::one(connection, "PRAGMA foreign_keys")?.unwrap_or(0);
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            connection.watch(true)?;
            connection.execute("PRAGMA foreign_keys = OFF", &[])?;
            f(self, connection)
        }));
        // After a panic a transaction and its savepoint may be open still.
        let mut restored = connection.rollback().and_then(|()| connection.rollback());
        if keys != 0 {
            restored = restored.and(connection.execute("PRAGMA foreign_keys = ON", &[]).map(|_| ()));
        }
        if !matches!(outcome, Ok(Ok(()))) {
            // A migration in Rust that was refused for one of these had set it.
            for pragma in ["PRAGMA legacy_alter_table = OFF", "PRAGMA writable_schema = OFF"] {
                restored = restored.and(connection.execute(pragma, &[]).map(|_| ()));
            }
        }
        restored = restored.and(connection.watch(false).map(|_| ()));
        match (outcome, restored) {
            (Ok(result), Ok(())) => result,
            // Nobody may write through a connection that does not heed foreign keys.
            (Ok(result), Err(failure)) => Err(unusable(result, failure)),
            (Err(panic), _) => resume_unwind(panic),
        }
    }

    fn watched(
        &mut self,
        connection: &mut dyn Connection,
        f: impl FnOnce(&mut Self, &mut dyn Connection) -> Result<()>,
    ) -> Result<()> {
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            connection.watch(true)?;
            f(self, connection)
        }));
        self.lookout = None;
        // The transaction around a rehearsal, one of its own, and the savepoints that a panic left in it.
        let restored = (0..LEVELS).try_for_each(|_| connection.rollback());
        let restored = restored.and_then(|()| connection.watch(false).map(|_| ()));
        match (outcome, restored) {
            (Ok(result), Ok(())) => result,
            (Ok(result), Err(failure)) => Err(unusable(result, failure)),
            (Err(panic), _) => resume_unwind(panic),
        }
    }

    fn plan(&self, connection: &mut dyn Connection, request: &Request) -> Result<(Vec<Applied>, Plan)> {
        let history = history::rows(connection)?;
        let plan = plan(self.sets, &history, request)?;
        Ok((history, plan))
    }

    /// The plan once nobody is at a migration outside a transaction: one that is begun may be in good hands, those of
    /// another process. If it still stands there unfinished then, nobody is.
    fn plan_alone(
        &mut self,
        connection: &mut dyn Connection,
        request: &Request,
    ) -> Result<(Vec<Applied>, Plan)> {
        let _lock = self.lock(connection)?;
        self.plan(connection, request)
    }

    /// The lock that is held while a migration runs outside a transaction.
    fn lock(&mut self, connection: &mut dyn Connection) -> Result<Lock> {
        let (database, terms) = (self.database, self.settings.terms);
        self.patiently(|| session::lock(database, connection, terms))
    }

    fn migration(&self, step: &Step) -> Result<(&LoadedSet, &Migration)> {
        step.find(self.sets)
    }

    fn applied_before(&self, history: &[Applied]) -> usize {
        history.iter().filter(|row| self.sets.iter().any(|set| set.name() == row.set)).count()
    }

    /// True where the database says of every set that it is up to date, or has nothing to say it of.
    fn is_noted(&self, connection: &mut dyn Connection) -> Result<bool> {
        let Some(meta) = history::meta(connection)? else { return Ok(false) };
        let standings = history::standings(connection)?;
        Ok(meta.fingerprints() == self.fingerprints(&meta.fingerprints(), &standings))
    }

    /// The fingerprints to keep: of each set that is wholly applied, its own; of sets of others, what they were. Only a run
    /// of everything has held every set against its history; after any other, a set that was up to date stays so, and no
    /// other becomes it.
    fn fingerprints(
        &self,
        known: &BTreeMap<String, String>,
        standings: &BTreeMap<String, (usize, i64)>,
    ) -> BTreeMap<String, String> {
        let mut all = known.clone();
        for set in self.sets {
            let applied = standings.get(set.name()).map_or(0, |(count, _)| *count);
            let complete = applied == set.migrations().len();
            if complete && !self.checks_all && all.contains_key(set.name()) {
                continue;
            }
            if complete && self.checks_all {
                all.insert(set.name().to_owned(), set.fingerprint().to_owned());
            } else {
                all.remove(set.name());
            }
        }
        all
    }

    /// Writes down where the database stands after what this transaction did.
    fn note(&mut self, connection: &mut dyn Connection) -> Result<()> {
        let known = history::meta(connection)?.map(|meta| meta.fingerprints()).unwrap_or_default();
        let standings = history::standings(connection)?;
        self.report.schema_version = newest(&standings);
        let version = self.report.schema_version.unwrap_or(0);
        history::put_meta(connection, version, &self.settings.program, &self.fingerprints(&known, &standings))
    }

    fn at_migration(&mut self, id: &str) {
        self.now.id = id.to_owned();
        self.now.migration = self.report.done.len() + 1;
        self.at_statement(0, 0);
    }

    fn at_statement(&mut self, statement: usize, statements: usize) {
        (self.now.statement, self.now.statements) = (statement, statements);
    }

    fn tell(&mut self, phase: Phase) {
        if let Some(on_progress) = &mut self.settings.on_progress {
            self.now.phase = phase;
            self.now.elapsed = self.began.elapsed();
            on_progress(&self.now);
        }
    }

    fn check_stop(&self) -> Result<()> {
        if self.settings.stop.is_asked() {
            return Err(Error::new(ErrorKind::Interrupted, "the run was stopped"));
        }
        Ok(())
    }

    /// The error of a migration that failed, with what had been done before.
    fn failed(&self, id: &str, cause: Error, rolled_back: bool) -> Error {
        let kind = match cause.kind() {
            kind @ (ErrorKind::Interrupted
            | ErrorKind::Busy
            | ErrorKind::Conflict
            | ErrorKind::Unavailable
            | ErrorKind::DiskFull
            | ErrorKind::Io
            | ErrorKind::Corrupt
            | ErrorKind::InvalidMigration
            | ErrorKind::UnknownOutcome) => kind,
            _ => ErrorKind::MigrationFailed,
        };
        let message = match kind {
            ErrorKind::Interrupted if rolled_back => format!("{id} was stopped and rolled back"),
            ErrorKind::Interrupted => format!("{id} was stopped"),
            ErrorKind::UnknownOutcome => format!("{id}: {}", cause.message()),
            // Of the refusal of a text, nothing had run.
            ErrorKind::InvalidMigration => format!("{id} can't be applied: {}", cause.message()),
            _ if rolled_back => format!("{id} failed and was rolled back: {}", cause.message()),
            _ => format!("{id} failed: {}", cause.message()),
        };
        cause.restated(kind, message).with_cause(Failed {
            id: id.to_owned(),
            statement: self.now.statement,
            statements: self.now.statements,
            report: self.report.clone(),
            cause,
        })
    }
}

/// The number of the newest applied migration: of the application's own set where it has any, else of all.
pub(super) fn newest(standings: &BTreeMap<String, (usize, i64)>) -> Option<i64> {
    match standings.get(APP) {
        Some((_, newest)) => Some(*newest),
        None => standings.values().map(|(_, newest)| *newest).max(),
    }
}

/// A row for a step that was done, and the line of the report.
fn done(set: &LoadedSet, step: &Step, effects: super::report::Effects, took: Duration) -> Done {
    Done {
        id: step.id.clone(),
        set: set.name().to_owned(),
        way: step.way,
        duration: took,
        effects,
        approval: None,
        backup: None,
        rehearsed: true,
        warnings: Vec::new(),
    }
}

/// Adds the row of a migration that went up, or removes that of one that went down.
fn record(
    connection: &mut dyn Connection,
    set: &LoadedSet,
    migration: &Migration,
    done: &Done,
    program: &str,
) -> Result<()> {
    match done.way {
        Way::Down => history::delete(connection, &done.id),
        Way::Up => {
            let mut row = Applied::new(set.name(), migration, jiff::Timestamp::now());
            row.duration_ms = u64::try_from(done.duration.as_millis()).unwrap_or(u64::MAX);
            row.program = program.to_owned();
            row.approval = done.approval.clone().map(serde_json::Value::String);
            let effects = serde_json::to_string(&done.effects)
                .map_err(|error| Error::new(ErrorKind::Internal, "effects are no JSON").with_cause(error))?;
            history::insert_with(connection, &row, &effects)
        }
    }
}
