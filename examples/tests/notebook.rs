//! The notebook, run as a program.

use std::path::Path;
use std::process::{Command, Output};

#[allow(clippy::unwrap_used, reason = "a test")]
fn notebook(file: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_notebook")).env("NOTEBOOK_DB", file).args(arguments).output().unwrap()
}

#[test]
fn a_note_that_was_added_is_found_by_its_words() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("made/notebook.db");
    let added = notebook(&file, &["add", "Bread", "The rye starter woke up."]);
    assert!(added.status.success(), "{added:?}");
    let found = notebook(&file, &["find", "rye starter"]);
    assert_eq!(found.stdout, added.stdout, "{found:?}");
    let unknown = notebook(&file, &["frobnicate"]);
    assert!(!unknown.status.success() && !unknown.stderr.is_empty(), "{unknown:?}");
}
