//! The gate of a migration outside a transaction, on a server.
//!
//! There is no copy of the data to try it on. What can lose something is also what runs in a transaction: so all of that is
//! run in one, measured, and rolled back, before the migration itself begins. The rest (CREATE INDEX CONCURRENTLY, VACUUM, …)
//! loses nothing.

use super::gate::Verdict;
use super::refusal::{Build, is_harmless, takes_no_transaction};
use super::script::Parsed;
use super::{Running, done, index, record, session};
use crate::driver::{Access, Connection};
use crate::error::{Error, Result};
use crate::migrate::effect::{Baseline, Seen, Unchecked, assess};
use crate::migrate::loss::Approval;
use crate::migrate::migration::{Approves, Migration};
use crate::migrate::plan::Step;
use crate::migrate::report::{Done, Effects, Phase};
use std::time::Duration;

/// What stands before a statement.
pub(super) struct Room {
    /// It is done already.
    pub(super) done: bool,
    pub(super) told: Option<String>,
}

impl Running<'_, '_> {
    /// Measures what the migration would lose, asks the gate, and makes the backup.
    pub(super) fn judge_apart(
        &mut self,
        connection: &mut dyn Connection,
        step: &Step,
        parsed: &Parsed<'_>,
    ) -> Result<Done> {
        let (set, migration) = step.find(self.sets)?;
        let first = usize::try_from(step.statements_done).unwrap_or(usize::MAX);
        let rest = parsed.statements.iter().skip(first);
        let whole = self.approved_whole(step, migration);
        if whole.is_some() || rest.clone().all(|statement| is_harmless(statement.text)) {
            let mut finished = done(set, step, Effects::default(), Duration::ZERO);
            if rest.into_iter().any(|statement| !is_harmless(statement.text)) {
                finished.approval = whole;
                finished.backup = self.back_up_now(&step.id)?;
            }
            return Ok(finished);
        }
        let effects = loop {
            let result = self.measure_apart(connection, parsed, first);
            self.close(connection)?;
            match result {
                Err(error) if self.tries_again(&error) => {}
                result => break result?,
            }
        };
        self.blocked = None;
        let mut finished = done(set, step, effects, Duration::ZERO);
        if let Verdict::Approved(by) = self.gate(step, migration, &finished.effects.losses)? {
            finished.approval = Some(by);
            finished.backup = self.back_up_now(&step.id)?;
        }
        Ok(finished)
    }

    fn measure_apart(
        &mut self,
        connection: &mut dyn Connection,
        parsed: &Parsed<'_>,
        first: usize,
    ) -> Result<Effects> {
        self.begin(connection)?;
        let mut baseline = Baseline::take(self.database, connection)?;
        // It may have to be run twice.
        connection.begin(Access::Write)?;
        let result = self.measure_in_savepoint(connection, &mut baseline, parsed, first);
        connection.rollback()?;
        result
    }

    fn measure_in_savepoint(
        &mut self,
        connection: &mut dyn Connection,
        baseline: &mut Baseline,
        parsed: &Parsed<'_>,
        first: usize,
    ) -> Result<Effects> {
        let rest: Vec<_> = parsed.statements.iter().skip(first).copied().collect();
        baseline.expect(connection, &rest)?;
        let mut seen = self.run_measured(connection, parsed, first)?;
        while baseline.lacks(connection)? {
            connection.rollback()?;
            connection.begin(Access::Write)?;
            baseline.look(connection)?;
            seen = self.run_measured(connection, parsed, first)?;
        }
        parsed.tell_renames(&mut seen);
        let (effects, _) = assess(connection, baseline, &seen, true, &mut Unchecked::default())?;
        Ok(effects)
    }

    fn run_measured(
        &mut self,
        connection: &mut dyn Connection,
        parsed: &Parsed<'_>,
        first: usize,
    ) -> Result<Seen> {
        let mut seen = Seen::default();
        connection.watch(true)?;
        let count = parsed.statements.len();
        for index in first..count {
            if parsed.statements.get(index).is_none_or(|statement| takes_no_transaction(statement.text)) {
                continue;
            }
            self.at_statement(index + 1, count);
            self.tell(Phase::Measuring);
            self.check_stop()?;
            parsed.run_watched(connection, index, &mut seen).map_err(unmeasured)?;
        }
        session::settle(connection).map_err(unmeasured)?;
        Ok(seen)
    }

    /// What approves of whatever the migration loses.
    fn approved_whole(&self, step: &Step, migration: &Migration) -> Option<String> {
        let named = |id: &String| *id == step.id || id == self.short(step, migration);
        for approval in &self.settings.approvals {
            match approval {
                Approval::Everything => return Some("everything was approved for the run".into()),
                Approval::Migration(id) if named(id) => return Some(format!("{id} was approved")),
                Approval::Migration(_) | Approval::Exact { .. } => {}
            }
        }
        (*migration.approves(step.way) == Approves::Everything).then(|| "its own text approves it".into())
    }

    /// In a transaction that is rolled back in the end, what takes none can't run.
    pub(super) fn pass_over(
        &mut self,
        connection: &mut dyn Connection,
        step: &Step,
        parsed: &Parsed<'_>,
    ) -> Result<()> {
        let (set, migration) = step.find(self.sets)?;
        let mut finished = done(set, step, Effects::default(), Duration::ZERO);
        finished.rehearsed = self.settings.schema_only;
        connection.begin(Access::Write)?;
        self.open = true;
        if self.settings.schema_only {
            for index in 0..parsed.statements.len() {
                parsed.run_in_transaction(connection, index)?;
            }
        } else {
            finished.effects.changes.push(
                "was not rehearsed: it runs outside a transaction, and what it does there can't be rolled back".into(),
            );
        }
        record(connection, set, migration, &finished, &self.settings.program)?;
        self.note(connection)?;
        connection.commit()?;
        self.open = false;
        self.report.done.push(finished);
        Ok(())
    }
}

impl Parsed<'_> {
    /// Makes room for the statement at `index`. `cut_off` where it may have been under way when a run ended.
    pub(super) fn make_room(
        &self,
        connection: &mut dyn Connection,
        index: usize,
        cut_off: bool,
    ) -> Result<Room> {
        let build = self.statements.get(index).and_then(|statement| Build::of(statement.text));
        let Some(build) = build else { return Ok(Room { done: false, told: None }) };
        Ok(match index::clear(connection, &build, cut_off)? {
            Some(told) => Room { done: false, told },
            None => Room {
                done: true,
                told: Some(format!("finds the index {} built: the server went on with it", build.name)),
            },
        })
    }

    /// Runs the statement at `index`, and leaves nothing of an index that could not be built.
    pub(super) fn run_cleanly(&self, connection: &mut dyn Connection, index: usize) -> Result<()> {
        let result = self.run(connection, index);
        let build = self.statements.get(index).and_then(|statement| Build::of(statement.text));
        if let (Err(_), Some(build)) = (&result, build) {
            index::clean_up(connection, &build);
        }
        result.map(|_| ())
    }
}

fn unmeasured(error: Error) -> Error {
    if error.is_transient() {
        return error;
    }
    error
        .restated(error.kind(), error.message())
        .with_help(
            "what could lose something is first run in a transaction and rolled back, to measure it, and there this statement \
             fails: put it into a migration of its own, or approve of all that it loses with `-- larder: destructive`",
        )
        .with_cause(error)
}
