//! What `migrate` and `rollback` share: a run, and the question when something would be lost.

use super::Context;
use super::interrupt::Interrupt;
use super::progress::Bar;
use super::report;
use super::sets::Sets;
use crate::args::{Losing, Waiting};
use crate::config;
use crate::exit::Exit;
use crate::output::{self, RunShape, Shape, Tone};
use larder::driver::Dialect;
use larder::migrate::{Approval, Refused, Report, Way};
use larder::{Database, Error, ErrorKind, Result};
use larder_stores::Store;

/// What is to be run.
pub(super) struct Run<'a> {
    pub(super) way: Way,
    pub(super) to: Option<&'a str>,
    pub(super) steps: Option<usize>,
    pub(super) dry_run: bool,
    pub(super) losing: &'a Losing,
    pub(super) waiting: &'a Waiting,
    pub(super) allow_out_of_order: bool,
    /// The set of this store alone.
    pub(super) only_store: Option<&'a str>,
}

/// Runs it, and prints what it did.
pub(super) fn apply(run: &Run<'_>, mut context: Context<'_>) -> Result<Exit> {
    if run.dry_run {
        context.recording.leave_out();
    }
    let mut approvals = run.losing.approvals()?;
    if !approvals.is_empty() {
        check_approvals(&approvals, &context.sets()?, context.dialect())?;
    }
    if run.way == Way::Up && !run.dry_run {
        check_new(run, &context)?;
    }
    let interrupt = Interrupt::listen()?;
    let (database, mut sets) = context.database_with_sets(|context| match (run.dry_run, run.way) {
        (true, _) => context.existing_or_empty(),
        (false, Way::Up) => context.open(),
        (false, Way::Down) => context.existing(),
    })?;
    if let Some(store) = run.only_store {
        sets = Sets::of_store(store)?;
    }
    let mut whole: Option<Report> = None;
    let whole = loop {
        let error = match once(run, &context, &database, &sets, &approvals, &interrupt) {
            Ok(report) => {
                report::lines(context.output, &report.done, run.dry_run);
                context.recording.ran(&report);
                break add(whole, report);
            }
            Err(error) => in_store(error, run),
        };
        if let Some(report) = output::stopped(&error) {
            report::lines(context.output, &report.done, run.dry_run);
            context.recording.ran(report);
        }
        let asks = context.output.asks() && !run.dry_run;
        let Some(refused) = error.find::<Refused>().filter(|_| asks) else { return Err(error) };
        if !interrupt.while_asking(|| ask(&mut context, refused)) {
            return Err(error);
        }
        // What was done before is in the database; the next run goes on from there.
        approvals.push(refused.token.parse()?);
        whole = Some(add(whole, refused.report.clone()));
    };
    report::end(&mut context, &whole, run.dry_run);
    let shape = RunShape::of(&whole, context.shown(), run.dry_run);
    context.output.json(&Shape::new(context.command, true, shape));
    database.close()?;
    Ok(Exit::Done)
}

/// Where there is no database yet, a run that can't be leaves no empty one behind.
fn check_new(run: &Run<'_>, context: &Context<'_>) -> Result<()> {
    if !context.readable().is_err_and(|error| error.kind() == ErrorKind::NotInitialized) {
        return Ok(());
    }
    let sets = context.sets()?;
    let empty = Database::open(":memory:")?;
    let mut migrator = context.migrator(&sets.list(), &empty).allow_out_of_order(run.allow_out_of_order);
    if let Some(to) = run.to {
        migrator = migrator.to(to);
    }
    migrator.plan(&empty)?;
    empty.close()
}

/// The error of a way back in a store, whose migrations are in this program: nobody can add one.
fn in_store(error: Error, run: &Run<'_>) -> Error {
    let of_target = run.to.and_then(|to| to.split_once('/')).and_then(|(set, _)| Store::named(set));
    let is_of_store = run.only_store.is_some() || of_target.is_some();
    match (run.way, error.kind()) {
        (Way::Down, ErrorKind::InvalidMigration) if is_of_store => {
            error.with_help("the migrations of a store are in this program: restore a backup from before it")
        }
        _ => error,
    }
}

/// A misspelt id approves nothing; to find that out from a refusal is hard.
fn check_approvals(approvals: &[Approval], sets: &Sets, dialect: Dialect) -> Result<()> {
    let mut known = Vec::new();
    for set in sets.list() {
        let loaded = set.load(dialect)?;
        known.extend(loaded.migrations().iter().map(|migration| loaded.history_id(migration)));
    }
    let known: Vec<&str> = known.iter().map(String::as_str).collect();
    for approval in approvals {
        let (Approval::Migration(id) | Approval::Exact { id, .. }) = approval else { continue };
        if !known.contains(&id.as_str()) {
            let help = match config::nearest(id, &known) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "give an id as `larder status` shows it".to_owned(),
            };
            let message = format!("--allow-destructive={id}: there is no such migration");
            return Err(Error::new(ErrorKind::Config, message).with_help(help));
        }
    }
    Ok(())
}

fn once(
    run: &Run<'_>,
    context: &Context<'_>,
    database: &Database,
    sets: &Sets,
    approvals: &[Approval],
    interrupt: &Interrupt,
) -> Result<Report> {
    let bar = Bar::new(context.output);
    let mut migrator =
        context.migrator(&sets.list(), database).stop(&interrupt.stop).on_progress(|at| bar.tell(at));
    for approval in approvals {
        migrator = migrator.approve(approval.clone());
    }
    if let Some(time) = run.waiting.lock_timeout {
        migrator = migrator.lock_timeout(time);
    }
    if let Some(time) = run.waiting.statement_timeout {
        migrator = migrator.statement_timeout(time);
    }
    if let Some(to) = run.to {
        migrator = migrator.to(to);
    }
    if let Some(steps) = run.steps {
        migrator = migrator.steps(steps);
    }
    match (run.dry_run, run.way) {
        (true, Way::Up) => migrator.allow_out_of_order(run.allow_out_of_order).dry_run(database),
        (true, Way::Down) => migrator.dry_run_down(database),
        (false, Way::Up) => migrator.allow_out_of_order(run.allow_out_of_order).up(database),
        (false, Way::Down) => migrator.down(database),
    }
}

/// The parts of a run as one. What was applied before the first of them is what was applied before the run.
fn add(whole: Option<Report>, part: Report) -> Report {
    let Some(mut whole) = whole else { return part };
    whole.done.extend(part.done);
    whole.duration += part.duration;
    whole.schema_version = part.schema_version;
    whole
}

/// Asks a person who sees exactly what would be lost.
fn ask(context: &mut Context<'_>, refused: &Refused) -> bool {
    let output = &mut *context.output;
    output.note(format!("\n{} would lose:", refused.id));
    for loss in &refused.losses {
        let text = output.paint_note(Tone::Warning, &loss.to_string());
        output.note(format!("  - {text}"));
    }
    output.note("A backup is made first. Anything but `yes` leaves everything as it is.");
    output.ask("Lose exactly this? ").is_some_and(|answer| answer == "yes")
}
