//! The way down: the last applied first, within one set.

use super::check::SetStanding;
use super::obstacle::Obstacles;
use super::{Step, order, target};
use crate::error::ErrorKind;
use crate::migrate::{Applied, LoadedSet, Way};

pub(super) fn down(
    sets: &[&LoadedSet],
    standings: &[SetStanding<'_>],
    history: &[Applied],
    to: Option<&str>,
    steps: Option<usize>,
    obstacles: &mut Obstacles,
) -> Vec<Step> {
    let found = match (to, steps) {
        (Some(_), Some(_)) => {
            let message = "a rollback has both a target and a number of steps";
            obstacles.add(ErrorKind::Config, message, "give one of them");
            None
        }
        (Some(to), None) => target::find(sets, to, obstacles).map(|(index, at)| (index, Some(at))),
        (None, _) => match target::own(sets) {
            Some(index) => Some((index, None)),
            None if sets.is_empty() => None,
            None => {
                let message = "there are several sets of migrations, and none is the application's own";
                let names: Vec<&str> = sets.iter().map(|set| set.name()).collect();
                let help = format!("name a target with its set before it; the sets are {}", names.join(", "));
                obstacles.add(ErrorKind::Config, message, help);
                None
            }
        },
    };
    let Some((index, target)) = found else { return Vec::new() };
    let Some(standing) = standings.get(index) else { return Vec::new() };
    // Whatever is begun is told, also to one who wants to go on with it: a rollback can't.
    standing.check(false, obstacles);

    let keep = match target {
        Some(Some(at)) => match standing.rows.iter().position(|(_, _, known)| *known == Some(at)) {
            Some(place) => place + 1,
            None => {
                let id = standing.set.get(at).map(|one| standing.set.history_id(one)).unwrap_or_default();
                let help = "name one that is applied, as the last that stays, or 0 to leave none";
                obstacles.add(ErrorKind::Config, format!("the target {id:?} is not applied"), help);
                return Vec::new();
            }
        },
        Some(None) => 0,
        None => standing.rows.len().saturating_sub(steps.unwrap_or(1)),
    };
    let leaving = standing.rows.get(keep..).unwrap_or_default();
    if let Some((first, ..)) = leaving.first() {
        check_dependents(sets, index, history.get(*first..).unwrap_or_default(), obstacles);
    }
    let mut plan = Vec::new();
    for (_, row, at) in leaving.iter().rev() {
        // One that the program does not have was told above.
        let Some((at, migration)) = at.and_then(|at| Some((at, standing.set.get(at)?))) else { continue };
        if migration.down().is_none() {
            obstacles.add(
                ErrorKind::InvalidMigration,
                format!("{:?} has no way down", row.id),
                format!("add {}.down.sql, or restore a backup from before it", migration.id()),
            );
        }
        plan.push(Step {
            set: index,
            migration: at,
            id: row.id.clone(),
            way: Way::Down,
            statements_done: 0,
            warnings: Vec::new(),
        });
    }
    plan
}

/// Refuses where sets that depend on `index` were applied after the first that would leave. `later` is the history
/// from there on.
fn check_dependents(sets: &[&LoadedSet], index: usize, later: &[Applied], obstacles: &mut Obstacles) {
    for (other, set) in sets.iter().enumerate() {
        if other == index || !order::with_dependencies(sets, other).contains(&index) {
            continue;
        }
        let ids: Vec<&str> =
            later.iter().filter(|row| row.set == set.name()).map(|row| row.id.as_str()).collect();
        if let Some(first) = ids.first() {
            let own = sets.get(index).map_or("", |set| set.name());
            obstacles.add(
                ErrorKind::SetConflict,
                format!(
                    "the set {:?} depends on {own:?}, and was applied after it: {}",
                    set.name(),
                    ids.join(", ")
                ),
                format!("roll that set back first, from its newest to {first:?}"),
            );
        }
    }
}
