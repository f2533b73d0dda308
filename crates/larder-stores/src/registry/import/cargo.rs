//! What `cargo metadata --format-version 1` writes.

use super::input::{parse, read, refused};
use super::{Edges, Inventory, InventoryTool};
use crate::canonical::hexadecimal;
use crate::registry::ToolType;
use larder::{Error, ErrorKind, Result};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::path::Path;
use std::process::Command;

#[derive(Deserialize)]
struct Metadata {
    version: u32,
    packages: Vec<Package>,
    resolve: Option<Resolve>,
    workspace_root: String,
}

#[derive(Deserialize)]
struct Package {
    id: String,
    name: String,
    version: String,
    source: Option<String>,
    manifest_path: String,
    targets: Vec<Target>,
    dependencies: Vec<Declared>,
}

#[derive(Deserialize)]
struct Target {
    kind: Vec<String>,
}

/// A dependency as a manifest declares it.
#[derive(Deserialize)]
struct Declared {
    name: String,
    req: String,
    kind: Option<String>,
    optional: bool,
    rename: Option<String>,
    path: Option<String>,
}

#[derive(Deserialize)]
struct Resolve {
    nodes: Vec<Node>,
}

/// A package with what was chosen for its dependencies.
#[derive(Deserialize)]
struct Node {
    id: String,
    deps: Vec<Chosen>,
}

#[derive(Deserialize)]
struct Chosen {
    /// The name that the code uses.
    name: String,
    pkg: String,
    dep_kinds: Vec<Kind>,
}

#[derive(Deserialize)]
struct Kind {
    kind: Option<String>,
}

/// Reads what `cargo metadata --format-version 1` wrote into a file.
///
/// # Errors
/// As [`cargo_inventory`], and when the file can't be read.
pub fn read_cargo_metadata(path: &Path) -> Result<Inventory> {
    cargo_inventory(&path.display().to_string(), &read(path)?)
}

/// Runs `cargo metadata --format-version 1` for a manifest, or for the current folder, and reads what it says. The program is
/// `$CARGO`, else `cargo`.
///
/// # Errors
/// [`ErrorKind::Config`] with Cargo's own words when it fails; [`ErrorKind::Io`] when it can't be run.
pub fn run_cargo_metadata(manifest: Option<&Path>) -> Result<Inventory> {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(&program);
    command.args(["metadata", "--format-version", "1", "--quiet"]);
    if let Some(manifest) = manifest {
        command.arg("--manifest-path").arg(manifest);
    }
    let output = command.output().map_err(|error| {
        Error::new(ErrorKind::Io, format!("`{}` can't be run", program.display()))
            .with_help(
                "install Cargo, or give a file with what `cargo metadata --format-version 1` wrote elsewhere",
            )
            .with_cause(error)
    })?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let said = said.trim().strip_prefix("error: ").unwrap_or(said.trim());
        return Err(Error::new(ErrorKind::Config, format!("`cargo metadata` failed: {said}"))
            .with_help("name the manifest of the workspace"));
    }
    let text = String::from_utf8(output.stdout).map_err(|error| {
        Error::new(ErrorKind::Config, "what `cargo metadata` wrote is not UTF-8").with_cause(error)
    })?;
    cargo_inventory("cargo metadata", &text)
}

/// The packages in `text`, which `cargo metadata --format-version 1` wrote, and which depend on which. `file` names it in errors.
///
/// A package is `cargo:<name>@<version>`, and the source is `cargo:<folder of the workspace>`. A package with a library is a
/// library, another with a program a program for the command line. A dependency is optional when it is declared so or only for
/// development; where a package declares another several times, the required declarations count. Of what `--no-deps` wrote,
/// only dependencies by path are known.
///
/// # Errors
/// [`ErrorKind::Config`] with the line when it is not that, and for another format version.
pub fn cargo_inventory(file: &str, text: &str) -> Result<Inventory> {
    let metadata: Metadata = parse(file, text, "the metadata of Cargo")?;
    if metadata.version != 1 {
        let found = format!("the metadata of Cargo has format version {}", metadata.version);
        return Err(refused(file, found, "write it with `cargo metadata --format-version 1`"));
    }
    let ids = ids(&metadata.packages);
    let packages: HashMap<&str, &Package> =
        metadata.packages.iter().map(|package| (package.id.as_str(), package)).collect();
    let mut edges = Edges::default();
    match &metadata.resolve {
        Some(resolve) => resolved(resolve, &packages, &ids, &mut edges, file)?,
        None => by_path(&metadata.packages, &ids, &mut edges),
    }
    let mut tools: Vec<InventoryTool> = metadata
        .packages
        .iter()
        .filter_map(|package| Some(tool(package, ids.get(package.id.as_str())?)))
        .collect();
    tools.sort_by(|a, b| a.id.cmp(&b.id));
    tools.dedup_by(|a, b| a.id == b.id);
    Ok(Inventory {
        source: format!("cargo:{}", metadata.workspace_root),
        tools,
        // Between constraints of Cargo, a comma asks for both.
        dependencies: edges.into_list(", "),
        unresolved: Vec::new(),
    })
}

/// The id of each package by Cargo's own. Where several have one name and version, as of a registry and of a repository,
/// all but that of a registry get a mark made from Cargo's id.
fn ids(packages: &[Package]) -> HashMap<&str, String> {
    let plain = |package: &Package| format!("cargo:{}@{}", package.name, package.version);
    let mut count: HashMap<String, usize> = HashMap::new();
    for package in packages {
        *count.entry(plain(package)).or_default() += 1;
    }
    let is_of_registry =
        |package: &Package| package.source.as_deref().is_some_and(|source| source.starts_with("registry+"));
    let id = |package: &Package| {
        let id = plain(package);
        if is_of_registry(package) || count.get(&id) == Some(&1) {
            return id;
        }
        let hash = Sha256::digest(&package.id);
        format!("{id}#{}", hexadecimal(hash.get(..4).unwrap_or_default()))
    };
    packages.iter().map(|package| (package.id.as_str(), id(package))).collect()
}

fn tool(package: &Package, id: &str) -> InventoryTool {
    const LIBRARIES: [&str; 6] = ["lib", "rlib", "dylib", "cdylib", "staticlib", "proc-macro"];
    let has = |wanted: &[&str]| {
        package.targets.iter().flat_map(|target| &target.kind).any(|kind| wanted.contains(&kind.as_str()))
    };
    let kind = if !has(&LIBRARIES) && has(&["bin"]) { ToolType::Cli } else { ToolType::Library };
    let folder = Path::new(&package.manifest_path).parent().unwrap_or(Path::new(""));
    InventoryTool {
        id: id.to_owned(),
        name: package.name.clone(),
        path: folder.display().to_string(),
        kind,
        version: Some(package.version.clone()),
        manifest_path: Some(package.manifest_path.clone()),
    }
}

/// What Cargo chose.
fn resolved(
    resolve: &Resolve,
    packages: &HashMap<&str, &Package>,
    ids: &HashMap<&str, String>,
    edges: &mut Edges,
    file: &str,
) -> Result<()> {
    let find = |id: &str| {
        let both = packages.get(id).copied().zip(ids.get(id));
        both.ok_or_else(|| {
            refused(file, format!("the package `{id}` is used and not listed"), "have it written anew")
        })
    };
    for node in &resolve.nodes {
        let (consumer, consumer_id) = find(&node.id)?;
        for chosen in &node.deps {
            let (provider, provider_id) = find(&chosen.pkg)?;
            let mut declared = declared(consumer, provider, chosen).peekable();
            if declared.peek().is_none() {
                // It is there, though no declaration tells why: only whether it is for development does.
                let is_dev = !chosen.dep_kinds.is_empty()
                    && chosen.dep_kinds.iter().all(|kind| kind.kind.as_deref() == Some("dev"));
                edges.add(consumer_id, provider_id, None, is_dev);
            }
            for one in declared {
                let optional = one.optional || one.kind.as_deref() == Some("dev");
                edges.add(consumer_id, provider_id, Some(one.req.clone()), optional);
            }
        }
    }
    Ok(())
}

/// The declarations of `consumer` that `chosen` stands for.
fn declared<'p>(
    consumer: &'p Package,
    provider: &'p Package,
    chosen: &'p Chosen,
) -> impl Iterator<Item = &'p Declared> {
    let version = semver::Version::parse(&provider.version).ok();
    consumer.dependencies.iter().filter(move |declared| {
        declared.name == provider.name
            && chosen.dep_kinds.iter().any(|kind| kind.kind == declared.kind)
            && declared.rename.as_ref().is_none_or(|name| name.replace('-', "_") == chosen.name)
            // One package may use two versions of another, each under a name of its own.
            && match (&version, semver::VersionReq::parse(&declared.req)) {
                (Some(version), Ok(req)) => req.matches(version) || declared.path.is_some(),
                _ => true,
            }
    })
}

/// What the manifests say of each other, where Cargo was not asked to choose.
fn by_path(packages: &[Package], ids: &HashMap<&str, String>, edges: &mut Edges) {
    let folder = |package: &Package| Path::new(&package.manifest_path).parent().map(Path::to_owned);
    let folders: HashMap<_, _> = packages.iter().map(|package| (folder(package), package)).collect();
    for consumer in packages {
        for one in &consumer.dependencies {
            let provider = one.path.as_ref().and_then(|path| folders.get(&Some(path.into())));
            let both =
                ids.get(consumer.id.as_str()).zip(provider.and_then(|found| ids.get(found.id.as_str())));
            if let Some((consumer_id, provider_id)) = both {
                let optional = one.optional || one.kind.as_deref() == Some("dev");
                edges.add(consumer_id, provider_id, Some(one.req.clone()), optional);
            }
        }
    }
}
