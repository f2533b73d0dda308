//! The JSON that the program prints: one value a run, always with `format` and `ok`.

use super::reason::Reason;
use super::run::{DoneShape, LossShape};
use super::{cause, run};
use larder::Error;
use larder::migrate::Refused;
use serde::Serialize;
use serde_json::json;

/// The version of the shapes. A key may be added without a new one; none is taken away or given another meaning.
pub(crate) const FORMAT: u32 = 1;

/// What a command prints: the common keys, then its own.
#[derive(Serialize)]
pub(crate) struct Shape<'a, T> {
    format: u32,
    ok: bool,
    command: Option<&'a str>,
    #[serde(flatten)]
    body: T,
}

impl<'a, T: Serialize> Shape<'a, T> {
    pub(crate) fn new(command: impl Into<Option<&'a str>>, ok: bool, body: T) -> Self {
        Self { format: FORMAT, ok, command: command.into(), body }
    }
}

/// The text of a value.
pub(super) fn text(value: &impl Serialize) -> String {
    serde_json::to_string_pretty(value).unwrap_or_else(unwritable)
}

fn unwritable(error: serde_json::Error) -> String {
    json!({ "format": FORMAT, "ok": false, "error": { "kind": "internal", "message": error.to_string() } })
        .to_string()
}

/// An error, whoever found it.
#[derive(Serialize)]
struct Failure<'a> {
    error: FaultShape<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    done: Option<Vec<DoneShape<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refused: Option<RefusedShape<'a>>,
    #[serde(flatten)]
    reason: Reason<'a>,
}

/// What would be lost, and what approves it.
#[derive(Serialize)]
struct RefusedShape<'a> {
    id: &'a str,
    losses: Vec<LossShape<'a>>,
    token: &'a str,
    flag: String,
}

/// An error as it stands in a value.
#[derive(Serialize)]
pub(crate) struct FaultShape<'a> {
    kind: String,
    message: &'a str,
    help: Option<&'a str>,
    location: Option<Place<'a>>,
    causes: Vec<String>,
}

#[derive(Serialize)]
struct Place<'a> {
    file: &'a str,
    line: usize,
    column: usize,
    length: usize,
    text: &'a str,
}

impl<'a> FaultShape<'a> {
    pub(crate) fn of(error: &'a Error) -> Self {
        let location = error.location().map(|at| Place {
            file: &at.file,
            line: at.line(),
            column: at.column(),
            length: at.length,
            text: at.line_text(),
        });
        Self {
            kind: snake(&format!("{:?}", error.kind())),
            message: error.message(),
            help: error.help(),
            location,
            causes: cause::causes(error),
        }
    }
}

/// The value of a run that failed.
pub(super) fn failure(command: &str, error: &Error) -> String {
    text(&failed(command, error))
}

/// The same on one line, for who reads line by line.
pub(super) fn failure_line(command: &str, error: &Error) -> String {
    serde_json::to_string(&failed(command, error)).unwrap_or_else(unwritable)
}

fn failed<'a>(command: &'a str, error: &'a Error) -> Shape<'a, Failure<'a>> {
    let body = Failure {
        error: FaultShape::of(error),
        done: cause::stopped(error).map(|report| run::done(&report.done)),
        refused: error.find::<Refused>().map(|refused| RefusedShape {
            id: &refused.id,
            losses: run::losses(&refused.losses),
            token: &refused.token,
            flag: format!("--allow-destructive={}", refused.token),
        }),
        reason: Reason::of(error),
    };
    Shape::new(command, false, body)
}

/// What clap found wrong with the command line.
pub(super) fn usage(error: &clap::Error) -> String {
    let said = error.render().to_string();
    let message = said.lines().next().unwrap_or_default().trim_start_matches("error: ");
    let rest: Vec<&str> = said.lines().skip(1).map(str::trim).filter(|line| !line.is_empty()).collect();
    let help = rest.join("; ");
    let error =
        FaultShape { kind: "usage".into(), message, help: Some(&help), location: None, causes: Vec::new() };
    text(&Shape::new(None, false, Failure { error, done: None, refused: None, reason: Reason::default() }))
}

/// `MigrationFailed` as `migration_failed`.
fn snake(name: &str) -> String {
    let mut snake = String::new();
    for (at, letter) in name.chars().enumerate() {
        if letter.is_ascii_uppercase() && at > 0 {
            snake.push('_');
        }
        snake.push(letter.to_ascii_lowercase());
    }
    snake
}

#[cfg(test)]
mod tests {
    use super::*;
    use larder::{ErrorKind, Location};
    use serde_json::Value;

    #[test]
    fn an_error_has_its_kind_its_place_and_its_causes() {
        let error = Error::new(ErrorKind::MigrationFailed, "0003_users failed")
            .with_location(Location::new("m/0003_users.sql", "one\ntwo three\n", 8, 5))
            .with_help("correct it")
            .with_cause(Error::new(ErrorKind::Statement, "no such table: t"));
        insta::assert_snapshot!(failure("migrate", &error), @r#"
        {
          "format": 1,
          "ok": false,
          "command": "migrate",
          "error": {
            "kind": "migration_failed",
            "message": "0003_users failed",
            "help": "correct it",
            "location": {
              "file": "m/0003_users.sql",
              "line": 2,
              "column": 5,
              "length": 5,
              "text": "two three"
            },
            "causes": [
              "no such table: t"
            ]
          }
        }
        "#);
    }

    #[test]
    fn an_error_without_a_place_has_the_same_keys() {
        let value: Value =
            serde_json::from_str(&failure("status", &Error::new(ErrorKind::NotADatabase, "x"))).unwrap();
        assert_eq!(value["error"]["kind"], "not_a_database");
        assert_eq!(value["error"]["help"], Value::Null);
        assert_eq!(value["error"]["location"], Value::Null);
        assert_eq!(value["error"]["causes"], json!([]));
    }
}
