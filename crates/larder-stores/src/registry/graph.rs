//! The dependencies as a graph in memory.

use larder::{ReadTx, Result};
use std::collections::HashMap;
use std::ops::ControlFlow;

/// Who depends on whom, as it was in one state of the database. Several dependencies of one consumer on one provider are one edge
/// here, required when any of them is.
#[derive(Clone, Debug, Default)]
pub struct Graph {
    /// The tools, by their ids.
    ids: Vec<String>,
    /// For each tool what it depends on, by the providers.
    edges: Vec<Vec<Edge>>,
}

/// To a provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Edge {
    pub(super) to: usize,
    pub(super) required: bool,
}

pub(super) const NODES: &str = "SELECT id FROM tools";
pub(super) const EDGES: &str = "SELECT consumer_id, provider_id, optional FROM dependencies";

/// Reads the whole graph.
///
/// # Errors
/// What the engine says.
pub fn graph(tx: &mut ReadTx<'_>) -> Result<Graph> {
    let mut graph = Graph::of_tools(tx.query_all(NODES, &[])?);
    let Graph { ids, edges } = &mut graph;
    let places: HashMap<&str, usize> = ids.iter().enumerate().map(|(at, id)| (id.as_str(), at)).collect();
    tx.query_each(EDGES, &[], |row| {
        let ends = (places.get(row.get::<&str>(0)?), places.get(row.get::<&str>(1)?));
        if let (Some(&from), Some(&to)) = ends
            && let Some(edges) = edges.get_mut(from)
        {
            edges.push(Edge { to, required: !row.get::<bool>(2)? });
        }
        Ok(ControlFlow::Continue(()))
    })?;
    drop(places);
    graph.settle();
    Ok(graph)
}

impl Graph {
    /// The graph of `dependencies`: the consumer, the provider, and whether it is required. For graphs that stand in no database.
    pub fn new(dependencies: &[(&str, &str, bool)]) -> Self {
        let ends = dependencies.iter().flat_map(|(from, to, _)| [*from, *to]);
        let mut graph = Self::of_tools(ends.map(str::to_owned).collect());
        for (from, to, required) in dependencies {
            if let (Some(from), Some(to)) = (graph.place(from), graph.place(to))
                && let Some(edges) = graph.edges.get_mut(from)
            {
                edges.push(Edge { to, required: *required });
            }
        }
        graph.settle();
        graph
    }

    fn of_tools(mut ids: Vec<String>) -> Self {
        // Here and not by the database, whose order of texts is its own.
        ids.sort_unstable();
        ids.dedup();
        let edges = vec![Vec::new(); ids.len()];
        Self { ids, edges }
    }

    /// Sorts the edges, and makes one of several between the same two.
    fn settle(&mut self) {
        for edges in &mut self.edges {
            // The required one first.
            edges.sort_unstable_by_key(|edge| (edge.to, !edge.required));
            edges.dedup_by_key(|edge| edge.to);
        }
    }

    /// How many tools there are.
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// True when there are no tools.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// Whether `consumer` depends directly on `provider`, and whether it requires it.
    pub fn edge(&self, consumer: &str, provider: &str) -> Option<bool> {
        self.required(self.place(consumer)?, self.place(provider)?)
    }

    pub(super) fn required(&self, from: usize, to: usize) -> Option<bool> {
        let edges = self.edges(from);
        let at = edges.binary_search_by_key(&to, |edge| edge.to).ok()?;
        edges.get(at).map(|edge| edge.required)
    }

    /// The place of a tool in the order of ids.
    pub(super) fn place(&self, id: &str) -> Option<usize> {
        self.ids.binary_search_by(|other| other.as_str().cmp(id)).ok()
    }

    pub(super) fn id(&self, place: usize) -> &str {
        self.ids.get(place).map_or("", String::as_str)
    }

    pub(super) fn edges(&self, from: usize) -> &[Edge] {
        self.edges.get(from).map_or(&[], Vec::as_slice)
    }

    /// The same with every edge turned round.
    pub(super) fn reversed(&self) -> Self {
        let mut edges = vec![Vec::new(); self.ids.len()];
        for (from, all) in self.edges.iter().enumerate() {
            for edge in all {
                if let Some(back) = edges.get_mut(edge.to) {
                    back.push(Edge { to: from, required: edge.required });
                }
            }
        }
        Self { ids: self.ids.clone(), edges }
    }
}
