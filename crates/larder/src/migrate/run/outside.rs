//! A migration that can't run in a transaction: `VACUUM`, a change of the page size.
//!
//! Nothing can be rolled back there, so the gate comes first: the migration runs on a copy of the data, and what it loses
//! on the copy is what it would lose. Then a mark is written that it was started, and how many of its statements are done;
//! a crash in between is known by that mark, and the next run says so instead of guessing.

use super::gate::Verdict;
use super::script::Parsed;
use super::{Next, Running, done, record};
use crate::driver::{Access, Connection};
use crate::error::{Error, ErrorKind, Result};
use crate::migrate::history;
use crate::migrate::migration::{Script, Way};
use crate::migrate::plan::{Request, Step};
use crate::migrate::record::{Applied, State};
use crate::migrate::rehearse::{Copy, effects_on};
use crate::migrate::report::{Effects, Phase};
use std::time::Instant;

impl Running<'_, '_> {
    /// Runs the first migration of the plan outside a transaction.
    pub(super) fn outside(&mut self, connection: &mut dyn Connection, request: &Request) -> Result<Next> {
        // Between the statements nothing holds the database's own lock, so that two processes could both be at it.
        let _lock = self.lock(connection)?;
        let (_, plan) = self.plan(connection, request)?;
        let Some(step) = plan.steps.first() else { return Ok(Next::Again) };
        if !self.migration(step)?.1.is_no_transaction(step.way) {
            return Ok(Next::Again);
        }
        self.at_migration(&step.id);
        match self.try_outside(connection, step) {
            Ok(()) => Ok(Next::Again),
            Err(error) => Err(self.explain(&step.id, error, false)),
        }
    }

    fn try_outside(&mut self, connection: &mut dyn Connection, step: &Step) -> Result<()> {
        let began = Instant::now();
        let (set, migration) = step.find(self.sets)?;
        let Some(Script::Sql(sql)) = migration.script(step.way) else {
            return Err(Error::new(
                ErrorKind::InvalidMigration,
                format!("{:?} is written in Rust and can't run outside a transaction", step.id),
            ));
        };
        let parsed = Parsed::new(sql, set.dialect(), false)?;
        let count = parsed.statements.len();
        // A copy itself needs no second one.
        let rehearsal = self.settings.rehearsal;
        let effects = if rehearsal {
            self.at_statement(1, count);
            self.tell(Phase::Running);
            effects_on(connection, self.sets, step, &self.settings.stop)?
        } else {
            self.rehearse(connection, step)?
        };
        let mut finished = done(set, step, effects, began.elapsed());
        if let Verdict::Approved(by) = self.gate(step, migration, &finished.effects.losses)? {
            finished.approval = Some(by);
            if let Some(file) = self.database.file().filter(|_| !rehearsal) {
                self.tell(Phase::BackingUp);
                finished.backup = Some(self.write_backup(file, &step.id)?);
            }
        }
        let mut row = Applied::new(set.name(), migration, jiff::Timestamp::now());
        row.program.clone_from(&self.settings.program);
        row.state = State::Started;
        row.statements_done = step.statements_done;
        if step.statements_done == 0 && step.way == Way::Up {
            commit_alone(connection, |connection| {
                // It may be the very first migration of a database.
                history::create(connection)?;
                // A crash before its first statement was done leaves a mark that says so.
                history::delete(connection, &step.id)?;
                history::insert(connection, &row)
            })?;
        }
        let behind =
            if rehearsal { count } else { usize::try_from(step.statements_done).unwrap_or(usize::MAX) };
        let first = behind.min(count);
        for index in first..count {
            self.at_statement(index + 1, count);
            self.tell(Phase::Running);
            let reached = self.settings.stop.reach(connection.interrupter());
            let result = self.check_stop().and_then(|()| parsed.run(connection, index).map(|_| ()));
            drop(reached);
            if let Err(error) = result {
                return Err(self.left_off(connection, step, &row, index, error));
            }
            row.statements_done += 1;
            if step.way == Way::Up {
                commit_alone(connection, |connection| history::update(connection, &step.id, &row))?;
            }
        }
        finished.duration = began.elapsed();
        self.tell(Phase::Committing);
        let program = self.settings.program.clone();
        commit_alone(connection, |connection| {
            if step.way == Way::Up {
                history::delete(connection, &step.id)?;
            }
            record(connection, set, migration, &finished, &program)?;
            self.note(connection)
        })?;
        self.report.done.push(finished);
        Ok(())
    }

    /// What it does to a copy of the data.
    fn rehearse(&self, connection: &mut dyn Connection, step: &Step) -> Result<Effects> {
        let copy = Copy::of(self.database, Some(connection))?;
        copy.effects_of(self.sets, step, &self.settings.stop)
    }

    /// A failure between two statements. Where none was done there is nothing to remember; else the mark stays and says
    /// how far it came.
    fn left_off(
        &self,
        connection: &mut dyn Connection,
        step: &Step,
        row: &Applied,
        index: usize,
        error: Error,
    ) -> Error {
        if step.way == Way::Down {
            return error;
        }
        if row.statements_done == 0 {
            // Should this fail as well, the mark that is left says at least that it was begun.
            let _ = commit_alone(connection, |connection| history::delete(connection, &step.id));
            return error;
        }
        let help = format!(
            "it runs outside a transaction, and its first {index} statements are done: mend the cause, then go on with \
             `larder repair {} --resume`",
            step.id
        );
        let mut told = Error::new(error.kind(), error.message().to_owned()).with_help(help);
        if let Some(location) = error.location() {
            told = told.with_location(location.clone());
        }
        if let Some(constraint) = error.constraint() {
            told = told.with_constraint(constraint.clone());
        }
        told.with_cause(error)
    }
}

/// Does `f` in a transaction of its own.
pub(in crate::migrate) fn commit_alone<T>(
    connection: &mut dyn Connection,
    f: impl FnOnce(&mut dyn Connection) -> Result<T>,
) -> Result<T> {
    connection.begin(Access::Write)?;
    let result = f(connection).and_then(|done| connection.commit().map(|()| done));
    if result.is_err() {
        connection.rollback()?;
    }
    result
}
