//! `larder tool`: a registry from the command line.

mod support;

use insta::assert_snapshot;
use serde_json::Value;
use std::fs;
use support::{Answer, Place, steady};

/// A folder with a registry in `r.db`, made by the first command.
struct Registry(Place);

impl Registry {
    fn new() -> Self {
        Self(Place::new())
    }

    /// With three tools: the site may use the report, which requires the fetcher.
    fn of_three() -> Self {
        let registry = Self::new();
        for (id, more) in [("fetch", &["--reliability", "0.9"][..]), ("report", &[]), ("site", &["--stub"])] {
            let add = [&["tool", "add", id, "--id", id, "--path", "bin", "--type", "cli"], more].concat();
            registry.run(&add).done();
        }
        registry
            .run(&["tool", "dep", "add", "report", "fetch", "--type", "cli", "--constraint", "^1"])
            .done();
        registry.run(&["tool", "dep", "add", "site", "report", "--type", "database", "--optional"]).done();
        registry
    }

    fn run(&self, arguments: &[&str]) -> Answer {
        self.0.run(&[arguments, &["--url", "r.db"]].concat())
    }

    fn json(&self, arguments: &[&str]) -> (i32, Value) {
        self.0.json(&[arguments, &["--url", "r.db"]].concat())
    }
}

#[test]
fn tools_are_added_listed_shown_changed_and_removed() {
    let registry = Registry::of_three();
    assert_snapshot!(steady(&registry.run(&["tool", "list"]).done()), @r"
    id name type version reliability debt verified
    fetch fetch cli 0.9 0
    report report cli 0.95 0
    site site cli (stub) 0.95 0
    ");
    assert_snapshot!(steady(&registry.run(&["tool", "show", "report"]).done()), @r"
    report
      name report
      type cli
      path bin
      reliability 0.95
      debt 0
      added [time]
      changed [time]

    depends on type constraint number from
    fetch cli ^1 1

    is used by type constraint number from
    site database optional 2
    ");
    let (code, value) = registry.json(&["tool", "list", "--stub"]);
    assert_eq!((code, &value["tools"][0]["id"]), (0, &"site".into()));
    assert_eq!(value["tools"].as_array().unwrap().len(), 1);
    let (_, value) = registry.json(&["tool", "list", "--stub=false", "--type", "cli", "--name", "fetch"]);
    assert_eq!(value["tools"].as_array().unwrap().len(), 1);
    assert_eq!(registry.run(&["tool", "list", "--type", "hook"]).done(), "there is no such tool\n");

    let (_, value) =
        registry.json(&["tool", "set", "site", "--stub", "false", "--debt", "3", "--version", "2.0.0"]);
    assert_eq!((&value["tool"]["debt_score"], &value["tool"]["stub"]), (&3.into(), &false.into()));
    assert_eq!((&value["command"], &value["tool"]["version"]), (&"tool set".into(), &"2.0.0".into()));

    let said = registry.run(&["tool", "remove", "report"]).failed(3);
    assert!(said.contains("add --yes"), "{said}");
    assert_eq!(registry.run(&["tool", "remove", "report", "--yes"]).done(), "removed report\n");
    let said = registry.run(&["tool", "show", "report"]).failed(1);
    assert!(said.contains("there is no tool `report`"), "{said}");
}

#[test]
fn what_is_wrong_is_said_before_the_database_says_it() {
    let registry = Registry::new();
    let add = ["tool", "add", "x", "--path", "x", "--type", "cli", "--reliability"];
    let said = registry.run(&[&add[..], &["1.5"]].concat()).failed(6);
    assert_snapshot!(said, @r"
    error: a reliability of 1.5 is not between 0 and 1
      help: give a number such as 0.95
    ");
    let said = registry.run(&["tool", "add", "x", "--path", "x", "--type", "robot"]).failed(2);
    assert!(said.contains("possible values: cli, mcp, library, workflow, hook"), "{said}");
    let said = registry.run(&["tool", "set", "x"]).failed(2);
    assert!(said.contains("nothing of `x` is to be changed"), "{said}");
    let said = registry.run(&["tool", "dep", "remove", "9"]).failed(1);
    assert!(said.contains("there is no dependency 9"), "{said}");
}

#[test]
fn dependencies_impact_and_reliability() {
    let registry = Registry::of_three();
    assert_snapshot!(registry.run(&["tool", "dep", "list", "report"]).done(), @r"
    report

    depends on  type  constraint     number  from
    fetch       cli   ^1                  1

    is used by  type      constraint            number  from
    site        database              optional       2
    ");
    assert_snapshot!(registry.run(&["tool", "impact", "fetch", "--to", "2.0.0"]).done(), @r"
    when fetch changes, 1 tool breaks, 1 tool through an optional dependency
    tool    depth            through
    report      1  required
    site        2  optional  report

    tool    constraint  2.0.0
    report  ^1          can't tell: how `report` writes its constraints is not known
    ");
    assert_snapshot!(registry.run(&["tool", "reliability", "report"]).done(), @r"
    report: 0.95 by itself, 0.855 with the 1 tool that it requires
    weakest first  reliability
    fetch                  0.9
    report                0.95
    ");
    let (_, value) = registry.json(&["tool", "impact", "fetch"]);
    assert_eq!(value["affected"][1]["path"], serde_json::json!(["fetch", "report", "site"]));
    assert_eq!(value["affected"][1]["required"], false);
    let (_, value) = registry.json(&["tool", "reliability", "report"]);
    assert!((value["chain"].as_f64().unwrap() - 0.9 * 0.95).abs() < 1e-9);
    assert_eq!(value["parts"][0]["id"], "fetch");
    let (_, value) = registry.json(&["tool", "dep", "list", "site"]);
    let number = value["depends_on"][0]["id"].to_string();
    registry.run(&["tool", "dep", "remove", &number]).done();
    assert!(registry.run(&["tool", "dep", "list", "site"]).done().contains("depends on nothing"));
}

#[test]
fn a_tool_whose_id_was_made_is_told_by_its_name() {
    let registry = Registry::new();
    for name in ["fetch", "report"] {
        registry.run(&["tool", "add", name, "--path", "bin", "--type", "cli"]).done();
    }
    let dep = ["tool", "dep", "add", "report", "fetch", "--type", "cli"];
    assert_eq!(registry.run(&dep).done(), "1: report requires fetch\n");
    registry.run(&["tool", "dep", "add", "fetch", "report", "--type", "cli"]).done();
    let contract =
        ["tool", "contract", "add", "fetch", "output", "--type", "cli_output", "--schema", "no.json"];
    assert_eq!(registry.run(&contract).done(), "1: fetch promises output\n");

    assert!(
        registry.run(&["tool", "impact", "fetch"]).done().starts_with("when fetch changes, 1 tool breaks\n")
    );
    assert!(registry.run(&["tool", "reliability", "report"]).done().starts_with("report: 0.95 by itself"));
    let cycles = registry.run(&["tool", "cycles"]).done();
    assert!(
        cycles.contains("fetch → report → fetch") || cycles.contains("report → fetch → report"),
        "{cycles}"
    );
    let id = registry.json(&["tool", "show", "fetch"]).1["tool"]["id"].to_string();
    let id = id.trim_matches('"');
    for told in [&["tool", "verify"][..], &["tool", "contract", "list"], &["tool", "dep", "list", "fetch"]] {
        let said = registry.run(told).out;
        assert!(said.contains("fetch") && !said.contains(id), "{said}");
    }

    // A name that two have, or that is the id of another, would lead astray.
    registry.run(&["tool", "add", "fetch", "--path", "bin", "--type", "cli"]).done();
    registry.run(&["tool", "add", "other", "--id", "report", "--path", "bin", "--type", "cli"]).done();
    let said = registry.run(&["tool", "impact", id]).done();
    assert!(said.contains(&format!("when {id} changes")) && !said.contains("report"), "{said}");
}

#[test]
fn cycles_are_found_recorded_and_resolved() {
    let registry = Registry::of_three();
    let (_, added) = registry.json(&["tool", "dep", "add", "fetch", "site", "--type", "implicit"]);
    assert_snapshot!(registry.run(&["tool", "cycles"]).done(), @r"
    1 cycle; 1 new, 0 reopened, 0 resolved
      fetch → site → report → fetch  (with an optional dependency)
    ");
    let (code, value) = registry.json(&["tool", "cycles", "--all"]);
    assert_eq!((code, &value["changed"]["new"], &value["changed"]["open"]), (0, &0.into(), &1.into()));
    assert_eq!(value["recorded"][0]["cycle"], serde_json::json!(["fetch", "site", "report"]));
    registry.run(&["tool", "dep", "remove", &added["dependency"]["id"].to_string()]).done();
    assert_snapshot!(registry.run(&["tool", "cycles", "--all"]).done(), @r"
    0 cycles; 0 new, 0 reopened, 1 resolved
      resolved: fetch → site → report → fetch
    ");
}

#[test]
fn contracts_are_verified_and_a_drift_is_accepted() {
    let registry = Registry::of_three();
    registry.0.write("out.json", "{\"a\": 1}");
    let add = ["tool", "contract", "add", "fetch", "output", "--type", "cli_output", "--schema", "out.json"];
    registry.run(&add).done();
    assert_snapshot!(registry.run(&["tool", "verify"]).done(), @r"
    number  tool   contract  status
         1  fetch  output    valid   agreed on 015abd7f5cc5
    ");
    registry.0.write("out.json", "{\"a\": 2}");
    let answer = registry.run(&["tool", "verify", "fetch", "--commit", "abc"]);
    assert_eq!(answer.code, 5);
    assert_snapshot!(answer.out, @r"
    number  tool   contract  status
         1  fetch  output    drift   [here]/out.json is 7e8059f49558, and 015abd7f5cc5 was agreed

    where a drift was meant: larder tool verify --contract NUMBER --accept
    ");
    let (code, value) = registry.json(&["tool", "verify", "--contract", "1"]);
    assert_eq!(
        (code, &value["ok"], &value["verified"][0]["contract"]["status"]),
        (5, &false.into(), &"drift".into())
    );
    let details = &value["verified"][0]["verification"]["details"];
    assert!(details["old_hash"].is_string() && details["new_hash"].is_string(), "{value}");
    registry.run(&["tool", "verify", "--contract", "1", "--accept"]).done();
    // From the root on: it is found from any folder.
    fs::create_dir(registry.0.path("elsewhere")).unwrap();
    let mut elsewhere = registry.0.command(&["tool", "verify", "--url", "../r.db"]);
    assert_eq!(Answer::of(elsewhere.current_dir(registry.0.path("elsewhere")), &registry.0.path("")).code, 0);
    fs::remove_file(registry.0.path("out.json")).unwrap();
    assert_eq!(registry.run(&["tool", "verify"]).code, 5);
    let (_, value) = registry.json(&["tool", "contract", "list", "fetch"]);
    assert_eq!(value["contracts"][0]["status"], "broken");
    registry.run(&["tool", "contract", "remove", "1"]).done();
    assert_eq!(registry.run(&["tool", "verify"]).done(), "no contracts that name a schema\n");

    let relative = [&add[..4], &["at", "--type", "db_schema", "--schema", "t.sql", "--relative"]].concat();
    registry.run(&relative).done();
    registry.0.write("schemas/t.sql", "CREATE TABLE t (n)");
    registry.run(&["tool", "verify", "--base", "schemas"]).done();
    let without = [&add[..4], &["nothing", "--type", "db_schema"]].concat();
    registry.run(&without).done();
    let said = registry.run(&["tool", "verify", "--contract", "3"]).failed(6);
    assert!(said.contains("contract 3 names no file with its schema"), "{said}");
}

#[test]
fn a_lock_file_is_imported_and_a_broken_one_changes_nothing() {
    let registry = Registry::new();
    let lock = |version: &str| {
        format!(
            "{{\"name\": \"app\", \"version\": \"1.0.0\", \"lockfileVersion\": 3, \"packages\": {{\n\
             \"\": {{\"name\": \"app\", \"version\": \"1.0.0\", \"dependencies\": {{\"a\": \"^1.0.0\"}}}},\n\
             \"node_modules/a\": {{\"version\": {version}}}}}}}"
        )
    };
    registry.0.write("app/package-lock.json", &lock("\"1.2.0\""));
    assert_snapshot!(registry.run(&["tool", "import", "npm", "app"]).done(), @r"
    npm:[here]/app
      tools         2 added, 0 updated, 0 unchanged, 0 removed
      dependencies  1 added, 0 updated, 0 unchanged, 0 removed
    ");
    registry.0.write("app/package-lock.json", &lock("7"));
    assert_snapshot!(registry.run(&["tool", "import", "npm", "app"]).failed(2), @r#"
    error: this is not a lock file of npm: invalid type: integer `7`, expected a string
       ,-[[here]/app/package-lock.json:3:31]
     1 | {"name": "app", "version": "1.0.0", "lockfileVersion": 3, "packages": {
     2 | "": {"name": "app", "version": "1.0.0", "dependencies": {"a": "^1.0.0"}},
     3 | "node_modules/a": {"version": 7}}}
       :                               ^
       `----
      help: nothing was imported; check that it is the right file, or have it written anew
    "#);
    registry.0.write("app/package-lock.json", &lock("\"2.0.0\""));
    let (_, value) = registry.json(&["tool", "import", "npm", "app/package-lock.json"]);
    assert_eq!(value["succeeded"], serde_json::json!([["npm:a@1.2.0", "npm:a@2.0.0"]]));
    assert_eq!((&value["tools"]["added"], &value["tools"]["removed"]), (&1.into(), &1.into()));
    let (_, value) = registry.json(&["tool", "impact", "a", "--to", "2.1.0"]);
    assert_eq!(value["to"]["consumers"][0]["verdict"], "violated");
}

#[test]
fn of_many_things_that_were_not_found_the_first_are_shown_and_all_are_in_the_json() {
    let registry = Registry::new();
    let wanted: Vec<String> = (10..23).map(|n| format!("\"p{n}\": \"1\"")).collect();
    let lock = format!(
        "{{\"lockfileVersion\": 3, \"packages\": {{\"\": {{\"name\": \"app\", \"dependencies\": {{{}}}}}}}}}",
        wanted.join(", ")
    );
    registry.0.write("package-lock.json", &lock);
    let said = registry.run(&["tool", "import", "npm"]).done();
    assert!(said.contains("not found: npm:app requires p19 1\n  … and 3 more like that"), "{said}");
    assert!(!said.contains("p20"), "{said}");
    let (_, value) = registry.json(&["tool", "import", "npm"]);
    assert_eq!(value["unresolved"].as_array().unwrap().len(), 13);
}

#[test]
fn a_workspace_is_imported_by_asking_cargo_or_from_a_file() {
    let registry = Registry::new();
    registry.0.write("ws/Cargo.toml", "[workspace]\nmembers = [\"one\", \"two\"]\nresolver = \"3\"\n");
    for (name, needs) in [("one", "two = { path = \"../two\" }"), ("two", "")] {
        let manifest = format!(
            "[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n[dependencies]\n{needs}\n"
        );
        registry.0.write(&format!("ws/{name}/Cargo.toml"), &manifest);
        registry.0.write(&format!("ws/{name}/src/lib.rs"), "");
    }
    let (code, value) = registry.json(&["tool", "import", "cargo", "--manifest-path", "ws/Cargo.toml"]);
    assert_eq!((code, &value["tools"]["added"], &value["dependencies"]["added"]), (0, &2.into(), &1.into()));
    assert_eq!(registry.run(&["tool", "impact", "two"]).done().lines().count(), 3);
    let said = registry.run(&["tool", "import", "cargo", "--manifest-path", "nowhere.toml"]).failed(2);
    assert!(said.contains("`cargo metadata` failed"), "{said}");
    registry.0.write("m.json", "{\"version\": 1}");
    let said = registry.run(&["tool", "import", "cargo", "--file", "m.json"]).failed(2);
    assert!(said.contains("m.json:1:14"), "{said}");
}

#[test]
fn the_registry_is_the_users_own_and_a_variable_overrides_that() {
    let place = Place::new();
    let run = |arguments: &[&str], variables: &[(&str, &str)]| {
        let mut command = place.command(arguments);
        command.env("HOME", place.path("home")).env_remove("XDG_CONFIG_HOME").envs(variables.iter().copied());
        Answer::of(&mut command, &place.path(""))
    };
    let add = ["tool", "add", "x", "--id", "x", "--path", "x", "--type", "hook"];
    assert_eq!(run(&add, &[]).done(), "added x (hook)\n");
    assert!(place.path("home/.config/larder/larder.db").is_file());
    assert!(run(&["tool", "list"], &[]).done().contains("hook"));
    let other = place.path("other.db");
    let other = [("LARDER_DB", other.to_str().unwrap())];
    let said = run(&["tool", "list"], &other).failed(1);
    assert!(said.contains("larder migrate --store registry"), "{said}");
    run(&add, &other).done();
    assert!(place.path("other.db").is_file());
    for arguments in [&add[..], &["tool", "list"], &["tool", "reset", "--yes"]] {
        let said = run(arguments, &[("LARDER_DB", ":memory:")]).failed(2);
        assert!(said.contains("LARDER_DB is `:memory:`") && said.contains("path of a file"), "{said}");
    }
}

#[test]
fn a_file_that_does_not_fit_is_reset_and_kept() {
    let place = Place::new();
    let run = |arguments: &[&str]| {
        let mut command = place.command(arguments);
        command.env("LARDER_DB", place.path("r.db"));
        Answer::of(&mut command, &place.path(""))
    };
    let other = larder::Database::open(place.path("r.db")).unwrap();
    other.execute("CREATE TABLE tools (id INTEGER PRIMARY KEY)", &[]).unwrap();
    other.close().unwrap();
    let add = ["tool", "add", "x", "--id", "x", "--path", "x", "--type", "hook"];
    let said = run(&add).failed(1);
    assert!(said.contains("does not fit this program") && said.contains("larder tool reset"), "{said}");
    assert!(run(&["tool", "reset"]).failed(3).contains("add --yes"));
    let done = run(&["tool", "reset", "--yes"]).done();
    assert!(done.contains("is an empty registry; what was there is r.db.before-restore-"), "{done}");
    run(&add).done();
    assert_eq!(place.files(".").iter().filter(|name| name.contains("before-restore")).count(), 1);
}

#[test]
fn the_database_of_an_application_is_not_reset_by_the_way() {
    let place = Place::new();
    place.write("larder.toml", "url = \"app.db\"\n");
    place.run(&["migrate", "--store", "registry"]).done();
    let said = place.run(&["tool", "reset", "--yes"]).failed(3);
    assert!(said.contains("lies in the application's database"), "{said}");
    assert!(said.contains("[store.registry]") && !said.contains("rollback"), "{said}");
    assert!(place.path("app.db").is_file());
}

#[test]
fn a_file_that_holds_other_sets_too_is_not_reset_by_the_way() {
    for settings in [
        "[store.registry]\nurl = \"data/app.db\"\n",
        "url = \"app.db\"\n[store.registry]\nurl = \"./app.db\"\n",
    ] {
        let place = Place::new();
        place.write("larder.toml", settings);
        place.run(&["migrate", "--store", "forge"]).done();
        place.run(&["migrate", "--store", "registry"]).done();
        let said = place.run(&["tool", "reset", "--yes"]).failed(3);
        assert!(said.contains("holds more than the registry: forge"), "{said}");
        place.run(&["verify", "--store", "forge"]).done();
    }
}

#[test]
fn the_way_out_of_a_database_that_does_not_fit_is_about_that_database() {
    let place = Place::new();
    let other = larder::Database::open(place.path("app.db")).unwrap();
    other.execute("CREATE TABLE tools (id INTEGER PRIMARY KEY)", &[]).unwrap();
    other.close().unwrap();
    let add = ["tool", "add", "x", "--id", "x", "--path", "x", "--type", "hook"];
    let said = place.run(&[&add[..], &["--url", "app.db"]].concat()).failed(1);
    assert!(said.contains("`larder tool reset --url app.db`"), "{said}");
    place.write("larder.toml", "url = \"app.db\"\n");
    let said = place.run(&add).failed(1);
    assert!(said.contains("[store.registry]") && !said.contains("tool reset"), "{said}");
}

#[test]
fn the_output_of_a_long_chain_grows_with_its_length_and_not_with_its_square() {
    let registry = Registry::new();
    let mut packages = serde_json::Map::new();
    packages.insert(
        String::new(),
        serde_json::json!({ "name": "p0", "version": "1.0.0", "dependencies": { "p1": "*" } }),
    );
    for at in 1..=600 {
        let next = format!("p{}", at + 1);
        let dependencies = if at < 600 { serde_json::json!({ next: "*" }) } else { serde_json::json!({}) };
        let package = serde_json::json!({ "version": "1.0.0", "dependencies": dependencies });
        packages.insert(format!("node_modules/p{at}"), package);
    }
    let lock = serde_json::json!({ "lockfileVersion": 3, "packages": packages });
    registry.0.write("package-lock.json", &lock.to_string());
    registry.run(&["tool", "import", "npm"]).done();
    let text = registry.run(&["tool", "impact", "p600"]).done();
    assert!(text.len() < 600 * 400, "{}", text.len());
    let last = text.lines().last().unwrap();
    assert!(
        last.contains("… 587 more … → npm:p12@1.0.0 → ") && last.ends_with("npm:p2@1.0.0 → npm:p1@1.0.0"),
        "{last}"
    );
    let (_, value) = registry.json(&["tool", "impact", "p600"]);
    let last = value["affected"].as_array().unwrap().last().unwrap();
    assert_eq!((&last["id"], &last["depth"]), (&"npm:p0@1.0.0".into(), &600.into()));
    let path = last["path"].as_array().unwrap();
    assert_eq!((path.len(), path.last()), (100, Some(&"npm:p0@1.0.0".into())));
}

#[test]
fn a_base_that_is_not_there_breaks_no_contract() {
    let registry = Registry::of_three();
    registry.0.write("out.json", "{}");
    let add = [
        "tool",
        "contract",
        "add",
        "fetch",
        "out",
        "--type",
        "cli_output",
        "--relative",
        "--schema",
        "out.json",
    ];
    registry.run(&add).done();
    let said = registry.run(&["tool", "verify", "--base", "nowhere"]).failed(2);
    assert!(said.contains("there is no folder nowhere"), "{said}");
    let (_, value) = registry.json(&["tool", "contract", "list"]);
    assert_eq!(value["contracts"][0]["status"], "unknown", "{value}");
    registry.run(&["tool", "verify"]).done();
}
