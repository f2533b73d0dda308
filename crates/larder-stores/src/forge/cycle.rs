//! Circles of relationships.

use super::{Id, RelationshipKind, repository_path};
use crate::refusal::refuse;
use larder::{ReadTx, Result, params};
use std::collections::{BTreeMap, VecDeque};
use std::fmt;

/// Every step that can be made from a repository on, along one kind: from where, and to where. It ends, for there are only
/// so many relationships, and each is taken once.
pub(super) const REACH: &str = "WITH RECURSIVE reach (from_id, to_id) AS (
        SELECT repository_id, related_id FROM repository_relationships
        WHERE repository_id = :start AND kind = :kind
        UNION
        SELECT next.repository_id, next.related_id FROM reach
        JOIN repository_relationships AS next ON next.repository_id = reach.to_id AND next.kind = :kind
    )
    SELECT from_id, to_id FROM reach";

/// A relationship would close a circle of a kind that forbids it. Nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Cycle {
    /// The kind.
    pub kind: RelationshipKind,
    /// The circle, with the new relationship as its first step: it begins and ends with the same repository.
    pub path: Vec<Id>,
    /// The same as `project/name`.
    pub names: Vec<String>,
}

impl fmt::Display for Cycle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} can't run in a circle: {}", self.kind, self.names.join(" → "))
    }
}

impl std::error::Error for Cycle {}

/// Refuses `repository` → `related` when there is a way back already.
pub(super) fn refuse_cycle(
    tx: &mut ReadTx<'_>,
    repository: Id,
    kind: RelationshipKind,
    related: Id,
) -> Result<()> {
    let steps: Vec<(Id, Id)> = tx.query_all(REACH, params! { start: related, kind })?;
    let Some(back) = shortest(&steps, related, repository) else { return Ok(()) };
    let path: Vec<Id> = std::iter::once(repository).chain(back).collect();
    let mut names = Vec::with_capacity(path.len());
    for id in &path {
        names.push(repository_path(tx, *id)?.unwrap_or_else(|| id.to_string()));
    }
    Err(refuse(Cycle { kind, path, names }, "remove one of these relationships first"))
}

/// The shortest way over `steps`, both ends included.
fn shortest(steps: &[(Id, Id)], start: Id, end: Id) -> Option<Vec<Id>> {
    let mut next: BTreeMap<Id, Vec<Id>> = BTreeMap::new();
    for (from, to) in steps {
        next.entry(*from).or_default().push(*to);
    }
    let mut came_from = BTreeMap::from([(start, start)]);
    let mut line = VecDeque::from([start]);
    while let Some(at) = line.pop_front() {
        if at == end {
            let mut way = vec![at];
            let mut here = at;
            while here != start {
                here = *came_from.get(&here)?;
                way.push(here);
            }
            way.reverse();
            return Some(way);
        }
        for to in next.get(&at).into_iter().flatten() {
            came_from.entry(*to).or_insert_with(|| {
                line.push_back(*to);
                at
            });
        }
    }
    None
}
