//! All elementary cycles of a graph: Johnson's algorithm, without recursion and with a bound.
//!
//! D. B. Johnson, "Finding all the elementary circuits of a directed graph", SIAM Journal on Computing 4 (1975). Between two
//! cycles it takes time linear in the size of their component, so a bound on the cycles bounds the time.

use super::super::graph::Graph;
use super::component::Components;
use std::collections::HashSet;

/// Cycles as places of tools, each from its smallest on.
pub(super) struct Circuits {
    pub(super) found: Vec<Vec<usize>>,
    /// There are more than were asked for.
    pub(super) more: bool,
}

/// The cycles of all found together have at most so many tools: a graph of long cycles must not fill the memory.
const MOST_TOOLS: usize = 1 << 20;

/// At most `limit` cycles.
pub(super) fn circuits(graph: &Graph, limit: usize) -> Circuits {
    let mut search = Search { limit, room: MOST_TOOLS, result: Circuits { found: Vec::new(), more: false } };
    for tool in 0..graph.len() {
        if graph.required(tool, tool).is_some() && !search.take(vec![tool]) {
            return search.result;
        }
    }
    let mut components = Components::new(graph);
    let all: Vec<usize> = (0..graph.len()).collect();
    let mut waiting = components.among(&all);
    let mut places = vec![None; graph.len()];
    while let Some(component) = waiting.pop() {
        // Sorted: the first is the smallest. All cycles through it, then what is left without it.
        if !search.through_first(graph, &component, &mut places) {
            break;
        }
        waiting.extend(components.among(component.get(1..).unwrap_or_default()));
    }
    search.result
}

struct Search {
    limit: usize,
    room: usize,
    result: Circuits,
}

/// What is known of a tool while the cycles through the first are looked for.
#[derive(Clone, Default)]
struct Known {
    /// It is on the path, or no way leads from it to the first around the path.
    blocked: bool,
    /// A cycle was found from it.
    closed: bool,
    /// Who is free again when it is.
    waits: HashSet<usize>,
}

impl Search {
    /// Notes a cycle; false when there is no room for it.
    fn take(&mut self, cycle: Vec<usize>) -> bool {
        if self.result.found.len() == self.limit || self.room < cycle.len() {
            self.result.more = true;
            return false;
        }
        self.room -= cycle.len();
        self.result.found.push(cycle);
        true
    }

    /// Finds the cycles through the first tool of a component; false when there are too many. `places` is all `None`, and so
    /// it is left.
    fn through_first(&mut self, graph: &Graph, component: &[usize], places: &mut [Option<usize>]) -> bool {
        for (local, &tool) in component.iter().enumerate() {
            if let Some(place) = places.get_mut(tool) {
                *place = Some(local);
            }
        }
        let edges: Vec<Vec<usize>> = component
            .iter()
            .map(|&tool| {
                let within = graph.edges(tool).iter().filter(|edge| edge.to != tool);
                within.filter_map(|edge| places.get(edge.to).copied().flatten()).collect()
            })
            .collect();
        for &tool in component {
            if let Some(place) = places.get_mut(tool) {
                *place = None;
            }
        }
        self.walk(&edges, component)
    }

    fn walk(&mut self, edges: &[Vec<usize>], component: &[usize]) -> bool {
        let mut known = vec![Known::default(); edges.len()];
        let mut path = vec![0];
        // How many edges of each tool of the path are done.
        let mut done = vec![0];
        block(&mut known, 0);
        while let (Some(&tool), Some(at)) = (path.last(), done.last_mut()) {
            let next = edges.get(tool).and_then(|all| all.get(*at)).copied();
            *at += 1;
            match next {
                Some(0) => {
                    let cycle = path.iter().filter_map(|&local| component.get(local).copied()).collect();
                    if !self.take(cycle) {
                        return false;
                    }
                    for &local in &path {
                        if let Some(known) = known.get_mut(local) {
                            known.closed = true;
                        }
                    }
                }
                Some(next) if !known.get(next).is_some_and(|known| known.blocked) => {
                    block(&mut known, next);
                    path.push(next);
                    done.push(0);
                }
                Some(_) => {}
                None => {
                    if known.get(tool).is_some_and(|known| known.closed) {
                        unblock(&mut known, tool);
                    } else {
                        for &next in edges.get(tool).map_or(&[][..], Vec::as_slice) {
                            if let Some(known) = known.get_mut(next) {
                                known.waits.insert(tool);
                            }
                        }
                    }
                    path.pop();
                    done.pop();
                }
            }
        }
        true
    }
}

fn block(known: &mut [Known], tool: usize) {
    if let Some(known) = known.get_mut(tool) {
        known.blocked = true;
        known.closed = false;
    }
}

/// Frees a tool and those that wait for it.
fn unblock(known: &mut [Known], tool: usize) {
    let mut free = vec![tool];
    while let Some(tool) = free.pop() {
        if let Some(known) = known.get_mut(tool)
            && known.blocked
        {
            known.blocked = false;
            free.extend(known.waits.drain());
        }
    }
}
