//! The forms of `package-lock.json`: version 1 is a tree, 2 and 3 list the places of packages. All become the list.

use super::input::{parse, read, refused};
use larder::Result;
use serde::Deserialize;
use serde::de::IgnoredAny;
use std::collections::BTreeMap;
use std::path::Path;

/// The packages by their places: `""` for the project, `node_modules/a/node_modules/b`, `packages/own`.
pub(super) type Places = BTreeMap<String, Entry>;

type Ranges = BTreeMap<String, String>;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Lock {
    name: Option<String>,
    version: Option<String>,
    lockfile_version: Option<u32>,
    packages: Option<Places>,
    dependencies: Option<BTreeMap<String, Old>>,
}

/// A package at its place; a `package.json` has the same fields.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Entry {
    pub(super) name: Option<String>,
    pub(super) version: Option<String>,
    /// Where it came from; for a link, the place that it leads to.
    resolved: Option<Text>,
    link: bool,
    pub(super) bin: Option<IgnoredAny>,
    pub(super) dependencies: Ranges,
    pub(super) dev_dependencies: Ranges,
    pub(super) optional_dependencies: Ranges,
    pub(super) peer_dependencies: Ranges,
    peer_dependencies_meta: BTreeMap<String, PeerMeta>,
    /// Only optional dependencies lead to it.
    optional: bool,
    /// It comes from a lock of version 1, which does not tell optional dependencies from others.
    #[serde(skip)]
    is_old: bool,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct PeerMeta {
    optional: bool,
}

/// Text, where older programs may have written something else.
#[derive(Deserialize)]
#[serde(untagged)]
enum Text {
    Text(String),
    Other(IgnoredAny),
}

/// A package in the tree of version 1.
#[derive(Deserialize)]
struct Old {
    version: Option<String>,
    requires: Option<Requires>,
    dependencies: Option<BTreeMap<String, Old>>,
    #[serde(default)]
    optional: bool,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Requires {
    Ranges(Ranges),
    Other(IgnoredAny),
}

impl Entry {
    /// The place that it leads to, if it is a link.
    pub(super) fn link(&self) -> Option<&str> {
        match &self.resolved {
            Some(Text::Text(to)) if self.link => Some(to),
            _ => None,
        }
    }

    pub(super) fn is_link(&self) -> bool {
        self.link
    }

    /// What it asks for: name, range, and whether it works without. As npm has it, what is optional and required is optional,
    /// and what is required and for development is required.
    pub(super) fn wanted(&self, with_dev: bool) -> BTreeMap<&str, (&str, bool)> {
        let mut wanted: BTreeMap<&str, (&str, bool)> = BTreeMap::new();
        if with_dev {
            wanted.extend(self.dev_dependencies.iter().map(|(name, range)| (&**name, (&**range, true))));
        }
        let peer_is_optional =
            |name: &str| self.peer_dependencies_meta.get(name).is_some_and(|meta| meta.optional);
        wanted.extend(
            self.peer_dependencies.iter().map(|(name, range)| (&**name, (&**range, peer_is_optional(name)))),
        );
        wanted.extend(self.dependencies.iter().map(|(name, range)| (&**name, (&**range, false))));
        wanted.extend(self.optional_dependencies.iter().map(|(name, range)| (&**name, (&**range, true))));
        wanted
    }

    /// In a lock of version 1, whether what it asks `provider` for must be optional: only optional dependencies lead there, and
    /// one comes from here, which is not optional itself.
    pub(super) fn is_optional_by_end(&self, provider: &Self) -> bool {
        self.is_old && provider.optional && !self.optional
    }
}

/// Reads the lock file at `path` and, for version 1, the `package.json` beside it.
pub(super) fn read_places(path: &Path) -> Result<Places> {
    let file = path.display().to_string();
    let lock: Lock = parse(&file, &read(path)?, "a lock file of npm")?;
    let version = lock.lockfile_version.unwrap_or(1);
    if version > 3 {
        let found = format!("a lock file of version {version} is newer than what is known, which is 1 to 3");
        return Err(refused(&file, found, "have it written with `npm install --lockfile-version 3`"));
    }
    let mut places = match (lock.packages, lock.dependencies) {
        (Some(places), _) => places,
        (None, Some(tree)) => flat(tree),
        (None, None) if version == 1 && lock.lockfile_version.is_some() => Places::new(),
        (None, None) => {
            let found = "it has neither `packages` nor `dependencies`";
            return Err(refused(&file, found, "check that it is a package-lock.json"));
        }
    };
    if !places.contains_key("") {
        places.insert(String::new(), project(path, &file, version)?);
    }
    if let Some(project) = places.get_mut("") {
        project.name = project.name.take().or(lock.name);
        project.version = project.version.take().or(lock.version);
    }
    Ok(places)
}

/// What the project itself asks for, which a lock file of version 1 does not say, nor the one that lies within `node_modules`.
fn project(lock: &Path, file: &str, version: u32) -> Result<Entry> {
    let manifest = lock.with_file_name("package.json");
    if !manifest.exists() {
        let found = match version {
            1 => "a lock file of version 1 does not say what the project itself depends on",
            _ => "its `packages` do not have the project itself, which is `\"\"`",
        };
        return Err(refused(file, found, "put the package.json beside it"));
    }
    let entry: Entry = parse(&manifest.display().to_string(), &read(&manifest)?, "a package.json")?;
    Ok(Entry { is_old: version == 1, ..entry })
}

/// The tree of version 1 as a list of places.
fn flat(tree: BTreeMap<String, Old>) -> Places {
    let mut places = Places::new();
    let mut waiting = vec![(String::new(), tree)];
    while let Some((above, packages)) = waiting.pop() {
        for (name, old) in packages {
            let slash = if above.is_empty() { "" } else { "/" };
            let place = format!("{above}{slash}node_modules/{name}");
            let (alias, version) = old.version.map_or((None, None), |version| unalias(&version));
            let dependencies = match old.requires {
                Some(Requires::Ranges(ranges)) => ranges,
                _ => Ranges::new(),
            };
            if let Some(below) = old.dependencies {
                waiting.push((place.clone(), below));
            }
            let optional = old.optional;
            let entry =
                Entry { name: alias, version, dependencies, optional, is_old: true, ..Entry::default() };
            places.insert(place, entry);
        }
    }
    places
}

/// `npm:other@1.0.0`: another package under this one's name.
fn unalias(version: &str) -> (Option<String>, Option<String>) {
    match version.strip_prefix("npm:").and_then(|alias| alias.rsplit_once('@')) {
        Some((name, version)) if !name.is_empty() => (Some(name.to_owned()), Some(version.to_owned())),
        _ => (None, Some(version.to_owned())),
    }
}
