//! Reliability through a chain, and who breaks when a tool changes: held against the plainest way to find both.

use crate::many::many_times;
use crate::{add_tools, depend, empty};
use larder::{ErrorKind, params};
use larder_kit::Place;
use larder_stores::registry::{
    self, DependencyType, Graph, NewDependency, NewTool, ToolChange, ToolType, Verdict,
};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

larder_kit::engines! {
    fn the_chain_counts_each_tool_once_and_the_weakest_first(place: &Place) {
        let db = empty(place);
        add_tools(&db, &["app", "left", "right", "base", "extra"]);
        for (from, to, optional) in [
            ("app", "left", false),
            ("app", "right", false),
            ("left", "base", false),
            ("right", "base", false),
            ("base", "app", false),
            ("app", "extra", true),
        ] {
            depend(&db, from, to, optional);
        }
        let set = |id, reliability| {
            let change = ToolChange { reliability: Some(reliability), ..ToolChange::default() };
            db.write(|tx| registry::update_tool(tx, id, change.clone())).unwrap();
        };
        set("base", 0.5);
        set("left", 0.8);
        set("right", 1.0);
        set("extra", 0.1);
        let found = db.read(|tx| registry::reliability(tx, "app")).unwrap();
        assert_eq!(found.own, 0.95);
        assert!((found.chain - 0.5 * 0.8 * 0.95).abs() < 1e-12, "{}", found.chain);
        let parts: Vec<&str> = found.parts.iter().map(|part| part.id.as_str()).collect();
        assert_eq!(parts, ["base", "left", "app", "right"]);
        let error = db.read(|tx| registry::reliability(tx, "none")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
    }
}

#[test]
fn impact_tells_required_from_optional_with_depth_and_the_shortest_chain() {
    // d requires b requires a; c may use a; d may use a directly; e may use d.
    let graph = Graph::new(&[
        ("b", "a", true),
        ("c", "a", false),
        ("d", "b", true),
        ("d", "a", false),
        ("e", "d", false),
        ("f", "x", true),
    ]);
    let impact = graph.impact("a").unwrap();
    let tell = |one: &registry::Affected| {
        format!("{} {} {} {}", one.id, one.depth, one.required, impact.path(&one.id).unwrap().join(">"))
    };
    let told: Vec<String> = impact.affected.iter().map(tell).collect();
    assert_eq!(told, ["b 1 true a>b", "d 2 true a>b>d", "c 1 false a>c", "e 2 false a>d>e"]);
    assert_eq!(impact.path("f"), None);
    assert_eq!(impact.end_of_path("f", 1), None);
    assert_eq!(impact.end_of_path("d", 2), Some(vec!["b", "d"]));
    assert_eq!(impact.end_of_path("d", 9), impact.path("d"));
    assert_eq!(impact.end_of_path("d", 0), Some(Vec::new()));
    assert!(graph.impact("none").is_none());
    assert_eq!(graph.impact("e").unwrap().affected, []);
}

larder_kit::engines! {
    fn a_new_version_is_held_against_the_constraints_of_those_who_depend_on_it(place: &Place) {
        let db = empty(place);
        db.write(|tx| {
            for id in ["cargo:lib@1.2.0", "cargo:app@0.1.0", "npm:web@1.0.0", "script", "cargo:any@1.0.0"] {
                registry::add_tool(tx, NewTool::new(id, "x", ToolType::Library).id(id))?;
            }
            for (consumer, constraint) in [
                ("cargo:app@0.1.0", Some("^1.2")),
                ("npm:web@1.0.0", Some(">=1 <3")),
                ("script", Some("1")),
                ("cargo:any@1.0.0", None),
            ] {
                let new = NewDependency::new(consumer, "cargo:lib@1.2.0", DependencyType::Library);
                registry::add_dependency(tx, NewDependency { version_constraint: constraint, ..new })?;
            }
            Ok(())
        })
        .unwrap();
        let checked = db.read(|tx| registry::check_version(tx, "cargo:lib@1.2.0", "2.0.0")).unwrap();
        let told: BTreeMap<&str, &Verdict> =
            checked.iter().map(|one| (one.dependency.consumer_id.as_str(), &one.verdict)).collect();
        assert_eq!(told["cargo:app@0.1.0"], &Verdict::Violated);
        assert_eq!(told["npm:web@1.0.0"], &Verdict::Holds);
        assert_eq!(told["cargo:any@1.0.0"], &Verdict::Holds);
        assert!(matches!(told["script"], Verdict::CannotTell(_)));
    }
}

/// For each tool that reaches `target`, how long the shortest chain is: by relaxing all edges until nothing changes.
fn depths(
    edges: &BTreeMap<(usize, usize), bool>,
    target: usize,
    required_only: bool,
) -> BTreeMap<usize, usize> {
    let mut depths = BTreeMap::from([(target, 0)]);
    loop {
        let before = depths.clone();
        for ((from, to), _) in edges.iter().filter(|(_, required)| **required || !required_only) {
            if let Some(depth) = before.get(to) {
                let known = depths.entry(*from).or_insert(usize::MAX);
                *known = (*known).min(depth + 1);
            }
        }
        if depths == before {
            depths.remove(&target);
            return depths;
        }
    }
}

larder_kit::engines! {
    fn impact_and_reliability_are_what_the_plainest_way_finds(place: &Place) {
        let inputs = prop::collection::btree_map((0_usize..9, 0_usize..9), any::<bool>(), 0..25);
        many_times(place.engine(), 150, inputs, |place, seeds| {
            let names: Vec<String> = (0..9).map(|tool| tool.to_string()).collect();
            let db = empty(place);
            let ids: Vec<&str> = names.iter().map(String::as_str).collect();
            add_tools(&db, &ids);
            for (tool, id) in ids.iter().enumerate() {
                let reliability = 1.0 - tool as f64 / 20.0;
                db.execute("UPDATE tools SET reliability = :reliability WHERE id = :id", params! { reliability, id }).unwrap();
            }
            for ((from, to), required) in &seeds {
                depend(&db, ids[*from], ids[*to], !required);
            }
            let graph = db.read(registry::graph).unwrap();
            for (target, id) in ids.iter().enumerate() {
                let (required, any) = (depths(&seeds, target, true), depths(&seeds, target, false));
                let impact = graph.impact(id).unwrap();
                let reached: BTreeSet<usize> = impact.affected.iter().map(|one| one.id.parse().unwrap()).collect();
                prop_assert_eq!(reached, any.keys().copied().collect::<BTreeSet<_>>());
                for one in &impact.affected {
                    let path = impact.path(&one.id).unwrap();
                    let tool: usize = one.id.parse().unwrap();
                    prop_assert_eq!(one.required, required.contains_key(&tool));
                    prop_assert_eq!(Some(&one.depth), required.get(&tool).or(any.get(&tool)));
                    prop_assert_eq!(path.len(), one.depth + 1);
                    for pair in path.windows(2) {
                        let edge = seeds.get(&(pair[1].parse().unwrap(), pair[0].parse().unwrap()));
                        prop_assert!(edge.is_some_and(|required| *required || !one.required));
                    }
                }
                let chain: f64 = (0..9)
                    .filter(|tool| *tool == target || depths(&seeds, *tool, true).contains_key(&target))
                    .map(|tool| 1.0 - tool as f64 / 20.0)
                    .product();
                let found = db.read(|tx| registry::reliability(tx, id)).unwrap().chain;
                prop_assert!((found - chain).abs() < 1e-9, "{} {}", found, chain);
            }
            Ok(())
        });
    }
}
