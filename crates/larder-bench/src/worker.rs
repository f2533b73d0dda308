//! A worker process, seen from the driver.

use std::io::{BufRead, BufReader, Lines, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use larder_bench_protocol::Outcome;
use serde_json::Value;

use crate::figure::Figures;
use crate::work::{Case, Subject, Work};

/// Variables that a worker finds set.
pub(crate) type Environment = Vec<(&'static str, std::path::PathBuf)>;

/// A live worker: set up, and waiting for its next round.
pub(crate) struct Worker {
    name: String,
    child: Child,
    input: Option<ChildStdin>,
    output: Lines<BufReader<ChildStdout>>,
    /// Which SQLite it links.
    pub sqlite: String,
    /// Its compile options.
    pub options: Vec<String>,
}

/// The name of a subject's folder, for one case.
pub(crate) fn slot(work: &Work, case: &Case, subject: &str) -> String {
    format!("{}-{}-{subject}", work.name, case.name)
}

/// The arguments of a worker: subject, work, settings.
pub(crate) fn arguments(
    work: &Work,
    case: &Case,
    subject: &Subject,
    folder: &Path,
    settings: &[String],
    quick: bool,
) -> Vec<String> {
    let mut arguments = vec![subject.name.to_owned(), work.name.to_owned()];
    arguments.push(format!("dir={}", folder.display()));
    if let Some(owner) = subject.on_file_of {
        arguments.push(format!("file={}", folder.with_file_name(slot(work, case, owner)).display()));
    }
    arguments.extend(settings.iter().cloned());
    // The last one counts: what a case sets is not up to the driver.
    let quick = if quick { case.quick } else { &[] };
    arguments.extend(case.settings.iter().chain(quick).map(|(key, value)| format!("{key}={value}")));
    arguments
}

impl Worker {
    /// Starts a worker and waits until it has set up.
    pub(crate) fn start(subject: &Subject, arguments: &[String], environment: &Environment) -> Outcome<Self> {
        let command = subject.program.command()?;
        let (program, rest) = command.split_first().ok_or("no program")?;
        let mut child = Command::new(program)
            .args(rest)
            .args(arguments)
            .envs(environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("{}: {error}", program.display()))?;
        let input = child.stdin.take();
        let output = child.stdout.take().ok_or("no output")?;
        let name = arguments.join(" ");
        let mut worker = Self {
            name,
            child,
            input,
            output: BufReader::new(output).lines(),
            sqlite: String::new(),
            options: Vec::new(),
        };
        let hello = worker.line()?;
        let text = |key: &str| hello.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        worker.sqlite = text("sqlite");
        worker.options = text("options").split(',').map(str::to_owned).collect();
        Ok(worker)
    }

    /// One round.
    pub(crate) fn round(&mut self) -> Outcome<Figures> {
        self.go()?;
        self.said()
    }

    /// Starts a round.
    pub(crate) fn go(&mut self) -> Outcome {
        let input = self.input.as_mut().ok_or("already stopped")?;
        Ok(writeln!(input, "go")
            .and_then(|()| input.flush())
            .map_err(|_| format!("{} stopped", self.name))?)
    }

    /// Waits for what the round showed.
    pub(crate) fn said(&mut self) -> Outcome<Figures> {
        let said = self.line()?;
        Figures::read(&said).map_err(|fault| format!("{}: {fault}", self.name).into())
    }

    fn line(&mut self) -> Outcome<Value> {
        match self.output.next() {
            Some(line) => Ok(serde_json::from_str(&line?)?),
            None => Err(format!("the worker `{}` stopped: {}", self.name, self.child.wait()?).into()),
        }
    }

    /// Ends its input and waits for it.
    pub(crate) fn stop(mut self) -> Outcome {
        drop(self.input.take());
        let status = self.child.wait()?;
        if status.success() { Ok(()) } else { Err(format!("{}: {status}", self.name).into()) }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        drop(self.input.take());
        let _ = self.child.wait();
    }
}
