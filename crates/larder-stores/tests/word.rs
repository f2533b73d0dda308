//! The typed words of all stores: what they are, and that each is the same as text, in JSON and in the database.

#![allow(clippy::unwrap_used, reason = "a test")]

use larder::{Database, Error, ErrorKind, ToValue, params};
use larder_stores::{forge, journal, registry, workflow};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt::{Debug, Display};
use std::str::FromStr;

/// `what` is how an error calls it, `words` are all of them in their order.
fn check<T>(all: &[T], as_str: fn(T) -> &'static str, what: &str, words: &str)
where
    T: Copy + Debug + PartialEq + Display + FromStr<Err = Error> + ToValue + Serialize + DeserializeOwned,
{
    let db = Database::open(":memory:").unwrap();
    let mut found = Vec::new();
    for value in all.iter().copied() {
        let word = as_str(value);
        assert_eq!(word.parse::<T>().unwrap(), value);
        assert_eq!(format!("{value:>12}|"), format!("{word:>12}|"));
        assert_eq!(serde_json::to_value(value).unwrap(), word);
        assert_eq!(serde_json::from_value::<T>(word.into()).unwrap(), value);
        let stored: (T, String) = db
            .read(|tx| {
                tx.query_one("SELECT :value AS value, :again AS word", params! { value, again: value })
            })
            .unwrap();
        assert_eq!(stored, (value, word.to_owned()));
        found.push(word);
    }
    assert_eq!(found.join(", "), words);
    for text in [format!("{:?}", all.first().unwrap()), format!("{} ", found.first().unwrap()), String::new()]
    {
        let error = text.parse::<T>().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        assert_eq!(error.to_string(), format!("`{text}` is no {what}; it is one of {words}"));
    }
}

#[test]
fn the_words_of_the_journal() {
    use journal::{Level, Status};
    check(Status::ALL, Status::as_str, "status of a run", "running, completed, failed");
    check(Level::ALL, Level::as_str, "level of an audit entry", "debug, info, warn, error");
    assert!(Level::default() == Level::Info && Level::Warn < Level::Error);
}

#[test]
fn the_words_of_the_workflow() {
    use workflow::Status;
    let words = "pending, running, completed, failed, cancelled, interrupted";
    check(Status::ALL, Status::as_str, "status of a run or a unit", words);
}

#[test]
fn the_words_of_the_registry() {
    use registry::{ContractStatus, ContractType, DependencyType, ToolType, VerificationStatus};
    check(ToolType::ALL, ToolType::as_str, "type of a tool", "cli, mcp, library, workflow, hook");
    let words = "cli, mcp, library, database, implicit";
    check(DependencyType::ALL, DependencyType::as_str, "type of a dependency", words);
    let words = "cli_output, mcp_tool, library_export, db_schema";
    check(ContractType::ALL, ContractType::as_str, "type of a contract", words);
    let words = "valid, drift, broken, unknown";
    check(ContractStatus::ALL, ContractStatus::as_str, "status of a contract", words);
    let words = "pass, fail, drift";
    check(VerificationStatus::ALL, VerificationStatus::as_str, "status of a verification", words);
}

#[test]
fn the_words_of_the_forge() {
    use forge::{Action, Direction, LeaseStatus, MirrorStatus, ObjectKind, RelationshipKind};
    check(ObjectKind::ALL, ObjectKind::as_str, "kind of object", "blob, tree, commit, tag");
    check(LeaseStatus::ALL, LeaseStatus::as_str, "status of a lease", "held, released");
    check(Direction::ALL, Direction::as_str, "direction", "pull, push");
    let words = "pending, syncing, synced, failed, paused";
    check(MirrorStatus::ALL, MirrorStatus::as_str, "status of a mirror", words);
    let words = "fork_of, submodule, template_of, mirror_of, depends_on";
    check(RelationshipKind::ALL, RelationshipKind::as_str, "kind of relationship", words);
    let words = "create, update, rename, move, delete, put, acquire, take_over, release, import";
    check(Action::ALL, Action::as_str, "action", words);
}
