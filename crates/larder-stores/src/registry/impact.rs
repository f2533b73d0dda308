//! Who breaks when a tool changes.

use super::Dependency;
use super::dependency::dependents_of;
use super::graph::Graph;
use super::tool::no_tool;
use super::version::{Verdict, verdict};
use larder::{ReadTx, Result};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// A tool that a change of another reaches.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Affected {
    /// Its id.
    pub id: String,
    /// How many dependencies lie between: 1 for one that depends on it directly.
    pub depth: usize,
    /// A chain of only required dependencies leads to it. Where not, it is reached through an optional one at least.
    pub required: bool,
}

/// All that a change of one tool reaches.
#[derive(Clone, Debug)]
pub struct Impact<'g> {
    graph: &'g Graph,
    required: Reached,
    any: Reached,
    /// Those that require it first, then by depth and id.
    pub affected: Vec<Affected>,
}

/// For each tool that a search came to, the one before it and the depth; for the start, itself and 0.
type Reached = Vec<Option<(usize, usize)>>;

/// A dependency on a tool that gets another version.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct VersionCheck {
    /// The dependency, with its constraint.
    pub dependency: Dependency,
    /// Whether the new version will do.
    pub verdict: Verdict,
}

impl Graph {
    /// All tools that depend on the tool `id`, directly or through others. `None` when there is no such tool.
    pub fn impact(&self, id: &str) -> Option<Impact<'_>> {
        let start = self.place(id)?;
        let back = self.reversed();
        let (required, any) = (back.search(start, true), back.search(start, false));
        let mut affected: Vec<Affected> = (0..self.len())
            .filter(|tool| *tool != start)
            .filter_map(|tool| {
                let by_required = at(&required, tool);
                let (_, depth) = by_required.or(at(&any, tool))?;
                Some(Affected { id: self.id(tool).to_owned(), depth, required: by_required.is_some() })
            })
            .collect();
        // They come by their ids, and the sort keeps that.
        affected.sort_by_key(|one| (!one.required, one.depth));
        Some(Impact { graph: self, required, any, affected })
    }

    /// Goes from `start` along the edges, broadest first.
    fn search(&self, start: usize, required_only: bool) -> Reached {
        let mut reached = vec![None; self.len()];
        let mut next = VecDeque::from([(start, 0)]);
        if let Some(first) = reached.get_mut(start) {
            *first = Some((start, 0));
        }
        while let Some((tool, depth)) = next.pop_front() {
            for edge in self.edges(tool).iter().filter(|edge| edge.required || !required_only) {
                if let Some(place) = reached.get_mut(edge.to)
                    && place.is_none()
                {
                    *place = Some((tool, depth + 1));
                    next.push_back((edge.to, depth + 1));
                }
            }
        }
        reached
    }
}

impl<'g> Impact<'g> {
    /// The shortest chain of dependencies from the tool that changes to the tool `id`, both included: of required ones where
    /// there is one, and of several the one with the smaller ids. `None` for a tool that is not reached.
    pub fn path(&self, id: &str) -> Option<Vec<&'g str>> {
        self.end_of_path(id, usize::MAX)
    }

    /// The last tools of [`path`](Self::path), at most `most`: the paths of all in a long chain together are as long as its
    /// square.
    pub fn end_of_path(&self, id: &str, most: usize) -> Option<Vec<&'g str>> {
        let mut tool = self.graph.place(id)?;
        let reached = if at(&self.required, tool).is_some() { &self.required } else { &self.any };
        at(reached, tool)?;
        let mut path = Vec::new();
        while let Some((before, depth)) = at(reached, tool).filter(|_| path.len() < most) {
            path.push(self.graph.id(tool));
            if depth == 0 {
                break;
            }
            tool = before;
        }
        path.reverse();
        Some(path)
    }
}

fn at(reached: &Reached, tool: usize) -> Option<(usize, usize)> {
    reached.get(tool).copied().flatten()
}

/// Which of those that depend directly on the tool `id` would take its version `to`, by the consumers' ids. Of constraints that
/// nothing sound can be said about, that is said.
///
/// # Errors
/// [`ErrorKind::NotFound`](larder::ErrorKind::NotFound).
pub fn check_version(tx: &mut ReadTx<'_>, id: &str, to: &str) -> Result<Vec<VersionCheck>> {
    if super::tool(tx, id)?.is_none() {
        return Err(no_tool(id));
    }
    let checked = dependents_of(tx, id)?.into_iter().map(|dependency| VersionCheck {
        verdict: verdict(&dependency.consumer_id, dependency.version_constraint.as_deref(), to),
        dependency,
    });
    Ok(checked.collect())
}
