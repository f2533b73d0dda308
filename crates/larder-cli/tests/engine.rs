//! The same commands on both engines give the same transcript, but for the engine's name.
#![cfg(feature = "postgres")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test")]

mod support;

use larder_kit::Engine;
use serde_json::Value;
use support::{Place, steady};

const MIGRATIONS: &[(&str, &str)] = &[
    (
        "0001_init.sql",
        "CREATE TABLE notes (id BIGINT PRIMARY KEY, title TEXT NOT NULL, body TEXT);\n\
         CREATE TABLE tags (note_id BIGINT NOT NULL REFERENCES notes (id), tag TEXT NOT NULL);\n",
    ),
    (
        "0002_seed.sql",
        "INSERT INTO notes (id, title, body) VALUES (1, 'a', 'x'), (2, 'b', NULL), (3, 'c', 'z');\n\
         INSERT INTO tags (note_id, tag) VALUES (1, 'red'), (2, 'blue');\n",
    ),
];

/// A folder whose commands work on a fresh database of that engine.
struct Case {
    at: larder_kit::Place,
    place: Place,
}

impl Case {
    fn new(engine: Engine) -> Self {
        Self { at: larder_kit::Place::new(engine), place: Place::with(MIGRATIONS) }
    }

    /// The exit code and what was printed, with what differs from run to run and from engine to engine replaced.
    fn run(&self, arguments: &[&str]) -> String {
        let mut command = self.place.command(arguments);
        command.env("DATABASE_URL", self.at.url());
        let answer = support::Answer::of(&mut command, &self.place.path("."));
        let text = format!("{} {}\n{}{}", arguments.join(" "), answer.code, answer.out, answer.err);
        self.neutral(&steady(&text))
    }

    fn neutral(&self, text: &str) -> String {
        let folder = self.at.folder().display().to_string();
        let text =
            text.replace(self.at.url(), "[database]").replace(&format!("{folder}/backups"), "[backups]");
        let mut lines = Vec::new();
        for line in text.replace("[here]/backups", "[backups]").lines() {
            let mut line = line.to_owned();
            // The name of a backup begins with that of its database.
            if let Some((before, name)) = line.clone().split_once("backups/") {
                let end = name.find(['"', ' ', ',']).unwrap_or(name.len());
                line = format!("{}[backup]{}", before.trim_end_matches("[backups]"), &name[end..]);
            }
            lines.push(line.replace("[backups]", ""));
        }
        lines.join("\n")
    }

    fn json(&self, arguments: &[&str]) -> Value {
        let mut command = self.place.command(&[arguments, &["--json"]].concat());
        command.env("DATABASE_URL", self.at.url());
        let answer = support::Answer::of(&mut command, &self.place.path("."));
        serde_json::from_str(&answer.out).unwrap_or_else(|error| panic!("{error}: {answer:?}"))
    }
}

#[test]
fn a_backup_is_made_and_restored_by_the_same_commands() {
    let told: Vec<Vec<String>> = [Engine::Sqlite, Engine::Postgres]
        .into_iter()
        .map(|engine| {
            let case = Case::new(engine);
            case.run(&["migrate"]);
            let made = case.json(&["backup"]);
            let file = made["backup"].as_str().unwrap().replace("[here]/", "");
            assert_eq!(made["schema_version"], 2, "{made}");
            let back = case.run(&["restore", &file, "--yes"]);
            assert!(back.contains("what was there before is kept as"), "{back}");
            vec![case.run(&["status"]), case.run(&["vacuum", "--json"]).lines().next().unwrap().to_owned()]
        })
        .collect();
    assert_eq!(told[0], told[1]);
}

#[test]
fn a_server_that_is_not_there_is_told_without_the_password() {
    let place = Place::with(MIGRATIONS);
    let mut command = place.command(&["migrate"]);
    command.env("DATABASE_URL", "postgres://ada:s3cret@127.0.0.1:1/app");
    let answer = support::Answer::of(&mut command, &place.path("."));
    let said = answer.failed(1);
    assert!(said.contains("127.0.0.1:1") && !said.contains("s3cret"), "{said}");
    assert!(said.contains("help: "), "{said}");
}
