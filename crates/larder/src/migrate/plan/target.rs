//! What a target means: an id, a number or a name, perhaps with its set before it.

use super::obstacle::Obstacles;
use crate::error::ErrorKind;
use crate::migrate::{APP, LoadedSet};

/// The set and the migration of a target, by position; `None` in place of the migration for `0`, before the first.
pub(super) fn find(
    sets: &[&LoadedSet],
    target: &str,
    obstacles: &mut Obstacles,
) -> Option<(usize, Option<usize>)> {
    let (set, wanted) = match target.split_once('/') {
        Some((name, id)) => (sets.iter().position(|set| set.name() == name), id),
        None => (own(sets), target),
    };
    let found = set.and_then(|index| Some((index, *sets.get(index)?)));
    let Some((index, set)) = found else {
        let names: Vec<&str> = sets.iter().map(|set| set.name()).collect();
        let help = format!("name the set before it, as in {}/{wanted}", names.first().unwrap_or(&"journal"));
        let has = if names.is_empty() {
            "there are none".to_owned()
        } else {
            format!("they are {}", names.join(", "))
        };
        let message = format!("the target {target:?} names no set of migrations; {has}");
        obstacles.add(ErrorKind::Config, message, help);
        return None;
    };
    let migrations = set.migrations();
    if let Some(at) = migrations.iter().position(|one| one.id() == wanted) {
        return Some((index, Some(at)));
    }
    if !wanted.is_empty() && wanted.bytes().all(|byte| byte.is_ascii_digit()) {
        let number: Option<u64> = wanted.parse().ok();
        if let Some(at) = migrations.iter().position(|one| Some(one.version()) == number) {
            return Some((index, Some(at)));
        }
        if number == Some(0) {
            return Some((index, None));
        }
    }
    let mut named = migrations.iter().enumerate().filter(|(_, one)| one.name() == wanted);
    if let (Some((at, _)), None) = (named.next(), named.next()) {
        return Some((index, Some(at)));
    }
    let help = match nearest(set, wanted).as_slice() {
        [] => format!("the set {:?} has no migrations", set.name()),
        near => format!("did you mean {}", near.join(" or ")),
    };
    obstacles.add(ErrorKind::Config, format!("no migration fits the target {target:?}"), help);
    None
}

/// The set and the number of a target to go up to.
pub(super) fn up(sets: &[&LoadedSet], target: &str, obstacles: &mut Obstacles) -> Option<(usize, u64)> {
    let (index, at) = find(sets, target, obstacles)?;
    match at.and_then(|at| sets.get(index)?.get(at)) {
        Some(migration) => Some((index, migration.version())),
        None => {
            let help = "name the last migration to apply; to undo all of them use a rollback";
            obstacles.add(
                ErrorKind::Config,
                format!("the target {target:?} stands before the first migration"),
                help,
            );
            None
        }
    }
}

/// The set that is meant where none is named: the application's own, or the only one.
pub(super) fn own(sets: &[&LoadedSet]) -> Option<usize> {
    sets.iter().position(|set| set.name() == APP).or(if sets.len() == 1 { Some(0) } else { None })
}

/// The ids most like `wanted`, at most three; where none is, the newest.
fn nearest(set: &LoadedSet, wanted: &str) -> Vec<String> {
    let ids = set.migrations().iter();
    let mut near: Vec<(usize, &str)> = ids
        .map(|one| (distance(one.id(), wanted).min(distance(one.name(), wanted)), one.id()))
        .filter(|(distance, id)| *distance <= 3.max(id.len() / 3))
        .collect();
    near.sort_unstable();
    let mut near: Vec<&str> = near.into_iter().take(3).map(|(_, id)| id).collect();
    if near.is_empty() {
        near.extend(set.newest().map(|newest| newest.id()));
    }
    near.into_iter().map(|id| crate::migrate::record::history_id(set.name(), id)).collect()
}

/// How many characters have to be added, removed or replaced to make one of the other.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().take(200).collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (above, a) in one.chars().enumerate() {
        let mut left = above + 1;
        let mut diagonal = above;
        let mut next = vec![left];
        for (b, up) in other.iter().zip(row.iter().skip(1)) {
            left = (diagonal + usize::from(a != *b)).min(left + 1).min(up + 1);
            diagonal = *up;
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::distance;

    #[test]
    fn the_distance_of_words() {
        assert_eq!(distance("", ""), 0);
        assert_eq!(distance("abc", ""), 3);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("0003_index", "0003_indx"), 1);
    }
}
