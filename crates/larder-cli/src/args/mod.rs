//! The first stage of the command line: the flags as they stand there. The commands of a store have a file each.

pub(crate) mod audit;
pub(crate) mod lease;
pub(crate) mod repo;
pub(crate) mod run;
pub(crate) mod tool;
pub(crate) mod workflow;

use crate::exit;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args as ClapArgs, CommandFactory, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use larder::migrate::Approval;
use larder::{Error, ErrorKind};
use larder_stores::{STORES, Store};
use std::ffi::OsString;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

pub(crate) use lease::Lease;
pub(crate) use repo::Repo;

const AFTER: &str = "\
What is worked on comes from the flags, then from the environment (LARDER_URL or DATABASE_URL, LARDER_DIR, LARDER_ENV, \
LARDER_CONFIG), then from larder.toml in this folder or above it. Without any of them it is data/app.db and the folder \
migrations.";

/// Migrate, back up and examine a local-first database.
#[derive(Debug, Parser)]
#[command(name = "larder", version, about, after_help = exit::TABLE, after_long_help = after(), max_term_width = 100)]
#[command(subcommand_required = true, arg_required_else_help = true, disable_help_subcommand = true)]
#[command(next_help_heading = "Options")]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

fn after() -> String {
    format!("{AFTER}\n\n{}", exit::TABLE)
}

/// The words of a column, with the list of them in the help.
fn words<T>(all: &'static [T], word: fn(T) -> &'static str) -> impl TypedValueParser<Value = T>
where
    T: FromStr<Err = Error> + Copy + Send + Sync,
{
    PossibleValuesParser::new(all.iter().map(|each| word(*each))).try_map(|text| text.parse::<T>())
}

/// The flags that every command takes.
#[derive(Clone, Debug, Default, ClapArgs)]
#[command(next_help_heading = "Where and how")]
pub(crate) struct Global {
    /// The database: a path, sqlite:PATH, or postgres://USER@HOST/DATABASE
    #[arg(long, global = true, value_name = "URL")]
    pub(crate) url: Option<String>,
    /// The folder of the migrations
    #[arg(long, global = true, value_name = "FOLDER")]
    pub(crate) dir: Option<String>,
    /// The settings file, instead of larder.toml in this folder or above it
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// The table [env.NAME] of the settings file; no environment variable overrides what it says
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) env: Option<String>,
    /// Print one JSON value instead of text
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Answer yes to questions; it never approves that something is lost
    #[arg(long, short, global = true)]
    pub(crate) yes: bool,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make the file of a new migration
    New(New),
    /// Apply what is pending
    #[command(visible_alias = "db:migrate")]
    Migrate(Migrate),
    /// Lead back what was applied last
    Rollback(Rollback),
    /// Show what is applied and what is pending
    #[command(visible_alias = "db:status")]
    Status(Status),
    /// Show what `migrate` would run, without running it
    Plan(Plan),
    /// Say what is wrong with the database and what to do about it
    Doctor(Doctor),
    /// Give back the space that deleted rows left
    #[command(visible_alias = "db:vacuum")]
    Vacuum(Stores),
    /// Make a verified backup
    Backup(Backup),
    /// Put a backup in the place of the database, and keep what was there
    Restore(Restore),
    /// Copy a whole database into an empty one, from one engine to the other
    Copy(CopyTo),
    /// Settle what stands between the history and the files
    Repair(Repair),
    /// Take over a database that was made without Larder, at a migration
    Baseline(Baseline),
    /// Compare the history with the files, and the schema with what the migrations build
    Verify(Stores),
    /// Print the schema as SQL or as a diagram
    Schema(Schema),
    /// Show, verify and anchor the audit trails of the stores
    Audit(audit::Audit),
    /// Get, give back, show and import leases of repositories, and run a command under one
    #[command(subcommand)]
    Lease(Lease),
    /// Add and list projects and repositories
    #[command(subcommand)]
    Repo(Repo),
    /// Keep tools, who depends on whom, and whether their contracts hold
    Tool(tool::Tool),
    /// Look after the runs of a daemon, their units and events
    Workflow(workflow::Workflow),
    /// Record what a tool runs, and show what it ran
    Run(run::Run),
    /// Print the completions of a shell
    Completions(Completions),
    /// Print the manual page, or write all of them into a folder
    Man(Man),
}

impl Command {
    /// The stores that it is about: those of `--store`, and that of a migration's id, as in `forge/0001_init`.
    pub(crate) fn stores(&self) -> Vec<&str> {
        let (stores, id) = match self {
            Self::Migrate(args) => (&args.stores, args.to.as_deref()),
            Self::Rollback(args) => (&args.stores, args.to.as_deref()),
            Self::Status(args) => (&args.stores, None),
            Self::Plan(args) => (&args.stores, args.to.as_deref()),
            Self::Doctor(args) => (&args.stores, None),
            Self::Vacuum(stores) | Self::Verify(stores) => (stores, None),
            Self::Backup(args) => (&args.stores, None),
            Self::Restore(args) => (&args.stores, None),
            Self::Repair(args) => (&args.stores, Some(args.id.as_str())),
            Self::Baseline(args) => (&args.stores, Some(args.id.as_str())),
            Self::Schema(args) => (&args.stores, None),
            // Those of a store know which it is.
            _ => return Vec::new(),
        };
        let of_id = id.and_then(|id| id.split_once('/')).map(|(name, _)| name);
        let named = of_id.filter(|name| Store::named(name).is_some());
        stores.names.iter().map(String::as_str).chain(named).collect()
    }
}

/// Which stores a command is about, beside the application's own migrations.
#[derive(Clone, Debug, Default, ClapArgs)]
pub(crate) struct Stores {
    /// Also this store, or its own file where it has one; may be given many times
    #[arg(long = "store", value_name = "NAME", value_parser = PossibleValuesParser::new(STORES.each_ref().map(|store| store.name)))]
    pub(crate) names: Vec<String>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct New {
    /// What it does, in a few words: add_tags, "add tags"
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    /// Also make the file that leads back
    #[arg(long)]
    pub(crate) down: bool,
    /// Number it by the time instead of counting on
    #[arg(long)]
    pub(crate) timestamp: bool,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Migrate {
    /// The last migration to apply: its id, its number or its name
    #[arg(long, value_name = "ID")]
    pub(crate) to: Option<String>,
    /// Rehearse it on the data, which stay as they are, and say what it would do
    #[arg(long)]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) losing: Losing,
    /// Also apply what is pending before a migration that is applied
    #[arg(long)]
    pub(crate) allow_out_of_order: bool,
    #[command(flatten)]
    pub(crate) waiting: Waiting,
    #[command(flatten)]
    pub(crate) stores: Stores,
}

/// How long a run waits for others.
#[derive(Debug, ClapArgs)]
pub(crate) struct Waiting {
    /// How many seconds one lock is waited for at a time on a server, before the migration lets everybody pass and is tried
    /// again [default: 2]
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub(crate) lock_timeout: Option<Duration>,
    /// How many seconds one statement may take on a server [default: as long as it takes]
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub(crate) statement_timeout: Option<Duration>,
}

fn seconds(text: &str) -> Result<Duration, String> {
    text.parse()
        .ok()
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .filter(|time| *time >= Duration::from_millis(1))
        .ok_or_else(|| "give a number of seconds, such as 2 or 0.5".to_owned())
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Rollback {
    /// The migration that stays as the last: its id, its number or its name; 0 leaves none
    #[arg(long, value_name = "ID", conflicts_with = "steps")]
    pub(crate) to: Option<String>,
    /// How many to lead back
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) steps: usize,
    /// Rehearse it on the data, which stay as they are, and say what it would do
    #[arg(long)]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) losing: Losing,
    #[command(flatten)]
    pub(crate) waiting: Waiting,
    #[command(flatten)]
    pub(crate) stores: Stores,
}

/// What may be lost.
#[derive(Debug, ClapArgs)]
pub(crate) struct Losing {
    /// Approve losses: exactly those that were shown (0005_x@3f2a9c01), all of one migration (0005_x), or without a
    /// value all of this run; may be given many times
    #[arg(long, value_name = "ID", num_args = 0..=1, require_equals = true, default_missing_value = EVERYTHING)]
    allow_destructive: Vec<String>,
}

impl Losing {
    pub(crate) fn approvals(&self) -> larder::Result<Vec<Approval>> {
        self.allow_destructive.iter().map(|text| approval(text)).collect()
    }
}

/// What stands for the flag without a value. No argument of a program can be this.
const EVERYTHING: &str = "\0";

/// An empty value approves nothing: it may be a variable that is not set.
fn approval(text: &str) -> larder::Result<Approval> {
    match text {
        EVERYTHING => Ok(Approval::Everything),
        text if text.trim().is_empty() => Err(Error::new(
            ErrorKind::Config,
            "--allow-destructive= has an empty value, which approves nothing",
        )
        .with_help(
            "give a migration's id; to approve whatever this run loses, leave out the `=`. If a variable \
                     stands there, it is not set",
        )),
        text => text.parse(),
    }
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Status {
    /// Answer with exit code 4 when migrations are pending
    #[arg(long)]
    pub(crate) check: bool,
    #[command(flatten)]
    pub(crate) stores: Stores,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Plan {
    /// The last migration to apply: its id, its number or its name
    #[arg(long, value_name = "ID")]
    pub(crate) to: Option<String>,
    #[command(flatten)]
    pub(crate) stores: Stores,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Doctor {
    /// Put right what can be put right without risk
    #[arg(long)]
    pub(crate) fix: bool,
    /// Also read every index entry: several times slower
    #[arg(long)]
    pub(crate) thorough: bool,
    #[command(flatten)]
    pub(crate) stores: Stores,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Backup {
    /// The file to make; without it one in the folder of backups, of which the newest are kept
    #[arg(value_name = "FILE")]
    pub(crate) to: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) stores: Stores,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Restore {
    /// The backup
    #[arg(value_name = "FILE")]
    pub(crate) from: PathBuf,
    #[command(flatten)]
    pub(crate) stores: Stores,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct CopyTo {
    /// The database to read: a path, or a URL
    #[arg(value_name = "FROM")]
    pub(crate) from: String,
    /// The database to write, which must be empty: a path, or a URL
    #[arg(value_name = "TO")]
    pub(crate) to: String,
    /// Check that everything fits, and write nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// How many of the values that do not fit are listed one by one
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub(crate) list: usize,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Repair {
    /// The migration
    #[arg(value_name = "ID")]
    pub(crate) id: String,
    #[command(flatten)]
    pub(crate) how: How,
    #[command(flatten)]
    pub(crate) stores: Stores,
}

/// Exactly one of these.
#[derive(Debug, ClapArgs)]
#[group(required = true, multiple = false)]
pub(crate) struct How {
    /// It was edited after it was applied: take its text as it is now
    #[arg(long)]
    pub(crate) accept_edited: bool,
    /// It runs outside a transaction and did not finish: go on after the last statement that is done
    #[arg(long)]
    pub(crate) resume: bool,
    /// It did not finish, and its end was done by hand: write it down as applied
    #[arg(long)]
    pub(crate) mark_applied: bool,
    /// It did not finish, and what it had done was undone by hand: it counts as never begun
    #[arg(long)]
    pub(crate) forget: bool,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Baseline {
    /// The last migration that the database corresponds to
    #[arg(value_name = "ID")]
    pub(crate) id: String,
    #[command(flatten)]
    pub(crate) stores: Stores,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Schema {
    /// In which form
    #[arg(value_name = "FORM", default_value = "dump")]
    pub(crate) form: SchemaForm,
    #[command(flatten)]
    pub(crate) stores: Stores,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum SchemaForm {
    /// SQL that makes it anew
    Dump,
    /// A Mermaid diagram of the tables and their foreign keys
    Diagram,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Completions {
    /// Which shell
    #[arg(value_name = "SHELL")]
    pub(crate) shell: Shell,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Man {
    /// The folder for larder.1 and a page a command; it is made when missing
    #[arg(value_name = "FOLDER")]
    pub(crate) folder: Option<PathBuf>,
}

/// Reads a command line.
pub(crate) fn parse(arguments: &[OsString]) -> Result<Args, clap::Error> {
    Args::try_parse_from(arguments)
}

/// Whether JSON was asked for in a command line that can't be understood as a whole.
pub(crate) fn wants_json(arguments: &[OsString]) -> bool {
    arguments.iter().take_while(|argument| *argument != "--").any(|argument| argument == "--json")
}

/// The command line as clap knows it, for completions and manual pages.
pub(crate) fn command() -> clap::Command {
    let mut command = Args::command();
    command.build();
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Args::command().debug_assert();
    }

    #[test]
    fn json_is_seen_in_a_command_line_that_fails() {
        let seen = |line: &str| wants_json(&line.split(' ').map(OsString::from).collect::<Vec<_>>());
        assert!(seen("larder frobnicate --json"));
        assert!(!seen("larder new -- --json"));
    }

    /// What is missing in the documentation of a command and of those below it. `path` is what stands before its name.
    fn undocumented(part: &clap::Command, path: &str, text: &str, missing: &mut Vec<String>) {
        let mut want = |wanted: String| {
            if !text.contains(&wanted) {
                missing.push(wanted);
            }
        };
        let name = format!("{path} {}", part.get_name());
        want(format!("`{name}"));
        for alias in part.get_visible_aliases() {
            want(format!("`{path} {alias}`"));
        }
        for flag in part.get_arguments().filter_map(|argument| argument.get_long()) {
            if flag != "help" {
                want(format!("`--{flag}"));
            }
        }
        for below in part.get_subcommands() {
            undocumented(below, &name, text, missing);
        }
    }

    #[test]
    fn every_command_and_every_flag_stands_in_the_documentation() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/cli.md");
        let text = std::fs::read_to_string(path).unwrap();
        let mut missing = Vec::new();
        for part in command().get_subcommands() {
            undocumented(part, "larder", &text, &mut missing);
        }
        assert_eq!(missing, Vec::<String>::new());
        for line in exit::TABLE.lines().skip(1) {
            let code = line.split_whitespace().next().unwrap();
            assert!(text.contains(&format!("| {code} |")), "exit code {code} is missing");
        }
    }

    /// The last cell of each row of the contracts of the stores names commands.
    #[test]
    fn every_command_that_a_store_names_is_there() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/stores");
        for file in std::fs::read_dir(folder).unwrap() {
            let path = file.unwrap().path();
            let text = std::fs::read_to_string(&path).unwrap();
            let Some((_, contract)) = text.split_once("## Contract") else { continue };
            for line in contract.lines().skip_while(|line| !line.starts_with("|--")).skip(1) {
                let Some(cell) = line.trim().strip_suffix('|').and_then(|row| row.rsplit('|').next()) else {
                    break;
                };
                for named in
                    cell.split(',').map(|name| name.trim().trim_matches('`')).filter(|name| *name != "—")
                {
                    let mut at = Some(command());
                    let mut words = named.split(' ');
                    assert_eq!(words.next(), Some("larder"), "{}: {line}", path.display());
                    for word in words.take_while(|word| word.starts_with(|c: char| c.is_ascii_lowercase())) {
                        at = at.and_then(|at| at.find_subcommand(word).cloned());
                    }
                    assert!(at.is_some(), "{}: there is no command `{named}`", path.display());
                }
            }
        }
    }
}
