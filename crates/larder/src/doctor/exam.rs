//! One examination in progress: what the checks look at, and what they note.

use super::Settings;
use super::checkup::{Checkup, Finding, Severity, State};
use crate::db::{Database, Options};
use crate::driver::Dialect;
use crate::error::{Error, ErrorKind, Result};
use crate::migrate::MigrationSet;
use serde::de::DeserializeOwned;
use std::path::{Path, PathBuf};

/// A check: it notes what it finds. An error that it returns becomes a finding too.
pub(super) type Check = fn(&mut Exam<'_>) -> Result<()>;

pub(super) struct Exam<'a> {
    options: &'a Options,
    pub(super) sets: &'a [&'a MigrationSet],
    pub(super) settings: &'a Settings,
    /// The file, with symbolic links followed where it is there: SQLite keeps its other files beside that one.
    pub(super) file: Option<PathBuf>,
    pub(super) dialect: Dialect,
    /// A database in memory has nothing that could be examined: it is empty as often as it is opened.
    pub(super) in_memory: bool,
    /// Open for reading, once that has succeeded.
    pub(super) database: Option<Database>,
    /// Open for writing, once a fix has needed it.
    writer: Option<Database>,
    /// The check that is being made.
    current: &'static str,
    checkup: Checkup,
}

impl<'a> Exam<'a> {
    pub(super) fn new(
        options: &'a Options,
        sets: &'a [&'a MigrationSet],
        settings: &'a Settings,
    ) -> Result<Self> {
        let driver = options.driver_of()?;
        let checkup = Checkup {
            format: 1,
            ok: false,
            state: State::Ready,
            database: driver.to_string(),
            engine: None,
            schema_version: None,
            newest: None,
            findings: Vec::new(),
            stats: None,
            checked: Vec::new(),
        };
        let file = driver.file().map(|path| std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned()));
        let in_memory = file.is_none() && driver.is_single();
        Ok(Self {
            options,
            sets,
            settings,
            dialect: driver.dialect(),
            file,
            in_memory,
            database: None,
            writer: None,
            current: "",
            checkup,
        })
    }

    /// Makes one check.
    pub(super) fn run(&mut self, name: &'static str, check: Check) {
        self.begin(name);
        if let Err(error) = check(self) {
            self.fault(&error);
        }
    }

    /// Begins the check of this name.
    pub(super) fn begin(&mut self, name: &'static str) {
        self.current = name;
        self.checkup.checked.push(name);
    }

    /// Notes what was found elsewhere.
    pub(super) fn extend(&mut self, findings: Vec<Finding>) {
        self.checkup.findings.extend(findings);
    }

    /// Notes an error that kept a check from its end.
    pub(super) fn fault(&mut self, error: &Error) {
        let said = error.message().to_owned();
        match error.kind() {
            ErrorKind::Corrupt | ErrorKind::NotADatabase => {
                self.becomes(State::Damaged);
                self.add(Severity::Error, said).fix = Some(RESTORE.into());
            }
            ErrorKind::Busy => {
                let finding = self.add(Severity::Warning, format!("the check could not be made: {said}"));
                finding.fix = Some("run doctor again when nothing else holds the database".into());
            }
            _ => {
                let finding = self.add(Severity::Error, format!("the check could not be made: {said}"));
                finding.fix = error.help().map(str::to_owned);
            }
        }
    }

    pub(super) fn error(&mut self, message: impl Into<String>, fix: impl Into<String>) -> &mut Finding {
        let finding = self.add(Severity::Error, message.into());
        finding.fix = Some(fix.into());
        finding
    }

    pub(super) fn warn(&mut self, message: impl Into<String>, fix: impl Into<String>) -> &mut Finding {
        let finding = self.add(Severity::Warning, message.into());
        finding.fix = Some(fix.into());
        finding
    }

    pub(super) fn info(&mut self, message: impl Into<String>) -> &mut Finding {
        self.add(Severity::Info, message.into())
    }

    fn add(&mut self, severity: Severity, message: String) -> &mut Finding {
        let finding = Finding { check: self.current, severity, message, fix: None, fixed: false };
        self.checkup.findings.push_mut(finding)
    }

    /// The state is at least as grave as this.
    pub(super) fn becomes(&mut self, state: State) {
        if state.rank() > self.checkup.state.rank() {
            self.checkup.state = state;
        }
    }

    pub(super) fn state(&self) -> State {
        self.checkup.state
    }

    pub(super) fn checkup(&mut self) -> &mut Checkup {
        &mut self.checkup
    }

    /// The file beside the database's with `suffix` at the end of its name.
    pub(super) fn beside(&self, suffix: &str) -> Option<PathBuf> {
        let file = self.file.as_deref()?;
        let mut name = file.file_name()?.to_owned();
        name.push(suffix);
        Some(file.with_file_name(name))
    }

    /// The folder of the file.
    pub(super) fn folder(&self) -> Option<&Path> {
        self.file.as_deref()?.parent()
    }

    /// The file's name without its end: the names of its backups begin with it.
    pub(super) fn stem(&self) -> Option<String> {
        Some(self.file.as_deref()?.file_stem()?.to_string_lossy().into_owned())
    }

    /// The folder of the backups: the one set, or `backups` beside the file.
    pub(super) fn backups(&self) -> Option<PathBuf> {
        match &self.settings.backups {
            Some(folder) => Some(folder.clone()),
            None => Some(self.folder()?.join("backups")),
        }
    }

    /// The database's size as a file, in bytes.
    pub(super) fn size(&self) -> u64 {
        self.file.as_deref().map_or(0, size_of)
    }

    /// Opens the database only for reading.
    pub(super) fn open(&self) -> Result<Database> {
        self.options.clone().read_only(true).open()
    }

    /// The rows that a question gives.
    pub(super) fn all<T: DeserializeOwned>(&self, sql: &str) -> Result<Vec<T>> {
        self.reader()?.query_all(sql, &[])
    }

    /// The one value that a question gives.
    pub(super) fn one<T: DeserializeOwned>(&self, sql: &str) -> Result<T> {
        self.reader()?.query_one(sql, &[])
    }

    pub(super) fn reader(&self) -> Result<&Database> {
        self.database.as_ref().ok_or_else(|| Error::new(ErrorKind::Internal, "the database is not open"))
    }

    /// The database open for writing, for a fix. It is never made and never migrated here, and keeps its journal mode.
    pub(super) fn writer(&mut self) -> Result<&Database> {
        let opened = match self.writer.take() {
            Some(open) => open,
            None => {
                let options = self.options.clone().read_only(false).create(false).run_migrations(false);
                options.without_pragma("journal_mode").open()?
            }
        };
        Ok(self.writer.insert(opened))
    }

    /// Lets go of the database and concludes.
    pub(super) fn finish(mut self) -> Checkup {
        if let Some(writer) = self.writer.take() {
            self.current = "close";
            if let Err(error) = writer.close() {
                self.fault(&error);
            }
        }
        let mut checkup = self.checkup;
        checkup.findings.sort_by_key(|finding| (finding.fixed, std::cmp::Reverse(finding.severity)));
        checkup.ok = checkup.state == State::Ready && checkup.worst() < Some(Severity::Error);
        checkup
    }
}

/// What to do about damage.
pub(super) const RESTORE: &str = "stop the programs that use it, keep a copy of the file and of its -wal, then restore the \
                                  newest backup with `larder restore`; without one, `sqlite3 FILE .recover` saves what \
                                  can be read";

/// The size of a file, 0 where there is none. It is not opened: closing a file that SQLite has open in this process would
/// drop SQLite's locks on it.
pub(super) fn size_of(path: &Path) -> u64 {
    std::fs::metadata(path).map_or(0, |found| found.len())
}

/// A number of bytes for people.
pub(super) fn bytes(n: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    if n < 1024 {
        return format!("{n} bytes");
    }
    let mut value = n as f64 / 1024.0;
    let mut unit = "KiB";
    for larger in UNITS.into_iter().skip(1) {
        if value < 1024.0 {
            break;
        }
        value /= 1024.0;
        unit = larger;
    }
    format!("{value:.1} {unit}")
}
