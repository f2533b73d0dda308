//! The registry of this workspace, made by the program from nothing, and asked again.

use std::path::Path;
use std::process::{Command, Output};

#[allow(clippy::unwrap_used, reason = "a test")]
fn registry(file: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_workspace_registry"));
    command.env("WORKSPACE_REGISTRY_DB", file).args(arguments).output().unwrap()
}

fn text(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn the_workspace_is_registered_and_the_impact_of_larder_told() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("made/registry.db");
    let first = text(&registry(&file, &[]));
    assert!(first.contains("dependencies") && first.contains("0 as before"), "{first}");
    let version = env!("CARGO_PKG_VERSION");
    for line in [
        format!("when larder@{version} changes, "),
        format!("  larder@{version} ← larder-stores@{version}\n"),
        format!("← larder-cli@{version}\n"),
    ] {
        assert!(first.contains(&line), "{line}: {first}");
    }
    let again = text(&registry(&file, &[]));
    assert!(again.contains("  packages      0 new, 0 gone, "), "{again}");

    let unknown = registry(&file, &[concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"), "frobnicate"]);
    assert!(!unknown.status.success(), "{unknown:?}");
    assert!(String::from_utf8_lossy(&unknown.stderr).contains("has no package `frobnicate`"), "{unknown:?}");
}

/// Two packages that use each other, one of them for its tests only.
#[test]
fn a_circle_through_a_dependency_for_development_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    write("Cargo.toml", "[workspace]\nmembers = [\"one\", \"two\"]\nresolver = \"3\"\n");
    for (name, section, other) in [("one", "dependencies", "two"), ("two", "dev-dependencies", "one")] {
        let manifest = format!(
            "[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n[{section}]\n{other} = {{ path = \"../{other}\" }}\n"
        );
        write(&format!("{name}/Cargo.toml"), &manifest);
        write(&format!("{name}/src/lib.rs"), "");
    }
    let manifest = folder.path().join("Cargo.toml");
    let said = text(&registry(&folder.path().join("r.db"), &[manifest.to_str().unwrap(), "two"]));
    assert!(said.contains("cycles: 1, of which 1 new"), "{said}");
    assert!(said.contains("  one@0.1.0 → two@0.1.0 → … (one is optional, or for development)"), "{said}");
    assert!(said.contains("two@0.1.0 ← one@0.1.0\n"), "{said}");
}

#[test]
fn a_file_of_something_else_is_put_aside() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("r.db");
    let other = larder::Database::open(&file).unwrap();
    other.execute("CREATE TABLE tools (n INTEGER)", &[]).unwrap();
    other.close().unwrap();
    text(&registry(&file, &[]));
    let kept = std::fs::read_dir(folder.path()).unwrap().filter(|entry| {
        entry.as_ref().is_ok_and(|entry| entry.file_name().to_string_lossy().contains("before-restore"))
    });
    assert_eq!(kept.count(), 1);
}
