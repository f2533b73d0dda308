//! Lock files of npm, in the three versions that there are.

use crate::empty;
use larder::ErrorKind;
use larder_kit::Place;
use larder_stores::registry::{self, Inventory, ToolType};
use proptest::prelude::*;
use serde_json::{Map, Value, json};
use std::fs;
use tempfile::TempDir;

/// A folder `app` with these files.
fn project(files: &[(&str, &Value)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("app")).unwrap();
    for (name, value) in files {
        let text = serde_json::to_string_pretty(value).unwrap();
        fs::write(folder.path().join("app").join(name), text).unwrap();
    }
    folder
}

fn read(folder: &TempDir) -> Inventory {
    registry::read_npm_lock(&folder.path().join("app")).unwrap()
}

fn told(inventory: &Inventory) -> Vec<String> {
    let tell = |one: &registry::InventoryDependency| {
        let constraint = one.version_constraint.as_deref().unwrap_or("-");
        let mark = if one.optional { " ?" } else { "" };
        let short = |id: &str| id.strip_prefix("npm:").unwrap().to_owned();
        format!("{} > {} {constraint}{mark}", short(&one.consumer_id), short(&one.provider_id))
    };
    inventory.dependencies.iter().map(tell).collect()
}

larder_kit::engines! {
    fn names_are_looked_up_as_node_does_and_each_kind_of_dependency_counts(place: &Place) {
        for version in [2, 3] {
            let lock = json!({ "name": "app", "version": "1.0.0", "lockfileVersion": version, "packages": {
                "": { "name": "app", "version": "1.0.0", "workspaces": ["packages/*"], "bin": { "app": "cli.js" },
                      "dependencies": { "a": "^1.0.0", "@s/b": "~2.1.0", "alias": "npm:real@^3.0.0", "ghost": "^1.0.0" },
                      "devDependencies": { "tool": "*" }, "optionalDependencies": { "fast": "^1.0.0", "absent": "^1.0.0" } },
                "node_modules/a": { "version": "1.2.0", "dependencies": { "c": "^1.0.0" } },
                "node_modules/a/node_modules/c": { "version": "1.9.0" },
                "node_modules/c": { "version": "2.0.0" },
                "node_modules/@s/b": { "version": "2.1.4", "dependencies": { "c": ">=2" },
                      "peerDependencies": { "a": "1.x", "c": "*", "gone": "*" },
                      "peerDependenciesMeta": { "a": { "optional": true }, "gone": { "optional": true } } },
                "node_modules/alias": { "name": "real", "version": "3.3.3" },
                "node_modules/fast": { "version": "1.0.0", "optional": true, "bin": "fast.js" },
                "node_modules/tool": { "version": "9.0.0", "dev": true, "devDependencies": { "c": "9" } },
                "node_modules/own": { "resolved": "packages/own", "link": true },
                "packages/own": { "version": "0.1.0", "dependencies": { "a": "^1.0.0", "c": "^1.5.0" }, "devDependencies": { "tool": "^9.0.0" } },
                "packages/own/node_modules/c": { "version": "1.9.0" },
                "packages/bare": { "dependencies": { "own": "*" } },
            } });
            let folder = project(&[("package-lock.json", &lock)]);
            let inventory = read(&folder);
            assert_eq!(
                told(&inventory),
                [
                    "@s/b@2.1.4 > a@1.2.0 1.x ?",
                    "@s/b@2.1.4 > c@2.0.0 >=2",
                    "a@1.2.0 > c@1.9.0 ^1.0.0",
                    "app@1.0.0 > @s/b@2.1.4 ~2.1.0",
                    "app@1.0.0 > a@1.2.0 ^1.0.0",
                    "app@1.0.0 > fast@1.0.0 ^1.0.0 ?",
                    "app@1.0.0 > real@3.3.3 npm:real@^3.0.0",
                    "app@1.0.0 > tool@9.0.0 * ?",
                    "bare > own@0.1.0 *",
                    "own@0.1.0 > a@1.2.0 ^1.0.0",
                    "own@0.1.0 > c@1.9.0 ^1.5.0",
                    "own@0.1.0 > tool@9.0.0 ^9.0.0 ?",
                ]
            );
            assert_eq!(inventory.unresolved, ["npm:app@1.0.0 requires ghost ^1.0.0"]);
            let kind = |id: &str| inventory.tools.iter().find(|tool| tool.id == id).unwrap().kind;
            assert_eq!(kind("npm:app@1.0.0"), ToolType::Cli);
            assert_eq!(kind("npm:fast@1.0.0"), ToolType::Library);
            let c = inventory.tools.iter().find(|tool| tool.id == "npm:c@1.9.0").unwrap();
            assert!(c.path.ends_with("packages/own/node_modules/c"), "the shortest: {}", c.path);
            assert_eq!(inventory.tools.len(), 10);
            assert!(inventory.source.starts_with("npm:/") && inventory.source.ends_with("/app"));
            let place = &Place::new(place.engine());
            let db = empty(place);
            let done = db.write(|tx| registry::import(tx, &inventory)).unwrap();
            assert_eq!((done.tools.added, done.dependencies.added), (10, 12));
        }
    }
}

#[test]
fn version_1_is_a_tree_and_the_project_stands_in_its_manifest() {
    let lock = json!({ "name": "app", "version": "1.0.0", "lockfileVersion": 1, "requires": true, "dependencies": {
        "a": { "version": "1.2.0", "resolved": false, "requires": { "c": "^1.0.0", "fast": "^1.0.0" },
               "dependencies": { "c": { "version": "1.9.0" } } },
        "c": { "version": "2.0.0", "dev": true },
        "fast": { "version": "1.0.0", "optional": true, "requires": { "deep": "1" } },
        "deep": { "version": "1.0.0", "optional": true },
        "alias": { "version": "npm:@s/real@3.3.3", "requires": true },
    } });
    let manifest = json!({ "name": "app", "version": "1.0.0", "dependencies": { "a": "^1.0.0", "alias": "npm:@s/real@^3" },
        "devDependencies": { "c": "^2.0.0" }, "scripts": { "test": "true" } });
    let folder = project(&[("package-lock.json", &lock), ("package.json", &manifest)]);
    assert_eq!(
        told(&read(&folder)),
        [
            "a@1.2.0 > c@1.9.0 ^1.0.0",
            "a@1.2.0 > fast@1.0.0 ^1.0.0 ?",
            "app@1.0.0 > @s/real@3.3.3 npm:@s/real@^3",
            "app@1.0.0 > a@1.2.0 ^1.0.0",
            "app@1.0.0 > c@2.0.0 ^2.0.0 ?",
            "fast@1.0.0 > deep@1.0.0 1",
        ]
    );
    fs::remove_file(folder.path().join("app/package.json")).unwrap();
    let error = registry::read_npm_lock(&folder.path().join("app")).unwrap_err();
    assert!(error.to_string().ends_with("put the package.json beside it"), "{error}");
}

#[test]
fn a_package_outside_of_the_project_does_not_find_what_is_in_it() {
    let lock = json!({ "lockfileVersion": 3, "packages": {
        "": { "dependencies": { "shared": "file:../shared", "a": "1" } },
        "node_modules/a": { "version": "1.0.0" },
        "node_modules/shared": { "resolved": "../shared", "link": true },
        "../shared": { "version": "0.1.0", "dependencies": { "a": "1" } },
    } });
    let inventory = read(&project(&[("package-lock.json", &lock)]));
    assert_eq!(told(&inventory), ["app > a@1.0.0 1", "app > shared@0.1.0 file:../shared"]);
    assert_eq!(inventory.unresolved, ["npm:shared@0.1.0 requires a 1"]);
}

#[test]
fn what_is_no_lock_file_is_refused_with_its_place_and_changes_nothing() {
    let folder = project(&[]);
    let app = folder.path().join("app");
    let refused = |text: &str| {
        fs::write(app.join("package-lock.json"), text).unwrap();
        let error = registry::read_npm_lock(&app.join("package-lock.json")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config, "{error}");
        error
    };
    let error = refused(
        "{\n  \"lockfileVersion\": 3,\n  \"packages\": {\n    \"node_modules/a\": { \"version\": 7 }\n  }\n}",
    );
    let at = error.location().unwrap();
    assert_eq!((at.line(), at.line_text()), (4, "    \"node_modules/a\": { \"version\": 7 }"));
    assert!(error.to_string().contains("package-lock.json:4:"), "{error}");
    assert!(error.to_string().contains("invalid type: integer `7`, expected a string"), "{error}");
    let error = refused("{\"lockfileVersion\": 4, \"packages\": {}}");
    assert!(error.message().contains("version 4 is newer than what is known"), "{error}");
    let error = refused("{}");
    assert!(error.message().contains("neither `packages` nor `dependencies`"), "{error}");
    refused("");
    refused("{\"lockfileVersion\": 3, \"packages\": {");
    fs::write(app.join("package-lock.json"), b"\xff\xfe").unwrap();
    let error = registry::read_npm_lock(&app).unwrap_err();
    assert!(error.message().ends_with("is not text in UTF-8"), "{error}");
    fs::remove_file(app.join("package-lock.json")).unwrap();
    let error = registry::read_npm_lock(&app).unwrap_err();
    assert!(error.message().ends_with("there is no package-lock.json"), "{error}");
    let error = registry::read_npm_lock(&app.join("package-lock.json")).unwrap_err();
    assert!(error.message().starts_with("there is no file "), "{error}");
}

/// A lock file of `packages` packages: each depends on up to three that come later, a few of them nested.
pub(crate) fn large_lock(packages: usize) -> Value {
    let mut places = Map::new();
    let wanted: Map<String, Value> =
        (0..packages.min(40)).map(|n| (format!("package-{n}"), json!("^1.0.0"))).collect();
    places.insert(String::new(), json!({ "name": "large", "version": "1.0.0", "dependencies": wanted }));
    for n in 0..packages {
        let needs = [n * 2 + 1, n * 3 + 2, n + 7].into_iter().filter(|other| *other < packages);
        let needs: Map<String, Value> =
            needs.map(|other| (format!("package-{other}"), json!("^1.0.0"))).collect();
        let place = if n > 0 && n % 10 == 0 {
            format!("node_modules/package-{}/node_modules/package-{n}", n - 1)
        } else {
            format!("node_modules/package-{n}")
        };
        let integrity = format!("sha512-{}", "A".repeat(86));
        let resolved = format!("https://example.com/package-{n}/-/package-{n}-1.{n}.0.tgz");
        places.insert(
            place,
            json!({ "version": format!("1.{n}.0"), "resolved": resolved, "integrity": integrity,
            "license": "MIT", "dependencies": needs, "engines": { "node": ">=14" } }),
        );
    }
    json!({ "name": "large", "version": "1.0.0", "lockfileVersion": 3, "requires": true, "packages": places })
}

larder_kit::engines! {
    fn a_lock_file_of_two_thousand_packages_is_imported_whole_and_again(place: &Place) {
        let folder = project(&[("package-lock.json", &large_lock(2_000))]);
        let inventory = read(&folder);
        assert_eq!(inventory.tools.len(), 2_001);
        assert!(inventory.dependencies.len() > 3_000, "{}", inventory.dependencies.len());
        let db = empty(place);
        let done = db.write(|tx| registry::import(tx, &inventory)).unwrap();
        assert_eq!((done.tools.added, done.dependencies.added), (2_001, inventory.dependencies.len()));
        let again = db.write(|tx| registry::import(tx, &inventory)).unwrap();
        assert_eq!((again.tools.unchanged, again.dependencies.unchanged), (2_001, inventory.dependencies.len()));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) })]

    #[test]
    fn a_damaged_lock_file_is_read_or_refused_and_never_a_panic(
        cut in 0_usize..900,
        change in prop::option::of((0_usize..900, prop::sample::select(b"{}[]:,\"x0-/\n".to_vec()))),
        truncated in any::<bool>(),
    ) {
        let folder = project(&[]);
        let path = folder.path().join("app/package-lock.json");
        let mut text = serde_json::to_string_pretty(&large_lock(4)).unwrap().into_bytes();
        if let Some((at, byte)) = change && let Some(place) = text.get_mut(at) {
            *place = byte;
        }
        if truncated {
            text.truncate(cut);
        }
        fs::write(&path, &text).unwrap();
        if let Err(error) = registry::read_npm_lock(&path) {
            prop_assert_eq!(error.kind(), ErrorKind::Config, "{}", error);
            prop_assert!(error.to_string().contains("package-lock.json"), "{}", error);
        }
    }
}

#[test]
fn what_a_lock_file_leaves_out_of_the_project_is_said_as_it_is() {
    let error = |version: u32| {
        let lock =
            json!({ "lockfileVersion": version, "packages": { "node_modules/a": { "version": "1.0.0" } } });
        let folder = project(&[("package-lock.json", &lock)]);
        registry::read_npm_lock(&folder.path().join("app")).unwrap_err().to_string()
    };
    assert!(error(1).contains("a lock file of version 1 does not say"), "{}", error(1));
    for version in [2, 3] {
        let said = error(version);
        assert!(said.contains("do not have the project itself") && !said.contains("version 1"), "{said}");
        assert!(said.contains("put the package.json beside it"), "{said}");
    }
    let lock = json!({ "lockfileVersion": 3, "packages": { "": { "name": "" } } });
    let inventory = read(&project(&[("package-lock.json", &lock)]));
    assert_eq!((&*inventory.tools[0].id, &*inventory.tools[0].name), ("npm:app", "app"), "no name is empty");
}

#[test]
fn the_place_of_an_error_in_an_empty_file_is_its_beginning() {
    let folder = project(&[]);
    let file = folder.path().join("app/package-lock.json");
    fs::write(&file, "").unwrap();
    let said = registry::read_npm_lock(&file).unwrap_err().to_string();
    assert!(said.contains("package-lock.json:1:1"), "{said}");
}
