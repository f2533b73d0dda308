//! The order of events.

use super::build::{self, Sets};
use super::finish;
use super::live::Live;
use super::misfit::Misfits;
use super::pair::{Pair, pair};
use super::report::{CopiedTable, Phase, Report};
use super::rows::{Sum, Teller};
use super::translate::{Translation, translate};
use super::{Copier, bookkeeping, check, live_postgres, rows, target, verify};
use crate::db::Database;
use crate::driver::{Access, Connection};
use crate::error::{Error, ErrorKind, Result};
use crate::migrate::history;
use crate::sql::text::Dialect;
use std::ops::ControlFlow;
use std::time::Instant;

/// From so many rows on a key is made faster at once, of all rows, than row by row.
const LARGE: u64 = 10_000;

/// Copies, or only checks.
pub(super) fn run(copier: Copier<'_>, from: &Database, to: &Database, dry_run: bool) -> Result<Report> {
    let began = Instant::now();
    // One snapshot for everything that is read.
    let mut report = from.read(|tx| {
        let source = tx.connection();
        to.with_writer(|target| {
            let _source = copier.stop.reach(source.interrupter());
            let _target = copier.stop.reach(target.interrupter());
            prepared(target, |target| one_transaction(copier, source, target, &shown(from, to), dry_run))
        })
    })?;
    report.duration = began.elapsed();
    Ok(report)
}

fn shown(from: &Database, to: &Database) -> [String; 2] {
    [from.to_string(), to.to_string()]
}

/// Has SQLite look away from foreign keys for the time, which it can only be told outside a transaction, and take settings.
fn prepared(
    target: &mut dyn Connection,
    work: impl FnOnce(&mut dyn Connection) -> Result<Report>,
) -> Result<Report> {
    if target.dialect() == Dialect::Postgres {
        return work(target);
    }
    target.watch(true)?;
    let on = history::one::<bool>(target, "PRAGMA foreign_keys")?.unwrap_or(false);
    target.execute("PRAGMA foreign_keys = OFF", &[])?;
    let done = work(target);
    if on {
        target.execute("PRAGMA foreign_keys = ON", &[])?;
    }
    target.watch(false)?;
    done
}

fn one_transaction(
    copier: Copier<'_>,
    source: &mut dyn Connection,
    target: &mut dyn Connection,
    shown: &[String; 2],
    dry_run: bool,
) -> Result<Report> {
    let mut teller = Teller::new(copier.on_progress, copier.stop);
    target.begin(Access::Write)?;
    let plan = Plan { sets: &copier.sets, limit: copier.limit, program: &copier.program, shown, dry_run };
    let done = work(&plan, source, target, &mut teller).and_then(|report| {
        if dry_run {
            return target.rollback().map(|()| report);
        }
        teller.phase(Phase::Committing, report.tables.len())?;
        target.commit().map(|()| report)
    });
    done.map_err(|error| {
        // What went wrong first is what people want to know.
        if let Err(second) = target.rollback() {
            tracing::warn!(error = %second, "the copy could not be rolled back; its connection is closed");
        }
        if error.kind() == ErrorKind::Interrupted {
            return Error::new(ErrorKind::Interrupted, "the copy was stopped; the target is as it was")
                .with_cause(error);
        }
        error
    })
}

struct Plan<'a> {
    sets: &'a [&'a crate::migrate::MigrationSet],
    limit: usize,
    program: &'a str,
    shown: &'a [String; 2],
    dry_run: bool,
}

fn work(
    plan: &Plan<'_>,
    source: &mut dyn Connection,
    target: &mut dyn Connection,
    teller: &mut Teller<'_>,
) -> Result<Report> {
    let [from_shown, to_shown] = plan.shown;
    target::claim(target, to_shown)?;
    teller.phase(Phase::Building, 0)?;
    settle(source)?;
    settle(target)?;
    target::check_empty(target, to_shown)?;
    target::check_encoding(target, to_shown)?;
    let from = Live::read(source)?;
    if source.dialect() == Dialect::Postgres {
        live_postgres::check_visible(source, from_shown)?;
    }
    let history = history::rows(source)?;
    let meta = history::meta(source)?;
    if from.tables.is_empty() && history.is_empty() {
        let message = format!("there is nothing in {from_shown}");
        return Err(Error::new(ErrorKind::NotInitialized, message).with_help("is it the right one?"));
    }
    build::check_finished(&history)?;
    let same = source.dialect() == Dialect::Sqlite && target.dialect() == Dialect::Sqlite;
    let mut sets = Sets::default();
    if !same {
        sets = Sets::find(plan.sets, &history, source.dialect(), target.dialect())?;
        sets.run(target, &history)?;
    }
    let there = Live::read(target)?;
    let mut translation = translate(source, &from, target, &there, &sets)?;
    if !translation.origins.is_empty() {
        for (set, why) in &sets.not {
            translation.left_out.push(super::LeftOut {
                object: format!("the migrations of {set}"),
                reason: format!("{why}; what they made is translated"),
            });
        }
    }
    let to = Live::read(target)?;
    let pairs = pair(&from, &to, &translation.origins)?;
    let sums = checked(plan, source, &from, &pairs, &translation, teller)?;
    let mut report = report(&pairs, &sums, translation);
    report.migrations = history.len();
    report.schema_version = meta.as_ref().map(|meta| meta.schema_version);
    report.dry_run = plan.dry_run;
    if plan.dry_run {
        return Ok(report);
    }
    let counters = finish::counters(source, &from)?;
    let many = |(pair, sum): (&Pair, &Sum)| (sum.rows >= LARGE).then(|| pair.to.name.to_ascii_lowercase());
    let large = pairs.iter().zip(&sums).filter_map(many).collect();
    let aside = target::put_aside(target, &to, &large)?;
    teller.phase(Phase::Loading, pairs.len())?;
    for pair in &pairs {
        teller.table(&pair.from.name)?;
        rows::load(source, target, pair, teller)?;
    }
    teller.phase(Phase::Finishing, pairs.len())?;
    aside.put_back(target)?;
    for pair in &pairs {
        finish::count_on(target, &to, pair, &counters)?;
    }
    if target.dialect() == Dialect::Sqlite {
        finish::check_references(target)?;
        finish::virtual_tables(target, &to, &mut report.left_out)?;
    }
    finish::analyze(target, &pairs)?;
    teller.phase(Phase::Verifying, pairs.len())?;
    for (pair, sum) in pairs.iter().zip(&sums) {
        teller.table(&pair.from.name)?;
        verify::verify(source, target, pair, sum, teller)?;
    }
    bookkeeping::write(target, &history, meta.as_ref(), &sets, plan.sets, plan.program)?;
    Ok(report)
}

/// Settings of a server for the one transaction. It would take the pauses of a long copy for those of somebody who has gone
/// away; and where policies would hide rows from this role, it is to say so instead.
fn settle(connection: &mut dyn Connection) -> Result<()> {
    const SETTINGS: &str = "SELECT set_config(name, CASE name WHEN 'row_security' THEN 'off' \
                            WHEN 'client_min_messages' THEN 'warning' ELSE '0' END, true) FROM pg_catalog.pg_settings \
                            WHERE name IN ('idle_in_transaction_session_timeout', 'statement_timeout', \
                            'transaction_timeout', 'client_min_messages', 'row_security')";
    if connection.dialect() == Dialect::Postgres {
        connection.query(SETTINGS, &[], &mut |_| Ok(ControlFlow::Continue(())))?;
    }
    Ok(())
}

/// What each table comes to; an error where something does not fit.
fn checked(
    plan: &Plan<'_>,
    source: &mut dyn Connection,
    from: &Live,
    pairs: &[Pair],
    translation: &Translation,
    teller: &mut Teller<'_>,
) -> Result<Vec<Sum>> {
    teller.phase(Phase::Checking, pairs.len())?;
    let mut misfits = Misfits::new(plan.limit);
    let mut sums = Vec::new();
    for pair in pairs {
        teller.table(&pair.from.name)?;
        sums.push(check::values(source, pair, &mut misfits, teller)?);
    }
    check::rows(source, from, pairs, translation, &mut misfits, teller)?;
    if misfits.total == 0 {
        return Ok(sums);
    }
    let places = if misfits.total == 1 { "1 value or row does not fit" } else { "values or rows do not fit" };
    let count = if misfits.total == 1 { String::new() } else { format!("{} ", misfits.total) };
    Err(Error::new(
        ErrorKind::Conversion,
        format!("{count}{places} into {}; nothing was written", plan.shown[1]),
    )
    .with_help("correct or remove them at the source, then copy again")
    .with_cause(misfits))
}

fn report(pairs: &[Pair], sums: &[Sum], translation: Translation) -> Report {
    let tables: Vec<CopiedTable> = pairs
        .iter()
        .zip(sums)
        .map(|(pair, sum)| CopiedTable {
            name: pair.from.name.clone(),
            rows: sum.rows,
            bytes: sum.bytes,
            hash: sum.hex(),
            origin: pair.origin,
        })
        .collect();
    Report {
        rows: tables.iter().map(|table| table.rows).sum(),
        bytes: tables.iter().map(|table| table.bytes).sum(),
        tables,
        left_out: translation.left_out,
        ..Report::default()
    }
}
