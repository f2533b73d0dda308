//! A registry of a Cargo workspace: what it is made of, which dependencies run in a circle, and who breaks when one package changes.
//!
//! ```sh
//! cargo run -p larder-examples --bin workspace_registry                       # this workspace, and its package larder
//! cargo run -p larder-examples --bin workspace_registry -- ../app/Cargo.toml my-package
//! ```
//!
//! The registry is the user's own, `workspace-registry/workspace-registry.db` in the configuration folder, or where
//! `WORKSPACE_REGISTRY_DB` says. Run it again after a change of the workspace: it tells what is different.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program for the command line")]

use larder::{Database, Error, ErrorKind, ReadTx, Result};
use larder_stores::registry::{self, SchemaMismatch, ToolFilter};
use std::path::Path;
use std::process::ExitCode;

/// The package whose change is looked at unless another is named.
const PACKAGE: &str = "larder";

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let here = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml").to_owned();
    let manifest = arguments.next().unwrap_or(here);
    let package = arguments.next().unwrap_or_else(|| PACKAGE.to_owned());
    match run(Path::new(&manifest), &package) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(manifest: &Path, package: &str) -> Result<()> {
    // What can fail for long reasons comes first, outside of any transaction.
    let inventory = registry::run_cargo_metadata(Some(manifest))?;
    let db = open()?;

    let imported = db.write(|tx| registry::import(tx, &inventory))?;
    let (tools, edges) = (imported.tools, imported.dependencies);
    println!("{}", imported.source);
    println!("  packages      {} new, {} gone, {} as before", tools.added, tools.removed, tools.unchanged);
    println!("  dependencies  {} new, {} gone, {} as before", edges.added, edges.removed, edges.unchanged);

    show_cycles(&db)?;
    show_impact(&db, &imported.source, package)
}

/// The user's registry. One that belongs to something else, or to another version of this program, is put aside.
fn open() -> Result<Database> {
    let opened = registry::open("workspace-registry");
    let Err(error) = &opened else { return opened };
    let Some(SchemaMismatch { path, .. }) = error.find() else { return opened };
    eprintln!("{error}");
    let reset = registry::reset(path)?;
    eprintln!("what was there is {}", reset.kept.unwrap_or_default().display());
    registry::open("workspace-registry")
}

/// Packages may depend on each other in a circle as long as one of the dependencies is for development only.
fn show_cycles(db: &Database) -> Result<()> {
    let (cycles, changed) = registry::detect_cycles(db, registry::CYCLE_LIMIT)?;
    let more = if cycles.more { "more than " } else { "" };
    println!("\ncycles: {more}{}, of which {} new", cycles.found.len(), changed.new);
    for cycle in &cycles.found {
        let how = if cycle.required { "required all round" } else { "one is optional, or for development" };
        let tools: Vec<&str> = cycle.tools.iter().map(|id| short(id)).collect();
        println!("  {} → … ({how})", tools.join(" → "));
    }
    Ok(())
}

fn show_impact(db: &Database, source: &str, package: &str) -> Result<()> {
    let (tool, graph, reliability) = db.read(|tx| {
        let tool = newest_of(tx, package, source)?;
        let reliability = registry::reliability(tx, &tool)?;
        Ok((tool, registry::graph(tx)?, reliability))
    })?;
    let Some(impact) = graph.impact(&tool) else { return Ok(()) };
    println!("\nwhen {} changes, {} packages are reached", short(&tool), impact.affected.len());
    for one in &impact.affected {
        let path = impact.path(&one.id).unwrap_or_default();
        let how = if one.required { "" } else { " (optional, or for development)" };
        let path: Vec<&str> = path.into_iter().map(short).collect();
        println!("  {}{how}", path.join(" ← "));
    }
    let (parts, chain) = (reliability.parts.len(), reliability.chain);
    println!(
        "\nif each of the {parts} packages in it is right with 95 %, {} is with {:.2} %",
        short(&tool),
        chain * 100.0
    );
    Ok(())
}

/// The id of a package; of several versions that the workspace uses, the last.
fn newest_of(tx: &mut ReadTx<'_>, package: &str, source: &str) -> Result<String> {
    let filter = ToolFilter { name: Some(package), ..ToolFilter::default() };
    let last = registry::tools(tx, &filter)?.pop();
    last.map(|tool| tool.id).ok_or_else(|| {
        Error::new(ErrorKind::NotFound, format!("{source} has no package `{package}`"))
            .with_help("name one that the workspace has or uses")
    })
}

/// `larder@0.1.0` of `cargo:larder@0.1.0`.
fn short(id: &str) -> &str {
    id.strip_prefix("cargo:").unwrap_or(id)
}
