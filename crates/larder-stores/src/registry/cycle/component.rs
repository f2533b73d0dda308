//! Strongly connected components: Tarjan's algorithm, without recursion, so that no chain is too long for the stack.
//!
//! R. Tarjan, "Depth-first search and linear graph algorithms", SIAM Journal on Computing 1 (1972).

use super::super::graph::Graph;

/// Finds the components of parts of one graph, again and again.
pub(super) struct Components<'g> {
    graph: &'g Graph,
    /// For each tool the number of the search that it takes part in, if it does.
    part: Vec<usize>,
    searches: usize,
    state: Vec<State>,
}

#[derive(Clone, Copy, Default)]
struct State {
    /// When it was come upon, from 1; 0: not yet.
    index: usize,
    low: usize,
    on_stack: bool,
}

impl<'g> Components<'g> {
    pub(super) fn new(graph: &'g Graph) -> Self {
        Self { graph, part: vec![0; graph.len()], searches: 0, state: vec![State::default(); graph.len()] }
    }

    /// The components of two tools or more in the graph of only `tools`, each sorted.
    pub(super) fn among(&mut self, tools: &[usize]) -> Vec<Vec<usize>> {
        self.searches += 1;
        for &tool in tools {
            if let Some(part) = self.part.get_mut(tool) {
                *part = self.searches;
            }
            self.set(tool, State::default());
        }
        let mut found = Vec::new();
        let mut next_index = 1;
        let mut stack: Vec<usize> = Vec::new();
        // The way to where the search stands: a tool, and how many of its edges are done.
        let mut way: Vec<(usize, usize)> = Vec::new();
        for &root in tools {
            if self.get(root).index != 0 {
                continue;
            }
            way.push((root, 0));
            while let Some(&mut (tool, ref mut done)) = way.last_mut() {
                if *done == 0 && self.get(tool).index == 0 {
                    self.set(tool, State { index: next_index, low: next_index, on_stack: true });
                    next_index += 1;
                    stack.push(tool);
                }
                let edge = self.graph.edges(tool).get(*done).copied();
                *done += 1;
                if let Some(edge) = edge {
                    if self.part.get(edge.to) != Some(&self.searches) {
                        continue;
                    }
                    let other = self.get(edge.to);
                    if other.index == 0 {
                        way.push((edge.to, 0));
                    } else if other.on_stack {
                        self.lower(tool, other.index);
                    }
                    continue;
                }
                way.pop();
                let mine = self.get(tool);
                if let Some(&(above, _)) = way.last() {
                    self.lower(above, mine.low);
                }
                if mine.low == mine.index {
                    let mut component = Vec::new();
                    while let Some(member) = stack.pop() {
                        self.set(member, State { on_stack: false, ..self.get(member) });
                        component.push(member);
                        if member == tool {
                            break;
                        }
                    }
                    if component.len() > 1 {
                        component.sort_unstable();
                        found.push(component);
                    }
                }
            }
        }
        found
    }

    fn get(&self, tool: usize) -> State {
        self.state.get(tool).copied().unwrap_or_default()
    }

    fn set(&mut self, tool: usize, state: State) {
        if let Some(place) = self.state.get_mut(tool) {
            *place = state;
        }
    }

    fn lower(&mut self, tool: usize, low: usize) {
        let state = self.get(tool);
        self.set(tool, State { low: state.low.min(low), ..state });
    }
}
