//! What every command gets, and what most do first: read the migrations, open the database.

use super::recording::Recording;
use crate::output::Output;
use crate::settings::{Settings, Source};
use larder::driver::Dialect;
use larder::migrate::Migrator;
use larder::{Database, Error, ErrorKind, Location, MigrationSet, Options, Result};
use std::path::{Path, PathBuf};

/// The name and the version that stand in the history for what this program did.
pub(crate) const PROGRAM: &str = concat!("larder ", env!("CARGO_PKG_VERSION"));

/// What a command gets.
pub(crate) struct Context<'a> {
    /// Its name, as JSON names it.
    pub(crate) command: &'static str,
    /// What it works on.
    pub(crate) settings: Settings,
    /// Where it prints.
    pub(crate) output: &'a mut Output,
    /// Questions are answered with yes.
    pub(crate) yes: bool,
    /// What it does, for the program's own journal.
    pub(crate) recording: &'a mut Recording,
}

impl Context<'_> {
    /// The migrations of the folder.
    pub(super) fn own_set(&self) -> Result<MigrationSet> {
        MigrationSet::folder(&self.settings.dir)
            .map_err(|error| told(error, &self.settings.dir_from, "folder"))
    }

    /// How the database is opened.
    pub(crate) fn options(&self) -> Options {
        Database::options(&self.settings.url)
    }

    /// The database; it is made when missing.
    pub(crate) fn open(&self) -> Result<Database> {
        self.opened(self.options())
    }

    /// The database, which must be there.
    pub(crate) fn existing(&self) -> Result<Database> {
        self.opened(self.options().create(false))
    }

    /// The database for reading, which must be there.
    pub(crate) fn readable(&self) -> Result<Database> {
        self.opened(self.options().read_only(true))
    }

    /// The database for reading or, where there is none yet, an empty one in memory, which answers the same.
    pub(crate) fn readable_or_empty(&self) -> Result<Database> {
        or_empty(self.readable())
    }

    /// The same for a dry run, which copies the database through a connection that may write.
    pub(crate) fn existing_or_empty(&self) -> Result<Database> {
        or_empty(self.existing())
    }

    fn opened(&self, options: Options) -> Result<Database> {
        options.open().map_err(|error| match error.kind() {
            ErrorKind::Config
            | ErrorKind::Unsupported
            | ErrorKind::CannotOpen
            | ErrorKind::NotADatabase
            | ErrorKind::Unavailable => told(error, &self.settings.url_from, "URL"),
            // On a server the driver says how: `larder migrate` makes no database there.
            ErrorKind::NotInitialized if self.dialect() == Dialect::Postgres => {
                told(error, &self.settings.url_from, "URL")
            }
            ErrorKind::NotInitialized => {
                error.with_help(format!("make it with `{}`", self.settings.migrate_command()))
            }
            _ => error,
        })
    }

    /// A migrator that goes by the settings.
    pub(crate) fn migrator<'m>(&self, sets: &[&'m MigrationSet], database: &Database) -> Migrator<'m> {
        let migrator = Migrator::new(sets).program(PROGRAM);
        match self.backups(database) {
            Some(folder) => migrator.backups(folder, self.settings.backup_keep),
            None => migrator,
        }
    }

    /// The folder of the backups; none for a database in memory. Beside a server there is no place: there it is the folder
    /// `backups` below the current one, unless `larder.toml` says otherwise.
    pub(crate) fn backups(&self, database: &Database) -> Option<PathBuf> {
        let beside = match self.dialect() {
            Dialect::Postgres => PathBuf::from("backups"),
            _ => database.file()?.parent()?.join("backups"),
        };
        Some(self.settings.backup_dir.clone().unwrap_or(beside))
    }

    /// The engine that the URL asks for.
    pub(crate) fn dialect(&self) -> Dialect {
        match self.settings.url.split_once(':') {
            Some(("postgres" | "postgresql", _)) => Dialect::Postgres,
            _ => Dialect::Sqlite,
        }
    }

    /// The file of the database, for commands that work on the file and not on the open database.
    pub(crate) fn file(&self) -> Result<PathBuf> {
        let url = &self.settings.url;
        let path = match url.split_once(':') {
            Some(("sqlite", path)) => path.strip_prefix("//").unwrap_or(path),
            _ => url,
        };
        if path.is_empty() || path == ":memory:" || path.contains("://") {
            return Err(told(
                Error::new(ErrorKind::Config, format!("`{url}` names no file")),
                &self.settings.url_from,
                "URL",
            ));
        }
        Ok(PathBuf::from(path))
    }

    /// Has a person confirm something that can be undone; `--yes` does so too. It never stands for a loss.
    pub(crate) fn confirm(&mut self, question: &str) -> Result<()> {
        if self.yes {
            return Ok(());
        }
        let refused = |message: &str, help: &str| {
            Err(Error::new(ErrorKind::ApprovalNeeded, message.to_owned()).with_help(help.to_owned()))
        };
        if !self.output.asks() {
            return refused("this needs a confirmation, and nobody can be asked", "add --yes");
        }
        match self.output.ask(&format!("{question} [y/N] ")).as_deref() {
            Some("y" | "Y" | "yes" | "Yes") => Ok(()),
            _ => refused("not confirmed; everything is as it was", "answer y, or add --yes"),
        }
    }

    /// How the database is named to people.
    pub(crate) fn shown(&self) -> String {
        self.settings.url.clone()
    }
}

fn or_empty(database: Result<Database>) -> Result<Database> {
    match database {
        Err(error) if error.kind() == ErrorKind::NotInitialized => Database::open(":memory:"),
        other => other,
    }
}

/// The error with who named what it is about, unless that stands on the command line for all to see.
fn told(error: Error, source: &Source, what: &str) -> Error {
    if matches!(source, Source::Flag(_)) {
        return error;
    }
    let from = format!("the {what} comes from {source}");
    let help = error.help().map_or_else(|| from.clone(), |help| format!("{help} ({from})"));
    error.with_help(help)
}

/// The error with the path of the file it is about: a set knows its files by their names only, and people want to open
/// them.
pub(crate) fn in_folder(error: Error, dir: &Path) -> Error {
    let Some(at) = error.location() else { return error };
    let path = dir.join(&*at.file);
    if at.file.contains(['/', '\\']) || !path.is_file() {
        return error;
    }
    let at = Location::new(path.display().to_string(), at.text.clone(), at.offset, at.length);
    error.with_location(at)
}

/// A path as it is shown: from the current folder on where it lies in it.
pub(crate) fn shown(path: &Path) -> String {
    let here = std::env::current_dir().unwrap_or_default();
    match path.strip_prefix(&here) {
        Ok(short) if !here.as_os_str().is_empty() && !short.as_os_str().is_empty() => {
            short.display().to_string()
        }
        _ => path.display().to_string(),
    }
}
