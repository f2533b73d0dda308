//! The face of migrating: what to run, on which terms.

use super::lint::warnings;
use super::loaded::LoadedSet;
use super::loss::{Approval, approved};
use super::plan::{Direction, Plan, Request, plan};
use super::record::Applied;
use super::rehearse::Copy;
use super::report::{Done, Progress, Report, Stop};
use super::run::{Backups, Settings, run};
use super::set::MigrationSet;
use super::{claim, history};
use crate::db::{Database, OnOpen, Options};
use crate::driver::{Connection, Dialect};
use crate::error::Result;
use std::any::Any;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Migrates a database. [`Database::migrate`] is short for `Migrator::new(sets).up(&db)`.
///
/// ```
/// use larder::{Database, Migration, MigrationSet, migrate::Migrator};
/// # fn main() -> larder::Result<()> {
/// let set = MigrationSet::list(
///     "app",
///     vec![
///         Migration::sql("0001_init", "CREATE TABLE notes (id INTEGER PRIMARY KEY, body TEXT)"),
///         Migration::sql("0002_title", "ALTER TABLE notes ADD COLUMN title TEXT"),
///     ],
/// );
/// let db = Database::open(":memory:")?;
/// let report = Migrator::new(&[&set]).to("0001_init").up(&db)?;
/// assert_eq!(report.done[0].effects.changes, ["creates table notes"]);
/// assert_eq!(db.migrate(&[&set])?.schema_version, Some(2));
/// # Ok(())
/// # }
/// ```
pub struct Migrator<'a> {
    pub(super) sets: Vec<&'a MigrationSet>,
    to: Option<String>,
    steps: Option<usize>,
    out_of_order: bool,
    pub(super) resume: bool,
    pub(super) settings: Settings<'a>,
}

impl<'a> Migrator<'a> {
    /// A run of these sets. Sets that depend on others come after those, in whichever order they are given.
    pub fn new(sets: &[&'a MigrationSet]) -> Self {
        Self {
            sets: sets.to_vec(),
            to: None,
            steps: None,
            out_of_order: false,
            resume: false,
            settings: Settings::default(),
        }
    }

    /// The target: the last migration that is applied on the way up, the last that stays on the way down. An id, a number
    /// or a name; `0` stands for none.
    #[must_use]
    pub fn to(mut self, id: impl Into<String>) -> Self {
        self.to = Some(id.into());
        self
    }

    /// How many migrations to roll back, instead of a target; one, unless set.
    #[must_use]
    pub fn steps(mut self, count: usize) -> Self {
        self.steps = Some(count);
        self
    }

    /// Approves a loss. May be said several times.
    #[must_use]
    pub fn approve(mut self, approval: Approval) -> Self {
        self.settings.approvals.push(approval);
        self
    }

    /// Also applies what is pending before a migration that is already applied, as after a merge. Refused otherwise.
    #[must_use]
    pub fn allow_out_of_order(mut self, allow: bool) -> Self {
        self.out_of_order = allow;
        self
    }

    /// Where the backup goes that is made before an approved loss, and how many backups are kept there. Unless set: the
    /// folder `backups` beside the database, and 5. A database on a server is backed up by `pg_dump`, into the folder `backups`
    /// of the current one.
    #[must_use]
    pub fn backups(mut self, folder: impl Into<PathBuf>, keep: usize) -> Self {
        self.settings.backups = Backups { folder: Some(folder.into()), keep, none: false };
        self
    }

    /// Commits approved losses without a backup: for who has one, or none to make (`pg_dump` is not there).
    #[must_use]
    pub fn without_backup(mut self) -> Self {
        self.settings.backups.none = true;
        self
    }

    /// How many backups are kept in the folder `backups`.
    #[must_use]
    pub fn keep_backups(mut self, keep: usize) -> Self {
        self.settings.backups.keep = keep;
        self
    }

    /// Who migrates, with a version: it stands in the history, and a program that finds the database newer than itself
    /// names it.
    #[must_use]
    pub fn program(mut self, name: impl Into<String>) -> Self {
        self.settings.program = name.into();
        self
    }

    /// How long to wait while another connection holds the write lock, which may be migrating, or on a server a lock that a
    /// migration needs: 10 minutes unless set.
    #[must_use]
    pub fn wait(mut self, patience: Duration) -> Self {
        self.settings.patience = patience;
        self
    }

    /// How long one lock is waited for at a time, on a server: 2 seconds unless set. Whoever comes later and wants the same
    /// table waits behind the migration that waits, so this is how long it may hold up the application without getting
    /// anywhere. Then it is rolled back and tried again, for as long as [`wait`](Self::wait) says. SQLite has one lock for the
    /// whole database, and nobody waits behind who waits for it.
    #[must_use]
    pub fn lock_timeout(mut self, one: Duration) -> Self {
        self.settings.terms.lock_timeout = one;
        self
    }

    /// How long one statement of a migration in a transaction may take on a server: as long as it takes, unless set. What
    /// takes longer fails, and the migration is rolled back.
    #[must_use]
    pub fn statement_timeout(mut self, one: Duration) -> Self {
        self.settings.terms.statement_timeout = Some(one);
        self
    }

    /// Who makes the backup before an approved loss, where the database is no file: it gets a label for its name, and gives
    /// where it is. It may use other connections: nothing is held while it works, and where the data change in between it is
    /// made again.
    #[must_use]
    pub fn backup_with(mut self, make: impl FnMut(&Database, &str) -> Result<PathBuf> + 'a) -> Self {
        self.settings.back_up = Some(Box::new(make));
        self
    }

    /// Is told of each statement before it runs.
    #[must_use]
    pub fn on_progress(mut self, told: impl FnMut(&Progress) + 'a) -> Self {
        self.settings.on_progress = Some(Box::new(told));
        self
    }

    /// Lets the run be stopped from elsewhere.
    #[must_use]
    pub fn stop(mut self, stop: &Stop) -> Self {
        self.settings.stop = stop.clone();
        self
    }

    /// Applies what is pending.
    ///
    /// # Errors
    /// [`ApprovalNeeded`](crate::ErrorKind::ApprovalNeeded) with a [`Refused`](super::Refused) in its chain when
    /// something would be lost; [`MigrationFailed`](crate::ErrorKind::MigrationFailed) with a
    /// [`Failed`](super::Failed) and the place in the file; the kinds of a plan that can't be
    /// ([`SchemaNewer`](crate::ErrorKind::SchemaNewer), [`MigrationEdited`](crate::ErrorKind::MigrationEdited), …), before
    /// one byte is written. Migrations before the one that failed stay.
    pub fn up(mut self, database: &Database) -> Result<Report> {
        if self.is_plain()
            && let Some(report) = self.up_to_date(database)?
        {
            return Ok(report);
        }
        let request = self.request_up();
        let sets = self.load(database)?;
        run(database, &sets, &request, &mut self.settings)
    }

    /// Rolls back through the down scripts, each measured and gated like a migration.
    ///
    /// # Errors
    /// As [`Migrator::up`]; also when a migration has no way down.
    pub fn down(mut self, database: &Database) -> Result<Report> {
        let request = self.request_down();
        let sets = self.load(database)?;
        run(database, &sets, &request, &mut self.settings)
    }

    /// Does all that [`Migrator::up`] would do on a copy of the real data, and throws the copy away; on a server in one
    /// transaction, which is rolled back. The report tells the effects, the losses (none is refused here), what of that which
    /// was said would approve them, and the time of each.
    ///
    /// On a server that transaction holds the locks of all migrations until its end, and what runs outside a transaction is
    /// not tried: [`Done::rehearsed`](super::Done::rehearsed) tells.
    ///
    /// # Errors
    /// As [`Migrator::up`], and what goes wrong with the copy: [`DiskFull`](crate::ErrorKind::DiskFull).
    pub fn dry_run(self, database: &Database) -> Result<Report> {
        let request = self.request_up();
        self.rehearse(database, &request)
    }

    /// The same for [`Migrator::down`].
    ///
    /// # Errors
    /// As [`Migrator::dry_run`].
    pub fn dry_run_down(self, database: &Database) -> Result<Report> {
        let request = self.request_down();
        self.rehearse(database, &request)
    }

    fn rehearse(mut self, database: &Database, request: &Request) -> Result<Report> {
        let sets = self.load(database)?;
        // What can't be is said before anything is copied.
        plan(&sets, &rows(database)?, request)?;
        let given = std::mem::replace(&mut self.settings.approvals, vec![Approval::Everything]);
        self.settings.rehearsal = true;
        let mut report = match database.driver().dialect() {
            Dialect::Sqlite => Copy::of(database, None)?.run(&sets, request, &mut self.settings)?,
            // In one transaction, which is rolled back.
            Dialect::Postgres => run(database, &sets, request, &mut self.settings)?,
        };
        for done in &mut report.done {
            done.approval = would_approve(&sets, done, &given);
        }
        Ok(report)
    }

    /// What [`Migrator::up`] would run. Nothing is written, and nothing runs.
    ///
    /// # Errors
    /// The kinds of a plan that can't be.
    pub fn plan(&self, database: &Database) -> Result<Plan> {
        let sets = self.load(database)?;
        let history = rows(database)?;
        let mut plan = plan(&sets, &history, &self.request_up())?;
        if !plan.steps.is_empty() {
            claim::check_claims(&sets, &claim::owners(&sets, &history))?;
        }
        warn(database, &sets, &mut plan)?;
        Ok(plan)
    }

    /// What [`Migrator::down`] would run.
    ///
    /// # Errors
    /// The kinds of a plan that can't be.
    pub fn plan_down(&self, database: &Database) -> Result<Plan> {
        let sets = self.load(database)?;
        let mut plan = plan(&sets, &rows(database)?, &self.request_down())?;
        warn(database, &sets, &mut plan)?;
        Ok(plan)
    }

    pub(super) fn load(&self, database: &Database) -> Result<Vec<Arc<LoadedSet>>> {
        self.sets.iter().map(|set| set.load(database.driver().dialect())).collect()
    }

    fn request_up(&self) -> Request {
        Request {
            direction: Direction::Up { to: self.to.clone(), allow_out_of_order: self.out_of_order },
            resume: self.resume,
        }
    }

    fn request_down(&self) -> Request {
        Request { direction: Direction::Down { to: self.to.clone(), steps: self.steps }, resume: false }
    }

    /// Nothing was asked for but everything that is pending.
    fn is_plain(&self) -> bool {
        self.to.is_none() && !self.resume
    }

    /// One look at what the database says of itself. Where every set has the fingerprint that it had when all of it was
    /// applied, nothing is pending and nothing was edited; how many migrations there are does not matter.
    fn up_to_date(&self, database: &Database) -> Result<Option<Report>> {
        let dialect = database.driver().dialect();
        let Some((known, version)) = look(database, history::look)? else { return Ok(None) };
        let mut already = 0;
        for set in &self.sets {
            if known.get(set.name()).map(String::as_str) != Some(set.fingerprint(dialect)?) {
                return Ok(None);
            }
            already += set.count()?;
        }
        // A number of zero is nobody's: sets without migrations.
        let schema_version = Some(version).filter(|_| already > 0);
        Ok(Some(Report { already, schema_version, ..Report::default() }))
    }
}

/// Adds to each step what of it holds up others on big tables.
fn warn(database: &Database, sets: &[Arc<LoadedSet>], plan: &mut Plan) -> Result<()> {
    if database.driver().dialect() == Dialect::Sqlite {
        return Ok(());
    }
    for step in &mut plan.steps {
        let (_, migration) = step.find(sets)?;
        step.warnings = look(database, |connection| warnings(connection, migration, step.way))?;
    }
    Ok(())
}

/// What would approve the losses of a migration that was rehearsed, where everything is let through.
fn would_approve(sets: &[Arc<LoadedSet>], done: &Done, given: &[Approval]) -> Option<String> {
    if done.effects.losses.is_empty() {
        return None;
    }
    let set = sets.iter().find(|set| set.name() == done.set)?;
    let migration = set.migrations().iter().find(|migration| set.history_id(migration) == done.id)?;
    approved(&done.id, migration.id(), &done.effects.losses, given, migration.approves(done.way))
}

/// Reads on whichever connection is at hand.
pub(super) fn look<T>(database: &Database, f: impl Fn(&mut dyn Connection) -> Result<T>) -> Result<T> {
    if database.is_read_only() {
        return database.read(|tx| f(tx.connection()));
    }
    database.with_writer(f)
}

/// The history, as it is now.
pub(super) fn rows(database: &Database) -> Result<Vec<Applied>> {
    look(database, history::rows)
}

impl Database {
    /// Applies all pending migrations of these sets. More is asked for with [`Migrator`].
    ///
    /// # Errors
    /// As [`Migrator::up`].
    pub fn migrate(&self, sets: &[&MigrationSet]) -> Result<Report> {
        let began = Instant::now();
        let mut report = Migrator::new(sets).up(self)?;
        report.duration = began.elapsed();
        Ok(report)
    }

    /// The number of the newest migration that is applied; `None` for a database that is not initialised.
    ///
    /// # Errors
    /// What the engine says.
    pub fn schema_version(&self) -> Result<Option<i64>> {
        let found = look(self, history::look)?;
        Ok(found.map(|(_, version)| version))
    }
}

impl Options {
    /// Migrates the database when it is opened, before its handle is given out. Several sets, said one after the other, are
    /// migrated together, so that they may depend on each other.
    #[must_use]
    pub fn migrations(mut self, set: &'static MigrationSet) -> Self {
        let list = self.on_open_mut();
        let known = list.iter().enumerate().find_map(|(at, what)| {
            let what: &dyn Any = &**what;
            Some((at, what.downcast_ref::<OnOpening>()?.0.clone()))
        });
        match known {
            Some((at, mut sets)) => {
                sets.push(set);
                if let Some(what) = list.get_mut(at) {
                    *what = Arc::new(OnOpening(sets));
                }
            }
            None => list.push(Arc::new(OnOpening(vec![set]))),
        }
        self
    }
}

struct OnOpening(Vec<&'static MigrationSet>);

impl OnOpen for OnOpening {
    fn opened(&self, database: &Database) -> Result<()> {
        database.migrate(&self.0).map(|_| ())
    }
}
