//! A migration that can't run in a transaction: `VACUUM`, a change of the page size, `CREATE INDEX CONCURRENTLY`.
//!
//! Nothing can be rolled back there, so the gate comes first: the migration runs on a copy of the data, and what it loses
//! on the copy is what it would lose (on a server, see `apart`). Then a mark is written that it was started, and how many of its statements are done;
//! a crash in between is known by that mark, and the next run says so instead of guessing.

use super::gate::{Verdict, data_version};
use super::script::Parsed;
use super::session::{commit_alone, commit_mark};
use super::{Next, Running, done, record};
use crate::driver::{Connection, Dialect, Lock};
use crate::error::{Error, ErrorKind, Result};
use crate::migrate::effect::names;
use crate::migrate::history;
use crate::migrate::migration::{Script, Way};
use crate::migrate::plan::{Request, Step};
use crate::migrate::record::{Applied, State};
use crate::migrate::rehearse::{Copy, effects_on};
use crate::migrate::report::{Done, Phase};
use crate::schema::Catalogue;
use std::time::{Duration, Instant};

/// Another process may be at it since the lock was lost.
fn check_lock(lock: &mut Option<&mut Lock>) -> Result<()> {
    if lock.as_mut().is_none_or(|lock| lock.is_held()) {
        return Ok(());
    }
    let message = "the server ended the connection that kept others from migrating at the same time";
    Err(Error::new(ErrorKind::Unavailable, message).with_help("run it again; it goes on where it stopped"))
}

impl Running<'_, '_> {
    /// Runs the first migration of the plan outside a transaction.
    pub(super) fn outside(&mut self, connection: &mut dyn Connection, request: &Request) -> Result<Next> {
        // Between the statements nothing holds the database's own lock, so that two processes could both be at it.
        let mut lock = if self.nested { None } else { Some(self.lock(connection)?) };
        let (_, plan) = self.plan(connection, request)?;
        let Some(step) = plan.steps.first() else { return Ok(Next::Again) };
        if !self.migration(step)?.1.is_no_transaction(step.way) {
            return Ok(Next::Again);
        }
        self.at_migration(&step.id);
        match self.try_outside(connection, step, lock.as_mut()) {
            Ok(()) => Ok(Next::Again),
            Err(error) => {
                let error = self.with_holder(error);
                Err(self.explain(&step.id, error, false))
            }
        }
    }

    fn try_outside(
        &mut self,
        connection: &mut dyn Connection,
        step: &Step,
        mut lock: Option<&mut Lock>,
    ) -> Result<()> {
        let _span = tracing::debug_span!("migration", id = step.id).entered();
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
        let rehearsal = self.settings.rehearsal;
        let server = connection.dialect() == Dialect::Postgres;
        if self.nested {
            return self.pass_over(connection, step, &parsed);
        }
        let mut finished = if server {
            self.judge_apart(connection, step, &parsed)?
        } else {
            self.judge_outside(connection, step, count)?
        };
        finished.duration = began.elapsed();
        let mut row = Applied::new(set.name(), migration, jiff::Timestamp::now());
        row.program.clone_from(&self.settings.program);
        row.state = State::Started;
        row.statements_done = step.statements_done;
        let cut_off = server
            && history::rows(connection)?.iter().any(|known| known.id == step.id && step.way == Way::Up);
        if step.statements_done == 0 && step.way == Way::Up {
            self.patiently(|| {
                commit_alone(connection, |connection| {
                    // It may be the very first migration of a database.
                    history::create(connection)?;
                    // A crash before its first statement was done leaves a mark that says so.
                    history::delete(connection, &step.id)?;
                    history::insert(connection, &row)
                })
            })?;
        }
        let behind =
            if rehearsal { count } else { usize::try_from(step.statements_done).unwrap_or(usize::MAX) };
        let first = behind.min(count);
        // On the way down the row that is there is the mark.
        let mut original = None;
        if step.way == Way::Down && !rehearsal {
            original = history::rows(connection)?.into_iter().find(|row| row.id == step.id);
            if let Some(row) = &original {
                let mark = Applied { state: State::Started, statements_done: 0, ..row.clone() };
                commit_mark(connection, |connection| history::update(connection, &step.id, &mark))?;
            }
        }
        let before = if server { Catalogue::read(connection)? } else { Catalogue::default() };
        let mut told = Vec::new();
        for index in first..count {
            self.at_statement(index + 1, count);
            self.tell(Phase::Running);
            let reached = self.settings.stop.reach(connection.interrupter());
            let result = self.check_stop().and_then(|()| check_lock(&mut lock)).and_then(|()| {
                if !server {
                    return parsed.run(connection, index).map(|_| ());
                }
                let waits =
                    self.patiently(|| parsed.make_room(connection, index, cut_off && index == first))?;
                told.extend(waits.told);
                if waits.done { Ok(()) } else { parsed.run_cleanly(connection, index) }
            });
            drop(reached);
            if let Err(error) = result {
                return Err(left_off(connection, step, original.as_ref().unwrap_or(&row), index, error));
            }
            row.statements_done += 1;
            if step.way == Way::Up {
                commit_mark(connection, |connection| history::update(connection, &step.id, &row))?;
            }
        }
        if server {
            let after = Catalogue::read(connection)?;
            finished.effects.changes =
                before.diff(&after).iter().map(ToString::to_string).chain(told).collect();
            names(&before, &after, &mut finished.effects);
        }
        finished.duration = began.elapsed();
        self.tell(Phase::Committing);
        let program = self.settings.program.clone();
        loop {
            let result = commit_alone(connection, |connection| {
                if step.way == Way::Up {
                    history::delete(connection, &step.id)?;
                }
                record(connection, set, migration, &finished, &program)?;
                self.note(connection)
            });
            match result {
                Err(error) if self.tries_again(&error) => {}
                result => break result?,
            }
        }
        self.report.done.push(finished);
        Ok(())
    }

    /// Measures on a copy of the data what it would lose, asks the gate, and makes the backup. What others write in between
    /// was not measured: then all of it is done again.
    fn judge_outside(&mut self, connection: &mut dyn Connection, step: &Step, count: usize) -> Result<Done> {
        let (set, migration) = step.find(self.sets)?;
        // A copy itself needs no second one.
        if self.settings.rehearsal {
            self.at_statement(1, count);
            self.tell(Phase::Running);
            let effects = effects_on(connection, self.sets, step, &self.settings.stop)?;
            let mut finished = done(set, step, effects, Duration::ZERO);
            if let Verdict::Approved(by) = self.gate(step, migration, &finished.effects.losses)? {
                finished.approval = Some(by);
            }
            return Ok(finished);
        }
        for _ in 0..ATTEMPTS {
            let version = data_version(connection)?;
            let copy = Copy::of(self.database, Some(connection))?;
            let effects = copy.effects_of(self.sets, step, &self.settings.stop)?;
            drop(copy);
            let mut finished = done(set, step, effects, Duration::ZERO);
            if let Verdict::Approved(by) = self.gate(step, migration, &finished.effects.losses)? {
                finished.approval = Some(by);
                if let Some(file) = self.database.file() {
                    self.tell(Phase::BackingUp);
                    finished.backup = Some(self.write_backup(file, &step.id)?);
                }
            }
            if data_version(connection)? == version {
                return Ok(finished);
            }
        }
        Err(Error::new(
            ErrorKind::Busy,
            format!("{} could not be measured: others wrote to the database each time", step.id),
        )
        .with_help("stop the programs that write to it, then migrate again"))
    }
}

/// How often a migration is measured anew because others wrote in between.
const ATTEMPTS: usize = 5;

/// A failure between two statements. Where none was done the history is as it was; else the mark stays and says so.
fn left_off(
    connection: &mut dyn Connection,
    step: &Step,
    row: &Applied,
    index: usize,
    error: Error,
) -> Error {
    let none_done = if step.way == Way::Down { index == 0 } else { row.statements_done == 0 };
    if none_done {
        // Should this fail as well, the mark that is left says at least that it was begun.
        let _ = commit_mark(connection, |connection| match step.way {
            Way::Up => history::delete(connection, &step.id),
            Way::Down => history::update(connection, &step.id, row),
        });
        return error;
    }
    let what = match step.way {
        Way::Up => format!("mend the cause, then go on with `larder repair {} --resume`", step.id),
        Way::Down => format!(
            "do the rest by hand, then say so with `larder repair {0} --forget`; or undo it, then `larder repair {0} \
             --mark-applied`",
            step.id
        ),
    };
    let help = format!("it runs outside a transaction, and its first {index} statements are done: {what}");
    error.restated(error.kind(), error.message()).with_help(help).with_cause(error)
}
