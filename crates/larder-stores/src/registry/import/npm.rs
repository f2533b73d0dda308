//! What npm installed, from its lock file.

use super::input::{refused, rooted};
use super::npm_lock::{Entry, Places, read_places};
use super::{Edges, Inventory, InventoryTool};
use crate::registry::ToolType;
use larder::Result;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Reads `package-lock.json` (version 1, 2 or 3) or `npm-shrinkwrap.json`; `path` is the file, its folder, or the
/// `package.json` beside it.
///
/// A package is `npm:<name>@<version>`, and the source is `npm:<folder>`. A name is looked up as Node does: in the `node_modules`
/// of its own folder, then in those above. A package at several places is one tool with the dependencies of all. What is declared
/// as optional, as an optional peer or for development is optional. The project, or a package of its workspace, that has a program is
/// one for the command line; all others are libraries.
///
/// # Errors
/// [`ErrorKind::Config`](larder::ErrorKind::Config) with the line when it is not that, and for a version that is not known;
/// [`ErrorKind::Io`](larder::ErrorKind::Io) when it can't be read.
pub fn read_npm_lock(path: &Path) -> Result<Inventory> {
    let path = lock_file(&rooted(path)?)?;
    let folder = path.parent().unwrap_or(Path::new("")).to_owned();
    let places = read_places(&path)?;
    let ids: BTreeMap<&str, String> = places
        .iter()
        .filter(|(_, entry)| !entry.is_link())
        .map(|(place, entry)| (place.as_str(), id(place, entry, &folder)))
        .collect();
    let mut edges = Edges::default();
    let mut unresolved = Vec::new();
    for (place, consumer_id) in &ids {
        let Some(entry) = places.get(*place) else { continue };
        for (name, (range, optional)) in entry.wanted(!is_installed(place)) {
            let found = resolve(&places, place, name);
            match found.and_then(|(place, entry)| Some((entry, ids.get(place)?))) {
                Some((provider, provider_id)) => {
                    let optional = optional || entry.is_optional_by_end(provider);
                    edges.add(consumer_id, provider_id, Some(range.to_owned()), optional);
                }
                None if optional => {}
                None => unresolved.push(format!("{consumer_id} requires {name} {range}")),
            }
        }
    }
    unresolved.sort_unstable();
    unresolved.dedup();
    Ok(Inventory {
        source: format!("npm:{}", folder.display()),
        tools: tools(&places, &ids, &folder),
        // Between ranges of npm, a space asks for both.
        dependencies: edges.into_list(" "),
        unresolved,
    })
}

/// The lock file that `path` means.
fn lock_file(path: &Path) -> Result<PathBuf> {
    let folder = match path.file_name() {
        _ if path.is_dir() => path,
        Some(name) if name == "package.json" => path.parent().unwrap_or(path),
        _ => return Ok(path.to_owned()),
    };
    let names = ["npm-shrinkwrap.json", "package-lock.json"].map(|name| folder.join(name));
    names.into_iter().find(|file| file.is_file()).ok_or_else(|| {
        refused(
            &folder.display().to_string(),
            "there is no package-lock.json",
            "make it with `npm install --package-lock-only`",
        )
    })
}

/// Others installed it; it is not the project's own.
fn is_installed(place: &str) -> bool {
    place.starts_with("node_modules/") || place.contains("/node_modules/")
}

fn name<'a>(place: &'a str, entry: &'a Entry, folder: &'a Path) -> &'a str {
    let last = match place.rsplit_once("node_modules/") {
        Some((_, name)) => name,
        None if place.is_empty() => folder.file_name().and_then(|name| name.to_str()).unwrap_or("project"),
        None => place.rsplit('/').next().unwrap_or(place),
    };
    entry.name.as_deref().filter(|name| !name.is_empty()).unwrap_or(last)
}

fn id(place: &str, entry: &Entry, folder: &Path) -> String {
    let name = name(place, entry, folder);
    match &entry.version {
        Some(version) => format!("npm:{name}@{version}"),
        None => format!("npm:{name}"),
    }
}

/// Each id once, at the place nearest to the project.
fn tools(places: &Places, ids: &BTreeMap<&str, String>, folder: &Path) -> Vec<InventoryTool> {
    let mut nearest: BTreeMap<&str, &str> = BTreeMap::new();
    for (place, id) in ids {
        let known = nearest.entry(id).or_insert(place);
        if (place.len(), place) < (known.len(), known) {
            *known = place;
        }
    }
    let tool = |(id, place): (&str, &str)| {
        let entry = places.get(place)?;
        let path = if place.is_empty() { folder.to_owned() } else { folder.join(place) };
        let is_cli = entry.bin.is_some() && !is_installed(place);
        Some(InventoryTool {
            id: id.to_owned(),
            name: name(place, entry, folder).to_owned(),
            path: path.display().to_string(),
            kind: if is_cli { ToolType::Cli } else { ToolType::Library },
            version: entry.version.clone(),
            manifest_path: Some(path.join("package.json").display().to_string()),
        })
    };
    nearest.into_iter().filter_map(tool).collect()
}

/// The package that `name` means at `place`, where a link counts for what it leads to.
fn resolve<'p>(places: &'p Places, place: &str, name: &str) -> Option<(&'p str, &'p Entry)> {
    let mut above = place;
    loop {
        let slash = if above.is_empty() { "" } else { "/" };
        if let Some((found, entry)) = places.get_key_value(&format!("{above}{slash}node_modules/{name}")) {
            return match entry.link() {
                Some(to) => places.get_key_value(to).map(|(to, entry)| (to.as_str(), entry)),
                None => Some((found, entry)),
            };
        }
        // Above a package that lies outside, the project is not.
        if above.is_empty() || above == ".." {
            return None;
        }
        above = above.rsplit_once('/').map_or("", |(above, _)| above);
    }
}
