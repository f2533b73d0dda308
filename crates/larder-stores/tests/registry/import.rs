//! Bringing inventories into the registry: what changes, what stays, and whose it is.

use crate::many::many_times;
use crate::{add_tools, depend, empty};
use larder::Database;
use larder_kit::Place;
use larder_stores::registry::{
    self, Changed, ContractType, Imported, Inventory, InventoryDependency, InventoryTool, NewContract,
    ToolChange, ToolType,
};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

/// An inventory of tools `name@version`, and of dependencies `consumer>provider`, where `?` stands for an optional one.
fn inventory(source: &str, tools: &[&str], dependencies: &[&str]) -> Inventory {
    let tool = |id: &&str| InventoryTool {
        id: (*id).to_owned(),
        name: id.split('@').next().unwrap().to_owned(),
        path: format!("lib/{id}"),
        kind: ToolType::Library,
        version: id.split('@').nth(1).map(str::to_owned),
        manifest_path: None,
    };
    let dependency = |text: &&str| {
        let (consumer, provider) = text.trim_end_matches('?').split_once('>').unwrap();
        InventoryDependency {
            consumer_id: consumer.to_owned(),
            provider_id: provider.to_owned(),
            version_constraint: Some("^1".to_owned()),
            optional: text.ends_with('?'),
        }
    };
    Inventory {
        source: source.to_owned(),
        tools: tools.iter().map(tool).collect(),
        dependencies: dependencies.iter().map(dependency).collect(),
        unresolved: Vec::new(),
    }
}

fn import(db: &Database, inventory: &Inventory) -> Imported {
    db.write(|tx| registry::import(tx, inventory)).unwrap()
}

fn ids(db: &Database) -> String {
    ids_of(db).join(" ")
}

/// All edges with the source that brought them.
fn edges(db: &Database) -> Vec<String> {
    let sql = "SELECT consumer_id || '>' || provider_id || ' ' || source FROM dependencies ORDER BY 1";
    db.query_all(sql, &[]).unwrap()
}

larder_kit::engines! {
    fn importing_again_adds_changes_and_removes_and_the_same_again_does_nothing(place: &Place) {
        let db = empty(place);
        let first = inventory("s", &["a@1", "b@1", "c@1"], &["a@1>b@1", "b@1>c@1"]);
        let done = import(&db, &first);
        assert_eq!(done.tools, Changed { added: 3, ..Changed::default() });
        assert_eq!(done.dependencies, Changed { added: 2, ..Changed::default() });
        let rows = || -> Vec<(String, String)> {
            db.query_all("SELECT id, updated_at FROM tools ORDER BY id", &[]).unwrap()
        };
        let before = rows();
        let again = import(&db, &first);
        assert_eq!(again.tools, Changed { unchanged: 3, ..Changed::default() });
        assert_eq!(again.dependencies, Changed { unchanged: 2, ..Changed::default() });
        assert_eq!(rows(), before);

        let mut second = inventory("s", &["a@1", "b@1", "d@1"], &["a@1>b@1?", "a@1>d@1"]);
        second.tools[0].path = "elsewhere".into();
        let done = import(&db, &second);
        assert_eq!(done.tools, Changed { added: 1, updated: 1, unchanged: 1, removed: 1 });
        assert_eq!(done.dependencies, Changed { added: 1, updated: 1, unchanged: 0, removed: 1 });
        assert_eq!(ids(&db), "a@1 b@1 d@1");
        assert_eq!(edges(&db), ["a@1>b@1 s", "a@1>d@1 s"]);
        assert_eq!(db.read(|tx| registry::tool(tx, "a@1")).unwrap().unwrap().path, "elsewhere");
    }

    fn what_a_person_set_or_added_is_not_touched(place: &Place) {
        let db = empty(place);
        add_tools(&db, &["a@1", "mine"]);
        let done = import(&db, &inventory("s", &["a@1", "b@1"], &["a@1>b@1"]));
        assert_eq!(done.kept, ["a@1"], "added by hand under the same id");
        assert_eq!(db.read(|tx| registry::tool(tx, "a@1")).unwrap().unwrap().path, "somewhere");
        let change = ToolChange { reliability: Some(0.4), debt_score: Some(7), ..ToolChange::default() };
        db.write(|tx| registry::update_tool(tx, "b@1", change.clone())).unwrap();
        depend(&db, "mine", "b@1", false);

        let mut moved = inventory("s", &["a@1", "b@1"], &["a@1>b@1"]);
        moved.tools[1].path = "elsewhere".into();
        import(&db, &moved);
        let tool = db.read(|tx| registry::tool(tx, "b@1")).unwrap().unwrap();
        assert_eq!((tool.path.as_str(), tool.reliability, tool.debt_score), ("elsewhere", 0.4, 7));

        // b is gone from the source, and a person depends on it: it stays, and is the person's from then on.
        let done = import(&db, &inventory("s", &["a@1"], &[]));
        assert_eq!(done.kept, ["a@1", "b@1"]);
        assert_eq!(edges(&db), ["mine>b@1 "]);
        let done = import(&db, &inventory("s", &[], &[]));
        assert_eq!((done.tools.removed, ids(&db).as_str()), (0, "a@1 b@1 mine"));
    }

    fn what_two_sources_have_goes_with_the_last_of_them(place: &Place) {
        let db = empty(place);
        import(&db, &inventory("one", &["a@1", "b@1"], &["a@1>b@1"]));
        import(&db, &inventory("two", &["x@1", "b@1", "a@1"], &["a@1>b@1", "x@1>b@1"]));
        assert_eq!(edges(&db), ["a@1>b@1 one", "a@1>b@1 two", "x@1>b@1 two"]);
        let done = import(&db, &inventory("two", &["x@1"], &[]));
        assert_eq!((done.tools.removed, done.dependencies.removed), (0, 2));
        assert_eq!((ids(&db).as_str(), edges(&db).len()), ("a@1 b@1 x@1", 1));
        let done = import(&db, &inventory("one", &[], &[]));
        assert_eq!((done.tools.removed, ids(&db).as_str()), (2, "x@1"));
    }

    fn a_new_version_takes_over_the_contracts_and_what_was_added_by_hand(place: &Place) {
        let db = empty(place);
        add_tools(&db, &["mine"]);
        import(&db, &inventory("s", &["app@1", "lib@1"], &["app@1>lib@1"]));
        depend(&db, "mine", "lib@1", false);
        depend(&db, "lib@1", "mine", true);
        let contract = NewContract {
            tool_id: "lib@1",
            contract_type: ContractType::LibraryExport,
            name: "face",
            schema_path: None,
            schema_hash: None,
        };
        let change = ToolChange { reliability: Some(0.5), ..ToolChange::default() };
        db.write(|tx| {
            registry::update_tool(tx, "lib@1", change.clone())?;
            registry::add_contract(tx, contract.clone())
        })
        .unwrap();

        let done = import(&db, &inventory("s", &["app@1", "lib@2"], &["app@1>lib@2"]));
        assert_eq!(done.succeeded, [("lib@1".to_owned(), "lib@2".to_owned())]);
        assert_eq!((done.tools.removed, done.kept.len()), (1, 0));
        assert_eq!(ids(&db), "app@1 lib@2 mine");
        assert_eq!(edges(&db), ["app@1>lib@2 s", "lib@2>mine ", "mine>lib@2 "]);
        assert_eq!(db.read(|tx| registry::contracts(tx, Some("lib@2"))).unwrap().len(), 1);
        assert_eq!(db.read(|tx| registry::tool(tx, "lib@2")).unwrap().unwrap().reliability, 0.5);

        // Two have come for one that is gone: nobody can tell which it is, so it stays with its contract.
        let done = import(&db, &inventory("s", &["app@1", "lib@3", "lib@4"], &[]));
        assert_eq!((done.succeeded.len(), done.kept.as_slice()), (0, &["lib@2".to_owned()][..]));
        assert_eq!(db.read(|tx| registry::contracts(tx, Some("lib@2"))).unwrap().len(), 1);
    }

    fn an_import_that_fails_changes_nothing(place: &Place) {
        let db = empty(place);
        import(&db, &inventory("s", &["a@1", "b@1"], &["a@1>b@1"]));
        let before = (ids(&db), edges(&db));
        let wrong = inventory("s", &["a@1", "c@1"], &["a@1>nobody@1"]);
        db.write(|tx| registry::import(tx, &wrong)).unwrap_err();
        assert_eq!((ids(&db), edges(&db)), before);
    }
}

/// A random inventory: which of eight tools there are, four names in two versions, and who depends on whom.
fn any_inventory() -> impl Strategy<Value = (bool, BTreeSet<usize>, BTreeSet<(usize, usize, bool)>)> {
    let edges = prop::collection::btree_set((0_usize..8, 0_usize..8, any::<bool>()), 0..12);
    (any::<bool>(), prop::collection::btree_set(0_usize..8, 0..8), edges)
}

larder_kit::engines! {
    fn after_any_imports_the_registry_has_what_each_source_said_last(place: &Place) {
        let inputs = prop::collection::vec(any_inventory(), 1..6);
        many_times(place.engine(), 200, inputs, |place, imports| {
            let db = empty(place);
            let id = |tool: usize| format!("{}@{}", ["a", "b", "c", "d"][tool / 2], tool % 2 + 1);
            let mut last: BTreeMap<&str, Inventory> = BTreeMap::new();
            for (first, tools, edges) in &imports {
                let source = if *first { "one" } else { "two" };
                let ids: Vec<String> = tools.iter().map(|tool| id(*tool)).collect();
                let between: BTreeMap<(usize, usize), bool> = edges
                    .iter()
                    .filter(|(from, to, _)| tools.contains(from) && tools.contains(to))
                    .map(|(from, to, optional)| ((*from, *to), *optional))
                    .collect();
                let between: Vec<String> = between
                    .into_iter()
                    .map(|((from, to), optional)| format!("{}>{}{}", id(from), id(to), if optional { "?" } else { "" }))
                    .collect();
                let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
                let between: Vec<&str> = between.iter().map(String::as_str).collect();
                let inventory = inventory(source, &ids, &between);
                let done = import(&db, &inventory);
                prop_assert!(done.kept.is_empty());
                last.insert(source, inventory);

                let tools: BTreeSet<&str> =
                    last.values().flat_map(|of| &of.tools).map(|tool| tool.id.as_str()).collect();
                prop_assert_eq!(ids_of(&db), tools.into_iter().map(str::to_owned).collect::<Vec<_>>());
                let mut expected: Vec<(String, String, String, bool)> = last
                    .values()
                    .flat_map(|of| of.dependencies.iter().map(|one| {
                        (of.source.clone(), one.consumer_id.clone(), one.provider_id.clone(), one.optional)
                    }))
                    .collect();
                expected.sort();
                let sql = "SELECT source, consumer_id, provider_id, optional FROM dependencies ORDER BY 1, 2, 3";
                let found: Vec<(String, String, String, bool)> = db.query_all(sql, &[]).unwrap();
                prop_assert_eq!(found, expected);
            }
            Ok(())
        });
    }
}

fn ids_of(db: &Database) -> Vec<String> {
    db.query_all("SELECT id FROM tools ORDER BY id", &[]).unwrap()
}
