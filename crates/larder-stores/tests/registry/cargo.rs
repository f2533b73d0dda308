//! Cargo's metadata: of this workspace as Cargo says it now, and in the forms that it may have.

use crate::empty;
use larder::ErrorKind;
use larder_kit::Place;
use larder_stores::registry::{self, Inventory, ToolType};
use serde_json::{Value, json};
use std::path::Path;

fn package(name: &str, version: &str, source: &Value, kind: &str, dependencies: &Value) -> Value {
    json!({
        "id": format!("{source}#{name}@{version}"), "name": name, "version": version, "source": source,
        "manifest_path": format!("/w/{name}-{version}/Cargo.toml"),
        "targets": [{ "kind": [kind], "name": name }], "dependencies": dependencies,
    })
}

fn declared(name: &str, req: &str, kind: &Value, optional: bool) -> Value {
    json!({ "name": name, "req": req, "kind": kind, "optional": optional, "rename": null, "source": "x" })
}

fn read(metadata: &Value) -> Inventory {
    registry::cargo_inventory("m.json", &metadata.to_string()).unwrap()
}

/// The dependencies as `consumer > provider constraint`, with `?` for an optional one.
fn told(inventory: &Inventory) -> Vec<String> {
    let tell = |one: &registry::InventoryDependency| {
        let constraint = one.version_constraint.as_deref().unwrap_or("-");
        let mark = if one.optional { "?" } else { "" };
        let short = |id: &str| id.strip_prefix("cargo:").unwrap().to_owned();
        format!("{} > {} {constraint}{mark}", short(&one.consumer_id), short(&one.provider_id))
    };
    inventory.dependencies.iter().map(tell).collect()
}

#[test]
fn two_versions_a_renamed_package_and_each_kind_of_dependency() {
    let crates_io = json!("registry+https://github.com/rust-lang/crates.io-index");
    let renamed = json!({ "name": "lib", "req": "^1", "kind": null, "optional": false, "rename": "old-lib", "path": null });
    let dependencies = json!([
        declared("lib", "^2.0", &Value::Null, false),
        renamed,
        declared("maker", "^1.0", &json!("build"), false),
        declared("tester", "^1.0", &json!("dev"), false),
        declared("extra", "^1.0", &Value::Null, true),
        declared("both", "^1.0", &json!("dev"), false),
        declared("both", "^1.2", &Value::Null, false),
        declared("both", "^1.1", &json!("build"), false),
        declared("elsewhere", "^1.0", &Value::Null, false),
    ]);
    let packages: Vec<Value> = [
        ("lib", "1.4.0"),
        ("lib", "2.1.0"),
        ("maker", "1.0.0"),
        ("tester", "1.0.0"),
        ("extra", "1.0.0"),
        ("both", "1.3.0"),
    ]
    .iter()
    .map(|(name, version)| package(name, version, &crates_io, "lib", &json!([])))
    .chain([package("app", "0.1.0", &Value::Null, "bin", &dependencies)])
    .collect();
    let chosen = |name: &str, of: usize, kinds: Value| json!({ "name": name, "pkg": packages[of]["id"], "dep_kinds": kinds });
    let normal = || json!([{ "kind": null, "target": null }]);
    let node = json!({ "id": packages[6]["id"], "deps": [
        chosen("old_lib", 0, normal()),
        chosen("lib", 1, normal()),
        chosen("maker", 2, json!([{ "kind": "build" }])),
        chosen("tester", 3, json!([{ "kind": "dev" }])),
        chosen("extra", 4, normal()),
        chosen("both", 5, json!([{ "kind": null }, { "kind": "dev" }, { "kind": "build" }])),
    ] });
    let metadata = json!({
        "version": 1, "packages": packages, "resolve": { "nodes": [node] }, "workspace_root": "/w",
        "workspace_members": [], "target_directory": "/w/target", "metadata": null,
    });
    let inventory = read(&metadata);
    assert_eq!(inventory.source, "cargo:/w");
    assert_eq!(
        told(&inventory),
        [
            "app@0.1.0 > both@1.3.0 ^1.2, ^1.1",
            "app@0.1.0 > extra@1.0.0 ^1.0?",
            "app@0.1.0 > lib@1.4.0 ^1",
            "app@0.1.0 > lib@2.1.0 ^2.0",
            "app@0.1.0 > maker@1.0.0 ^1.0",
            "app@0.1.0 > tester@1.0.0 ^1.0?",
        ]
    );
    let app = inventory.tools.iter().find(|tool| tool.name == "app").unwrap();
    assert_eq!((app.kind, app.path.as_str()), (ToolType::Cli, "/w/app-0.1.0"));
    assert!(
        inventory.tools.iter().filter(|tool| tool.name != "app").all(|tool| tool.kind == ToolType::Library)
    );
}

#[test]
fn one_name_and_version_from_two_places_are_two_tools() {
    let crates_io = json!("registry+https://github.com/rust-lang/crates.io-index");
    let git = json!("git+https://github.com/someone/lib#abc");
    let packages = [crates_io, git].map(|source| package("lib", "1.0.0", &source, "lib", &json!([])));
    let metadata =
        json!({ "version": 1, "packages": packages, "resolve": { "nodes": [] }, "workspace_root": "/w" });
    let ids: Vec<String> = read(&metadata).tools.into_iter().map(|tool| tool.id).collect();
    assert_eq!(ids[0], "cargo:lib@1.0.0");
    assert!(ids[1].starts_with("cargo:lib@1.0.0#") && ids[1].len() == 24, "{ids:?}");
}

#[test]
fn without_a_choice_of_cargos_only_dependencies_by_path_are_known() {
    let by_path = json!([
        { "name": "b", "req": "*", "kind": "dev", "optional": false, "rename": null, "path": "/w/b-1.0.0" },
        declared("serde", "^1", &Value::Null, false),
    ]);
    let packages = [
        package("a", "1.0.0", &Value::Null, "lib", &by_path),
        package("b", "1.0.0", &Value::Null, "proc-macro", &json!([])),
    ];
    let metadata = json!({ "version": 1, "packages": packages, "resolve": null, "workspace_root": "/w" });
    assert_eq!(told(&read(&metadata)), ["a@1.0.0 > b@1.0.0 *?"]);
}

#[test]
fn what_is_not_cargos_metadata_is_refused_with_its_place() {
    let error = registry::cargo_inventory("m.json", "{\"version\": 1,\n \"packages\": [}").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    let at = error.location().unwrap();
    assert_eq!((&*at.file, at.line(), at.column()), ("m.json", 2, 15), "{error}");
    assert!(error.message().starts_with("this is not the metadata of Cargo: "), "{error}");
    let error = registry::cargo_inventory("m.json", "{\"version\": \"1\"}").unwrap_err();
    assert!(error.message().contains("invalid type: string"), "{error}");
    let other = json!({ "version": 2, "packages": [], "resolve": null, "workspace_root": "/w" });
    let error = registry::cargo_inventory("m.json", &other.to_string()).unwrap_err();
    assert_eq!(error.message(), "m.json: the metadata of Cargo has format version 2");
    // One long line is not repeated with the error.
    let long = format!("{{\"version\": 1, \"packages\": [\"{}\"]}}", "x".repeat(1000));
    let error = registry::cargo_inventory("m.json", &long).unwrap_err();
    assert!(error.location().is_none() && error.message().starts_with("m.json:1:"), "{error}");
    let unlisted = json!({ "version": 1, "packages": [], "workspace_root": "/w", "resolve": { "nodes": [{ "id": "ghost", "deps": [] }] } });
    let error = registry::cargo_inventory("m.json", &unlisted.to_string()).unwrap_err();
    assert_eq!(error.message(), "m.json: the package `ghost` is used and not listed");
}

larder_kit::engines! {
    fn this_workspace_is_read_from_cargo_itself(place: &Place) {
        let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
        let inventory = registry::run_cargo_metadata(Some(&manifest)).unwrap();
        let db = empty(place);
        db.write(|tx| registry::import(tx, &inventory)).unwrap();
        let larder = db.read(|tx| registry::find_tool(tx, "larder")).unwrap();
        let graph = db.read(registry::graph).unwrap();
        let impact = graph.impact(&larder.id).unwrap();
        let stores = impact.affected.iter().find(|one| one.id.starts_with("cargo:larder-stores@")).unwrap();
        assert_eq!((stores.depth, stores.required), (1, true));
        // A change of rusqlite reaches this crate through larder.
        let rusqlite = db.read(|tx| registry::find_tool(tx, "rusqlite")).unwrap();
        let impact = graph.impact(&rusqlite.id).unwrap();
        assert_eq!(impact.path(&stores.id).unwrap()[1], larder.id);
        // petgraph is there for tests only.
        let petgraph = db.read(|tx| registry::find_tool(tx, "petgraph")).unwrap();
        let of_stores = db.read(|tx| registry::dependents_of(tx, &petgraph.id)).unwrap();
        assert!(of_stores.iter().all(|one| one.optional));

        let missing = manifest.with_file_name("missing.toml");
        let error = registry::run_cargo_metadata(Some(&missing)).unwrap_err();
        assert!(error.message().starts_with("`cargo metadata` failed: "), "{error}");
    }
}
