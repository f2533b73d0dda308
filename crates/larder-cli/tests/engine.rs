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

const LOSING: (&str, &str) = (
    "0003_less.sql",
    "DROP TABLE tags;\nALTER TABLE notes DROP COLUMN body;\nDELETE FROM notes WHERE id = 3;\n",
);
const BACK: (&str, &str) = ("0003_less.down.sql", "ALTER TABLE notes ADD COLUMN body TEXT;\n");

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
        let text =
            text.replace(self.at.url(), "[database]").replace("[n] s", "[n] ms").replace("(text)", "(TEXT)");
        let backup = |word: &str| word.contains("-before-0003_less.");
        let line = |line: &str| {
            let words: Vec<&str> =
                line.split(' ').map(|word| if backup(word) { "[backup]" } else { word }).collect();
            words.join(" ")
        };
        text.lines().map(line).collect::<Vec<_>>().join("\n")
    }

    fn token(&self) -> String {
        let refused = self.run(&["migrate"]);
        let (_, after) = refused.split_once("--allow-destructive=").unwrap();
        after.split([';', ' ', '\n']).next().unwrap().to_owned()
    }

    /// Migrating, looking, a loss that is refused, approved, and led back.
    fn story(&self) -> Vec<String> {
        let mut told = vec![self.run(&["status"]), self.run(&["migrate"])];
        told.push(self.run(&["status"]));
        told.push(self.run(&["migrate"]));
        self.place.write(&format!("migrations/{}", LOSING.0), LOSING.1);
        self.place.write(&format!("migrations/{}", BACK.0), BACK.1);
        told.push(self.run(&["plan"]));
        told.push(self.run(&["migrate", "--dry-run"]));
        told.push(self.run(&["migrate"]));
        told.push(self.run(&["status", "--check"]));
        let approval = format!("--allow-destructive={}", self.token());
        told.push(self.run(&["migrate", &approval]));
        told.push(self.run(&["status"]));
        told.push(self.run(&["rollback"]));
        told.push(self.run(&["status"]));
        told.push(self.run(&["verify"]));
        told
    }

    fn json(&self, arguments: &[&str]) -> Value {
        let mut command = self.place.command(&[arguments, &["--json"]].concat());
        command.env("DATABASE_URL", self.at.url());
        let answer = support::Answer::of(&mut command, &self.place.path("."));
        serde_json::from_str(&answer.out).unwrap_or_else(|error| panic!("{error}: {answer:?}"))
    }
}

#[test]
fn the_transcript_is_the_same_on_both() {
    let (sqlite, postgres) = (Case::new(Engine::Sqlite), Case::new(Engine::Postgres));
    let (one, other) = (sqlite.story(), postgres.story());
    for (one, other) in one.iter().zip(&other) {
        assert_eq!(one, other);
    }
    assert!(
        one.iter().any(|text| text.contains("  - ") && text.contains("tags")),
        "the refusal names what would go"
    );
    insta::assert_snapshot!(other.join("\n\n"));
}

#[test]
fn doctor_answers_in_the_same_shape() {
    let shapes: Vec<(Vec<String>, Value, Value, Value)> = [Engine::Sqlite, Engine::Postgres]
        .into_iter()
        .map(|engine| {
            let case = Case::new(engine);
            case.run(&["migrate"]);
            let answer = case.json(&["doctor"]);
            let keys = answer.as_object().unwrap().keys().filter(|key| *key != "stats").cloned().collect();
            (keys, answer["ok"].clone(), answer["schema_version"].clone(), answer["newest"].clone())
        })
        .collect();
    assert_eq!(shapes[0], shapes[1]);
    assert_eq!(shapes[0].1, Value::Bool(true));
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
    assert!(said.contains("(the URL comes from the environment variable DATABASE_URL)"), "{said}");
}

#[test]
fn a_missing_database_is_made_by_createdb_and_not_by_migrating() {
    let case = Case::new(Engine::Postgres);
    let mut command = case.place.command(&["migrate"]);
    command.env("DATABASE_URL", format!("{}_missing", case.at.url()));
    let answer = support::Answer::of(&mut command, &case.place.path("."));
    assert_eq!(answer.code, 1, "{}", answer.err);
    assert!(
        answer.err.contains("there is no database `") && answer.err.contains("make it: `createdb "),
        "{}",
        answer.err
    );
    assert!(!answer.err.contains("larder migrate"), "{}", answer.err);
}
