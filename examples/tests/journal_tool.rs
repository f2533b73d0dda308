//! The tool with a journal, run as a program.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test")]

use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::Command;

/// Whether it succeeded, and what it printed.
fn tool(folder: &Path, arguments: &[&str]) -> (bool, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_journal_tool"))
        .current_dir(folder)
        .env("JOURNAL_TOOL_DB", folder.join("tool.db"))
        .env("JOURNAL_TOOL_KEY", "Zqkey")
        .args(arguments)
        .output()
        .unwrap();
    (output.status.success(), String::from_utf8(output.stdout).unwrap())
}

#[test]
fn its_commands_answer_before_and_after_the_file_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    assert_eq!(tool(at, &["db:status"]), (true, "not initialized yet\n".into()));
    let doctor = || -> (bool, Value) {
        let (ok, text) = tool(at, &["doctor", "--json"]);
        (ok, serde_json::from_str(&text).unwrap())
    };
    let (ok, before) = doctor();
    assert_eq!(
        (ok, &before["ok"], &before["state"]),
        (false, &false.into(), &"uninitialized".into()),
        "{before}"
    );
    assert!(!at.join("tool.db").exists(), "who only asks makes nothing");

    assert_eq!(tool(at, &["db:migrate"]), (true, "1 applied, 0 were\n".into()));
    assert_eq!(tool(at, &["db:status"]), (true, "journal/0001_init Applied\n".into()));
    assert!(tool(at, &["db:vacuum"]).0);
    let (ok, after) = doctor();
    assert_eq!((ok, &after["ok"], &after["schema_version"]), (true, &true.into(), &1.into()), "{after}");
}

#[test]
fn a_run_has_its_steps_one_failed_and_no_secret() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    fs::write(at.join("a.txt"), "one two three").unwrap();
    let (ok, text) = tool(at, &["work", "--token", "Zqtoken", "a.txt", "missing.txt", "a.txt"]);
    assert!(!ok && text.contains("work --token *** a.txt missing.txt a.txt\na.txt: 3 words\n"), "{text}");
    let (_, text) = tool(at, &["runs"]);
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[0].contains(" failed work --token ***"), "{text}");
    assert_eq!(lines[1].trim(), "a.txt completed");
    assert_eq!(lines[2].trim(), "missing.txt failed it was left before its end");
    assert_eq!(lines.len(), 3, "what comes after the failure is not done");
    for file in fs::read_dir(at).unwrap() {
        let bytes = fs::read(file.unwrap().path()).unwrap();
        assert!(!bytes.windows(2).any(|window| window == b"Zq"));
    }
    assert!(tool(at, &["doctor"]).0, "the chain of the audit log is whole");
}

#[test]
fn without_a_command_it_shows_itself_at_work() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("README.md"), "one two").unwrap();
    let (ok, said) = tool(folder.path(), &[]);
    assert!(ok && said.ends_with("README.md: 2 words\n") && !said.contains("abc"), "{said}");
}
