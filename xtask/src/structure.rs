//! The rules of the project's structure, held by a test: the length and the names of files, and the arrows between
//! modules and between crates, which all run downwards. The table of the arrows is in `structure/arrow.rs`.

mod arrow;
mod code;
mod manifest;
mod module;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::{Outcome, say};

/// No file of Rust may have more lines.
const MOST_LINES: usize = 600;

/// Names that say nothing about what a file holds.
const EMPTY_NAMES: &[&str] = &["common", "helper", "helpers", "manager", "misc", "types", "util", "utils"];

/// A file of the workspace: its path from the root, with `/`, and its text.
struct File {
    path: String,
    text: String,
}

/// `cargo xtask structure`: prints what breaks a rule.
pub(crate) fn report(root: &Path) -> Outcome {
    let breaches = breaches(&read(root)?);
    for breach in &breaches {
        say(breach)?;
    }
    say(&format!("{} breaches of the structure", breaches.len()))?;
    Ok(breaches.is_empty())
}

/// Everything that breaks a rule, a line each.
fn breaches(files: &[File]) -> Vec<String> {
    let mut found = Vec::new();
    for file in files.iter().filter(|file| file.path.ends_with(".rs")) {
        let lines = file.text.lines().count();
        if lines > MOST_LINES {
            found.push(format!(
                "{}: {lines} lines, more than {MOST_LINES}: split it by what its parts do",
                file.path
            ));
        }
        for part in file.path.trim_end_matches(".rs").split('/') {
            if EMPTY_NAMES.contains(&part) {
                found.push(format!("{}: the name {part} does not say what is in it", file.path));
            }
        }
    }
    found.extend(module::breaches(files));
    found.extend(manifest::breaches(files));
    found
}

/// Reads the sources and manifests below `root`, without build folders and hidden ones, in the order of their paths.
fn read(root: &Path) -> io::Result<Vec<File>> {
    let mut files = Vec::new();
    let mut folders = vec![root.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder)? {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if path.is_dir() {
                if name != "target" && !name.starts_with('.') {
                    folders.push(path);
                }
            } else if name.ends_with(".rs") || name == "Cargo.toml" {
                files.push(File { path: from_root(root, &path), text: fs::read_to_string(&path)? });
            }
        }
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}

fn from_root(root: &Path, path: &Path) -> String {
    let relative: PathBuf = path.strip_prefix(root).unwrap_or(path).to_path_buf();
    relative.components().map(|part| part.as_os_str().to_string_lossy()).collect::<Vec<_>>().join("/")
}

#[cfg(test)]
fn file(path: &str, text: &str) -> File {
    File { path: path.to_owned(), text: text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_workspace_keeps_its_structure() {
        let files = read(&crate::root()).unwrap();
        assert!(
            files.iter().any(|file| file.path == "crates/larder/src/lib.rs"),
            "the sources are not where they were"
        );
        let breaches = breaches(&files);
        assert!(breaches.is_empty(), "\n{}\n", breaches.join("\n"));
    }

    #[test]
    fn a_long_file_is_found() {
        let long = "//! .\n".repeat(MOST_LINES + 1);
        let files = [file("crates/a/src/long.rs", &long), file("crates/a/src/short.rs", "//! .\n")];
        let found = breaches(&files);
        assert_eq!(found, ["crates/a/src/long.rs: 601 lines, more than 600: split it by what its parts do"]);
    }

    #[test]
    fn an_empty_name_is_found() {
        let found = breaches(&[file("crates/a/src/utils/path.rs", "")]);
        assert_eq!(found, ["crates/a/src/utils/path.rs: the name utils does not say what is in it"]);
    }
}
