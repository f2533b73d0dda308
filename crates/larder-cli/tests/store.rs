//! The sets of the stores beside the application's own.

mod support;

use insta::assert_snapshot;
use serde_json::Value;
use support::{Answer, NOTES, Place};

#[allow(clippy::unwrap_used, reason = "a test")]
fn ids(value: &Value) -> Vec<&str> {
    value["migrations"].as_array().unwrap().iter().map(|row| row["id"].as_str().unwrap()).collect()
}

#[test]
fn a_store_is_made_out_of_nothing() {
    let place = Place::new();
    let text = place.run(&["migrate", "--store", "forge"]).done();
    assert!(text.contains("applied forge/0001_init"), "{text}");
    assert_eq!(place.files("."), ["data"], "no folder of migrations is needed, and none is made");
    // From here on the history says that it is there.
    let text = place.run(&["migrate"]).done();
    assert!(text.contains("up to date"), "{text}");
    let (code, value) = place.json(&["status", "--check"]);
    assert_eq!((code, ids(&value).first()), (0, Some(&"forge/0001_init")), "{value}");
    let (code, value) = place.json(&["doctor"]);
    assert!(
        code == 0 && value["state"] == "ready" && value["newest"].to_string().contains("forge/"),
        "{value}"
    );
    assert!(place.run(&["verify"]).done().contains("the schema is what they make"));
}

#[test]
fn a_store_stands_beside_the_applications_own_migrations() {
    let place = Place::with(NOTES);
    place.run(&["migrate"]).done();
    let (_, value) = place.json(&["status"]);
    assert_eq!(ids(&value).len(), 3, "nobody asked for a store: {value}");
    let (code, value) = place.json(&["status", "--check", "--store", "journal"]);
    assert_eq!((code, value["pending"].as_i64().unwrap() >= 1), (4, true), "{value}");
    let (_, value) = place.json(&["plan", "--store", "journal"]);
    let step = &value["steps"][0];
    assert_eq!(
        (&step["id"], &step["set"], &step["file"]),
        (&"journal/0001_init".into(), &"journal".into(), &Value::Null)
    );

    place.run(&["migrate", "--store", "journal"]).done();
    let (_, value) = place.json(&["status"]);
    assert!(ids(&value).contains(&"0003_by_author") && ids(&value).contains(&"journal/0001_init"), "{value}");
    assert_eq!(value["schema_version"], 3, "the version is the application's");
    assert_eq!(place.run(&["status", "--check"]).code, 0);
    place.run(&["verify"]).done();
    let (_, value) = place.json(&["doctor"]);
    assert_eq!((&value["state"], &value["newest"]), (&"ready".into(), &"0003_by_author".into()), "{value}");
}

#[test]
fn the_settings_say_which_stores_there_are() {
    let place = Place::with(NOTES);
    place.write("larder.toml", "stores = [\"forge\"]\n[store.workflow]\nurl = \"data/work.db\"\n");
    place.run(&["migrate"]).done();
    assert_eq!(place.count("SELECT count(*) FROM projects"), 0);
    // The store with a file of its own is in there alone.
    place.run(&["migrate", "--store", "workflow"]).done();
    let (_, value) = place.json(&["status", "--store", "workflow"]);
    assert_eq!(value["database"], "data/work.db");
    assert!(ids(&value).iter().all(|id| id.starts_with("workflow/")), "{value}");
    let (_, value) = place.json(&["status"]);
    assert!(ids(&value).iter().all(|id| !id.starts_with("workflow/")), "{value}");
    let text = place.run(&["status", "--store", "workflow", "--store", "forge"]).failed(2);
    assert!(text.contains("lie in different databases"), "{text}");
}

#[test]
fn a_store_in_a_file_of_its_own_is_told_how_to_make_it() {
    let place = Place::new();
    place.write("larder.toml", "[store.workflow]\nurl = \"work.db\"\n");
    let text = place.run(&["verify", "--store", "workflow"]).failed(1);
    assert!(text.contains("make it with `larder migrate --store workflow`"), "{text}");
}

#[test]
fn two_stores_with_one_table_are_refused() {
    let place = Place::new();
    place.run(&["migrate", "--store", "journal"]).done();
    assert_snapshot!(place.run(&["migrate", "--store", "workflow"]).failed(1), @r#"
    error: the sets "workflow" and "journal" both have a table "runs"
      help: keep each set in a database file of its own
    "#);
    assert_snapshot!(place.run(&["plan", "--store", "workflow"]).failed(1), @r#"
    error: the sets "workflow" and "journal" both have a table "runs"
      help: keep each set in a database file of its own
    "#);
    let (_, value) = place.json(&["status"]);
    assert!(ids(&value).iter().all(|id| id.starts_with("journal/")), "{value}");
}

#[test]
fn sets_that_can_not_be_together_leave_no_file_behind() {
    let place = Place::new();
    assert_snapshot!(place.run(&["migrate", "--store", "journal", "--store", "workflow"]).failed(1), @r#"
    error: the sets "journal" and "workflow" both have a table "runs"
      help: keep each set in a database file of its own
    "#);
    assert!(place.files(".").is_empty(), "{:?}", place.files("."));
    let place = Place::with(NOTES);
    let text = place.run(&["migrate", "--to", "0042_none"]).failed(2);
    assert!(text.contains("0042_none"), "{text}");
    assert!(!place.path("data").exists(), "{:?}", place.files("."));
}

#[test]
fn a_rollback_leads_back_the_store_that_was_named() {
    let place = Place::with(NOTES);
    place.run(&["migrate", "--store", "forge"]).done();
    let text = place.run(&["rollback", "--allow-destructive"]).done();
    assert!(text.contains("rolled back 0003_by_author"), "{text}");
    let (_, value) = place.json(&["rollback", "--store", "forge"]);
    assert!(value["error"]["message"].to_string().contains("forge/"), "{value}");
    let text = place.run(&["rollback", "--store", "forge", "--store", "journal"]).failed(2);
    assert!(text.contains("which of the stores forge, journal"), "{text}");
}

#[test]
fn a_store_is_repaired_by_its_id() {
    let place = Place::new();
    place.run(&["migrate", "--store", "forge"]).done();
    let database = larder::Database::open(place.path("data/app.db").display().to_string()).unwrap();
    database
        .execute("UPDATE schema_migrations SET checksum = 'x' WHERE id = 'forge/0001_init'", &[])
        .unwrap();
    database.close().unwrap();
    let (code, value) = place.json(&["status", "--check"]);
    assert_eq!((code, &value["migrations"][0]["state"]), (5, &"edited".into()), "{value}");
    let text = place.run(&["repair", "forge/0001_init", "--accept-edited"]).done();
    assert!(text.contains("forge/0001_init is accepted"), "{text}");
    assert_eq!(place.run(&["status", "--check"]).code, 0);
}

#[test]
fn the_id_of_a_migration_names_its_store() {
    let place = Place::with(NOTES);
    place.write("larder.toml", "[store.workflow]\nurl = \"data/work.db\"\n");
    let text = place.run(&["migrate", "--to", "forge/0001_init"]).done();
    assert!(text.contains("applied forge/0001_init") && !text.contains("0003_by_author"), "{text}");
    let text = place.run(&["migrate", "--to", "workflow/0001_init"]).done();
    assert!(text.contains("data/work.db is at version 1"), "{text}");
    let text = place.run(&["baseline", "journal/0001_init"]).done();
    assert!(text.contains("recorded journal/0001_init as applied"), "{text}");
}

#[test]
fn the_registry_lies_with_the_user_unless_something_else_is_said() {
    let place = Place::with(NOTES);
    let migrate = |arguments: &[&str], variables: &[(&str, &str)]| {
        let mut command = place.command(&[&["migrate", "--store", "registry"], arguments].concat());
        command.env("XDG_CONFIG_HOME", place.path("config")).env("HOME", place.path("."));
        command.envs(variables.iter().copied());
        Answer::of(&mut command, &place.path(".")).done()
    };
    let other = place.path("other.db");
    let text = migrate(&[], &[("LARDER_DB", other.to_str().unwrap())]);
    assert!(text.contains("other.db is at version 1") && !text.contains("notes"), "{text}");
    if cfg!(unix) {
        migrate(&[], &[]);
        assert!(place.path("config/larder/larder.db").is_file());
    }
    assert!(!place.path("data").exists(), "the application's database is not touched");
    place.write("larder.toml", "stores = [\"registry\"]\n");
    let text = migrate(&[], &[]);
    assert!(text.contains("data/app.db is at version 3"), "{text}");
}

#[test]
fn a_misspelt_store_is_told() {
    let place = Place::new();
    assert_snapshot!(place.run(&["migrate", "--store", "forg"]).failed(2), @r"
    error: invalid value 'forg' for '--store <NAME>'
      [possible values: forge, journal, registry, workflow]

      tip: a similar value exists: 'forge'

    For more information, try '--help'.
    ");
    place.write("larder.toml", "stores = [\"jurnal\"]\n");
    assert_snapshot!(place.run(&["migrate"]).failed(2), @r#"
    error: there is no store `jurnal`
       ,-[larder.toml:1:11]
     1 | stores = ["jurnal"]
       :           ^^^^^^^^
       `----
      help: did you mean `journal`?
    "#);
}

#[test]
fn without_a_folder_and_without_a_store_the_folder_is_asked_for() {
    let place = Place::new();
    for command in ["migrate", "status", "plan"] {
        let text = place.run(&[command]).failed(1);
        assert!(text.contains("migrations"), "{text}");
    }
    assert!(!place.path("data").exists(), "nothing was made");
}

#[test]
fn sets_that_can_not_live_together_are_told_before_they_are_applied() {
    let place = Place::new();
    place.write("larder.toml", "stores = [\"journal\", \"workflow\"]\n");
    let text = place.run(&["status", "--check"]);
    assert_eq!(text.code, 5, "{text:?}");
    assert!(format!("{text:?}").contains("both have a table"), "{text:?}");
    let (_, value) = place.json(&["status"]);
    assert_eq!(value["problem"]["kind"], "set_conflict", "{value}");
    place.write("larder.toml", "");
    place.run(&["migrate", "--store", "journal"]).done();
    let (code, value) = place.json(&["doctor", "--store", "workflow"]);
    assert!(code == 5 && value["findings"].to_string().contains("both have a table"), "{value}");
}

#[test]
fn what_to_do_names_the_store_that_was_asked_about() {
    let place = Place::with(NOTES);
    place.write("larder.toml", "[store.workflow]\nurl = \"work.db\"\n");
    for arguments in [&["doctor", "--store", "workflow"][..], &["verify", "--store", "workflow"]] {
        let answer = place.run(arguments);
        assert!(format!("{answer:?}").contains("`larder migrate --store workflow`"), "{answer:?}");
    }
    let answer = place.run(&["verify", "--store", "forge", "--store", "journal"]).failed(1);
    assert!(answer.contains("`larder migrate --store forge --store journal`"), "{answer}");
    let answer = place.run(&["verify"]).failed(1);
    assert!(answer.contains("`larder migrate`"), "{answer}");
    place.run(&["migrate", "--store", "workflow"]).done();
    for arguments in [&["rollback", "--store", "workflow"][..], &["rollback", "--to", "workflow/0"]] {
        let said = place.run(arguments).failed(1);
        assert!(said.contains("has no way down") && said.contains("restore a backup"), "{said}");
        assert!(!said.contains(".down.sql"), "nobody can add a file to a store: {said}");
    }
}
