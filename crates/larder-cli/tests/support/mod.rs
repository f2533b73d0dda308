//! A folder to run the program in, and what the program answered there.

#![allow(dead_code, reason = "each test file takes what it needs")]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

use assert_cmd::Command;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A folder of its own, with an environment of its own.
pub(crate) struct Place {
    folder: TempDir,
}

/// What a run answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    /// With migrations in `migrations/`.
    pub(crate) fn with(migrations: &[(&str, &str)]) -> Self {
        let place = Self::new();
        for (name, text) in migrations {
            place.write(&format!("migrations/{name}"), text);
        }
        place
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    pub(crate) fn files(&self, folder: &str) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(self.path(folder))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    /// The program, with nothing of the environment of whoever runs the tests.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::cargo_bin("larder").unwrap();
        command.current_dir(self.folder.path()).args(arguments);
        // No test may reach the folders of whoever runs it, where the registry lies by default.
        let home = self.folder.path().join("home");
        for name in ["HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "APPDATA", "USERPROFILE"] {
            command.env(name, &home);
        }
        for (name, _) in std::env::vars_os() {
            let name = name.to_string_lossy().into_owned();
            if name.starts_with("LARDER_") || name.contains("COLOR") || name == "DATABASE_URL" {
                command.env_remove(name);
            }
        }
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Answer {
        Answer::of(&mut self.command(arguments), self.folder.path())
    }

    /// Runs with `--json`; the output must be one JSON value and nothing else.
    pub(crate) fn json(&self, arguments: &[&str]) -> (i32, Value) {
        let answer = self.run(&[arguments, &["--json"]].concat());
        assert_eq!(answer.err, "", "with --json nothing is said beside it");
        let value: Value =
            serde_json::from_str(&answer.out).unwrap_or_else(|error| panic!("{error}: {answer:?}"));
        assert_eq!(value["format"], 1, "{value}");
        (answer.code, value)
    }
}

impl Answer {
    /// What a command answers; the folder it runs in is shown as `[here]`.
    pub(crate) fn of(command: &mut Command, folder: &Path) -> Self {
        let output = command.output().unwrap();
        let text = |bytes: Vec<u8>| {
            let text = String::from_utf8(bytes).unwrap();
            let full = folder.canonicalize().unwrap();
            text.replace(&full.display().to_string(), "[here]")
                .replace(&folder.display().to_string(), "[here]")
        };
        Self { code: output.status.code().unwrap_or(-1), out: text(output.stdout), err: text(output.stderr) }
    }

    /// The output of a run that succeeded.
    pub(crate) fn done(self) -> String {
        assert_eq!((self.code, self.err.as_str()), (0, ""), "{self:?}");
        self.out
    }

    /// What was said of a run that failed with `code`.
    pub(crate) fn failed(self, code: i32) -> String {
        assert_eq!(self.code, code, "{self:?}");
        self.err
    }
}

/// The text with what changes from run to run replaced: times, durations, sizes, and the blanks that line them up.
pub(crate) fn steady(text: &str) -> String {
    const TIMES: [&str; 2] = ["########T#########Z", "####-##-## ##:##:## UTC"];
    let mut lines: Vec<String> = Vec::new();
    for line in text.lines() {
        let mut line = line.to_owned();
        // An instant has as many digits after its seconds as it needs.
        while let Some(at) = find(&line, "####-##-##T##:##:##.") {
            let end =
                line.get(at..).and_then(|rest| rest.find('Z')).map_or(line.len(), |length| at + length + 1);
            line.replace_range(at..end, "[time]");
        }
        for time in TIMES {
            while let Some(at) = find(&line, time) {
                line.replace_range(at..at + time.len(), "[time]");
            }
        }
        // The fingerprint of the path in the name of a backup.
        if let Some((before, after)) = line.split_once(".db-")
            && after.get(6..13) == Some("-[time]")
        {
            line = format!("{before}.db-[path]{}", after.get(6..).unwrap_or_default());
        }
        let words: Vec<&str> = line.split_whitespace().collect();
        let shown = words.iter().enumerate().map(|(at, word)| {
            let unit = words.get(at + 1).map(|unit| unit.trim_end_matches([',', ')', ':', ';']));
            let measured = matches!(unit, Some("ms" | "s" | "B" | "kB" | "MB"));
            let number = word.trim_start_matches('(');
            if measured && number.parse::<f64>().is_ok() {
                word.replace(number, "[n]")
            } else {
                (*word).to_owned()
            }
        });
        let indent: String = line.chars().take_while(|letter| *letter == ' ').collect();
        lines.push(indent + &shown.collect::<Vec<_>>().join(" ").replace("< [n]", "[n]"));
    }
    lines.join("\n")
}

/// Where a text of that form begins; `#` stands for a digit.
fn find(text: &str, form: &str) -> Option<usize> {
    let fits = |window: &[u8]| {
        let mut pairs = window.iter().zip(form.bytes());
        pairs.all(|(byte, form)| if form == b'#' { byte.is_ascii_digit() } else { *byte == form })
    };
    text.as_bytes().windows(form.len()).position(fits)
}

/// A value with what changes from run to run replaced, as text.
pub(crate) fn steady_json(value: &Value) -> String {
    let mut value = value.clone();
    settle(&mut value);
    serde_json::to_string_pretty(&value).unwrap()
}

fn settle(value: &mut Value) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                match key.as_str() {
                    "duration_ms" | "bytes" | "before" | "after" | "won" if value.is_number() => {
                        *value = Value::from("[n]");
                    }
                    "applied_at" if value.is_string() => *value = Value::from("[time]"),
                    "backup" | "kept" | "path" if value.is_string() => {
                        let path = value.as_str().unwrap_or_default();
                        *value = Value::from(steady(path.rsplit(['/', '\\']).next().unwrap_or_default()));
                    }
                    _ if value.is_string() => {
                        *value = Value::from(steady(value.as_str().unwrap_or_default()))
                    }
                    _ => settle(value),
                }
            }
        }
        Value::Array(list) => list.iter_mut().for_each(settle),
        _ => {}
    }
}

/// Three migrations that lose nothing, with their ways back.
pub(crate) const NOTES: &[(&str, &str)] = &[
    ("0001_init.sql", "CREATE TABLE notes (id INTEGER PRIMARY KEY, body TEXT NOT NULL, author TEXT);\n"),
    ("0001_init.down.sql", "DROP TABLE notes;\n"),
    (
        "0002_seed.sql",
        "INSERT INTO notes (body, author) VALUES ('one', 'ada'), ('two', 'ada'), ('three', NULL);\n",
    ),
    ("0002_seed.down.sql", "DELETE FROM notes;\n"),
    ("0003_by_author.sql", "CREATE INDEX notes_by_author ON notes (author);\n"),
    ("0003_by_author.down.sql", "DROP INDEX notes_by_author;\n"),
];

/// One that loses two values.
pub(crate) const LOSSY: (&str, &str) =
    ("0004_forget_author.sql", "DROP INDEX notes_by_author;\nALTER TABLE notes DROP COLUMN author;\n");

impl Place {
    /// With [`NOTES`] applied.
    pub(crate) fn with_notes() -> Self {
        let place = Self::with(NOTES);
        place.run(&["migrate"]).done();
        place
    }

    /// What a statement gives, asked of the database itself.
    pub(crate) fn count(&self, sql: &str) -> i64 {
        let url = self.path("data/app.db").display().to_string();
        let database = larder::Database::options(url).read_only(true).open().unwrap();
        database.query_one(sql, &[]).unwrap()
    }
}
