//! Migrations inside a transaction: as many in one as may be, a savepoint and a gate each.

use super::gate::Verdict;
use super::refusal::OWN;
use super::script::{Parsed, run_code};
use super::temporary;
use super::{Next, Running, done, record, session};
use crate::driver::{Access, Connection, Dialect};
use crate::error::{Error, ErrorKind, Result};
use crate::migrate::effect::{Baseline, Seen, Unchecked, assess};
use crate::migrate::history;
use crate::migrate::loaded::LoadedSet;
use crate::migrate::migration::{Code, Script};
use crate::migrate::plan::{Request, Step};
use crate::migrate::report::{Done, Effects, Phase};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;

/// How one migration of a transaction ended.
enum Outcome {
    /// It stays; what comes next may go into the same transaction.
    Stays(Done),
    /// It stays, and touched what was there before: the next is measured against what is committed then.
    StaysLast(Done),
    /// It is rolled back for now: it needs a transaction of its own, which comes next.
    Alone,
    /// The transaction holds half of it and goes as a whole; what was in it is done once more, a savepoint each.
    Redo,
}

impl Running<'_, '_> {
    /// One transaction with as many of the pending migrations as may be in it.
    pub(super) fn transaction(&mut self, connection: &mut dyn Connection, request: &Request) -> Result<Next> {
        match self.begin(connection) {
            Err(error) if error.kind() == ErrorKind::Interrupted && !self.now.id.is_empty() => {
                return Err(self.explain(&self.now.id, error, true));
            }
            begun => begun?,
        }
        let result = self.inside(connection, request);
        // Whatever was begun and not committed goes.
        self.close(connection)?;
        match result {
            Err(error) if self.tries_again(&error) => Ok(Next::Again),
            Err(error) => Err(error),
            Ok(next) => {
                self.blocked = None;
                Ok(next)
            }
        }
    }

    /// Takes the write lock.
    pub(super) fn begin(&mut self, connection: &mut dyn Connection) -> Result<()> {
        if self.nested {
            connection.begin(Access::Write)?;
        } else {
            let terms = self.settings.terms;
            let process = self.patiently(|| session::begin(connection, terms))?;
            self.look_out(process);
        }
        self.open = true;
        Ok(())
    }

    /// Rolls the transaction back, unless it is over already.
    pub(super) fn close(&mut self, connection: &mut dyn Connection) -> Result<()> {
        if !self.nested {
            self.lookout = None;
        }
        if std::mem::take(&mut self.open) { connection.rollback() } else { Ok(()) }
    }

    fn commit_all(&mut self, connection: &mut dyn Connection) -> Result<()> {
        connection.commit()?;
        self.open = false;
        Ok(())
    }

    fn inside(&mut self, connection: &mut dyn Connection, request: &Request) -> Result<Next> {
        // Under the lock: another process may have migrated since the first look.
        let plan = match self.plan(connection, request) {
            Err(error) if error.kind() == ErrorKind::MigrationUnfinished => {
                self.close(connection)?;
                self.plan_alone(connection, request)?;
                return Ok(Next::Again);
            }
            planned => planned?.1,
        };
        history::create(connection)?;
        let Some(first) = plan.steps.first() else {
            self.note(connection)?;
            self.commit_all(connection)?;
            return Ok(Next::Done);
        };
        if self.migration(first)?.1.is_no_transaction(first.way) {
            self.close(connection)?;
            return self.outside(connection, request);
        }
        let mut baseline = match self.settings.schema_only {
            true => Baseline::blank(),
            false => Baseline::take(self.database, connection)?,
        };
        self.unchecked = Unchecked::default();
        let before = self.report.done.len();
        let mut failure = None;
        let mut left = plan.steps.len();
        for step in &plan.steps {
            let alone = self.report.done.len() == before;
            // These commit by themselves, after what came before them.
            if !alone && (self.migration(step)?.1.is_no_transaction(step.way) || self.expects_loss(step)?) {
                break;
            }
            self.at_migration(&step.id);
            match self.step(connection, &mut baseline, step, alone) {
                Ok(Outcome::Stays(done)) => self.report.done.push(done),
                Ok(Outcome::StaysLast(done)) => {
                    self.report.done.push(done);
                    left -= 1;
                    break;
                }
                Ok(Outcome::Alone) => break,
                Ok(Outcome::Redo) => {
                    self.careful = true;
                    self.report.done.truncate(before);
                    return Ok(Next::Again);
                }
                Err(error) => {
                    failure = Some(error);
                    break;
                }
            }
            left -= 1;
        }
        let version = self.report.schema_version;
        let committed = match self.unchecked.check(connection, &mut baseline) {
            Ok(orphans) if orphans.is_empty() => self.commit(connection, before),
            Ok(_) => {
                // One of them left orphans. Which one, and what stays, a second run tells that looks after each.
                self.careful = true;
                self.report.done.truncate(before);
                return Ok(Next::Again);
            }
            Err(error) => Err(error),
        };
        if committed.is_err() {
            self.report.done.truncate(before);
            self.report.schema_version = version;
        }
        // The migration's own error is what the reader needs, with those before it that are committed.
        if let Some(error) = failure.or(committed.err()) {
            let error = self.with_holder(error);
            return Err(self.explain(&self.now.id, error, true));
        }
        Ok(if left == 0 { Next::Done } else { Next::Again })
    }

    fn commit(&mut self, connection: &mut dyn Connection, before: usize) -> Result<()> {
        if self.report.done.len() == before {
            return Ok(());
        }
        self.tell(Phase::Committing);
        self.note(connection)?;
        self.commit_all(connection)
    }

    /// Runs one migration in a savepoint.
    ///
    /// One statement on a database where nothing is committed yet needs none: it can lose nothing, so the gate won't turn it
    /// back. Should anything go wrong all the same, the whole transaction goes and is done once more, with savepoints: not
    /// every statement that fails undoes itself (`INSERT OR FAIL`).
    fn step(
        &mut self,
        connection: &mut dyn Connection,
        baseline: &mut Baseline,
        step: &Step,
        alone: bool,
    ) -> Result<Outcome> {
        let _span = tracing::debug_span!("migration", id = step.id).entered();
        let script = match self.texts.remove(&step.id) {
            Some(parsed) => Ready::Sql(parsed),
            None => Ready::new(self.sets, step)?,
        };
        if baseline.catalogue.is_empty() && !self.careful && script.is_one_statement() {
            let began = Instant::now();
            let result = self
                .run_script(connection, &script)
                .and_then(|seen| self.judge(connection, baseline, step, (began, &seen), alone));
            return match result {
                Ok(Outcome::Alone) | Err(_) => Ok(Outcome::Redo),
                Ok(Outcome::Stays(done)) if script.must_be_last() => Ok(Outcome::StaysLast(done)),
                stays => stays,
            };
        }
        connection.begin(Access::Write)?;
        let result = self.try_step(connection, baseline, step, &script, alone);
        match &result {
            Ok(Outcome::Stays(_) | Outcome::StaysLast(_)) => connection.commit()?,
            Ok(Outcome::Alone | Outcome::Redo) | Err(_) => connection.rollback()?,
        }
        result
    }

    fn try_step(
        &mut self,
        connection: &mut dyn Connection,
        baseline: &mut Baseline,
        step: &Step,
        script: &Ready<'_>,
        alone: bool,
    ) -> Result<Outcome> {
        let began = Instant::now();
        if let Ready::Sql(parsed) = script {
            baseline.expect(connection, &parsed.statements)?;
        }
        let mut seen = self.run_script(connection, script)?;
        while baseline.lacks(connection)? {
            connection.rollback()?;
            connection.begin(Access::Write)?;
            baseline.look(connection)?;
            seen = self.run_script(connection, script)?;
        }
        Ok(match self.judge(connection, baseline, step, (began, &seen), alone)? {
            Outcome::Stays(done) if script.must_be_last() => Outcome::StaysLast(done),
            outcome => outcome,
        })
    }

    /// Measures what was done, asks the gate, and adds the row to the history.
    fn judge(
        &mut self,
        connection: &mut dyn Connection,
        baseline: &mut Baseline,
        step: &Step,
        (began, seen): (Instant, &Seen),
        alone: bool,
    ) -> Result<Outcome> {
        self.tell(Phase::Measuring);
        let reached = self.settings.stop.reach(connection.interrupter());
        let (effects, touched) = match self.settings.schema_only {
            true => (Effects::default(), false),
            false => assess(connection, baseline, seen, self.careful, &mut self.unchecked)?,
        };
        // What follows is short, and must not be stopped halfway.
        drop(reached);
        self.check_stop()?;
        let (set, migration) = self.migration(step)?;
        let mut done = done(set, step, effects, began.elapsed());
        match self.gate(step, migration, &done.effects.losses)? {
            Verdict::Harmless => {}
            // Its backup is to show the database as it was right before it.
            Verdict::Approved(_) if !alone => return Ok(Outcome::Alone),
            Verdict::Approved(by) => {
                done.approval = Some(by);
                match self.back_up(connection, baseline, step, &done.effects.losses)? {
                    Some(backup) => done.backup = backup,
                    None => return Ok(Outcome::Alone),
                }
                self.check_stop()?;
            }
        }
        // The sets are borrowed from outside of `self`, so that its report can be written while they are read.
        let (set, migration) = self.migration(step)?;
        record(connection, set, migration, &done, &self.settings.program)?;
        connection.watch(true)?;
        Ok(if touched { Outcome::StaysLast(done) } else { Outcome::Stays(done) })
    }

    fn run_script(&mut self, connection: &mut dyn Connection, script: &Ready<'_>) -> Result<Seen> {
        let mut seen = Seen::default();
        let before = Before::of(connection, script)?;
        let _reached = self.settings.stop.reach(connection.interrupter());
        connection.watch(true)?;
        match script {
            Ready::Sql(parsed) => self.run_all(connection, parsed, &mut seen)?,
            Ready::Code(code) => {
                self.tell(Phase::Running);
                self.check_stop()?;
                run_code(connection, code, &mut seen)?;
            }
        }
        session::settle(connection)?;
        before.restore(connection)?;
        Ok(seen)
    }
}

/// What a migration may change that is not in the database, or not its business, as it was before.
struct Before {
    temporary: Option<BTreeSet<(String, String)>>,
    settings: Option<session::Settings>,
    own: Option<i64>,
}

impl Before {
    fn of(connection: &mut dyn Connection, script: &Ready<'_>) -> Result<Self> {
        let server = connection.dialect() == Dialect::Postgres;
        let (temporary, settings, own) = match script {
            Ready::Sql(parsed) => (
                parsed.mentions_temp(),
                server && ["set ", "set_config"].iter().any(|word| parsed.mentions(word)),
                server && history::TABLES.iter().any(|own| parsed.mentions(own)),
            ),
            Ready::Code(_) => (true, server, server),
        };
        Ok(Self {
            temporary: temporary.then(|| temporary::list(connection)).transpose()?,
            settings: settings.then(|| session::Settings::read(connection)).transpose()?,
            own: own.then(|| history::writes(connection)).transpose()?,
        })
    }

    fn restore(self, connection: &mut dyn Connection) -> Result<()> {
        if let Some(settings) = self.settings {
            settings.restore(connection)?;
        }
        if let Some(own) = self.own
            && history::writes(connection)? != own
        {
            let (message, help) = OWN;
            return Err(Error::new(ErrorKind::InvalidMigration, message).with_help(help));
        }
        self.temporary.map_or(Ok(()), |before| temporary::clear(connection, &before))
    }
}

/// What a migration runs, read and found allowed.
enum Ready<'a> {
    Sql(Parsed<'a>),
    Code(&'a Code),
}

impl<'a> Ready<'a> {
    fn new(sets: &'a [Arc<LoadedSet>], step: &Step) -> Result<Self> {
        let found =
            sets.get(step.set).and_then(|set| Some((set, set.get(step.migration)?.script(step.way)?)));
        match found {
            Some((set, Script::Sql(sql))) => Ok(Self::Sql(Parsed::new(sql, set.dialect(), true)?)),
            Some((_, Script::Code(code))) => Ok(Self::Code(code)),
            None => Err(Error::new(
                ErrorKind::Internal,
                format!("{:?} has nothing to run in this direction", step.id),
            )),
        }
    }

    /// True where those after it need what it does to be committed.
    fn must_be_last(&self) -> bool {
        matches!(self, Self::Sql(parsed) if parsed.adds_a_value())
    }

    fn is_one_statement(&self) -> bool {
        matches!(self, Self::Sql(parsed) if parsed.statements.len() == 1)
    }
}
