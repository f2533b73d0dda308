//! Packing the crates that are published together, and building each from what was packed.
//!
//! Cargo keeps the sources of a package for ever, by the place of its registry, name and version. The registry that it makes for
//! packages that are not published yet lies in the target folder: in the same folder a second time, the packages would be built
//! on what was packed the first time. So this works in a folder of its own that is gone afterwards, with a home for cargo that takes
//! from the real one what came from real registries.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{Outcome, run, say};

/// The crates that are published, those that others stand upon first.
const PUBLISHED: [&str; 5] = ["larder-file", "larder-macros", "larder", "larder-stores", "larder-cli"];

/// What a home of cargo keeps of each registry, in a folder for each.
const KEPT: [&str; 3] = ["index", "cache", "src"];

/// Packs them and builds them. Offline: what they need was fetched, and for each package the registry would be asked again.
pub(crate) fn package(root: &Path) -> Outcome {
    let place = run::target(root).join("packages");
    clear(&place)?;
    let mut command = run::cargo(root);
    // The tree is what it is: a check of a change runs before its commit too.
    command
        .args(["package", "--offline", "--allow-dirty", "--locked", "--target-dir"])
        .arg(place.join("build"));
    for name in PUBLISHED {
        command.args(["--package", name]);
    }
    home(&place.join("home"), &mut command)?;
    say(&format!("\n=== packages: cargo package {}", PUBLISHED.join(" ")))?;
    let passed = command.status()?.success();
    clear(&place)?;
    Ok(passed)
}

fn clear(place: &Path) -> io::Result<()> {
    match fs::remove_dir_all(place) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Gives the command a home of cargo that shows what the real one has, but for what was packed in other runs.
#[cfg(unix)]
fn home(place: &Path, command: &mut Command) -> io::Result<()> {
    let Some(real) = real_home() else { return Ok(()) };
    let registry = place.join("registry");
    fs::create_dir_all(&registry)?;
    link(&real, place, |name| name != "registry")?;
    for kept in KEPT {
        fs::create_dir(registry.join(kept))?;
        // The name of a registry on the network begins with its host, that of a folder with nothing.
        link(&real.join("registry").join(kept), &registry.join(kept), |name| !name.starts_with('-'))?;
    }
    command.env("CARGO_HOME", place);
    Ok(())
}

/// Where there are no links for everybody the real home has to do.
#[cfg(not(unix))]
fn home(_: &Path, _: &mut Command) -> io::Result<()> {
    let _ = (real_home(), KEPT);
    Ok(())
}

fn real_home() -> Option<PathBuf> {
    match std::env::var_os("CARGO_HOME") {
        Some(home) => Some(home.into()),
        None => Some(std::env::home_dir()?.join(".cargo")),
    }
}

/// Links what is in the folder `from` into the folder `to`.
#[cfg(unix)]
fn link(from: &Path, to: &Path, wanted: impl Fn(&str) -> bool) -> io::Result<()> {
    let entries = match fs::read_dir(from) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        if wanted(&entry.file_name().to_string_lossy()) {
            std::os::unix::fs::symlink(entry.path(), to.join(entry.file_name()))?;
        }
    }
    Ok(())
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn what_was_packed_in_another_run_is_not_seen() {
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().join("from"), folder.path().join("to"));
        for name in ["registry.example-12ab", "-34cd"] {
            fs::create_dir_all(from.join(name)).unwrap();
        }
        fs::create_dir(&to).unwrap();
        link(&from, &to, |name| !name.starts_with('-')).unwrap();
        let names: Vec<_> = fs::read_dir(&to).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names, ["registry.example-12ab"]);
        link(&folder.path().join("none"), &to, |_| true).unwrap();
    }
}
