//! The arrows between crates, read from the manifests.

use super::File;
use super::arrow::{BINDINGS, CRATES, KIT, KIT_USERS, PEERS, PEERS_PLACE, allowed};

/// Dependencies between the crates of the workspace that the table does not have, peers outside the benchmark, and an
/// engine's bindings outside larder.
pub(super) fn breaches(files: &[File]) -> Vec<String> {
    let mut found = Vec::new();
    for file in files.iter().filter(|file| file.path.ends_with("Cargo.toml")) {
        let bench = file.path.starts_with(PEERS_PLACE);
        let package = package(&file.text);
        for dependency in dependencies(&file.text) {
            let name = dependency.name.as_str();
            let known_to_kit = (package.as_deref().unwrap_or_default(), name) == KIT;
            if PEERS.contains(&name) && !bench && !known_to_kit {
                found.push(format!("{}: only {PEERS_PLACE} may depend on {name}", file.path));
            }
            // The root manifest only says which versions its crates take.
            let Some(package) = package.as_deref() else { continue };
            let bindings = BINDINGS.iter().any(|binding| *binding == name.replace('-', "_"));
            if bindings && !dependency.only_tests && package != "larder" && !bench {
                found.push(format!("{}: only larder may depend on {name}", file.path));
            }
            if bench && package != "larder-bench" {
                continue;
            }
            if name == KIT.0 && !dependency.only_tests && !KIT_USERS.contains(&package) {
                found.push(format!("{}: only its tests may depend on {name}", file.path));
            }
            if CRATES.iter().any(|(known, _)| *known == name) && allowed(CRATES, package, name) != Some(true)
            {
                found.push(format!(
                    "{}: {package} may not depend on {name}: arrows run downwards only",
                    file.path
                ));
            }
        }
        if let Some(package) = package
            && !bench
            && !CRATES.iter().any(|(known, _)| *known == package)
        {
            found.push(format!(
                "{}: the table of xtask/src/structure/arrow.rs does not know {package}: add it",
                file.path
            ));
        }
    }
    found
}

struct Dependency {
    name: String,
    only_tests: bool,
}

/// The name under `[package]`; the root manifest of the workspace has none.
fn package(text: &str) -> Option<String> {
    let mut section = "";
    for line in text.lines().map(str::trim) {
        if let Some(name) = section_name(line) {
            section = name;
        } else if section == "package"
            && let Some((key, value)) = line.split_once('=')
            && key.trim() == "name"
        {
            return Some(value.trim().trim_matches('"').to_owned());
        }
    }
    None
}

/// The crates that a manifest names, by their real name, in `[dependencies]` and its relatives.
fn dependencies(text: &str) -> Vec<Dependency> {
    let mut found = Vec::new();
    let mut section = "";
    for line in text.lines().map(str::trim) {
        if let Some(name) = section_name(line) {
            section = name;
            if let Some((table, name)) = section.rsplit_once('.')
                && table.ends_with("dependencies")
            {
                found.push(Dependency::new(table, name));
            }
            continue;
        }
        let Some((key, value)) = line.split_once('=').filter(|_| !line.starts_with('#')) else { continue };
        let renamed = |value: &str| value.split('"').nth(1).map(str::to_owned);
        if section.ends_with("dependencies") {
            let name = value.split_once("package").and_then(|(_, rest)| renamed(rest));
            let key = key.trim().split('.').next().unwrap_or_default();
            found.push(Dependency::new(section, name.as_deref().unwrap_or(key)));
        } else if section.contains("dependencies.") && key.trim() == "package" {
            found.extend(renamed(value).map(|name| Dependency::new(section, &name)));
        }
    }
    found
}

impl Dependency {
    fn new(section: &str, name: &str) -> Self {
        let only_tests = section.contains("dev-dependencies");
        Self { name: name.trim().trim_matches('"').to_owned(), only_tests }
    }
}

fn section_name(line: &str) -> Option<&str> {
    line.strip_prefix('[')?.strip_suffix(']').map(|name| name.trim_matches(['[', ']']))
}

#[cfg(test)]
mod tests {
    use super::super::file;
    use super::*;

    #[test]
    fn every_way_to_name_a_dependency_is_read() {
        let text = "[package]\nname = \"a\"\n[dependencies]\nb = \"1\"\nc.workspace = true\nd = { package = \"e\", version = \"1\" }\n\
            [target.'cfg(unix)'.dependencies]\nf = { version = \"1\" }\n[dev-dependencies.g]\npackage = \"h\"\n[features]\ni = []\n";
        let names: Vec<(String, bool)> = dependencies(text)
            .into_iter()
            .map(|dependency| (dependency.name, dependency.only_tests))
            .collect();
        let expected = [("b", false), ("c", false), ("e", false), ("f", false), ("g", true), ("h", true)];
        assert_eq!(names, expected.map(|(name, only_tests)| (name.to_owned(), only_tests)));
        assert_eq!(package(text).as_deref(), Some("a"));
    }

    #[test]
    fn an_arrow_upwards_a_peer_and_bindings_are_found() {
        let larder = file(
            "crates/larder/Cargo.toml",
            "[package]\nname = \"larder\"\n[dependencies]\nlarder-cli.workspace = true\n",
        );
        let cli = "[package]\nname = \"larder-cli\"\n[dev-dependencies]\nsqlx = \"0.9\"\n[dependencies]\nrusqlite.workspace = true\n";
        let cli = file("crates/larder-cli/Cargo.toml", cli);
        let bench =
            "[package]\nname = \"larder-bench\"\n[dependencies]\nlarder.workspace = true\nsqlx = \"0.9\"\n";
        let bench = file("crates/larder-bench/Cargo.toml", bench);
        let peer = file(
            "crates/larder-bench/peers/a/Cargo.toml",
            "[package]\nname = \"a\"\n[dependencies]\ndiesel = \"2\"\n",
        );
        let new = file("crates/new/Cargo.toml", "[package]\nname = \"new\"\n");
        let kit = "[package]\nname = \"larder-kit\"\n[dependencies]\npostgres = \"0.19\"\nsqlx = \"0.9\"\n";
        let kit = file("crates/larder-kit/Cargo.toml", kit);
        let stores = "[package]\nname = \"larder-stores\"\n[dependencies]\nlarder-kit.workspace = true\npostgres = \"0.19\"\n\
            [dev-dependencies]\nlarder-kit = { workspace = true, features = [\"place\"] }\n";
        let stores = file("crates/larder-stores/Cargo.toml", stores);
        let task = "[package]\nname = \"xtask\"\n[dependencies]\nlarder-kit.workspace = true\n";
        let task = file("xtask/Cargo.toml", task);
        assert_eq!(
            breaches(&[larder, cli, bench, peer, new, kit, stores, task]),
            [
                "crates/larder/Cargo.toml: larder may not depend on larder-cli: arrows run downwards only",
                "crates/larder-cli/Cargo.toml: only crates/larder-bench/ may depend on sqlx",
                "crates/larder-cli/Cargo.toml: only larder may depend on rusqlite",
                "crates/new/Cargo.toml: the table of xtask/src/structure/arrow.rs does not know new: add it",
                "crates/larder-kit/Cargo.toml: only crates/larder-bench/ may depend on sqlx",
                "crates/larder-stores/Cargo.toml: only its tests may depend on larder-kit",
                "crates/larder-stores/Cargo.toml: only crates/larder-bench/ may depend on postgres",
            ]
        );
    }
}
