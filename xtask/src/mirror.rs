//! A copy of the workspace's sources that follows the original.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Makes `copy` hold what `original` holds. A file with the same content is left alone, so that its time stays and cargo
/// rebuilds only what changed. The folders of `without`, build folders and hidden files are left out, and so is Cargo.lock:
/// the copy has its own.
pub(crate) fn mirror(original: &Path, copy: &Path, without: &[PathBuf]) -> io::Result<()> {
    fs::create_dir_all(copy)?;
    let mut names = BTreeSet::new();
    for entry in fs::read_dir(original)? {
        let entry = entry?;
        let name = entry.file_name();
        let (from, to) = (entry.path(), copy.join(&name));
        if skipped(&name.to_string_lossy()) || without.contains(&from) {
            continue;
        }
        if from.is_dir() {
            if to.is_file() {
                fs::remove_file(&to)?;
            }
            mirror(&from, &to, without)?;
        } else if !same(&from, &to) {
            if to.is_dir() {
                fs::remove_dir_all(&to)?;
            }
            fs::copy(&from, &to)?;
        }
        names.insert(name);
    }
    for entry in fs::read_dir(copy)? {
        let entry = entry?;
        if names.contains(&entry.file_name()) || entry.file_name() == "Cargo.lock" {
            continue;
        }
        if entry.file_type()?.is_dir() {
            fs::remove_dir_all(entry.path())?;
        } else {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

fn skipped(name: &str) -> bool {
    name.starts_with('.') || name == "target" || name == "Cargo.lock"
}

fn same(from: &Path, to: &Path) -> bool {
    match (fs::read(from), fs::read(to)) {
        (Ok(from), Ok(to)) => from == to,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mirror_follows_and_keeps_the_time_of_what_did_not_change() {
        let place = tempfile::tempdir().unwrap();
        let (original, copy) = (place.path().join("a"), place.path().join("b"));
        fs::create_dir_all(original.join("src")).unwrap();
        fs::create_dir_all(original.join("target")).unwrap();
        fs::write(original.join("src/kept.rs"), "kept").unwrap();
        fs::write(original.join("src/gone.rs"), "gone").unwrap();
        fs::write(original.join("target/built"), "built").unwrap();
        fs::create_dir_all(original.join("data")).unwrap();
        mirror(&original, &copy, &[original.join("data")]).unwrap();
        fs::write(copy.join("Cargo.lock"), "its own").unwrap();
        let time = fs::metadata(copy.join("src/kept.rs")).unwrap().modified().unwrap();

        fs::remove_file(original.join("src/gone.rs")).unwrap();
        fs::write(original.join("src/new.rs"), "new").unwrap();
        mirror(&original, &copy, &[original.join("data")]).unwrap();

        assert_eq!(fs::metadata(copy.join("src/kept.rs")).unwrap().modified().unwrap(), time);
        assert_eq!(fs::read_to_string(copy.join("src/new.rs")).unwrap(), "new");
        assert_eq!(fs::read_to_string(copy.join("Cargo.lock")).unwrap(), "its own");
        assert!(!copy.join("src/gone.rs").exists());
        assert!(!copy.join("target").exists());
        assert!(!copy.join("data").exists());
    }
}
