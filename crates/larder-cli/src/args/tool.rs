//! `larder tool`: the flags of its commands.

use super::words;
use clap::{Args as ClapArgs, Subcommand};
use larder_stores::registry::{CYCLE_LIMIT, ContractType, DependencyType, ToolType};
use std::path::PathBuf;

#[derive(Debug, ClapArgs)]
pub(crate) struct Tool {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Add a tool
    Add(Add),
    /// Change a tool
    Set(Set),
    /// List the tools
    List(List),
    /// Show a tool with its dependencies, both ways, and its contracts
    Show(One),
    /// Remove a tool with its dependencies and contracts
    Remove(One),
    /// Who depends on whom
    Dep(Dep),
    /// What tools promise
    Contract(Contract),
    /// Compare the schemas of contracts with what was agreed
    Verify(Verify),
    /// Find the circular dependencies and record them
    Cycles(Cycles),
    /// Show who breaks when a tool changes
    Impact(Impact),
    /// Show how reliable a tool is when all that it requires is counted
    Reliability(One),
    /// Bring in the tools and dependencies that another program knows
    Import(Import),
    /// Keep the registry beside its place, and make an empty one
    Reset,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct One {
    /// Its id, or its name where only one tool has it
    #[arg(value_name = "TOOL")]
    pub(crate) tool: String,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Add {
    /// Its name
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    /// Where it lies
    #[arg(long, value_name = "PATH")]
    pub(crate) path: String,
    /// What it is
    #[arg(long = "type", value_name = "TYPE", value_parser = words(ToolType::ALL, ToolType::as_str))]
    pub(crate) kind: ToolType,
    /// What it is told by; a new ULID without it
    #[arg(long, value_name = "ID")]
    pub(crate) id: Option<String>,
    #[command(flatten)]
    pub(crate) more: More,
    /// It is not there yet
    #[arg(long)]
    pub(crate) stub: bool,
}

/// What may be said of a tool.
#[derive(Debug, ClapArgs)]
pub(crate) struct More {
    /// Its version
    #[arg(long, value_name = "VERSION")]
    pub(crate) version: Option<String>,
    /// How likely it does its work, from 0 to 1
    #[arg(long, value_name = "NUMBER", allow_negative_numbers = true)]
    pub(crate) reliability: Option<f64>,
    /// How much there is to mend in it
    #[arg(long, value_name = "NUMBER", allow_negative_numbers = true)]
    pub(crate) debt: Option<i64>,
    /// The file that describes it
    #[arg(long, value_name = "FILE")]
    pub(crate) manifest: Option<String>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Set {
    #[command(flatten)]
    pub(crate) one: One,
    /// Another name
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// Another place
    #[arg(long, value_name = "PATH")]
    pub(crate) path: Option<String>,
    /// Another type
    #[arg(long = "type", value_name = "TYPE", value_parser = words(ToolType::ALL, ToolType::as_str))]
    pub(crate) kind: Option<ToolType>,
    #[command(flatten)]
    pub(crate) more: More,
    /// Whether it is not there yet
    #[arg(long, value_name = "BOOL")]
    pub(crate) stub: Option<bool>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct List {
    /// Only those of this type
    #[arg(long = "type", value_name = "TYPE", value_parser = words(ToolType::ALL, ToolType::as_str))]
    pub(crate) kind: Option<ToolType>,
    /// Only those of this name
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// Only those that are not there yet; with `false`, only those that are
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub(crate) stub: Option<bool>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Dep {
    #[command(subcommand)]
    pub(crate) command: DepCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum DepCommand {
    /// Say that a tool depends on another
    Add(DepAdd),
    /// List what a tool depends on, and what depends on it
    List(One),
    /// Remove a dependency
    Remove(Number),
}

#[derive(Debug, ClapArgs)]
pub(crate) struct DepAdd {
    /// The tool that needs the other: its id or its name
    #[arg(value_name = "CONSUMER")]
    pub(crate) consumer: String,
    /// The tool that is needed: its id or its name
    #[arg(value_name = "PROVIDER")]
    pub(crate) provider: String,
    /// How it is used
    #[arg(long = "type", value_name = "TYPE", value_parser = words(DependencyType::ALL, DependencyType::as_str))]
    pub(crate) kind: DependencyType,
    /// Which versions will do: ^1.2
    #[arg(long, value_name = "RANGE")]
    pub(crate) constraint: Option<String>,
    /// The consumer works without it
    #[arg(long)]
    pub(crate) optional: bool,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Number {
    /// Its number, as lists show it
    #[arg(value_name = "NUMBER")]
    pub(crate) id: i64,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Contract {
    #[command(subcommand)]
    pub(crate) command: ContractCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ContractCommand {
    /// Add a contract
    Add(ContractAdd),
    /// List the contracts of a tool, or of all
    List(Perhaps),
    /// Remove a contract with its verifications
    Remove(Number),
}

#[derive(Debug, ClapArgs)]
pub(crate) struct ContractAdd {
    #[command(flatten)]
    pub(crate) one: One,
    /// Its name, the only one of its tool
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    /// What it is about
    #[arg(long = "type", value_name = "TYPE", value_parser = words(ContractType::ALL, ContractType::as_str))]
    pub(crate) kind: ContractType,
    /// The file with the schema; it is kept with its folder, from the root on
    #[arg(long, value_name = "FILE")]
    pub(crate) schema: Option<PathBuf>,
    /// Keep the path of the schema as it is given: `verify --base` says where it starts
    #[arg(long, requires = "schema")]
    pub(crate) relative: bool,
    /// The hash that is agreed; without it the first verification takes what it finds
    #[arg(long, value_name = "SHA256")]
    pub(crate) hash: Option<String>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Perhaps {
    /// Its id or its name; all tools without it
    #[arg(value_name = "TOOL")]
    pub(crate) tool: Option<String>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Verify {
    /// Only the contracts of this tool: its id or its name
    #[arg(value_name = "TOOL", conflicts_with = "contract")]
    pub(crate) tool: Option<String>,
    /// Only this contract, by its number
    #[arg(long, value_name = "NUMBER")]
    pub(crate) contract: Option<i64>,
    /// Agree on what is there now
    #[arg(long, requires = "contract")]
    pub(crate) accept: bool,
    /// Where relative paths of schemas start; the current folder without it
    #[arg(long, value_name = "FOLDER")]
    pub(crate) base: Option<PathBuf>,
    /// The commit to keep with what is found; the one that is checked out where the schema lies without it
    #[arg(long, value_name = "COMMIT")]
    pub(crate) commit: Option<String>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Cycles {
    /// How many to look for
    #[arg(long, value_name = "N", default_value_t = CYCLE_LIMIT)]
    pub(crate) limit: usize,
    /// Also show those that are resolved
    #[arg(long)]
    pub(crate) all: bool,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Impact {
    #[command(flatten)]
    pub(crate) one: One,
    /// Also show who would not take this version
    #[arg(long, value_name = "VERSION")]
    pub(crate) to: Option<String>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Import {
    #[command(subcommand)]
    pub(crate) command: ImportCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ImportCommand {
    /// The packages of a Cargo workspace and all that they use
    Cargo(ImportCargo),
    /// The packages of a lock file of npm
    Npm(ImportNpm),
}

#[derive(Debug, ClapArgs)]
pub(crate) struct ImportCargo {
    /// The manifest to ask Cargo about; that of the current folder without it
    #[arg(long, value_name = "FILE")]
    pub(crate) manifest_path: Option<PathBuf>,
    /// Read what `cargo metadata --format-version 1` wrote, instead of running it
    #[arg(long, value_name = "FILE", conflicts_with = "manifest_path")]
    pub(crate) file: Option<PathBuf>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct ImportNpm {
    /// The package-lock.json, or its folder
    #[arg(value_name = "PATH", default_value = ".")]
    pub(crate) path: PathBuf,
}
