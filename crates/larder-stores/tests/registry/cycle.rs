//! Circular dependencies: found as an independent method finds them, and recorded once.

use crate::{add_tools, depend, empty};
use larder_kit::Place;
use larder_stores::registry::{self, Cycles, Graph};
use petgraph::algo::all_simple_paths;
use petgraph::graph::{DiGraph, NodeIndex};
use proptest::prelude::*;
use std::collections::BTreeSet;

/// The cycles by another way: from each tool, as the smallest of its cycle, every simple path among the larger ones to one that
/// leads back.
fn by_paths(size: usize, edges: &BTreeSet<(usize, usize)>) -> BTreeSet<Vec<usize>> {
    let mut cycles: BTreeSet<Vec<usize>> =
        edges.iter().filter(|(from, to)| from == to).map(|(tool, _)| vec![*tool]).collect();
    for start in 0..size {
        let mut graph = DiGraph::<(), ()>::new();
        for _ in 0..size {
            graph.add_node(());
        }
        for (from, to) in edges.iter().filter(|(from, to)| *from >= start && *to >= start) {
            graph.add_edge(NodeIndex::new(*from), NodeIndex::new(*to), ());
        }
        let back = edges.iter().filter(|(from, to)| *to == start && *from > start);
        for (last, _) in back {
            let paths = all_simple_paths::<Vec<_>, _, std::hash::RandomState>(
                &graph,
                NodeIndex::new(start),
                NodeIndex::new(*last),
                0,
                None,
            );
            cycles.extend(paths.map(|path| path.into_iter().map(NodeIndex::index).collect()));
        }
    }
    cycles
}

fn graph_of(edges: &BTreeSet<(usize, usize)>) -> Graph {
    let names: Vec<String> = (0..20).map(|tool| format!("{tool:02}")).collect();
    let list: Vec<_> = edges.iter().map(|(from, to)| (&*names[*from], &*names[*to], from % 2 == 0)).collect();
    Graph::new(&list)
}

fn numbers(cycles: &Cycles) -> Vec<Vec<usize>> {
    let numbers = |ids: &Vec<String>| ids.iter().map(|id| id.parse().unwrap()).collect();
    cycles.found.iter().map(|cycle| numbers(&cycle.tools)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

    #[test]
    fn the_cycles_are_those_that_an_independent_method_finds(
        size in 1_usize..8,
        seeds in prop::collection::vec((0_usize..64, 0_usize..64), 0..30),
    ) {
        let edges: BTreeSet<_> = seeds.into_iter().map(|(from, to)| (from % size, to % size)).collect();
        let expected = by_paths(size, &edges);
        let found = graph_of(&edges).cycles(1_000_000);
        prop_assert!(!found.more);
        let list = numbers(&found);
        let set: BTreeSet<_> = list.iter().cloned().collect();
        prop_assert_eq!(set.len(), list.len(), "each once");
        prop_assert_eq!(&set, &expected);
        for (cycle, found) in list.iter().zip(&found.found) {
            prop_assert_eq!(found.required, cycle.iter().all(|tool| tool % 2 == 0));
        }
        // With a bound: so many of them, and whether there are more.
        for limit in [0, 1, expected.len() / 2, expected.len()] {
            let some = graph_of(&edges).cycles(limit);
            prop_assert_eq!(some.found.len(), limit.min(expected.len()));
            prop_assert_eq!(some.more, limit < expected.len());
            prop_assert!(numbers(&some).iter().all(|cycle| expected.contains(cycle)));
        }
    }
}

#[test]
fn a_dense_graph_ends_with_more_than_was_asked_for() {
    // 60 tools, each depending on every other: more cycles than there are atoms.
    let edges: Vec<(String, String)> = (0..60)
        .flat_map(|from| (0..60).filter(move |to| *to != from).map(move |to| (from, to)))
        .map(|(from, to)| (format!("{from:02}"), format!("{to:02}")))
        .collect();
    let list: Vec<_> = edges.iter().map(|(from, to)| (from.as_str(), to.as_str(), true)).collect();
    let cycles = Graph::new(&list).cycles(500);
    assert_eq!(cycles.found.len(), 500);
    assert!(cycles.more);
}

#[test]
fn a_hundred_thousand_tools_in_a_chain_or_a_ring_fit_on_the_stack() {
    let names: Vec<String> = (0..100_000).map(|tool| format!("{tool:06}")).collect();
    let mut chain: Vec<_> = names.windows(2).map(|pair| (pair[0].as_str(), pair[1].as_str(), true)).collect();
    let graph = Graph::new(&chain);
    assert_eq!(graph.cycles(10), Cycles::default());
    let impact = graph.impact(&names[99_990]).unwrap();
    assert_eq!(impact.affected.len(), 99_990);
    assert_eq!(impact.path(&names[0]).unwrap().len(), 99_991);
    chain.push((names.last().unwrap().as_str(), names[0].as_str(), true));
    let ring = Graph::new(&chain).cycles(10);
    assert_eq!((ring.found.len(), ring.more), (1, false));
    assert_eq!(ring.found[0].tools, names);
}

larder_kit::engines! {
    fn a_cycle_is_recorded_once_resolved_and_reopened_in_the_same_row(place: &Place) {
        let db = empty(place);
        add_tools(&db, &["a", "b", "c"]);
        depend(&db, "c", "a", false);
        depend(&db, "a", "b", false);
        let bc = depend(&db, "b", "c", true);
        depend(&db, "b", "b", false);
        let detect = || registry::detect_cycles(&db, registry::CYCLE_LIMIT).unwrap();
        let rows = |resolved| db.read(|tx| registry::cycles(tx, resolved)).unwrap();

        let (found, recorded) = detect();
        let ids: Vec<String> = found.found.iter().map(|cycle| cycle.tools.join(" ")).collect();
        assert_eq!(ids, ["b", "a b c"]);
        assert_eq!((found.found[0].required, found.found[1].required), (true, false));
        assert_eq!((recorded.new, recorded.open), (2, 2));
        let first = rows(false);
        let (_, again) = detect();
        assert_eq!((again.new, again.open), (0, 2));
        assert_eq!(rows(true), first);

        db.write(|tx| registry::remove_dependency(tx, bc)).unwrap();
        let (_, gone) = detect();
        assert_eq!((gone.resolved, gone.open), (1, 1));
        assert_eq!(rows(false).len(), 1);
        assert_eq!(rows(true).len(), 2);

        depend(&db, "b", "c", false);
        let (_, back) = detect();
        assert_eq!((back.reopened, back.new, back.open), (1, 0, 2));
        assert_eq!(rows(false), first);

        db.write(|tx| registry::remove_tool(tx, "a")).unwrap();
        assert_eq!(detect().1.resolved, 1);
    }

    fn a_bound_forgets_no_cycle_that_was_recorded_and_takes_none_that_is_gone_by_now(place: &Place) {
        let db = empty(place);
        add_tools(&db, &["a", "b", "c"]);
        for (from, to) in [("a", "b"), ("b", "a"), ("b", "c"), ("c", "b")] {
            depend(&db, from, to, false);
        }
        assert_eq!(registry::detect_cycles(&db, 9).unwrap().1.open, 2);
        let (found, recorded) = registry::detect_cycles(&db, 1).unwrap();
        assert!(found.more);
        assert_eq!((recorded.open, recorded.resolved), (2, 0));

        let old = db.read(registry::graph).unwrap().cycles(9);
        db.write(|tx| registry::remove_tool(tx, "c")).unwrap();
        db.execute("DELETE FROM circular_deps", &[]).unwrap();
        let recorded = db.write(|tx| registry::record_cycles(tx, &old)).unwrap();
        assert_eq!((recorded.new, recorded.open), (1, 1));
    }
}
