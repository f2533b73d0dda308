//! The plan: which migrations run, in which order, and what stands in the way. A pure function of what the program has
//! and what the history says; it reads and writes nothing.

mod check;
mod down;
mod obstacle;
mod order;
mod target;

use crate::error::{Error, ErrorKind, Result};
use crate::migrate::{Applied, LoadedSet, Migration, Warning, Way};
use check::SetStanding;
pub(crate) use obstacle::Obstacles;
use std::borrow::Borrow;

/// What is asked of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Request {
    /// Up or down, and how far.
    pub direction: Direction,
    /// Goes on with a migration that runs outside a transaction and was begun but not finished, after the statements
    /// that are done. Otherwise such a one is refused.
    pub resume: bool,
}

/// Which way, and how far.
///
/// A target is an id (`0003_index`), its number or its name, in the set `app` or in the only one there is; in another set
/// the set's name stands before it (`journal/0003_index`).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Direction {
    /// Apply what is pending.
    Up {
        /// The last one to apply. Then only its set moves, and the sets it depends on. Without it: everything.
        to: Option<String>,
        /// Also applies what is pending before one that is already applied. Otherwise that is refused.
        allow_out_of_order: bool,
    },
    /// Roll back, the last applied first.
    Down {
        /// The one that stays, as the last; `0` leaves none of the set `app`, `journal/0` none of `journal`.
        to: Option<String>,
        /// How many to roll back, instead of a target. With neither it is one.
        steps: Option<usize>,
    },
}

/// One migration of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Step {
    /// The position of its set among the sets that were given.
    pub set: usize,
    /// Its position in that set; see [`LoadedSet::get`].
    pub migration: usize,
    /// The id by which the history knows it.
    pub id: String,
    /// Which way.
    pub way: Way,
    /// How many of its statements are done already, where it is resumed; else 0.
    pub statements_done: u64,
    /// What of it holds up others on big tables, where [`Migrator::plan`](super::Migrator::plan) was asked, on a server.
    pub warnings: Vec<Warning>,
}

impl Step {
    /// The set and the migration of this step, among the sets that it was planned for.
    ///
    /// # Errors
    /// [`ErrorKind::Internal`] where they are not among `sets`.
    pub(crate) fn find<'s, S: Borrow<LoadedSet>>(
        &self,
        sets: &'s [S],
    ) -> Result<(&'s LoadedSet, &'s Migration)> {
        let set = sets.get(self.set).map(Borrow::borrow);
        set.and_then(|set| Some((set, set.get(self.migration)?))).ok_or_else(|| {
            Error::new(ErrorKind::Internal, format!("the plan names {:?}, which is in no set", self.id))
        })
    }
}

/// What would run, in this order.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Plan {
    /// The steps; none where nothing is to do.
    pub steps: Vec<Step>,
    /// True where no migration of any of the sets is pending before the plan runs, whatever was asked for.
    pub up_to_date: bool,
}

impl Request {
    /// Everything that is pending.
    pub fn up() -> Self {
        Self { direction: Direction::Up { to: None, allow_out_of_order: false }, resume: false }
    }

    /// What is pending up to a target; see [`Direction`].
    pub fn up_to(target: impl Into<String>) -> Self {
        Self {
            direction: Direction::Up { to: Some(target.into()), allow_out_of_order: false },
            resume: false,
        }
    }

    /// Back to a target, which stays applied; see [`Direction`].
    pub fn down_to(target: impl Into<String>) -> Self {
        Self { direction: Direction::Down { to: Some(target.into()), steps: None }, resume: false }
    }

    /// Back by a number of migrations.
    pub fn down(steps: usize) -> Self {
        Self { direction: Direction::Down { to: None, steps: Some(steps) }, resume: false }
    }

    /// Also applies what is pending before one that is already applied.
    #[must_use]
    pub fn allow_out_of_order(mut self) -> Self {
        if let Direction::Up { allow_out_of_order, .. } = &mut self.direction {
            *allow_out_of_order = true;
        }
        self
    }

    /// Goes on with a migration that was begun and not finished.
    #[must_use]
    pub fn resume(mut self) -> Self {
        self.resume = true;
        self
    }
}

/// Plans a run. `history` stands in the order of application. Rows of sets that are not given belong to other owners
/// and do not count.
///
/// ```
/// use larder::migrate::{Applied, LoadedSet, Request, plan};
/// use larder::{Migration, sql::text::Dialect};
///
/// let set = LoadedSet::new("app", vec![], Dialect::Sqlite, vec![
///     Migration::sql("0001_init", "CREATE TABLE notes(text)"),
///     Migration::sql("0002_tag", "ALTER TABLE notes ADD COLUMN tag"),
/// ])?;
/// let history = [Applied::new("app", &set.migrations()[0], jiff::Timestamp::UNIX_EPOCH)];
///
/// let plan = plan(&[&set], &history, &Request::up())?;
/// assert_eq!(plan.steps.iter().map(|step| step.id.as_str()).collect::<Vec<_>>(), ["0002_tag"]);
/// # Ok::<(), larder::Error>(())
/// ```
///
/// # Errors
/// Everything that stands in the way, in one error. Its kind is that of the most severe, in this order:
/// [`SetConflict`](crate::ErrorKind::SetConflict), [`SchemaNewer`](crate::ErrorKind::SchemaNewer),
/// [`MigrationUnfinished`](crate::ErrorKind::MigrationUnfinished),
/// [`MigrationEdited`](crate::ErrorKind::MigrationEdited) (also for one that was renamed),
/// [`MigrationMissing`](crate::ErrorKind::MigrationMissing),
/// [`MigrationOutOfOrder`](crate::ErrorKind::MigrationOutOfOrder),
/// [`InvalidMigration`](crate::ErrorKind::InvalidMigration) for a rollback of one without a way down,
/// [`Config`](crate::ErrorKind::Config) for a target that does not exist.
pub fn plan<S: Borrow<LoadedSet>>(sets: &[S], history: &[Applied], request: &Request) -> Result<Plan> {
    let sets: Vec<&LoadedSet> = sets.iter().map(Borrow::borrow).collect();
    let mut obstacles = Obstacles::default();
    let order = order::order(&sets, &mut obstacles);
    // With two sets of one name nobody can say whose a row of the history is.
    obstacles.into_result()?;

    let standings: Vec<SetStanding<'_>> = sets.iter().map(|set| SetStanding::new(set, history)).collect();
    let up_to_date =
        standings.iter().all(|standing| standing.pending.is_empty() && standing.started.is_empty());
    let mut obstacles = Obstacles::default();
    let steps = match &request.direction {
        Direction::Up { to, allow_out_of_order } => {
            for standing in &standings {
                standing.check(request.resume, &mut obstacles);
                if !allow_out_of_order {
                    standing.check_order(&mut obstacles);
                }
            }
            let target = to.as_deref().and_then(|to| target::up(&sets, to, &mut obstacles));
            up(&sets, &standings, &order, target)
        }
        Direction::Down { to, steps } => {
            down::down(&sets, &standings, history, to.as_deref(), *steps, &mut obstacles)
        }
    };
    obstacles.into_result()?;
    Ok(Plan { steps, up_to_date })
}

/// The pending of every set, in the order of the sets; with a target those of its set up to its number, after all of
/// the sets it depends on.
fn up(
    sets: &[&LoadedSet],
    standings: &[SetStanding<'_>],
    order: &[usize],
    target: Option<(usize, u64)>,
) -> Vec<Step> {
    let wanted = target.map(|(set, _)| order::with_dependencies(sets, set));
    let mut steps = Vec::new();
    for &index in order {
        if wanted.as_ref().is_some_and(|wanted| !wanted.contains(&index)) {
            continue;
        }
        let Some(standing) = standings.get(index) else { continue };
        let limit = target.filter(|(set, _)| *set == index).map_or(u64::MAX, |(_, version)| version);
        let begun = standing.started.iter().map(|(migration, done)| (*migration, *done));
        let mut todo: Vec<(usize, u64)> = standing.pending.iter().map(|at| (*at, 0)).chain(begun).collect();
        todo.sort_unstable();
        for (at, statements_done) in todo {
            let Some(migration) = standing.set.get(at).filter(|one| one.version() <= limit) else { continue };
            let id = standing.set.history_id(migration);
            steps.push(Step {
                set: index,
                migration: at,
                id,
                way: Way::Up,
                statements_done,
                warnings: Vec::new(),
            });
        }
    }
    steps
}
