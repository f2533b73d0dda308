//! The order of the sets: those that another depends on come before it.

use super::obstacle::Obstacles;
use crate::error::ErrorKind;
use crate::migrate::LoadedSet;
use std::collections::BTreeSet;

/// The positions of the sets in the order in which they are applied. Sets that do not depend on each other keep the
/// order in which they were given.
pub(super) fn order(sets: &[&LoadedSet], obstacles: &mut Obstacles) -> Vec<usize> {
    for (index, set) in sets.iter().enumerate() {
        if sets.iter().take(index).any(|other| other.name() == set.name()) {
            obstacles.add(
                ErrorKind::SetConflict,
                format!("two sets of migrations have the name {:?}", set.name()),
                "give one of them another name, or pass it only once",
            );
        }
        for before in set.after().iter().filter(|before| position(sets, before).is_none()) {
            obstacles.add(
                ErrorKind::SetConflict,
                format!("the set {:?} comes after the set {before:?}, which is not there", set.name()),
                format!("pass the set {before:?} too"),
            );
        }
    }
    let mut order = Vec::new();
    let mut done = vec![false; sets.len()];
    while order.len() < sets.len() {
        let is_done =
            |name: &String| position(sets, name).is_none_or(|at| done.get(at).copied().unwrap_or(true));
        let next = sets.iter().enumerate().position(|(index, set)| {
            !done.get(index).copied().unwrap_or(true) && set.after().iter().all(is_done)
        });
        let Some(next) = next else {
            let circle = circle(sets, &done).join(" → ");
            obstacles.add(
                ErrorKind::SetConflict,
                format!("sets of migrations come after each other in a circle: {circle}"),
                "remove one of these dependencies",
            );
            break;
        };
        if let Some(slot) = done.get_mut(next) {
            *slot = true;
        }
        order.push(next);
    }
    order
}

/// A set and all sets that it depends on, directly or through others.
pub(super) fn with_dependencies(sets: &[&LoadedSet], set: usize) -> BTreeSet<usize> {
    let mut found = BTreeSet::new();
    let mut open = vec![set];
    while let Some(next) = open.pop() {
        if found.insert(next)
            && let Some(set) = sets.get(next)
        {
            open.extend(set.after().iter().filter_map(|name| position(sets, name)));
        }
    }
    found
}

fn position(sets: &[&LoadedSet], name: &str) -> Option<usize> {
    sets.iter().position(|set| set.name() == name)
}

/// The names along a circle, the first again at the end. Every set that is not done waits for one that is not.
fn circle<'a>(sets: &[&'a LoadedSet], done: &[bool]) -> Vec<&'a str> {
    let waits = |at: &usize| !done.get(*at).copied().unwrap_or(true);
    let mut path: Vec<usize> = Vec::new();
    let mut next = (0..sets.len()).find(waits);
    while let Some(at) = next {
        if let Some(begin) = path.iter().position(|earlier| *earlier == at) {
            path.push(at);
            return path.iter().skip(begin).filter_map(|at| sets.get(*at)).map(|set| set.name()).collect();
        }
        path.push(at);
        let names = sets.get(at).map_or(&[][..], |set| set.after());
        next = names.iter().filter_map(|name| position(sets, name)).find(waits);
    }
    Vec::new()
}
