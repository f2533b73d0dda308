//! A tool that counts the words of files, and keeps a journal of what it did: its runs, their steps, and an audit log.
//!
//! ```sh
//! cargo run -p larder-examples --bin journal_tool  # counts README.md
//! cargo run -p larder-examples --bin journal_tool -- work --token abc README.md missing.txt   # one step fails
//! cargo run -p larder-examples --bin journal_tool -- doctor --json
//! ```
//!
//! Its commands: `db:migrate`, `db:status`, `db:vacuum`, `doctor [--json]`, `work FILES…` (without any it counts README.md),
//! `runs`. The file is `~/.local/share/journal_tool/journal_tool.db`, or what `JOURNAL_TOOL_DB` names.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program for the command line")]

use larder::migrate::Migrator;
use larder::{Database, Error, ErrorKind, Options, Result, backup, doctor};
use larder_stores::journal::{self, Ending, Filter, Level, NewEntry, NewRun};
use larder_stores::{Store, git_commit};
use serde_json::json;
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.is_empty() {
        arguments.extend(["work", "--token", "abc", "README.md"].map(String::from));
    }
    match run(&arguments) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[String]) -> Result<ExitCode> {
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let options = Database::options(larder::path::data_file("journal_tool")?.display().to_string());
    match words.as_slice() {
        ["db:migrate"] => {
            let report = options.open()?.migrate(&[&journal::MIGRATIONS])?;
            println!("{} applied, {} were", report.done.len(), report.already);
        }
        ["db:status"] => status(options)?,
        ["db:vacuum"] => {
            let done = backup::vacuum(&options.create(false).open()?)?;
            println!("{} bytes before, {} now", done.before, done.after);
        }
        ["doctor"] => return examine(&options, false),
        ["doctor", "--json"] => return examine(&options, true),
        ["runs"] => runs(&options.create(false).open()?)?,
        ["work", ..] => {
            let db = options.migrations(&journal::MIGRATIONS).open()?;
            work(&db, arguments)?;
            db.close()?;
        }
        _ => {
            let help =
                "journal_tool db:migrate | db:status | db:vacuum | doctor [--json] | work FILES… | runs";
            return Err(Error::new(ErrorKind::Config, "no such command").with_help(help));
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// A file that is missing is no fault: the tool was not used yet.
fn status(options: Options) -> Result<()> {
    let db = match options.read_only(true).open() {
        Err(error) if error.kind() == ErrorKind::NotInitialized => {
            println!("not initialized yet");
            return Ok(());
        }
        db => db?,
    };
    let status = Migrator::new(&[&journal::MIGRATIONS]).status(&db)?;
    for row in &status.rows {
        println!("{} {:?}", row.id, row.state);
    }
    Ok(())
}

fn examine(options: &Options, as_json: bool) -> Result<ExitCode> {
    let checks = Store::named("journal").map(|store| store.checks).unwrap_or_default();
    let checkup =
        doctor::examine_with(options, &[&journal::MIGRATIONS], &doctor::Settings::default(), checks)?;
    if as_json {
        println!("{}", json!(checkup));
    } else {
        println!("{}", checkup.state.word());
        checkup.findings.iter().for_each(|finding| println!("{}: {}", finding.check, finding.message));
    }
    Ok(if checkup.ok { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// A run with a step for each file. The first that can't be read ends it.
fn work(db: &Database, arguments: &[String]) -> Result<()> {
    let config = json!({ "unit": "word", "api_key": std::env::var("JOURNAL_TOOL_KEY").ok() });
    let commit = git_commit(".");
    let new =
        NewRun { args: arguments, config: Some(&config), git_sha: commit.as_deref(), ..NewRun::default() };
    let run = db.write(|tx| journal::start_run(tx, new))?;

    // No secret got into the journal, so its arguments are what may be shown.
    println!("{}: {}", run.run_id, run.args.0.join(" "));
    let done = count(db, &run.run_id, arguments);

    let error = done.as_ref().err().map(ToString::to_string);
    db.write(|tx| {
        let entry = NewEntry {
            level: if error.is_some() { Level::Error } else { Level::Info },
            run_id: Some(&run.run_id),
            scope: "work",
            event: if error.is_some() { "failed" } else { "counted" },
            message: error.as_deref(),
            ..NewEntry::default()
        };
        journal::log(tx, entry)?;
        journal::finish_run(tx, &run.run_id, error.as_deref().map_or_else(Ending::completed, Ending::failed))
    })?;
    done
}

fn count(db: &Database, run_id: &str, arguments: &[String]) -> Result<()> {
    let mut files = arguments.iter().skip(1);
    while let Some(file) = files.next() {
        if file == "--token" {
            files.next(); // What a real tool would authorize itself with.
            continue;
        }
        // Where this returns early, the step is recorded as failed.
        let step = journal::step(db, run_id, file)?;
        let text = std::fs::read_to_string(file)
            .map_err(|error| Error::new(ErrorKind::Io, format!("can't read {file}: {error}")))?;
        let words = text.split_whitespace().count();
        step.finish(&json!({ "words": words }))?;
        println!("{file}: {words} words");
    }
    Ok(())
}

fn runs(db: &Database) -> Result<()> {
    for run in db.read(|tx| journal::list_runs(tx, &Filter::default()))? {
        println!("{} {} {}", run.run_id, run.status, run.args.0.join(" "));
        for step in db.read(|tx| journal::steps(tx, &run.run_id))? {
            println!("  {} {} {}", step.name, step.status, step.error.unwrap_or_default());
        }
    }
    Ok(())
}
