//! Tools, dependencies and contracts as rows.

use crate::{add_tools, depend, empty};
use larder::ErrorKind;
use larder_kit::Place;
use larder_stores::registry::{
    self, ContractStatus, ContractType, DependencyType, NewContract, NewDependency, NewTool, NoProbability,
    ToolChange, ToolFilter, ToolType,
};

larder_kit::engines! {
    fn a_tool_is_added_changed_found_and_removed(place: &Place) {
        let db = empty(place);
        let new =
            NewTool { version: Some("1.0.0"), stub: true, ..NewTool::new("fetch", "bin/fetch", ToolType::Cli) };
        let added = db.write(|tx| registry::add_tool(tx, new.clone())).unwrap();
        assert_eq!(added.id.len(), 26, "a ULID is made");
        assert_eq!((added.kind, added.reliability, added.debt_score, added.stub), (ToolType::Cli, 0.95, 0, true));
        assert_eq!((added.last_verified, added.updated_at), (None, added.created_at));

        let change = ToolChange { reliability: Some(0.5), stub: Some(false), ..ToolChange::default() };
        let changed = db.write(|tx| registry::update_tool(tx, &added.id, change.clone())).unwrap();
        assert_eq!((changed.reliability, changed.stub), (0.5, false));
        assert_eq!((changed.version.as_deref(), changed.created_at), (Some("1.0.0"), added.created_at));
        assert!(changed.updated_at >= added.updated_at);
        assert_eq!(db.read(|tx| registry::tool(tx, &added.id)).unwrap(), Some(changed.clone()));
        assert_eq!(db.read(|tx| registry::find_tool(tx, "fetch")).unwrap(), changed);

        db.write(|tx| registry::remove_tool(tx, &added.id)).unwrap();
        for gone in [
            db.write(|tx| registry::remove_tool(tx, &added.id)).unwrap_err(),
            db.write(|tx| registry::update_tool(tx, &added.id, ToolChange::default())).unwrap_err(),
            db.read(|tx| registry::find_tool(tx, "fetch")).unwrap_err(),
        ] {
            assert_eq!(gone.kind(), ErrorKind::NotFound, "{gone}");
        }
    }

    fn a_name_that_several_have_is_not_guessed(place: &Place) {
        let db = empty(place);
        db.write(|tx| {
            registry::add_tool(tx, NewTool::new("semver", "a", ToolType::Library).id("cargo:semver@1.0.0"))?;
            registry::add_tool(tx, NewTool::new("semver", "b", ToolType::Library).id("npm:semver@7.0.0"))
        })
        .unwrap();
        let error = db.read(|tx| registry::find_tool(tx, "semver")).unwrap_err();
        assert_eq!(
            error.to_string(),
            "2 tools have the name `semver`; give the id of one: cargo:semver@1.0.0, npm:semver@7.0.0"
        );
    }

    fn a_reliability_that_is_none_is_refused_before_the_database_says_no(place: &Place) {
        let db = empty(place);
        for reliability in [-0.1, 1.1, f64::NAN, f64::INFINITY] {
            let new = NewTool { reliability, ..NewTool::new("x", "x", ToolType::Cli) };
            let error = db.write(|tx| registry::add_tool(tx, new.clone())).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Refused);
            assert!(error.find::<NoProbability>().is_some());
        }
        add_tools(&db, &["a"]);
        let change = ToolChange { reliability: Some(2.0), ..ToolChange::default() };
        let error = db.write(|tx| registry::update_tool(tx, "a", change.clone())).unwrap_err();
        assert_eq!(error.to_string(), "a reliability of 2 is not between 0 and 1; give a number such as 0.95");
        for reliability in [0.0, 1.0] {
            let change = ToolChange { reliability: Some(reliability), ..ToolChange::default() };
            db.write(|tx| registry::update_tool(tx, "a", change.clone())).unwrap();
        }
    }

    fn tools_are_listed_by_type_stub_and_name_and_by_all_of_them(place: &Place) {
        let db = empty(place);
        db.write(|tx| {
            registry::add_tool(tx, NewTool::new("x", "1", ToolType::Cli).id("1"))?;
            registry::add_tool(tx, NewTool { stub: true, ..NewTool::new("x", "2", ToolType::Hook).id("2") })?;
            registry::add_tool(tx, NewTool { stub: true, ..NewTool::new("y", "3", ToolType::Cli).id("3") })
        })
        .unwrap();
        let ids = |filter: ToolFilter<'_>| -> String {
            let tools = db.read(|tx| registry::tools(tx, &filter)).unwrap();
            tools.iter().map(|tool| tool.id.as_str()).collect()
        };
        let all = ToolFilter::default();
        assert_eq!(ids(all.clone()), "123");
        assert_eq!(ids(ToolFilter { kind: Some(ToolType::Cli), ..all.clone() }), "13");
        assert_eq!(ids(ToolFilter { stub: Some(true), ..all.clone() }), "23");
        assert_eq!(ids(ToolFilter { name: Some("x"), ..all.clone() }), "12");
        assert_eq!(ids(ToolFilter { name: Some("x"), kind: Some(ToolType::Hook), stub: Some(true) }), "2");
        assert_eq!(ids(ToolFilter { name: Some("x"), kind: Some(ToolType::Cli), stub: Some(true) }), "");
    }

    fn a_tool_is_told_that_its_id_is_taken_or_empty(place: &Place) {
        let db = empty(place);
        add_tools(&db, &["a"]);
        let error =
            db.write(|tx| registry::add_tool(tx, NewTool::new("b", "b", ToolType::Cli).id("a"))).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Constraint);
        assert_eq!(error.message(), "there is a tool `a` already");
        let error = db.write(|tx| registry::add_tool(tx, NewTool::new(" ", "b", ToolType::Cli))).unwrap_err();
        assert_eq!(error.to_string(), "the name is empty; give one");
    }

    fn dependencies_are_seen_from_both_ends_and_go_with_their_tools(place: &Place) {
        let db = empty(place);
        add_tools(&db, &["a", "b", "c"]);
        let ab = depend(&db, "a", "b", false);
        depend(&db, "c", "b", true);
        let of = |id| db.read(|tx| registry::dependencies_of(tx, id)).unwrap();
        let on = |id| db.read(|tx| registry::dependents_of(tx, id)).unwrap();
        assert_eq!(of("a").len(), 1);
        let consumers: Vec<(String, bool)> =
            on("b").into_iter().map(|row| (row.consumer_id, row.optional)).collect();
        assert_eq!(consumers, [("a".to_owned(), false), ("c".to_owned(), true)]);

        let again = NewDependency::new("a", "b", DependencyType::Library);
        let error = db.write(|tx| registry::add_dependency(tx, again.clone())).unwrap_err();
        assert_eq!(error.message(), "`a` already depends on `b` (library)");
        db.write(|tx| registry::add_dependency(tx, NewDependency::new("a", "b", DependencyType::Cli))).unwrap();
        for (consumer, provider, missing) in [("x", "b", "x"), ("a", "y", "y")] {
            let new = NewDependency::new(consumer, provider, DependencyType::Mcp);
            let error = db.write(|tx| registry::add_dependency(tx, new.clone())).unwrap_err();
            assert_eq!(
                (error.kind(), error.message()),
                (ErrorKind::NotFound, &*format!("there is no tool `{missing}`"))
            );
        }

        db.write(|tx| registry::remove_dependency(tx, ab)).unwrap();
        assert_eq!(of("a").len(), 1);
        let error = db.write(|tx| registry::remove_dependency(tx, ab)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
        db.write(|tx| registry::remove_tool(tx, "b")).unwrap();
        assert!(of("a").is_empty() && of("c").is_empty());
    }

    fn contracts_are_added_listed_and_removed(place: &Place) {
        let db = empty(place);
        add_tools(&db, &["a", "b"]);
        let new = NewContract {
            tool_id: "a",
            contract_type: ContractType::McpTool,
            name: "search",
            schema_path: Some("search.json"),
            schema_hash: None,
        };
        let row = db.write(|tx| registry::add_contract(tx, new.clone())).unwrap();
        assert_eq!(
            (row.status, row.last_verified, row.schema_hash.clone()),
            (ContractStatus::Unknown, None, None)
        );
        let error = db.write(|tx| registry::add_contract(tx, new.clone())).unwrap_err();
        assert_eq!(error.message(), "`a` already has a contract `search`");
        let wrong = NewContract { tool_id: "x", ..new.clone() };
        let error = db.write(|tx| registry::add_contract(tx, wrong.clone())).unwrap_err();
        assert_eq!(error.message(), "there is no tool `x`");
        let wrong = NewContract { schema_hash: Some("ABC"), ..new.clone() };
        let error = db.write(|tx| registry::add_contract(tx, wrong.clone())).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);

        let list = |tool| db.read(|tx| registry::contracts(tx, tool)).unwrap();
        assert_eq!(list(Some("a")), list(None));
        assert!(list(Some("b")).is_empty());
        assert_eq!(db.read(|tx| registry::contract(tx, row.id)).unwrap(), row);
        db.write(|tx| registry::remove_contract(tx, row.id)).unwrap();
        let error = db.write(|tx| registry::remove_contract(tx, row.id)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
    }
}
