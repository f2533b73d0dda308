//! What the command line of a worker asks for.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::{Clock, Crowd, Keys, Outcome, data};

/// A subject, a work and its settings.
#[derive(Debug)]
pub struct Task {
    /// Which library, in which use of it (`rusqlite`, `rusqlite-held`).
    pub subject: String,
    /// What is measured (`point-read`).
    pub work: String,
    settings: BTreeMap<String, String>,
}

impl Task {
    pub(crate) fn from_arguments(mut arguments: impl Iterator<Item = String>) -> Outcome<Self> {
        let subject = arguments.next().ok_or("say SUBJECT WORK key=value…")?;
        let work = arguments.next().ok_or("say which work")?;
        let mut settings = BTreeMap::new();
        for argument in arguments {
            let (key, value) =
                argument.split_once('=').ok_or_else(|| format!("not key=value: {argument}"))?;
            settings.insert(key.to_owned(), value.to_owned());
        }
        Ok(Self { subject, work, settings })
    }

    /// A setting as text.
    pub fn text(&self, key: &str) -> Outcome<&str> {
        Ok(self.settings.get(key).ok_or_else(|| format!("the work {} needs {key}=", self.work))?)
    }

    /// A setting as a number.
    pub fn number(&self, key: &str) -> Outcome<u64> {
        Ok(self.text(key)?.parse().map_err(|_| format!("{key} is not a number"))?)
    }

    /// Whether a setting is there and not `no`.
    pub fn has(&self, key: &str) -> bool {
        self.settings.get(key).is_some_and(|value| value != "no")
    }

    /// The folder that this worker alone may fill; the driver made it and removes it.
    pub fn folder(&self) -> Outcome<PathBuf> {
        Ok(Path::new(self.text("dir")?).to_path_buf())
    }

    /// A file in that folder.
    pub fn file(&self, name: &str) -> Outcome<PathBuf> {
        Ok(self.folder()?.join(name))
    }

    /// The clock of this task's rounds: `ops=` operations a round when that is given, otherwise as many as fit in
    /// `budget-ms=`.
    pub fn clock(&self) -> Clock {
        let budget = Duration::from_millis(self.number("budget-ms").unwrap_or(100));
        Clock { ops: self.number("ops").ok(), budget }
    }

    /// Rounds of `threads=` threads, which pause for `think-us=` before each operation when that is given.
    pub fn crowd(&self) -> Outcome<Crowd> {
        let crowd = self.clock().crowd(self.number("threads")?);
        let think = if self.has("think-us") { self.number("think-us")? } else { 0 };
        Ok(crowd.think(Duration::from_micros(think)))
    }

    /// Whether a commit must be on the disk before it returns: `synchronous=FULL`.
    pub fn is_full(&self) -> bool {
        self.settings.get("synchronous").is_some_and(|value| value == "FULL")
    }

    /// [`data::PRAGMAS`], with `synchronous=` when that is given.
    pub fn pragmas(&self) -> String {
        let own = self.settings.get("synchronous").map(|value| format!("\nPRAGMA synchronous={value};"));
        format!("{}{}", data::PRAGMAS, own.unwrap_or_default())
    }

    /// The rounds of a work that reads rows 1 to `rows=` by their keys.
    pub fn keys(&self) -> Outcome<Keys> {
        Ok(Keys::new(self.number("rows")?, self.clock()))
    }

    /// The answer to a subject or a work that a worker does not know.
    pub fn unknown<T>(&self) -> Outcome<T> {
        Err(format!("{} does not do {}", self.subject, self.work).into())
    }
}
