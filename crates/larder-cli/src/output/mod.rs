//! What is printed: text for people or one JSON value, never both. Results go to the standard output, and what is said
//! beside them (errors for people, questions, progress) to the standard error.

mod cause;
mod diagnostic;
mod json;
pub(crate) mod measure;
mod reason;
mod run;
mod sink;
mod style;
mod table;

pub(crate) use cause::stopped;
pub(crate) use json::{FaultShape, Shape};
pub(crate) use run::{DoneShape, RunShape};
pub(crate) use style::Tone;
pub(crate) use table::{Table, one_line};

use crate::exit::Exit;
use larder::Error;
use serde::Serialize;
use sink::Sink;
use std::io::{self, BufRead, IsTerminal};

/// Where a run prints, and how.
pub(crate) struct Output {
    out: Sink,
    err: Sink,
    json: bool,
    /// The result comes line by line, and so does an error.
    lines: bool,
    /// A person sits before it who can be asked.
    asks: bool,
}

impl Output {
    /// The streams of this process.
    pub(crate) fn of_process() -> Self {
        Self {
            asks: io::stdin().is_terminal() && io::stderr().is_terminal(),
            out: Sink::stdout(),
            err: Sink::stderr(),
            json: false,
            lines: false,
        }
    }

    /// Prints JSON from here on.
    pub(crate) fn set_json(&mut self, json: bool) {
        self.json = json;
        self.asks &= !json;
    }

    /// True where a question would reach a person.
    pub(crate) fn asks(&self) -> bool {
        self.asks
    }

    /// True where something that moves may be drawn on the standard error.
    pub(crate) fn draws(&self) -> bool {
        !self.json && self.err.is_terminal()
    }

    /// A line for people on the standard output.
    pub(crate) fn line(&mut self, text: impl AsRef<str>) {
        if !self.json {
            self.out.line(text.as_ref());
        }
    }

    /// A line for people beside the result, on the standard error.
    pub(crate) fn note(&mut self, text: impl AsRef<str>) {
        if !self.json {
            self.err.line(text.as_ref());
        }
    }

    /// Something that went wrong beside the work, on the standard error, also where JSON is printed.
    pub(crate) fn warning(&mut self, text: &str) {
        let word = self.paint_note(Tone::Warning, "warning:");
        self.err.line(&format!("{word} {text}"));
    }

    /// Text as it is on the standard output, whatever the mode: what is a format of its own, such as a man page.
    pub(crate) fn raw(&mut self, text: &str) {
        self.out.write(text);
    }

    /// A table for people.
    pub(crate) fn table(&mut self, table: &Table) {
        if !self.json {
            for line in table.lines(self.out.has_colour()) {
                self.out.line(&line);
            }
        }
    }

    /// The result as JSON, where that was asked for.
    pub(crate) fn json(&mut self, shape: &Shape<'_, impl Serialize>) {
        if self.json {
            self.out.line(&json::text(shape));
        }
    }

    /// A result that has the common keys of its own.
    pub(crate) fn value(&mut self, value: &impl Serialize) {
        if self.json {
            self.out.line(&json::text(value));
        }
    }

    /// True where JSON is printed.
    pub(crate) fn is_json(&self) -> bool {
        self.json
    }

    /// One line of a result that comes line by line, whatever the mode. False when nobody reads it any more.
    pub(crate) fn stream(&mut self, line: &str) -> bool {
        self.lines = true;
        self.out.line(line);
        !self.out.is_faulty()
    }

    /// Writes out what is held back, and asks whether somebody still reads: false when the reader of a pipe has gone away, also
    /// while nothing is written to it, or when it can't be written to.
    pub(crate) fn is_read(&mut self) -> bool {
        self.flush();
        !self.out.is_faulty() && !sink::stdout_is_left()
    }

    /// Writes out what is held back.
    pub(crate) fn flush(&mut self) {
        self.out.flush();
        self.err.flush();
    }

    /// Text in a tone, for the standard output.
    pub(crate) fn paint(&self, tone: Tone, text: &str) -> String {
        style::paint(self.out.has_colour(), tone, text)
    }

    /// Text in a tone, for the standard error.
    pub(crate) fn paint_note(&self, tone: Tone, text: &str) -> String {
        style::paint(self.err.has_colour(), tone, text)
    }

    /// Asks a person, who answers with a line. `None` at the end of the input.
    pub(crate) fn ask(&mut self, question: &str) -> Option<String> {
        self.out.flush();
        self.err.write(question);
        self.err.flush();
        let mut answer = String::new();
        match io::stdin().lock().read_line(&mut answer) {
            Ok(0) | Err(_) => None,
            Ok(_) => Some(answer.trim().to_owned()),
        }
    }

    /// Prints an error, and says what the run answers with.
    pub(crate) fn failure(&mut self, command: &str, error: &Error) -> Exit {
        if self.json {
            let text = if self.lines { json::failure_line } else { json::failure };
            self.out.line(&text(command, error));
        } else {
            self.problem(error);
        }
        Exit::of(error)
    }

    /// Prints an error that is part of a result, for people. As JSON it is in the result's own value.
    pub(crate) fn problem(&mut self, error: &Error) {
        if !self.json {
            self.out.flush();
            let text = diagnostic::text(error, self.err.has_colour(), self.err.is_terminal());
            self.err.write(&text);
        }
    }

    /// Prints what clap says of a command line: a mistake, or the help that was asked for.
    pub(crate) fn usage(&mut self, error: &clap::Error, json: bool) -> Exit {
        let text = |sink: &Sink| {
            let text = error.render();
            if sink.has_colour() { text.ansi().to_string() } else { text.to_string() }
        };
        if !error.use_stderr() {
            let text = text(&self.out);
            self.out.write(&text);
            return Exit::Done;
        }
        if json {
            self.out.line(&json::usage(error));
        } else {
            let text = text(&self.err);
            self.err.write(&text);
        }
        Exit::Usage
    }

    /// Writes out what is left. Where the output could not be written, a success becomes a failure. A reader that went
    /// away (`larder status | head -1`) is no failure: it had what it wanted.
    pub(crate) fn finish(mut self, exit: Exit) -> Exit {
        self.out.flush();
        if let Some(error) = self.out.take_fault() {
            self.err.line(&format!("error: can't write the output: {error}"));
            self.err.flush();
            return if exit == Exit::Done { Exit::Failed } else { exit };
        }
        self.err.flush();
        exit
    }
}
