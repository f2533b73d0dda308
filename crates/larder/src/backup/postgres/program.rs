//! Finding the server's programs, and running them.

use crate::driver::postgres::Place;
use crate::error::{Error, ErrorKind, Result};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Where the programs lie that are not in the path: Debian's, Red Hat's and Homebrew's folders, one for each version.
const FOLDERS: &[(&str, &str, &str)] = &[
    ("/usr/lib/postgresql", "", "bin"),
    ("/usr", "pgsql-", "bin"),
    ("/opt/homebrew/opt", "postgresql@", "bin"),
    ("/usr/local/opt", "postgresql@", "bin"),
];

/// One of the server's programs.
#[derive(Debug)]
pub(super) struct Program {
    name: &'static str,
    path: PathBuf,
    /// Its major version.
    pub(super) version: u32,
}

impl Program {
    /// The oldest program of that name that is not older than `least`, a major version.
    pub(super) fn find(name: &'static str, least: u32) -> Result<Self> {
        let mut found: Vec<Self> =
            places(name).into_iter().filter_map(|path| Self::ask(name, path)).collect();
        found.sort_by_key(|program| program.version);
        let newest = found.last().map(|program| program.version);
        if let Some(program) = found.into_iter().find(|program| program.version >= least) {
            return Ok(program);
        }
        let (message, help) = match newest {
            Some(newest) => (
                format!(
                    "{name} is of version {newest} here, and must not be older than the server's {least}"
                ),
                format!(
                    "install the client programs of PostgreSQL {least} (Debian: postgresql-client-{least})"
                ),
            ),
            None => (
                format!("{name} is missing here"),
                format!(
                    "install the client programs of PostgreSQL {least} or newer (Debian: postgresql-client), or put the \
                     folder they lie in into PATH"
                ),
            ),
        };
        Err(Error::new(ErrorKind::Unsupported, message).with_help(help))
    }

    fn ask(name: &'static str, path: PathBuf) -> Option<Self> {
        let asked = Command::new(&path).arg("--version").stdin(Stdio::null()).output().ok()?;
        let said = String::from_utf8(asked.stdout).ok()?;
        Some(Self { name, path, version: major(&said)? })
    }

    /// The program on its way to a database: who and where is said in its environment, so that no password stands in the list
    /// of processes.
    pub(super) fn at(&self, place: &Place) -> Command {
        let mut command = self.alone();
        command.envs(place.variables());
        command
    }

    /// The program without a database.
    pub(super) fn alone(&self) -> Command {
        let mut command = Command::new(&self.path);
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("PG") {
                command.env_remove(name);
            }
        }
        // What it says is read here.
        command.env("LC_ALL", "C").stdin(Stdio::null());
        command
    }

    /// Runs it to its end; gives what it printed.
    pub(super) fn run(&self, command: &mut Command, what: &str) -> Result<Vec<u8>> {
        let failed = |message: String| Error::new(ErrorKind::Backup, message);
        let done = command.output().map_err(|error| {
            failed(format!("{what}: {} can't be started", self.path.display())).with_cause(error)
        })?;
        if done.status.success() {
            return Ok(done.stdout);
        }
        let said = String::from_utf8_lossy(&done.stderr);
        let said: Vec<&str> = said.lines().map(str::trim).filter(|line| !line.is_empty()).take(20).collect();
        let full = said.iter().any(|line| line.contains("No space left on device"));
        let kind = if full { ErrorKind::DiskFull } else { ErrorKind::Backup };
        let help = if full { "free space and try again" } else { "what was there before is unchanged" };
        let said = if said.is_empty() { done.status.to_string() } else { said.join("\n") };
        Err(Error::new(kind, format!("{what}: {} failed", self.name)).with_help(help).with_cause(said))
    }
}

/// Where a program of that name may lie.
fn places(name: &str) -> Vec<PathBuf> {
    let file = format!("{name}{}", std::env::consts::EXE_SUFFIX);
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut places: Vec<PathBuf> = std::env::split_paths(&path).map(|folder| folder.join(&file)).collect();
    for (root, prefix, below) in FOLDERS {
        for entry in std::fs::read_dir(root).into_iter().flatten().flatten() {
            if entry.file_name().to_string_lossy().starts_with(prefix) {
                places.push(entry.path().join(below).join(&file));
            }
        }
    }
    places.retain(|place| is_program(place));
    places
}

fn is_program(path: &Path) -> bool {
    path.file_name() != Some(OsStr::new("")) && path.is_file()
}

/// The major version in `pg_dump (PostgreSQL) 15.14 (Debian …)`.
fn major(said: &str) -> Option<u32> {
    let version = said.split_once("(PostgreSQL)")?.1.trim_start();
    let digits: String = version.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_the_number_behind_the_products_name() {
        assert_eq!(major("pg_dump (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)"), Some(15));
        assert_eq!(major("pg_restore (PostgreSQL) 18beta2"), Some(18));
        assert_eq!(major("pg_dump 15"), None);
    }

    #[test]
    fn one_that_is_missing_or_too_old_is_told_with_what_to_install() {
        let missing = Program::find("pg_nothing_of_this_name", 15).unwrap_err();
        assert_eq!(missing.kind(), ErrorKind::Unsupported);
        assert_eq!(missing.message(), "pg_nothing_of_this_name is missing here");
        assert!(missing.help().unwrap().contains("postgresql-client"));
    }
}
